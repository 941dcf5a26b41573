"""`heygen-graphql worker` and its processes: who starts anew, who ends with whom, and by which exit code."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from heygen_graphql.database import Database
from tests.jobs.videos import SLOW, add_video
from tests.servers import (
    SLACK,
    alive,
    clean_environment,
    kill_with_children,
    spawn,
    wait_until,
    wait_until_gone,
)

Start = Callable[..., subprocess.Popen[bytes]]
READY = "import os, sys, time; os.write(1, b'ready\\n');"
"""How a stand-in for a process says that it has begun to work."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        log = tmp_path / "log"
        started.append(
            spawn([sys.executable, "-m", *arguments], log=log, environment=clean_environment(**environment))
        )
        return started[-1]

    yield start
    for process in started:
        kill_with_children(process)


@pytest.fixture
def environment(postgres_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "DATA_DIR": str(tmp_path / "data"),
        "SECRET_KEY": "a secret of more than thirty-two bytes",
        "SWEEP_SECONDS": "0.2",
    }


def log_of(tmp_path: Path) -> str:
    return (tmp_path / "log").read_text()


def supervisor_of(code: str, *, processes: int = 1, grace_seconds: float = 5) -> list[str]:
    supervisor = ("tests.jobs.supervisor_process", str(processes), str(grace_seconds))
    return [*supervisor, sys.executable, "-c", code]


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return alive(found)


def heeds(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    (caught,) = re.findall(r"SigCgt:\s(\w+)", Path(f"/proc/{process.pid}/status").read_text())
    return bool(int(caught, 16) >> (number - 1) & 1)


def wait_for_words(tmp_path: Path, word: str, times: int, process: subprocess.Popen[bytes]) -> None:
    wait_until(
        lambda: log_of(tmp_path).count(word) == times or process.poll() is not None, f"{times} times {word}"
    )
    assert process.poll() is None, log_of(tmp_path)


def test_a_process_that_is_killed_is_started_anew_and_all_end_well_when_they_are_told_to(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    # Given a worker of two processes
    worker = start("heygen_graphql.cli", "worker", "--processes", "2", **environment)
    wait_for_words(tmp_path, "worker_ready", 2, worker)

    # When one is killed
    killed, other = children(worker)
    killed.kill()

    # Then another takes its place
    wait_for_words(tmp_path, "worker_ready", 3, worker)
    assert other in children(worker)
    assert len(children(worker)) == 2

    # And when the worker is told to stop, both end
    processes = children(worker)
    worker.terminate()
    assert worker.wait(timeout=15) == 0
    assert alive(processes) == []
    assert "Traceback" not in log_of(tmp_path)


async def test_when_the_supervisor_is_killed_its_processes_and_their_renders_end_at_once(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    # Given a render in a process of a worker
    process = (sys.executable, "-m", "tests.jobs.worker_process", "supervised")
    worker = start("tests.jobs.supervisor_process", "1", "5", *process, **environment)
    database = Database(environment["DATABASE_URL"])
    try:
        await add_video(database, SLOW)
        await asyncio.to_thread(wait_until, lambda: len(children(worker)) == 2, "starting to render")
    finally:
        await database.close()
    orphans = children(worker)

    # When the supervisor is killed
    worker.kill()
    worker.wait()

    # Then neither goes on
    await asyncio.to_thread(wait_until_gone, orphans, 1 * SLACK)


@pytest.mark.parametrize("to_group", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_or_to_its_group_reaches_each_process_once(
    start: Start, number: signal.Signals, to_group: bool, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    code = (
        "import signal; "
        f"tell = lambda *_: (open({str(told)!r}, 'a').write('x'), time.sleep(0.3), sys.exit()); "
        f"signal.signal(signal.SIGTERM, tell); signal.signal(signal.SIGINT, tell); {READY} time.sleep(60)"
    )
    worker = start(*supervisor_of(code, processes=2))
    wait_until(lambda: len(children(worker)) == 2, "starting")
    time.sleep(0.3 * SLACK)
    (os.killpg if to_group else os.kill)(worker.pid, number)
    assert worker.wait(timeout=15) == 0
    assert told.read_text() == "xx"


def test_a_worker_told_to_stop_while_it_starts_ends_well(start: Start, tmp_path: Path) -> None:
    worker = start(*supervisor_of("import time; time.sleep(60)"))
    wait_until(lambda: children(worker) != [], "starting")
    worker.terminate()
    assert worker.wait(timeout=10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_told_to_stop_before_it_has_started_anything_ends_well(
    number: signal.Signals, tmp_path: Path
) -> None:
    # Given a worker that is about to read its settings, which nobody writes into the pipe
    os.mkfifo(tmp_path / ".env")
    command = [sys.executable, "-m", "heygen_graphql.cli", "worker"]
    worker = spawn(command, log=tmp_path / "log", environment=clean_environment(), directory=tmp_path)
    try:
        wait_until(lambda: heeds(worker, signal.SIGTERM), "heeding signals", seconds=15)
        worker.send_signal(number)
        assert worker.wait(timeout=10) == 0
    finally:
        kill_with_children(worker)
    assert log_of(tmp_path) == ""


def test_every_process_is_told_the_same(start: Start, tmp_path: Path) -> None:
    code = f"{READY} open({str(tmp_path / 'told')!r}, 'a').write(os.environ['TOLD']); time.sleep(60)"
    start(*supervisor_of(code, processes=3))
    wait_until((tmp_path / "told").exists, "starting")
    wait_until(lambda: (tmp_path / "told").read_text() == 3 * "to all", "starting")


def test_a_worker_that_cannot_start_says_why_once_and_is_not_started_again(
    start: Start, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    environment["STORAGE_URL"] = (tmp_path / "file" / "files").as_uri()
    worker = start("heygen_graphql.cli", "worker", "--processes", "2", **environment)
    assert worker.wait(timeout=30) == 1
    assert log_of(tmp_path).count("\n") == 1
    assert f"STORAGE_URL: the folder {tmp_path / 'file' / 'files'} cannot be made" in log_of(tmp_path)


def test_a_worker_that_crashes_at_its_start_is_told_by_its_signal(start: Start, tmp_path: Path) -> None:
    worker = start(*supervisor_of("import os; os.abort()"))
    assert worker.wait(timeout=30) == 1
    assert log_of(tmp_path) == "the worker process was ended by SIGABRT before it had begun to work (-6)\n"


def test_a_process_that_dies_again_and_again_is_started_ever_more_rarely(
    start: Start, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    start(*supervisor_of(f"{READY} open({str(starts)!r}, 'a').write('x'); sys.exit(3)"))
    wait_until(starts.exists, "starting")
    began = time.monotonic()
    wait_until(lambda: len(starts.read_text()) >= 4, "starting anew")
    # Half a second, one, two
    assert time.monotonic() - began > 2
    assert "exit_code=3" in log_of(tmp_path)


def test_a_process_that_does_not_end_in_time_is_killed(start: Start, tmp_path: Path) -> None:
    code = f"{READY} import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    worker = start(*supervisor_of(code, grace_seconds=0.5))
    wait_until(lambda: "workers_ready" in log_of(tmp_path), "starting")
    time.sleep(0.3)
    (process,) = children(worker)
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(timeout=15) == 1
    assert time.monotonic() - began > 1
    assert alive([process]) == []


def test_a_second_signal_ends_the_grace_period(start: Start, tmp_path: Path) -> None:
    code = (
        f"{READY} import signal; stop = [lambda *_: sys.exit(), lambda *_: None]; "
        "signal.signal(signal.SIGTERM, lambda *_: stop.pop()()); "
        "[time.sleep(0.1) for _ in range(600)]"
    )
    worker = start(*supervisor_of(code, grace_seconds=60))
    wait_until(lambda: "workers_ready" in log_of(tmp_path), "starting")
    time.sleep(0.3)
    worker.terminate()
    time.sleep(0.5)
    assert worker.poll() is None
    worker.terminate()
    assert worker.wait(timeout=1 * SLACK) == 0
