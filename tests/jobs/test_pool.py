"""The warm render processes, with a stand-in for the renderer."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from heygen_graphql.jobs.child import Limits, Listener
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.jobs.protocol import TIMED_OUT, Ending, Equipment, Failure, Progress, Rendered
from tests.jobs.conftest import FAKE_CHILD
from tests.jobs.serving import children
from tests.jobs.videos import SLOW, storyboard
from tests.servers import SLACK, wait_until, wait_until_gone

BROKEN_ENGINE = {"fail": {"code": "SPEECH_FAILED", "message": "Broken.", "is_retryable": True}}
BAD_SCRIPT = {"fail": {"code": "UNSPEAKABLE_TEXT", "message": "No.", "is_retryable": False}}


class Films:
    """A pool, and a folder for each film that it renders."""

    def __init__(self, pool: RenderPool, folder: Path) -> None:
        self._pool = pool
        self._folder = folder
        self._has_begun = asyncio.Event()
        self.progress: list[float] = []

    async def render(self, plan: dict[str, Any] | None = None, *, soft_seconds: float = 60) -> Ending:
        film = self._folder / str(time.monotonic_ns())
        film.mkdir()
        return await self._pool.render(
            json.dumps(storyboard(plan)),
            film,
            segments=film,
            materials={},
            limits=Limits(soft_seconds, hard_seconds=60),
            listener=Listener(self._note, lambda _segment: None),
        )

    async def begun(self, plan: dict[str, Any]) -> asyncio.Task[Ending]:
        self._has_begun.clear()
        task = asyncio.create_task(self.render(plan))
        await self._has_begun.wait()
        return task

    def _note(self, progress: Progress) -> None:
        self.progress.append(progress.fraction)
        self._has_begun.set()


@asynccontextmanager
async def opened(folder: Path, **bounds: Any) -> AsyncIterator[Films]:
    pool = RenderPool(FAKE_CHILD, Equipment(openai_api_key="sk-very-secret"), folder, **bounds)
    try:
        yield Films(pool, folder)
    finally:
        await pool.close()
    assert children() == []


def process_of(ending: Ending) -> int:
    assert isinstance(ending, Rendered)
    pid: int = ending.report["pid"]
    return pid


async def test_one_process_serves_film_after_film_and_two_at_once_have_one_each(tmp_path: Path) -> None:
    async with opened(tmp_path) as films:
        first, second = await films.render(), await films.render()
        assert process_of(first) == process_of(second)
        at_once = await asyncio.gather(films.render(), films.render())
        assert len({process_of(ending) for ending in at_once}) == 2
        # And no more come about
        later = await asyncio.gather(films.render(), films.render())
        assert {process_of(ending) for ending in later} == {process_of(ending) for ending in at_once}
        assert len(children()) == 2


async def test_a_canceled_film_takes_its_process_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    async with opened(tmp_path) as films:
        await films.render()
        rendering = await films.begun({**SLOW, "starts_program": str(pid_file)})
        family = [*children(), psutil.Process(int(pid_file.read_text()))]
        began = time.monotonic()
        rendering.cancel()
        await asyncio.wait({rendering})
        await asyncio.to_thread(wait_until_gone, family)
        assert time.monotonic() - began < 1 * SLACK
        assert process_of(await films.render()) not in {process.pid for process in family}


@pytest.mark.parametrize(
    ("plan", "stays"),
    [
        (BAD_SCRIPT, True),
        (BROKEN_ENGINE, False),
        ({"die_by": signal.SIGSEGV}, False),
        ({"grow_bytes": 200 * 1024**2}, False),
    ],
    ids=["owner's fault", "failure", "crash", "growth"],
)
async def test_a_process_that_may_have_come_to_harm_gets_no_other_film(
    tmp_path: Path, plan: dict[str, Any], stays: bool
) -> None:
    async with opened(tmp_path, max_resident_bytes=150 * 1024**2) as films:
        before = process_of(await films.render())
        await films.render(plan)
        assert (process_of(await films.render()) == before) is stays


async def test_a_process_that_was_told_to_stop_gets_no_other_film_though_it_finished(tmp_path: Path) -> None:
    async with opened(tmp_path) as films:
        # Given a film that is done after its time was up
        late = {"steps": 4, "step_seconds": 0.2, "ignores_sigterm": True}
        before = process_of(await films.render(late, soft_seconds=0.4))
        assert process_of(await films.render()) != before


async def test_a_render_that_somebody_else_told_to_stop_has_not_run_out_of_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as films:
        ending = await films.render({"fail": asdict(TIMED_OUT)})
    assert isinstance(ending, Failure)
    assert (ending.code, ending.is_retryable) == ("RENDER_CRASHED", True)


async def test_a_render_that_died_is_over_though_what_it_started_holds_its_output(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    async with opened(tmp_path) as films:
        began = time.monotonic()
        ending = await films.render({"die_by": signal.SIGKILL, "starts_program": str(pid_file)})
        assert time.monotonic() - began < 1 * SLACK
        assert isinstance(ending, Failure)
        assert ending.code == "RENDER_CRASHED"


async def test_an_idle_process_ends_after_a_while(tmp_path: Path) -> None:
    async with opened(tmp_path, idle_seconds=0.3) as films:
        await films.render()
        idle = children()
        assert len(idle) == 1
        await asyncio.to_thread(wait_until_gone, idle)
        assert isinstance(await films.render(), Rendered)


async def test_an_idle_process_that_was_killed_is_replaced(tmp_path: Path) -> None:
    async with opened(tmp_path) as films:
        pid = process_of(await films.render())
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(wait_until, lambda: not psutil.pid_exists(pid), "its end")
        # asyncio hears of it a moment after the kernel does.
        await asyncio.sleep(0.1)
        assert process_of(await films.render()) != pid


async def test_nothing_of_a_film_reaches_the_next(tmp_path: Path) -> None:
    async with opened(tmp_path) as films:
        await films.render({"says": "a secret of the first film\n"})
        films.progress.clear()
        with capture_logs() as logs:
            ending = await films.render({**BAD_SCRIPT, "says": "a word\n", "late_words": True})
    # Neither its progress nor its end nor what it logged
    assert films.progress == [0.5, 1.0]
    assert isinstance(ending, Failure)
    assert ending.code == "UNSPEAKABLE_TEXT"
    assert [log["log_tail"] for log in logs if log["event"] == "render_failed"] == ["a word\n"]


async def test_a_key_shows_neither_on_the_command_line_nor_in_the_environment(tmp_path: Path) -> None:
    async with opened(tmp_path) as films:
        rendering = await films.begun(SLOW)
        (process,) = children()
        assert "sk-very-secret" not in f"{process.cmdline()} {process.environ()}"
        rendering.cancel()
        await asyncio.wait({rendering})
    assert "sk-very-secret" not in repr(Equipment(openai_api_key="sk-very-secret"))
