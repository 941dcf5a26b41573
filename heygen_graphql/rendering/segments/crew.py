"""Processes that render several scenes at once; started when first needed, kept for the next film."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

from heygen_graphql.rendering.errors import RenderError
from heygen_graphql.rendering.segments.file import SceneFacts
from heygen_graphql.rendering.segments.scene import SceneFailure, SceneOrder, SceneProgress
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Stage

_COMMAND = (sys.executable, "-m", "heygen_graphql.rendering.segments.process")
_STANDARD_ERROR = 2

_Equipment = tuple[Voices, Path | None]
_News = queue.SimpleQueue["tuple[_Member, object]"]


class Crew:
    def __init__(self, size: int, voices: Voices, fonts_dir: Path | None) -> None:
        self._size = size
        self._equipment = (voices, fonts_dir)
        self._idle: list[_Member] = []

    def render(
        self, orders: Sequence[SceneOrder], on_progress: Callable[[int, Stage, float], None]
    ) -> Generator[SceneFacts, None, None]:
        """What became of each order, in the order of their ends; close it to end what is at work.

        `on_progress` is told an order's number, counted from 0, its stage and how much of that is done.

        Raises:
            Exception: that which a process ended an order with; those that are still at work are killed.
            RenderError: a process died.
        """
        waiting = deque(enumerate(orders))
        news: _News = queue.SimpleQueue()
        busy: dict[_Member, int] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self._size:
                    number, order = waiting.popleft()
                    member = self._idle.pop() if self._idle else _Member(self._equipment)
                    busy[member] = number
                    member.begin(order, news)
                member, message = news.get()
                if isinstance(message, SceneProgress):
                    on_progress(busy[member], message.stage, message.share)
                    continue
                number = busy.pop(member)
                if message is None:
                    orders[number].unfinished.unlink(missing_ok=True)
                    raise RenderError(f"A process ended in the middle of a scene ({member.exit_reason()}).")
                if member.is_alive():
                    self._idle.append(member)
                if isinstance(message, SceneFailure):
                    raise message.exception()
                if isinstance(message, Exception):
                    raise message
                assert isinstance(message, SceneFacts)
                yield message
        finally:
            for member, number in busy.items():
                member.kill()
                orders[number].unfinished.unlink(missing_ok=True)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().kill()


class _Member:
    """A process, and the thread that started it and listens to it.

    The kernel ends the process when that thread ends, so it is one that does nothing else: whoever
    calls `Crew.render` may do so from a thread that is soon gone.
    """

    def __init__(self, equipment: _Equipment) -> None:
        self._equipment = equipment
        self._work: queue.SimpleQueue[tuple[SceneOrder, _News] | None] = queue.SimpleQueue()
        started: queue.SimpleQueue[subprocess.Popen[bytes] | OSError] = queue.SimpleQueue()
        self._thread = Thread(target=self._live, args=(started,), name="scene-process", daemon=True)
        self._thread.start()
        process = started.get()
        if isinstance(process, OSError):
            raise process
        self._process = process

    def begin(self, order: SceneOrder, news: _News) -> None:
        """Answers go to `news`, with this member beside them; None is the last of a process that died."""
        self._work.put((order, news))

    def kill(self) -> None:
        self._work.put(None)
        self._process.kill()
        self._thread.join()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def exit_reason(self) -> str:
        """Once it has died."""
        code = self._process.returncode
        return signal.Signals(-code).name if code < 0 else f"status {code}"

    def _live(self, started: queue.SimpleQueue[subprocess.Popen[bytes] | OSError]) -> None:
        connection, far_end = Pipe()
        with connection:
            try:
                with far_end:
                    process = _start(far_end.fileno())
            except OSError as error:
                started.put(error)
                return
            started.put(process)
            try:
                self._serve(connection, process)
            finally:
                process.kill()
                process.wait()

    def _serve(self, connection: Connection, process: subprocess.Popen[bytes]) -> None:
        is_equipped = False
        while (work := self._work.get()) is not None:
            order, news = work
            try:
                if not is_equipped:
                    connection.send(self._equipment)
                    is_equipped = True
                connection.send(order)
                while isinstance(message := connection.recv(), SceneProgress):
                    news.put((self, message))
            except (EOFError, ConnectionError):
                process.wait()
                message = None
            except Exception as error:
                # Whoever waits for news must hear of it; what was said meanwhile cannot be trusted.
                process.kill()
                process.wait()
                message = error
            news.put((self, message))


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    command = (*_COMMAND, str(descriptor), str(os.getpid()))
    # What libraries print must not mix with what this process itself says.
    return subprocess.Popen(command, pass_fds=[descriptor], stdin=subprocess.DEVNULL, stdout=_STANDARD_ERROR)
