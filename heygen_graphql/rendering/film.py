"""What a render hands back, as plain values: its files, its times, and what was measured on it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TranscriptWord:
    """A word as the script writes it and when the film speaks it, in seconds from the film's start."""

    text: str
    start_seconds: float
    end_seconds: float
    scene_index: int


@dataclass(frozen=True, slots=True)
class SceneTiming:
    """Scenes tile the film: each starts where the one before ends."""

    start_seconds: float
    duration_seconds: float
    reused: bool = False
    """Taken from a segment that was there before this render."""


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Measured on the finished file, by decoding it."""

    audio_video_offset_ms: float
    """How far apart the two streams begin or end, whichever is more."""
    loudness_lufs: float
    """Integrated, after ITU-R BS.1770-4; -70 when there is nothing to hear."""
    true_peak_dbtp: float
    """-120 when there is nothing to hear."""
    black_frames: int
    """Black pictures in scenes whose background is not dark."""
    missing_glyphs: int
    """Characters of the burned captions that no font at hand can draw; they are left out of the picture."""


@dataclass(frozen=True, slots=True)
class RenderedVideo:
    video: Path
    thumbnail: Path
    vtt: Path
    srt: Path
    width: int
    height: int
    duration_seconds: float
    file_size_bytes: int
    sha256: str
    """Of the video file, in hexadecimal."""
    transcript: tuple[TranscriptWord, ...]
    scenes: tuple[SceneTiming, ...]
    report: QualityReport
