"""What a render process tells its parent: one JSON object a line.

Any number of `Progress`, then one `Rendered` or one `Failure`, and nothing after that.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

MAX_LINE_BYTES = 32 * 1024 * 1024
"""More than the transcript of the longest storyboard takes."""

MAX_MESSAGE_LENGTH = 500

VIDEO = "video.mp4"
THUMBNAIL = "thumbnail.jpg"
VTT = "captions.vtt"
SRT = "captions.srt"
CONTENT_TYPES = {
    VIDEO: "video/mp4",
    THUMBNAIL: "image/jpeg",
    VTT: "text/vtt; charset=utf-8",
    SRT: "application/x-subrip; charset=utf-8",
}
"""The files that a finished render leaves in its directory."""

RENDER_TIMED_OUT = "RENDER_TIMED_OUT"
RENDER_CRASHED = "RENDER_CRASHED"
RENDER_ABANDONED = "RENDER_ABANDONED"
RENDER_FAILED = "RENDER_FAILED"


@dataclass(frozen=True, slots=True)
class Progress:
    stage: str
    fraction: float
    """Of the whole render, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Rendered:
    duration_seconds: float
    file_size_bytes: int
    sha256: str
    transcript: list[dict[str, Any]]
    """Per word: text, start_seconds, end_seconds, scene_index."""
    scenes: list[dict[str, float]]
    """Per scene: start_seconds, duration_seconds."""
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a render ended without a video, in words for its owner."""

    code: str
    message: str
    is_retryable: bool


TIMED_OUT = Failure(RENDER_TIMED_OUT, "Rendering took longer than the server allows.", is_retryable=True)
FAILED_WITHIN = Failure(
    RENDER_FAILED,
    "Rendering failed for a reason within the server. Retry the video.",
    is_retryable=True,
)
"""What exactly it was is for the log alone."""

Message = Progress | Rendered | Failure

_KINDS: dict[str, type[Progress] | type[Rendered] | type[Failure]] = {
    "progress": Progress,
    "rendered": Rendered,
    "failure": Failure,
}


def encode(message: Message) -> bytes:
    kind = next(name for name, kind in _KINDS.items() if isinstance(message, kind))
    return json.dumps({kind: asdict(message)}).encode() + b"\n"


def decode(line: bytes) -> Message:
    """
    Raises:
        ValueError: the line is none of this protocol.
    """
    try:
        ((kind, fields),) = json.loads(line).items()
        return _KINDS[kind](**fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a line of the render protocol: {line[:200]!r}") from error
