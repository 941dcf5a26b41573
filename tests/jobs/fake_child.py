"""A render process without a renderer: does what the storyboard's `plan` says, and speaks the protocol.

steps, step_seconds   progress to report, and how long each takes
fail                  the failure to end with, as `Failure`'s fields
die_by                the signal to end by
only_attempts         do `fail` or `die_by` in as many attempts, counted in the file `count_in`
ignores_sigterm       go on when the soft limit says stop
starts_program        start another program that holds the output open, and write its id to this file
noise                 say something that is none of the protocol
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

from heygen_graphql.jobs.protocol import CONTENT_TYPES, VIDEO, Failure, Message, Progress, Rendered, encode


def messages(plan: dict[str, Any], directory: Path) -> Iterator[Message]:
    if plan.get("ignores_sigterm"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "starts_program" in plan:
        other = subprocess.Popen(["sleep", "600"])
        Path(plan["starts_program"]).write_text(str(other.pid))
    steps = plan.get("steps", 2)
    for fraction in plan.get("fractions", [(step + 1) / steps for step in range(steps)]):
        time.sleep(plan.get("step_seconds", 0.01))
        yield Progress("DRAWING", fraction)
    if is_to_break(plan):
        if "die_by" in plan:
            sys.stderr.write("about to die\n")
            os.kill(os.getpid(), plan["die_by"])
        if "fail" in plan:
            yield Failure(**plan["fail"])
            return
    for name in CONTENT_TYPES:
        (directory / name).write_bytes(f"{name} of {os.getpid()}".encode())
    yield Rendered(
        duration_seconds=1.5,
        file_size_bytes=(directory / VIDEO).stat().st_size,
        sha256="0" * 64,
        transcript=[{"text": "Hi", "start_seconds": 0.0, "end_seconds": 0.5, "scene_index": 0}],
        scenes=[{"start_seconds": 0.0, "duration_seconds": 1.5}],
        report={"black_frames": 0},
    )


def is_to_break(plan: dict[str, Any]) -> bool:
    if "only_attempts" not in plan:
        return True
    with Path(plan["count_in"]).open("a+") as file:
        file.write("x")
        return file.tell() <= int(plan["only_attempts"])


def main() -> None:
    plan = json.loads(sys.stdin.readline())["plan"]
    if plan.get("noise"):
        sys.stdout.write("nonsense\n")
        sys.stdout.flush()
    for message in messages(plan, Path(sys.argv[1])):
        sys.stdout.buffer.write(encode(message))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
