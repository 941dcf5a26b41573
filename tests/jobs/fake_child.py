"""A render process without a renderer: does what its film's plan says, which is the storyboard's first script
(`videos.storyboard`), and speaks the protocol.

steps, step_seconds   progress to report, and how long each takes
fail                  the failure to end with, as `Failure`'s fields
die_by                the signal to end by
kills_worker          take the worker along, by SIGKILL
only_attempts         do `fail` or `die_by` in as many attempts, counted in the file `count_in`
ignores_sigterm       go on when the soft limit says stop
starts_program        start another program that holds the output open, and write its id to this file
noise                 say something that is none of the protocol
says                  write this to standard error
segments              the scenes' segments by name; each takes `step_seconds` unless it is there already
film_bytes            the size of the film, most of it holes
grow_bytes            hold on to so much memory
fork                  have another process that shares it
grow_apart_bytes      have another process that holds on to so much memory
late_words            tell progress of the film before, and an end that it did not have
tally                 write a line to this file for every scene that is begun

Of a storyboard of several scenes each script is such a plan, for its scene alone. A segment says which worker
it was made for.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heygen_graphql.jobs.protocol import (
    CONTENT_TYPES,
    VIDEO,
    Failure,
    Job,
    Message,
    Progress,
    Rendered,
    SegmentsMade,
    SegmentStored,
    decode_equipment,
    decode_job,
    encode,
)
from heygen_graphql.rendering.segments import file_name, segment_keys
from heygen_graphql.rendering.storyboard import Storyboard

held: list[bytearray] = []


def memory(size: int) -> bytearray:
    """So much of it, every page written to, and no more on the way."""
    held = bytearray(size)
    held[::4096] = b"1" * len(range(0, size, 4096))
    return held


def film_messages(job: Job) -> Iterator[Message]:
    scripts = [scene["script"] for scene in json.loads(job.storyboard)["scenes"]]
    plans = [json.loads(script) for script in scripts]
    if len(plans) == 1:
        yield from messages(plans[0], job)
        return
    keys = segment_keys(Storyboard.from_json(job.storyboard))
    for key in keys if job.only is None else job.only:
        if not Path(job.segments, file_name(key)).exists() or job.only is not None:
            yield from scene_messages(plans[keys.index(key)], key, job)
            if job.only is None:
                yield SegmentStored(file_name(key))
    if job.only is not None:
        yield SegmentsMade()
    else:
        yield from messages({"segments": [file_name(key) for key in keys]}, job)


def scene_messages(plan: dict[str, Any], key: str, job: Job) -> Iterator[Message]:
    if "tally" in plan:
        with Path(plan["tally"]).open("a") as file:
            file.write(f"{plan['number']}\n")
    yield from steps(plan)
    if is_to_break(plan):
        if plan.get("kills_worker"):
            os.kill(os.getppid(), signal.SIGKILL)
        if "die_by" in plan:
            os.kill(os.getpid(), plan["die_by"])
        if "fail" in plan:
            yield Failure(**plan["fail"])
            return
    Path(job.segments, file_name(key)).write_text(str(os.getppid()))


def steps(plan: dict[str, Any]) -> Iterator[Message]:
    count = plan.get("steps", 2)
    for fraction in plan.get("fractions", [(step + 1) / count for step in range(count)]):
        time.sleep(plan.get("step_seconds", 0.01))
        yield Progress("DRAWING", fraction)


def messages(plan: dict[str, Any], job: Job) -> Iterator[Message]:
    directory = Path(job.directory)
    if plan.get("ignores_sigterm"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "starts_program" in plan:
        other = subprocess.Popen(["sleep", "600"])
        Path(plan["starts_program"]).write_text(str(other.pid))
    sys.stderr.write(plan.get("says", ""))
    sys.stderr.flush()
    held.append(memory(plan.get("grow_bytes", 0)))
    if (("fork" in plan) or ("grow_apart_bytes" in plan)) and os.fork() == 0:
        held.append(memory(plan.get("grow_apart_bytes", 0)))
        time.sleep(600)
    step_seconds = plan.get("step_seconds", 0.01)
    yield from steps(plan)
    segments = plan.get("segments", [])
    reused = {name for name in segments if Path(job.segments, name).exists()}
    for name in segments:
        if name not in reused:
            time.sleep(step_seconds)
            Path(job.segments, name).write_text(name)
            yield SegmentStored(name)
    if is_to_break(plan):
        if plan.get("kills_worker"):
            os.kill(os.getppid(), signal.SIGKILL)
        if "die_by" in plan:
            sys.stderr.write("about to die\n")
            os.kill(os.getpid(), plan["die_by"])
        if "fail" in plan:
            yield Failure(**plan["fail"])
            return
    for name in CONTENT_TYPES:
        (directory / name).write_bytes(f"{name} of {os.getpid()}".encode())
    with (directory / VIDEO).open("r+") as film:
        film.write(json.dumps({"materials": read(job.materials)}))
        film.truncate(plan.get("film_bytes"))
    yield Rendered(
        duration_seconds=1.5,
        file_size_bytes=(directory / VIDEO).stat().st_size,
        sha256="0" * 64,
        transcript=[{"text": "Hi", "start_seconds": 0.0, "end_seconds": 0.5, "scene_index": 0}],
        scenes=[
            {"start_seconds": 0.0, "duration_seconds": 1.5, "reused": name in reused}
            for name in segments or [""]
        ],
        segments=segments,
        report={"black_frames": 0, "pid": os.getpid()},
    )


def read(materials: dict[str, str]) -> dict[str, str]:
    return {name: Path(path).read_text() for name, path in materials.items()}


def is_to_break(plan: dict[str, Any]) -> bool:
    if "only_attempts" not in plan:
        return True
    with Path(plan["count_in"]).open("a+") as file:
        file.write("x")
        return file.tell() <= int(plan["only_attempts"])


def say(message: Message, job_number: int) -> None:
    sys.stdout.buffer.write(encode(message, job_number))
    sys.stdout.buffer.flush()


def main() -> None:
    decode_equipment(sys.stdin.buffer.readline())
    while line := sys.stdin.buffer.readline():
        job = decode_job(line)
        plan = json.loads(json.loads(job.storyboard)["scenes"][0]["script"])
        if plan.get("noise"):
            sys.stdout.write("nonsense\n")
            sys.stdout.flush()
        if plan.get("late_words"):
            say(Progress("DRAWING", 0.99), job.number - 1)
            say(Failure("LATE", "Too late.", is_retryable=False), job.number - 1)
        for message in film_messages(job):
            say(message, job.number)
            if isinstance(message, Failure):
                break


if __name__ == "__main__":
    main()
