"""A storyboard in, a film out; usable as a library.

    from heygen_graphql.rendering import Scene, Storyboard, render

`render` is loaded when it is first asked for: the API's process, which builds storyboards and reads
the catalogues of voices and presenters, never loads codecs, models or image libraries.
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
    from heygen_graphql.rendering.production import render

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
    "TranscriptWord",
    "UnfitOutput",
    "UnknownAvatar",
    "UnknownVoice",
    "UnspeakableText",
    "render",
]


def __getattr__(name: str) -> object:
    if name == "render":
        from heygen_graphql.rendering.production import render

        return render
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
