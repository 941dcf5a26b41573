"""The files that a storyboard names, brought to where a render can read them."""

from pathlib import Path, PurePosixPath

from heygen_graphql.jobs.protocol import MATERIAL_MISSING, Failure
from heygen_graphql.rendering.storyboard import Storyboard
from heygen_graphql.storage import BadKey, Storage


class MaterialMissing(Exception):
    """A stored file that the storyboard names is gone: its asset or avatar was deleted."""

    def __init__(self, storyboard: Storyboard, name: str) -> None:
        self.failure = Failure(MATERIAL_MISSING, _what_is_missing(storyboard, name), is_retryable=False)
        super().__init__(self.failure.message)


async def fetch(storage: Storage, storyboard: Storyboard, folder: Path) -> dict[str, str]:
    """The path of each material in the folder, where some may be already, by its name.

    Raises:
        MaterialMissing: one is not there any more.
    """
    paths = {}
    for number, name in enumerate(sorted(storyboard.materials)):
        # Numbered, as two may be called alike in different folders.
        path = folder / f"{number}{PurePosixPath(name).suffix}"
        if not path.exists():
            try:
                await storage.get_file(name, path)
            except (BadKey, FileNotFoundError):
                raise MaterialMissing(storyboard, name) from None
        paths[name] = str(path)
    return paths


def _what_is_missing(storyboard: Storyboard, name: str) -> str:
    behind = [index for index, scene in enumerate(storyboard.scenes) if scene.background_image == name]
    if behind:
        return (
            f"The background image of {_scenes(behind)} has been deleted. "
            "Choose another with updateVideo, or upload it anew."
        )
    seen = [index for index, scene in enumerate(storyboard.scenes) if scene.avatar_rig == name]
    avatar_id = storyboard.scenes[seen[0]].avatar_id
    return (
        f"The photo avatar {avatar_id!r} of {_scenes(seen)} has been deleted. "
        "Choose another avatar with updateVideo."
    )


def _scenes(indices: list[int]) -> str:
    """As clients count them, from 0."""
    places = [f"scenes[{index}]" for index in indices]
    return places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"
