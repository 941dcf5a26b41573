"""How much faster two worker processes are than one: with many short videos, and with one of many scenes.

python -m benchmarks.scaling [--videos 40] [--scenes 20] [--quality LOW] [--rounds 3]

PostgreSQL, Valkey and the workers are this program's own. A worker has one core and no more: it and all it
starts are bound to that one (sched_setaffinity(2)), so that it renders one scene at a time with one thread
of the encoder. One worker leaves the other core to PostgreSQL and Valkey; two share theirs with them. Each
worker has rendered a film before it is measured.

What two processes that only render gain over one is measured in the same way, without workers, queue or
database: nothing can scale better than that. What else the machine did meanwhile is told, too: rounds in
which that is more than a few percent of it say little.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy import func, select
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.jobs import Queue, remote_queue
from heygen_graphql.rendering import Quality, Scene, Storyboard, Studio
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.speech import default_voice
from heygen_graphql.settings import Settings
from heygen_graphql.tables import Video, VideoStatus
from tests.jobs.videos import add_video
from tests.servers import Postgres, Valkey, clean_environment, kill_with_children, spawn

_SENTENCE = "Number {} is spoken while the other workers are busy with what comes before and after it."
_POLL_SECONDS = 0.1
_FILMS_TO_COMPARE = 8


def storyboard(numbers: Sequence[int], quality: str) -> Storyboard:
    """A scene for each number."""
    voice = default_voice("en")
    assert voice is not None
    avatar_id = default_avatar().avatar_id
    return Storyboard(
        tuple(
            Scene(_SENTENCE.format(number), 0.0, voice.voice_id, avatar_id, "#204060") for number in numbers
        ),
        "en",
        quality=Quality(quality),
    )


@asynccontextmanager
async def workers(
    count: int, settings: Settings, quality: str, directory: Path
) -> AsyncIterator[tuple[Database, Queue]]:
    """So many, each bound to a core and warm."""
    variables = clean_environment(
        DATABASE_URL=settings.resolved_database_url,
        REDIS_URL=settings.redis_url or "",
        DATA_DIR=str(settings.data_dir),
        PROJECT_NAME=settings.project_name,
        SECRET_KEY="a key that is known to everybody who reads this",
        WORKER_GRACE_SECONDS="0",
    )
    cores = sorted(os.sched_getaffinity(0))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            # Inherited by what is started now.
            os.sched_setaffinity(0, {cores[number]})
            command = [sys.executable, "-m", "heygen_graphql.cli", "worker"]
            processes.append(
                spawn(
                    command,
                    log=directory / f"worker-{number}.log",
                    environment=variables,
                    directory=directory,
                )
            )
        os.sched_setaffinity(0, cores)
        database = Database(settings.resolved_database_url)
        async with remote_queue(settings) as queue:
            await warm_up(database, queue, count, quality)
            yield database, queue
        await database.close()
    finally:
        os.sched_setaffinity(0, cores)
        for process in processes:
            kill_with_children(process)


async def warm_up(database: Database, queue: Queue, count: int, quality: str) -> None:
    """Until each has ended a film at a time when all others were at one as well."""
    number = 1_000_000 * count
    while True:
        ids = []
        for _ in range(count):
            number += 1
            ids.append(await add(database, storyboard([number], quality)))
        await finished(database, queue, ids)
        async with database.reading() as session:
            found = await session.execute(
                select(col(Video.started_at), col(Video.completed_at)).where(col(Video.id).in_(ids))
            )
            starts, ends = zip(*found, strict=True)
        if max(starts) < min(ends):
            return


async def add(database: Database, film: Storyboard) -> UUID:
    return await add_video(database, storyboard=asdict(film))


@dataclass(frozen=True)
class Run:
    seconds: float
    others: float
    """What other programs took meanwhile of the machine's processor time, 0 to 1."""


class Stopwatch:
    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy, self._own = busy_seconds()

    def stop(self) -> Run:
        seconds = time.monotonic() - self._began
        busy, own = busy_seconds()
        others = (busy - self._busy) - (own - self._own)
        return Run(seconds, max(0.0, others / seconds / psutil.cpu_count()))


def busy_seconds() -> tuple[float, float]:
    """Of the machine, and of this program with all it has started."""
    machine = psutil.cpu_times()
    own = 0.0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            own += times.user + times.system
            # Those that have ended count with whoever started them.
            own += times.children_user + times.children_system
    return sum(machine) - machine.idle - machine.iowait, own


async def finished(database: Database, queue: Queue, ids: Sequence[UUID]) -> Run:
    """From the first hint to the last end."""
    stopwatch = Stopwatch()
    for video_id in ids:
        await queue.hint(video_id)
    while True:
        async with database.reading() as session:
            ended = await session.scalar(
                select(func.count()).where(col(Video.id).in_(ids), col(Video.status) == VideoStatus.COMPLETED)
            )
        if ended == len(ids):
            return stopwatch.stop()
        await asyncio.sleep(_POLL_SECONDS)


async def compare(urls: Sequence[str], redis_url: str, options: argparse.Namespace) -> None:
    """Round after round, one worker and two in turn; while these are measured those have nothing to do."""
    gains: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with AsyncExitStack() as stack:
            crews = []
            for count, url in zip((1, 2), urls, strict=True):
                directory = Path(folder) / str(count)
                directory.mkdir()
                settings = Settings(
                    _env_file=None,
                    database_url=url,
                    redis_url=redis_url,
                    data_dir=directory / "data",
                    project_name=f"scaling-{count}",
                )
                crews.append(
                    await stack.enter_async_context(workers(count, settings, options.quality, directory))
                )
            for number in range(options.rounds):
                print(f"round {number + 1}:", flush=True)
                first = number * (options.videos + options.scenes)
                numbers = range(first, first + options.videos)
                videos = [storyboard([one], options.quality) for one in numbers]
                scenes = storyboard(range(numbers.stop, numbers.stop + options.scenes), options.quality)
                many = [await rendered(*crew, videos) for crew in crews]
                one = [await rendered(*crew, [scenes]) for crew in crews]
                gains.append((told("videos", *many), told("scenes", *one)))
    by_videos, by_scenes = (statistics.median(gain[part] for gain in gains) for part in (0, 1))
    print(f"median: {by_videos:.2f} times for videos, {by_scenes:.2f} times for scenes")


async def rendered(database: Database, queue: Queue, films: Sequence[Storyboard]) -> Run:
    return await finished(database, queue, [await add(database, film) for film in films])


def render_alone(quality: str) -> None:
    """Render some films in this process, once another line has come in, and say how many seconds it took."""
    with tempfile.TemporaryDirectory() as folder, Studio() as studio:
        studio.render(storyboard([0], quality), Path(folder))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began = time.monotonic()
        for number in range(_FILMS_TO_COMPARE):
            studio.render(storyboard([1 + number], quality), Path(folder))
        sys.stdout.write(f"{time.monotonic() - began}\n")


def bare_gain(quality: str) -> str:
    """How many times as much two processes render at once as one does, in words."""
    runs = []
    cores = sorted(os.sched_getaffinity(0))
    for count in (1, 2):
        processes = []
        for core in cores[:count]:
            os.sched_setaffinity(0, {core})
            command = [sys.executable, "-m", "benchmarks.scaling", "--alone", "--quality", quality]
            processes.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        os.sched_setaffinity(0, cores)
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        stopwatch = Stopwatch()
        seconds = max(float(process.communicate("go\n")[0]) for process in processes)
        runs.append(Run(seconds, stopwatch.stop().others))
    gain = 2 * runs[0].seconds / runs[1].seconds
    return (
        f"two processes that only render are {gain:.2f} times as fast as one "
        f"(other work took {runs[0].others:.0%} and {runs[1].others:.0%} of the machine)"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--quality", default="LOW")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        render_alone(options.quality)
        return
    print(bare_gain(options.quality), flush=True)
    postgres = Postgres()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        valkey = Valkey(Path(folder))
        try:
            urls = [postgres.new_database() for _ in (1, 2)]
            asyncio.run(compare(urls, valkey.url, options))
        finally:
            valkey.kill()
            postgres.close()


def told(what: str, by_one: Run, by_two: Run) -> float:
    gain = by_one.seconds / by_two.seconds
    print(
        f"  {what}: {by_one.seconds:.1f} s by one worker, {by_two.seconds:.1f} s by two: {gain:.2f} times "
        f"(other work took {by_one.others:.0%} and {by_two.others:.0%} of the machine)",
        flush=True,
    )
    return gain


if __name__ == "__main__":
    main()
