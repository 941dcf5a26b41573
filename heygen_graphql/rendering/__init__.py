"""A storyboard in, a film out; usable as a library.

    from heygen_graphql.rendering import Scene, Storyboard, render

`render` and `Studio` are loaded when they are first asked for: the API's process, which builds storyboards
and reads the catalogues of voices and presenters, never loads codecs, models or image libraries.
"""

from typing import TYPE_CHECKING

from heygen_graphql.rendering.errors import (
    EncodingFailed,
    RenderError,
    SpeechFailed,
    UnfitOutput,
    UnknownAvatar,
    UnknownVoice,
    UnspeakableText,
)
from heygen_graphql.rendering.film import QualityReport, RenderedVideo, SceneTiming, TranscriptWord
from heygen_graphql.rendering.storyboard import (
    AspectRatio,
    CaptionStyle,
    Quality,
    Scene,
    Stage,
    Storyboard,
)

if TYPE_CHECKING:
    from heygen_graphql.rendering.production import Studio, render

__all__ = [
    "AspectRatio",
    "CaptionStyle",
    "EncodingFailed",
    "Quality",
    "QualityReport",
    "RenderError",
    "RenderedVideo",
    "Scene",
    "SceneTiming",
    "SpeechFailed",
    "Stage",
    "Storyboard",
    "Studio",
    "TranscriptWord",
    "UnfitOutput",
    "UnknownAvatar",
    "UnknownVoice",
    "UnspeakableText",
    "render",
]


def __getattr__(name: str) -> object:
    if name in {"Studio", "render"}:
        from heygen_graphql.rendering import production

        return getattr(production, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
