"""Avatars' pictures: each drawn once, when it is first asked for, by a process of its own.

`python -m heygen_graphql.web.previews AVATAR_ID FILE` draws one.
"""

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

from heygen_graphql import __version__
from heygen_graphql.rendering import presenters
from heygen_graphql.storage import Storage

_DRAW_SECONDS = 60
# A new version may draw its avatars otherwise.
_KEY = re.compile(rf"avatars/{re.escape(__version__)}/(?P<avatar_id>[^/]+)\.png")


def preview_key(avatar_id: str) -> str:
    """Where in storage the picture lies."""
    return f"avatars/{__version__}/{avatar_id}.png"


class Previews:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # One at a time: a second request for the same picture finds it drawn.
        self._drawing = asyncio.Lock()

    async def draw(self, key: str) -> bool:
        """Put the picture of this key into storage; False when it is no avatar's."""
        match = _KEY.fullmatch(key)
        avatar_id = match["avatar_id"] if match else None
        if avatar_id not in {avatar.avatar_id for avatar in presenters.avatars()}:
            return False
        async with self._drawing:
            if await asyncio.to_thread(self._storage.local_path, key) is None:
                await self._draw(avatar_id, key)
        return True

    async def _draw(self, avatar_id: str, key: str) -> None:
        with tempfile.TemporaryDirectory(prefix="heygen-preview-") as directory:
            path = Path(directory) / "preview.png"
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, avatar_id, str(path), stdin=asyncio.subprocess.DEVNULL
            )
            try:
                async with asyncio.timeout(_DRAW_SECONDS):
                    status = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if status != 0:
                raise RuntimeError(f"drawing {avatar_id}'s picture ended with status {status}")
            await self._storage.put_file(key, path)


def main(avatar_id: str, path: str) -> None:
    # The API and the renders come first.
    os.nice(10)
    Path(path).write_bytes(presenters.preview_png(avatar_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
