"""What a render process and its parent tell each other: one JSON object a line.

In: one `Equipment`, then any number of `Job`s, each after the end of the one before.
Out, for each job: any number of `Progress`, `SegmentStored` and `StageOver`, then one `Rendered`
(`SegmentsMade` when no film was asked for) or one `Failure`. Each line carries its job's number, so that a
late word about one film is never taken for one about the next.
"""

import json
from dataclasses import asdict, dataclass, field
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
RENDER_OUT_OF_MEMORY = "RENDER_OUT_OF_MEMORY"
RENDER_CRASHED = "RENDER_CRASHED"
RENDER_ABANDONED = "RENDER_ABANDONED"
RENDER_POISON = "RENDER_POISON"
RENDER_FAILED = "RENDER_FAILED"
MATERIAL_MISSING = "MATERIAL_MISSING"


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a render process works with, whatever the film."""

    voices_dir: str | None = None
    fonts_dir: str | None = None
    openai_api_key: str | None = field(default=None, repr=False)
    openai_base_url: str = ""
    openai_speech_model: str = ""
    processes: int = 1
    """Scenes rendered at once."""
    cores: int | None = None
    """How many a render may keep busy; None: all."""


@dataclass(frozen=True, slots=True)
class Job:
    number: int
    """No two jobs of one process have the same."""
    storyboard: str
    """As `Storyboard.to_json` writes it."""
    directory: str
    """Where the film is to appear."""
    segments: str
    """A folder with what is there already of the film's scenes, to which new ones are added."""
    materials: dict[str, str]
    """The files that the storyboard names, by those names."""
    only: list[str] | None = None
    """The keys of the scenes that are wanted, without a film; None: the film."""
    context: dict[str, str] = field(default_factory=dict)
    """What every line of its log is to carry."""


@dataclass(frozen=True, slots=True)
class Progress:
    stage: str
    fraction: float
    """Of the whole render, 0 to 1."""


@dataclass(frozen=True, slots=True)
class SegmentStored:
    """A scene is finished and lies in the folder of segments."""

    name: str


@dataclass(frozen=True, slots=True)
class StageOver:
    """The work has come to another stage, or to its end."""

    stage: str
    began_at: float
    """By the machine's clock, in seconds since 1970, as `ended_at` is."""
    ended_at: float


@dataclass(frozen=True, slots=True)
class Rendered:
    duration_seconds: float
    file_size_bytes: int
    sha256: str
    transcript: list[dict[str, Any]]
    """Per word: text, start_seconds, end_seconds, scene_index."""
    scenes: list[dict[str, float]]
    """Per scene: start_seconds, duration_seconds, reused."""
    segments: list[str]
    """The files in the folder of segments that the film was joined from."""
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SegmentsMade:
    """The scenes that were wanted lie in the folder of segments."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a render ended without a video, in words for its owner."""

    code: str
    message: str
    is_retryable: bool


TIMED_OUT = Failure(RENDER_TIMED_OUT, "Rendering took longer than the server allows.", is_retryable=True)
OUT_OF_MEMORY = Failure(
    RENDER_OUT_OF_MEMORY,
    "Rendering took more memory than the server allows. Make the video shorter or of a lower quality.",
    is_retryable=True,
)
FAILED_WITHIN = Failure(
    RENDER_FAILED,
    "Rendering failed for a reason within the server. Retry the video.",
    is_retryable=True,
)
"""What exactly it was is for the log alone."""

Ending = Rendered | SegmentsMade | Failure
Message = Progress | SegmentStored | StageOver | Ending

_KINDS: dict[str, type[Message]] = {
    "progress": Progress,
    "segment_stored": SegmentStored,
    "stage_over": StageOver,
    "rendered": Rendered,
    "segments_made": SegmentsMade,
    "failure": Failure,
}


def encode_input(what: Equipment | Job) -> bytes:
    return json.dumps(asdict(what)).encode() + b"\n"


def decode_equipment(line: bytes) -> Equipment:
    return Equipment(**json.loads(line))


def decode_job(line: bytes) -> Job:
    return Job(**json.loads(line))


def encode(message: Message, job_number: int) -> bytes:
    kind = next(name for name, kind in _KINDS.items() if isinstance(message, kind))
    return json.dumps({"job": job_number, kind: asdict(message)}).encode() + b"\n"


def decode(line: bytes) -> tuple[int, Message]:
    """The number of the job that is spoken of, and what is said of it.

    Raises:
        ValueError: the line is none of this protocol.
    """
    try:
        said = json.loads(line)
        job_number = int(said.pop("job"))
        ((kind, fields),) = said.items()
        return job_number, _KINDS[kind](**fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a line of the render protocol: {line[:200]!r}") from error
