"""What shapes a scene's segment, and the key that changes when any of it does.

Needs no engine, codec or image library: a server asks for keys to find out which segments it keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import CaptionStyle, Scene, Storyboard
from heygen_graphql.rendering.timeline import Margins, margins

_RENDERER = Path(__file__).parents[1]
_DISTRIBUTION = "heygen-graphql"
_CHARACTERS_PER_SECOND = 15


@dataclass(frozen=True, slots=True)
class SceneLook:
    """What stands still in a scene, materials by name."""

    avatar_id: str
    avatar_rig: str | None
    background_color: str
    background_image: str | None


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """All that the storyboard decides about one scene's segment."""

    scene: Scene
    size: tuple[int, int]
    language: str
    caption_style: CaptionStyle
    margins: Margins
    fade_from: SceneLook | None
    """The look of the scene before, where it is another one."""

    @property
    def look(self) -> SceneLook:
        return _look(self.scene)

    @property
    def seed(self) -> int:
        """Of the presenter's movements: the scene's own, wherever it stands in whatever film."""
        return int.from_bytes(sha256(_as_json(asdict(self.scene))).digest()[:4], "big")


def scene_plans(storyboard: Storyboard) -> tuple[ScenePlan, ...]:
    scenes = storyboard.scenes
    plans = []
    for index, scene in enumerate(scenes):
        before = _look(scenes[index - 1]) if index else None
        plans.append(
            ScenePlan(
                scene=scene,
                size=storyboard.size,
                language=storyboard.language,
                caption_style=storyboard.caption_style,
                margins=margins(scenes, index),
                fade_from=before if before != _look(scene) else None,
            )
        )
    return tuple(plans)


def segment_keys(
    storyboard: Storyboard, *, voices: Voices | None = None, fonts_dir: Path | None = None
) -> tuple[str, ...]:
    """A key for each scene, 64 hex digits; two scenes of one key are one and the same segment.

    A key changes with everything that shapes the segment: the scene, the film's size, language and caption
    style, what the neighbours decide (silence at the edges, the look faded from), the fonts, the voice's
    files, this package's own code and the libraries installed. It does not change with the film's title
    nor with what is said in other scenes.

    Raises:
        UnknownVoice: a scene that speaks names a voice that there is not.
    """
    voices = voices or Voices()
    fonts = _font_digests(fonts_dir) if fonts_dir is not None else ()
    surroundings = [_renderer_digest(), *_library_versions(), *fonts]
    keys = []
    for plan in scene_plans(storyboard):
        facts = asdict(plan)
        if plan.scene.script is None:
            # Who does not speak in a silence makes no difference to it.
            facts["scene"] = asdict(replace(plan.scene, voice_id="", speed=1.0, pitch_semitones=0.0))
        else:
            facts["voice"] = voices.fingerprint(plan.scene.voice_id)
        facts["surroundings"] = surroundings
        keys.append(sha256(_as_json(facts)).hexdigest())
    return tuple(keys)


def file_name(key: str) -> str:
    """Of the file that holds the segment with this key."""
    return f"{key}.mp4"


def expected_seconds(scene: Scene) -> float:
    """About as long as it will be; how long it is, is known only when it has been spoken."""
    return len(scene.script) / _CHARACTERS_PER_SECOND if scene.script is not None else scene.pause_seconds


def _look(scene: Scene) -> SceneLook:
    return SceneLook(scene.avatar_id, scene.avatar_rig, scene.background_color, scene.background_image)


def _as_json(facts: dict[str, object]) -> bytes:
    return json.dumps(facts, sort_keys=True).encode()


@cache
def _renderer_digest() -> str:
    """Of this package's files: whoever changes a line renders anew, needed or not."""
    digest = sha256()
    for path in sorted(_RENDERER.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(_RENDERER).as_posix()} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _library_versions() -> tuple[str, ...]:
    """All that this project requires: a list of those that draw or encode would one day lack one."""
    try:
        required = requires(_DISTRIBUTION) or ()
    except PackageNotFoundError:
        return ()  # run from a folder of sources
    names = {found[0] for line in required if (found := re.match(r"[\w.-]+", line))}
    return tuple(f"{name} {_version(name)}" for name in sorted(names))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"  # required only elsewhere or by an extra


def _font_digests(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state = path.stat()
            digest = _digest(path, state.st_size, state.st_mtime_ns)
            yield f"{path.relative_to(folder).as_posix()} {digest}"


@lru_cache(maxsize=1024)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    """Kept for as long as the file looks unchanged: fonts of all scripts are tens of megabytes."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
