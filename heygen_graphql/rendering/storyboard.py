"""What is to be rendered, as plain values: no file, no clock, no engine.

A storyboard is complete: every default has been filled in before it is built, so that two equal
storyboards render the same film. It crosses to the render process as JSON (`to_json`, `from_json`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

FRAMES_PER_SECOND = 25
SAMPLE_RATE = 48_000
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAMES_PER_SECOND


class Quality(StrEnum):
    """The length of the picture's short side: 480, 720, 1080 or 2160 pixels."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    ULTRA = "ULTRA"


class AspectRatio(StrEnum):
    LANDSCAPE = "LANDSCAPE"
    PORTRAIT = "PORTRAIT"
    SQUARE = "SQUARE"


class CaptionStyle(StrEnum):
    """How captions are burned into the picture; the sidecar files exist whatever the style."""

    NONE = "NONE"
    SIMPLE = "SIMPLE"
    KARAOKE = "KARAOKE"


class Stage(StrEnum):
    """The parts of one render, in their order."""

    QUEUED = "QUEUED"
    SPEAKING = "SPEAKING"
    DRAWING = "DRAWING"
    ASSEMBLING = "ASSEMBLING"
    PUBLISHING = "PUBLISHING"


_SHORT_SIDE_PIXELS = {
    Quality.LOW: 480,
    Quality.MEDIUM: 720,
    Quality.HIGH: 1080,
    Quality.ULTRA: 2160,
}


def frame_size(quality: Quality, aspect_ratio: AspectRatio) -> tuple[int, int]:
    """Width and height in pixels; both even, as 4:2:0 chroma needs them."""
    short = _SHORT_SIDE_PIXELS[quality]
    # 480 * 16 / 9 is 853.3; 854 is the even width that players know as 480p.
    long = -(-short * 16 // 9 // 2) * 2
    match aspect_ratio:
        case AspectRatio.LANDSCAPE:
            return long, short
        case AspectRatio.PORTRAIT:
            return short, long
        case AspectRatio.SQUARE:
            return short, short


@dataclass(frozen=True, slots=True)
class Scene:
    """One presenter before one background, who speaks `script`; None is a silence of `pause_seconds`."""

    script: str | None
    pause_seconds: float
    voice_id: str
    avatar_id: str
    background_color: str
    """#RRGGBB."""
    speed: float = 1.0
    """0.5 to 2; 1 is the voice's own pace."""
    pitch_semitones: float = 0.0
    """-12 to 12."""
    background_image: str | None = None
    """The material that holds the picture behind the presenter, instead of the colour."""
    avatar_rig: str | None = None
    """The material that holds a photo presenter's rig; None for a drawn presenter."""


@dataclass(frozen=True, slots=True)
class Storyboard:
    scenes: tuple[Scene, ...]
    language: str
    """BCP 47; written into the streams' metadata."""
    quality: Quality = Quality.MEDIUM
    aspect_ratio: AspectRatio = AspectRatio.LANDSCAPE
    caption_style: CaptionStyle = CaptionStyle.SIMPLE
    title: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return frame_size(self.quality, self.aspect_ratio)

    @property
    def materials(self) -> frozenset[str]:
        """The names of the files that a render needs besides the storyboard.

        A name stands for the same bytes for ever: they are storage keys that are never written twice.
        """
        named = ((scene.background_image, scene.avatar_rig) for scene in self.scenes)
        return frozenset(name for pair in named for name in pair if name is not None)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Storyboard:
        fields = json.loads(text)
        return cls(
            scenes=tuple(Scene(**scene) for scene in fields.pop("scenes")),
            quality=Quality(fields.pop("quality")),
            aspect_ratio=AspectRatio(fields.pop("aspect_ratio")),
            caption_style=CaptionStyle(fields.pop("caption_style")),
            **fields,
        )
