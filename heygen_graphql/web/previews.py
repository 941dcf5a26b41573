"""Avatars' pictures: each drawn once, when it is first asked for, by a process of its own.

`python -m heygen_graphql.web.previews AVATAR_ID FILE` draws one.
"""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from heygen_graphql import __version__
from heygen_graphql.processes import Processes
from heygen_graphql.rendering import presenters
from heygen_graphql.storage import Storage

_DRAW_SECONDS = 60.0
_DRAW_MEGABYTES = 2048
# A new version may draw its avatars otherwise.
_KEY = re.compile(rf"avatars/{re.escape(__version__)}/(?P<avatar_id>[^/]+)\.png")


def preview_key(avatar_id: str) -> str:
    """Where in storage the picture lies."""
    return f"avatars/{__version__}/{avatar_id}.png"


class Previews:
    def __init__(self, storage: Storage, processes: Processes) -> None:
        self._storage = storage
        self._processes = processes
        # One at a time: a second request for the same picture finds it drawn.
        self._drawing = asyncio.Lock()

    async def draw(self, key: str) -> bool:
        """Put the picture of this key into storage; False when it is no avatar's."""
        match = _KEY.fullmatch(key)
        avatar_id = match["avatar_id"] if match else None
        if avatar_id not in {avatar.avatar_id for avatar in presenters.avatars()}:
            return False
        async with self._drawing:
            if await self._storage.find(key) is None:
                await self._draw(avatar_id, key)
        return True

    async def _draw(self, avatar_id: str, key: str) -> None:
        with tempfile.TemporaryDirectory(prefix="heygen-preview-") as directory:
            path = Path(directory) / "preview.png"
            await self._processes.run(
                __name__, avatar_id, str(path), seconds=_DRAW_SECONDS, megabytes=_DRAW_MEGABYTES
            )
            await self._storage.put_file(key, path)


def main(avatar_id: str, path: str) -> None:
    Path(path).write_bytes(presenters.preview_png(avatar_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
