"""Children within bounds. What they run is given to `timeit`, which runs any code it is given."""

import asyncio
import subprocess
import sys
import time

import psutil
import pytest

from heygen_graphql.errors import Unavailable
from heygen_graphql.processes import Processes, ProcessFailed
from tests.servers import SLACK, alive, wait_until, wait_until_gone


def once(code: str) -> tuple[str, ...]:
    return ("timeit", "-n1", "-r1", code)


def children() -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


async def test_a_module_runs_niced_and_is_told_and_tells() -> None:
    code = "import os, sys; print(os.nice(0), sys.stdin.read())"
    output = await Processes(1).run(*once(code), seconds=30, megabytes=512, said=b"a word")
    assert output.decode().startswith("10 a word\n")


async def test_what_takes_too_long_is_killed_with_all_it_has_started() -> None:
    before = set(children())
    code = "import subprocess; subprocess.run(['sleep', '600'])"
    began = time.monotonic()
    with pytest.raises(ProcessFailed) as failed:
        await Processes(1).run(*once(code), seconds=1.5, megabytes=512)
    assert failed.value.is_out_of_time
    assert time.monotonic() - began < 1.5 * SLACK
    wait_until_gone([one for one in children() if one not in before])


@pytest.mark.parametrize("code", ["bytearray(10**9)", "raise SystemExit(3)", "import os; os.abort()"])
async def test_what_fails_or_takes_too_much_memory_is_told_apart_from_what_is_slow(code: str) -> None:
    with pytest.raises(ProcessFailed) as failed:
        await Processes(1).run(*once(code), seconds=30, megabytes=512)
    assert not failed.value.is_out_of_time


async def test_whoever_is_cancelled_takes_the_child_along() -> None:
    before = set(children())
    task = asyncio.create_task(
        Processes(1).run(*once("import time; time.sleep(600)"), seconds=600, megabytes=512)
    )
    await asyncio.to_thread(wait_until, lambda: bool(set(children()) - before), "starting")
    started = [one for one in children() if one not in before]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(started) == []


def test_a_child_whose_parent_died_before_it_could_look_does_nothing() -> None:
    stranger = "1"
    command = (sys.executable, "-m", "heygen_graphql.processes", stranger, "512", *once("print('at work')"))
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, b"")


async def test_no_more_work_at_once_than_there_are_places() -> None:
    processes = Processes(2)
    before = set(children())
    code = once("import time; time.sleep(0.6)")
    tasks = [asyncio.create_task(processes.run(*code, seconds=30, megabytes=512)) for _ in range(4)]
    most = 0
    while not all(task.done() for task in tasks):
        most = max(most, len(alive([one for one in children() if one not in before])))
        await asyncio.sleep(0.05)
    await asyncio.gather(*tasks)
    assert most == 2


async def test_who_finds_no_room_to_wait_is_sent_away_at_once_and_may_come_again() -> None:
    processes = Processes(1, waiting=1)
    code = once("import time; time.sleep(0.6)")
    places = [asyncio.create_task(processes.run(*code, seconds=30, megabytes=512)) for _ in range(2)]
    await asyncio.sleep(0)
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        await processes.run(*code, seconds=30, megabytes=512)
    assert time.monotonic() - began < 0.3
    assert refused.value.retry_after_seconds > 0
    places[1].cancel()
    await asyncio.gather(*places, return_exceptions=True)
    await processes.run(*once("0"), seconds=30, megabytes=512)


async def test_a_child_is_told_none_of_the_servers_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret of more than thirty-two bytes")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    code = once("import os; print(os.environ.keys() & {'SECRET_KEY', 'OPENAI_API_KEY'})")
    output = await Processes(1).run(*code, seconds=30, megabytes=512)
    assert output.decode().startswith("set()\n")
