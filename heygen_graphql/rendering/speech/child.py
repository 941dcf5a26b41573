"""A speech engine that lives in a process of its own: a line of JSON there, a line and samples back."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from heygen_graphql.rendering.errors import SpeechFailed

_CLOSE_TIMEOUT_SECONDS = 2.0


class Child:
    """Starts with the first request, and again after it died; one request at a time."""

    def __init__(self, program: Path, name: str, *, sample_bytes: int) -> None:
        self._program = program
        self._name = name
        self._sample_bytes = sample_bytes
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer's line and its samples.

        Raises:
            SpeechFailed: it refused, or ended; the next request starts it anew.
        """
        with self._lock:
            requests, answers = self._pipes()
            try:
                requests.write(json.dumps(request).encode() + b"\n")
                requests.flush()
                header: dict[str, Any] = json.loads(answers.readline())
                wanted = header.get("sample_count", 0) * self._sample_bytes
                raw = answers.read(wanted)
                if len(raw) < wanted:
                    raise EOFError("its answer is cut short")
            except (OSError, EOFError, ValueError) as error:
                raise SpeechFailed(f"{self._name} ended while it spoke ({self._end()}).") from error
            except BaseException:
                # What is left of this answer must not be taken for the next one.
                self._end()
                raise
        if "error" in header:
            raise SpeechFailed(f"{self._name} could not speak: {header['error']}")
        return header, raw

    def close(self) -> None:
        with self._lock:
            self._end()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            # By path and with -P, so that the child imports nothing of this package or its siblings.
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(self._program), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _end(self) -> str:
        """End the child, whatever its state; says how it ended."""
        process, self._process = self._process, None
        if process is None:
            return "it was not running"
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        try:
            return f"exit status {process.wait(_CLOSE_TIMEOUT_SECONDS)}"
        except subprocess.TimeoutExpired:
            process.kill()
            return f"exit status {process.wait()}"
