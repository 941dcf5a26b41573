"""What each part of many machines bears: CPU time of database, Redis and API for each thing that is done.

python -m benchmarks.limits [--seconds 10] [--waiting 10000]

The database writes to disk as one in earnest does (fsync). Client and servers share the machine, so nothing
here is a rate that was reached: a rate is what one core would bear, by the CPU time that one thing took.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psutil
from sqlalchemy import insert, text

from heygen_graphql.database import Bounds, Database
from heygen_graphql.events import VideoChanged, open_hub
from heygen_graphql.jobs import choosing, claiming
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.deciding import Terms
from heygen_graphql.jobs.protocol import Progress, Rendered
from heygen_graphql.rendering.storyboard import Stage
from heygen_graphql.settings import Settings
from heygen_graphql.tables import User, Video
from tests.client import signed_up
from tests.jobs.videos import storyboard
from tests.servers import HeygenServer, Postgres, Valkey, clean_environment, free_port

AT_ONCE = 16
OWNERS = 500
BATCH = 500
VIDEO = "query ($id: ID!) { video(id: $id) { id status progress stage url version } }"
SETTLING_SECONDS = 10.0


@dataclass
class Meter:
    """CPU seconds of server processes, with all that they start."""

    pids: dict[str, int]
    began: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        self.began = {name: _cpu_seconds(pid) for name, pid in self.pids.items()}

    def spent(self) -> dict[str, float]:
        return {name: _cpu_seconds(pid) - self.began[name] for name, pid in self.pids.items()}


def _cpu_seconds(pid: int) -> float:
    parent = psutil.Process(pid)
    seconds = 0.0
    for process in (parent, *parent.children(recursive=True)):
        times = process.cpu_times()
        # Of those that have ended, their parent knows.
        seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def report(what: str, count: float, spent: dict[str, float], note: str = "") -> None:
    for name, seconds in spent.items():
        if seconds > 0.005 * max(spent.values()):
            print(
                f"| {what} | {name} | {seconds / count * 1000:.3f} | {count / seconds:,.0f} | {note} |",
                flush=True,
            )


async def for_a_while(seconds: float, do: Callable[[int], Awaitable[None]]) -> int:
    """How often it was done, by several tasks at once; each is given its number."""
    ends_at = time.monotonic() + seconds
    done = 0

    async def repeat(number: int) -> None:
        nonlocal done
        while time.monotonic() < ends_at:
            await do(number)
            done += 1

    await asyncio.gather(*(repeat(number) for number in range(AT_ONCE)))
    return done


async def add_waiting(database: Database, count: int) -> None:
    owners = [uuid4() for _ in range(OWNERS)]
    people = [
        User(id=owner, email=f"{owner}@example.com", email_key=str(owner), password_hash="-").model_dump()
        for owner in owners
    ]
    board = storyboard()
    async with database.transaction() as session:
        await session.execute(insert(User), people)
    for first in range(0, count, BATCH):
        videos = [
            Video(
                owner_id=owners[number % OWNERS],
                request={},
                script="Hi",
                voice_id="voice",
                avatar_id="avatar",
                language="en",
                quality="LOW",
                aspect_ratio="SQUARE",
                caption_style="NONE",
                estimated_seconds=30.0,
                storyboard=board,
            ).model_dump(exclude={"client_metadata"})
            for number in range(first, min(first + BATCH, count))
        ]
        async with database.transaction() as session:
            await session.execute(insert(Video), videos)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))


RENDERED = Rendered(
    duration_seconds=30.0,
    file_size_bytes=2_000_000,
    sha256="0" * 64,
    transcript=[
        {"text": "word", "start_seconds": i / 3, "end_seconds": i / 3 + 0.2, "scene_index": 0}
        for i in range(90)
    ],
    scenes=[{"start_seconds": 0.0, "duration_seconds": 30.0, "reused": False}],
    segments=[],
    report={},
)


async def measure_database(database: Database, meter: Meter, seconds: float, waiting: int) -> None:
    terms = Terms.of(Settings(_env_file=None))
    await add_waiting(database, waiting)
    claims: list[Claim] = []

    async def claim(_number: int) -> None:
        taken = await choosing.claim_next(database, terms)
        assert taken is not None
        claims.append(taken)

    meter.start()
    count = await for_a_while(min(seconds, waiting / 1000), claim)
    report("a claim", count, meter.spent(), f"{waiting:,} wait, of {OWNERS} people")

    held = claims[:AT_ONCE]
    written = await _wal_bytes(database)

    async def keep(number: int) -> None:
        progress = Progress(Stage.DRAWING, min(1.0, time.monotonic() % 1))
        assert await claiming.keep(database, held[number], progress, lease_seconds=60)

    meter.start()
    count = await for_a_while(seconds, keep)
    wal = (await _wal_bytes(database) - written) / count
    report("a progress write", count, meter.spent(), f"{wal:,.0f} bytes of log")

    async def complete(_number: int) -> None:
        if claims:
            await claiming.complete(database, claims.pop(), RENDERED)

    left = len(claims)
    meter.start()
    await for_a_while(left / 200, complete)
    report("a completion", left - len(claims), meter.spent())


async def _wal_bytes(database: Database) -> int:
    async with database.reading() as session:
        found = await session.execute(text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))
        return int(found.scalar_one())


async def measure_events(url: str, meter: Meter, seconds: float) -> None:
    """Changes of videos that nobody watches, heard by one API process."""
    owner_id = uuid4()
    async with open_hub(url) as hub:

        async def publish(_number: int) -> None:
            await hub.publish(VideoChanged(UUID(int=time.monotonic_ns()), owner_id, 1))

        meter.start()
        count = await for_a_while(seconds, publish)
        await asyncio.sleep(1)
    report("an event", count, meter.spent(), "nobody watches")


async def measure_api(api: HeygenServer, meter: Meter, seconds: float) -> None:
    async with signed_up(api.url) as client:
        meter.start()
        made: list[str] = []

        async def create(_number: int) -> None:
            made.append(await client.create_video({"script": f"{len(made)} words.", "quality": "LOW"}))

        count = await for_a_while(seconds, create)
        report("createVideo", count, meter.spent())

        async def ask(_number: int) -> None:
            await client.execute(VIDEO, id=made[0])

        meter.start()
        count = await for_a_while(seconds, ask)
        report("a video by its id", count, meter.spent(), "kept answers, for nothing changes")


async def measure_idle(database: Database, meter: Meter, seconds: float) -> None:
    """A worker process that has nothing to do."""
    await asyncio.sleep(SETTLING_SECONDS)
    async with database.reading() as session:
        found = await session.execute(
            text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        )
        connections = int(found.scalar_one()) - 1
    meter.start()
    await asyncio.sleep(3 * seconds)
    report("an idle worker, a second", 3 * seconds, meter.spent(), f"{connections} connections")


@asynccontextmanager
async def opened(postgres: Postgres) -> AsyncIterator[Database]:
    """A new one; making it takes an event loop of its own."""
    database = Database(await asyncio.to_thread(postgres.new_database), Bounds(pool_size=AT_ONCE))
    try:
        yield database
    finally:
        await database.close()


async def measure(postgres: Postgres, valkey: Valkey, folder: Path, seconds: float, waiting: int) -> None:
    print("| what | of | CPU ms | one core bears, a second | |\n| --- | --- | --- | --- | --- |")
    async with opened(postgres) as database:
        await measure_database(database, Meter({"PostgreSQL": postgres.pid}), seconds, waiting)
    url = await asyncio.to_thread(postgres.new_database)
    environment = clean_environment(
        DATABASE_URL=url,
        REDIS_URL=valkey.url,
        STORAGE_URL=(folder / "files").as_uri(),
        DATA_DIR=str(folder),
        SECRET_KEY="a key for nothing but this benchmark, long enough",
        VIDEOS_PER_MINUTE="1000000",
        MAX_WAITING_VIDEOS_PER_USER="1000000",
        MAX_WAITING_VIDEOS="1000000",
        POINTS_BUCKET="1000000000",
        POINTS_PER_SECOND="1000000000",
    )
    pids = {"PostgreSQL": postgres.pid, "Valkey": valkey.pid}
    api = HeygenServer("api", environment, folder, free_port())
    try:
        await measure_events(valkey.url, Meter({"Valkey": valkey.pid, "API": api.process.pid}), seconds)
        await measure_api(api, Meter(pids | {"API": api.process.pid}), seconds)
    finally:
        api.close()
    async with opened(postgres) as database:
        worker = HeygenServer("worker", environment | {"DATABASE_URL": database.url}, folder, 0)
        try:
            await measure_idle(database, Meter(pids | {"worker": worker.process.pid}), seconds)
        finally:
            worker.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--waiting", type=int, default=10_000)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    postgres = Postgres(is_durable=True)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            valkey = Valkey(Path(name))
            try:
                asyncio.run(measure(postgres, valkey, Path(name), options.seconds, options.waiting))
            finally:
                valkey.kill()
    finally:
        postgres.close()


if __name__ == "__main__":
    main()
