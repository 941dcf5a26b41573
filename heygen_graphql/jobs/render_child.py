"""Renders film after film in a process of its own: `python -m heygen_graphql.jobs.render_child`.

Standard input and output speak `protocol`. What is costly to load is loaded for the first film and serves
the others.

The process ends with its parent: by the kernel's signal, and at the end of its input, when it takes with
it whatever it has started.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from heygen_graphql.jobs.lifeline import die_with_parent
from heygen_graphql.jobs.protocol import (
    FAILED_WITHIN,
    RENDER_CRASHED,
    TIMED_OUT,
    Ending,
    Equipment,
    Failure,
    Job,
    Message,
    Progress,
    Rendered,
    SegmentsMade,
    SegmentStored,
    StageOver,
    decode_equipment,
    decode_job,
    encode,
)

if TYPE_CHECKING:
    from heygen_graphql.rendering import Studio

_NICENESS = 10

_PUBLIC_MESSAGES = {
    "SPEECH_FAILED": "The speech engine broke down. Retry the video.",
    "ENCODING_FAILED": "The video could not be encoded. Retry the video.",
}
"""For faults that are not the owner's to mend; their own text is for the log."""


class _SoftLimitReached(BaseException):
    """Not an Exception: no library on the way should take it for an error of its own."""


def main() -> None:
    die_with_parent()
    write = _take_standard_output()
    os.nice(_NICENESS)
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_follow_input, args=(lines,), daemon=True).start()
    signal.signal(signal.SIGTERM, _raise_soft_limit)
    studio = _open_studio(decode_equipment(lines.get()))
    while True:
        job = decode_job(lines.get())
        ending = _render(studio, job, write)
        if isinstance(ending, Failure) and _was_told_to_stop():
            # A library may have taken the limit for an error of its own after all: pybind11 does in a
            # module that is just being loaded.
            ending = TIMED_OUT
        write(ending, job.number)


def _open_studio(equipment: Equipment) -> "Studio":
    # Imported here: it takes a second, and what it prints must not reach the parent.
    from heygen_graphql.rendering import Studio
    from heygen_graphql.rendering.speech import SpeechEndpoint, Voices

    endpoint = None
    if equipment.openai_api_key is not None:
        endpoint = SpeechEndpoint(
            base_url=equipment.openai_base_url,
            api_key=equipment.openai_api_key,
            model=equipment.openai_speech_model,
        )
    return Studio(
        voices=Voices(_path(equipment.voices_dir), endpoint),
        fonts_dir=_path(equipment.fonts_dir),
        processes=equipment.processes,
        cores=equipment.cores,
    )


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)


def _render(studio: "Studio", job: Job, write: Callable[[Message, int], None]) -> Ending:
    # Loaded with the studio.
    from heygen_graphql.rendering import RenderError

    try:
        try:
            return _made(studio, job, write)
        except RenderError as error:
            _log_fault(job)
            message = str(error)
            if error.is_retryable:
                message = _PUBLIC_MESSAGES.get(error.code, FAILED_WITHIN.message)
            return Failure(error.code, message, error.is_retryable)
    except _SoftLimitReached:
        return TIMED_OUT
    except MemoryError:
        _log_fault(job)
        return Failure(RENDER_CRASHED, "The server ran out of memory. Retry the video.", is_retryable=True)
    except Exception:
        _log_fault(job)
        return FAILED_WITHIN


def _made(studio: "Studio", job: Job, write: Callable[[Message, int], None]) -> Ending:
    # Loaded with the studio.
    from heygen_graphql.rendering import Storyboard
    from heygen_graphql.rendering.segments import file_name

    stages = _Stages(lambda stage: write(stage, job.number))

    def on_progress(stage: str, fraction: float) -> None:
        stages.enter(stage)
        write(Progress(stage, fraction), job.number)

    def on_segment(name: str) -> None:
        write(SegmentStored(name), job.number)

    storyboard = Storyboard.from_json(job.storyboard)
    segments = Path(job.segments)
    materials = {name: Path(path) for name, path in job.materials.items()}
    if job.only is not None:
        studio.render_segments(
            storyboard,
            job.only,
            segments,
            materials=materials,
            on_progress=on_progress,
            on_segment=on_segment,
        )
        stages.enter(None)
        return SegmentsMade()
    film = studio.render(
        storyboard,
        Path(job.directory),
        materials=materials,
        segments=segments,
        on_progress=on_progress,
        on_segment=on_segment,
    )
    stages.enter(None)
    return Rendered(
        duration_seconds=film.duration_seconds,
        file_size_bytes=film.file_size_bytes,
        sha256=film.sha256,
        transcript=[asdict(word) for word in film.transcript],
        scenes=[asdict(scene) for scene in film.scenes],
        segments=[file_name(key) for key in studio.segment_keys(storyboard)],
        report=asdict(film.report),
    )


class _Stages:
    """Tells of each stage when it is over."""

    def __init__(self, tell: Callable[[StageOver], None]) -> None:
        self._tell = tell
        self._stage: str | None = None
        self._began_at = time.time()

    def enter(self, stage: str | None) -> None:
        if stage == self._stage:
            return
        now = time.time()
        if self._stage is not None:
            self._tell(StageOver(self._stage, self._began_at, now))
            self._began_at = now
        self._stage = stage


def _log_fault(job: Job) -> None:
    print(*(f"{name}={value}" for name, value in job.context.items()), file=sys.stderr)  # noqa: T201
    traceback.print_exc()


def _take_standard_output() -> Callable[[Message, int], None]:
    """Keep standard output for the protocol; what libraries print goes to standard error."""
    protocol = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def write(message: Message, job_number: int) -> None:
        rest = memoryview(encode(message, job_number))
        while rest:
            rest = rest[os.write(protocol, rest) :]

    return write


def _follow_input(lines: SimpleQueue[bytes]) -> NoReturn:
    # The bare descriptor: a thread inside sys.stdin would hold its lock while the interpreter ends.
    begun = b""
    # While the parent lives its end of the pipe is open, and only it has that end.
    while read := os.read(0, 65536):
        *complete, begun = (begun + read).split(b"\n")
        for line in complete:
            lines.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def _raise_soft_limit(_signal: int, _frame: FrameType | None) -> None:
    # Once: a second one could cut off the report of the first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _SoftLimitReached


def _was_told_to_stop() -> bool:
    return signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


if __name__ == "__main__":
    main()
