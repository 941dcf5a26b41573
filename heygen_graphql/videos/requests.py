"""What callers ask for, as they wrote it: None where nothing was said, no default filled in."""

from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from heygen_graphql.changes import KEEP, Keep
from heygen_graphql.rendering.errors import UnknownVoice
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import AspectRatio, CaptionStyle, Quality

MAX_SCENES = 50
EMPTY_BACKGROUND = "{}"
"""The `background_color` of a background that was given and names nothing: no colour, and refused."""

T = TypeVar("T", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class SceneRequest:
    """A scene as the caller wrote it; None where nothing was said."""

    script: str | None = None
    pause_seconds: float | None = None
    voice_id: str | None = None
    avatar_id: str | None = None
    background_color: str | None = None
    background_image: str | None = None
    """An asset's id, or whatever else was given for one."""
    speed: float | None = None
    pitch: float | None = None


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """A video as the caller wrote it; None where nothing was said."""

    script: str | None = None
    scenes: tuple[SceneRequest, ...] | None = None
    title: str | None = None
    voice_id: str | None = None
    avatar_id: str | None = None
    language: str | None = None
    quality: Quality | None = None
    aspect_ratio: AspectRatio | None = None
    caption_style: CaptionStyle | None = None
    background_color: str | None = None
    background_image: str | None = None
    """An asset's id, or whatever else was given for one."""
    speed: float | None = None
    pitch: float | None = None
    metadata: Any = None

    def to_dict(self) -> dict[str, Any]:
        """As the row keeps it."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "VideoRequest":
        scenes = kept.get("scenes")
        return cls(
            **{
                **kept,
                "scenes": None if scenes is None else tuple(SceneRequest(**scene) for scene in scenes),
                "quality": _enum_or_none(Quality, kept.get("quality")),
                "aspect_ratio": _enum_or_none(AspectRatio, kept.get("aspect_ratio")),
                "caption_style": _enum_or_none(CaptionStyle, kept.get("caption_style")),
            }
        )


@dataclass(frozen=True, slots=True)
class VideoChanges:
    """What updateVideo says; KEEP leaves a value, and so does None where nothing can be removed."""

    script: str | None = None
    scenes: tuple[SceneRequest, ...] | None = None
    title: str | Keep | None = KEEP
    voice_id: str | None = None
    avatar_id: str | None = None
    language: str | None = None
    quality: Quality | None = None
    aspect_ratio: AspectRatio | None = None
    caption_style: CaptionStyle | None = None
    background_color: str | Keep | None = KEEP
    background_image: str | Keep | None = KEEP
    """One background replaces another, of whichever kind: both are given or neither."""
    speed: float | Keep | None = KEEP
    pitch: float | Keep | None = KEEP
    metadata: Any | Keep = KEEP

    @property
    def is_of_labels(self) -> bool:
        """Whether picture and sound are left as they are, whatever has become of what they were made of."""
        return all(
            getattr(self, one.name) is one.default
            for one in fields(self)
            if one.name not in ("title", "metadata")
        )

    def apply_to(self, request: VideoRequest, voices: Voices) -> VideoRequest:
        """A script replaces scenes, scenes a script; a language that the old voice cannot speak drops it."""
        if self.script is not None or self.scenes is not None:
            request = replace(request, script=self.script, scenes=self.scenes)
        if (
            self.language is not None
            and self.voice_id is None
            and request.voice_id is not None
            and not _speaks(voices, request.voice_id, self.language)
        ):
            request = replace(request, voice_id=None)
        given: dict[str, Any] = {
            name: value
            for name in ("voice_id", "avatar_id", "language", "quality", "aspect_ratio", "caption_style")
            if (value := getattr(self, name)) is not None
        }
        given |= {
            name: value
            for name in ("background_color", "background_image", "speed", "pitch", "title", "metadata")
            if not isinstance(value := getattr(self, name), Keep)
        }
        return replace(request, **given)


def _speaks(voices: Voices, voice_id: str, language: str) -> bool:
    try:
        return voices.speaks(voices.get(voice_id), language)
    except UnknownVoice:
        # It has left the catalogue since the video was made.
        return False


def _enum_or_none(values: type[T], value: str | None) -> T | None:
    return None if value is None else values(value)
