"""What watching costs one `heygen-graphql api` process, on PostgreSQL and Valkey of its own.

1. A thousand connections that watch a video each, 200 changes a second: from the commit to the frame.
2. Memory of the API for each connection.
3. 500 connections that watch one video, against Strawberry's own handler in the same run.
4. The same while a fifth of them do not read.

The watchers, the API, PostgreSQL and what writes share this machine's cores: all figures are with that. What
others do on it meanwhile slows both sides down; messages by a core are what it tells least of.

python -m benchmarks.subscriptions [--connections 1000] [--changes 200] [--watchers 500] [--seconds 10]
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psutil

from benchmarks.watchers import Arrival, Watch, Watchers
from heygen_graphql import accounts
from heygen_graphql.database import Database
from heygen_graphql.events import Hub, VideoChanged, open_hub
from heygen_graphql.globalids import uuid_of
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.protocol import Progress
from heygen_graphql.tables import User
from tests.servers import HeygenServer, Postgres, Valkey, clean_environment, free_port, spawn, wait_until

VIDEOS_EACH = 5
"""Of one user: as many as are rendered at once."""
WRITERS = 8
LEASE_SECONDS = 3600.0
SUBSCRIPTION = """
subscription ($id: ID!) {
  videoStatus(id: $id) { version video { id status stage progress secondsLeft failure { code message } } }
}
"""
CREATE = "mutation ($i: [CreateVideoInput!]!) { createVideos(inputs: $i) { results { video { id } } } }"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A video that is being rendered, and who may watch it."""

    id: str
    api_key: str
    claim: Claim

    def watched(self, url: str) -> Watch:
        return Watch(f"{url}/graphql", self.api_key, SUBSCRIPTION, {"id": self.id})


@dataclass(frozen=True, slots=True)
class Commit:
    place: int
    """Of the video."""
    at: float
    version: int


@dataclass(frozen=True, slots=True)
class FanOut:
    per_second: float
    """Messages, of this machine with all that runs on it."""
    per_core: float
    """Messages a second if the server had a core for itself."""

    def __str__(self) -> str:
        return f"{self.per_second:,.0f} messages a second, {self.per_core:,.0f} by a whole core"


@dataclass(frozen=True, slots=True)
class Stock:
    """Strawberry's own handler, serving."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Bench:
    api: HeygenServer
    watchers: Watchers
    database: Database
    hub: Hub

    def memory_kb(self) -> float:
        """What the process has for itself; what it has freed and not given back counts, too."""
        return float(psutil.Process(self.api.process.pid).memory_full_info().uss) / 1024

    def processor_seconds(self, pid: int | None = None) -> float:
        """Of the API, or of another process."""
        times = psutil.Process(pid or self.api.process.pid).cpu_times()
        return float(times.user + times.system)

    async def opened(self, watches: Sequence[Watch]) -> None:
        await asyncio.to_thread(self.watchers.open, watches)

    async def collected(self) -> list[Arrival]:
        return await asyncio.to_thread(self.watchers.collect)

    async def closed(self) -> None:
        await asyncio.to_thread(self.watchers.close)
        await asyncio.sleep(2)

    async def renderings(self, count: int) -> list[Rendering]:
        """As users of the API begin them, and a worker takes them."""
        async with httpx.AsyncClient(base_url=self.api.url, timeout=60, trust_env=False) as http:
            found: list[Rendering] = []
            while len(found) < count:
                found += await self._of_new_user(http, min(VIDEOS_EACH, count - len(found)))
        return found

    async def _of_new_user(self, http: httpx.AsyncClient, count: int) -> list[Rendering]:
        # Not by signUp, which hashes a password for a third of a second.
        email = f"{uuid4().hex}@example.com"
        async with self.database.transaction() as session:
            user = User(email=email, email_key=email, password_hash="none")
            session.add(user)
        key = (await accounts.api_keys.create(self.database, user.id, name="watching")).key
        answer = await http.post(
            "/graphql",
            json={"query": CREATE, "variables": {"i": [{"script": "Hello there."}] * count}},
            headers={"X-API-Key": key},
        )
        ids = [one["video"]["id"] for one in answer.json()["data"]["createVideos"]["results"]]
        return [Rendering(id, key, await self._claimed(id)) for id in ids]

    async def _claimed(self, id: str) -> Claim:
        video_id = uuid_of(id, "Video")
        assert video_id is not None
        claim = await claiming.claim(self.database, video_id, lease_seconds=LEASE_SECONDS, max_attempts=9)
        assert claim is not None
        return claim

    async def changing(
        self, renderings: Sequence[Rendering], per_second: float, seconds: float
    ) -> list[Commit]:
        """Each in its turn gets on a little, as a worker records and tells it."""
        commits: list[Commit] = []
        began = time.monotonic()
        total = int(per_second * seconds)
        numbers = iter(range(total))
        # Mixed, since changes of one owner's videos wait for each other: they write the owner's data version.
        places = random.Random(0).sample(range(len(renderings)), len(renderings))

        async def write() -> None:
            for number in numbers:
                await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
                place = places[number % len(places)]
                change = await self._changed(renderings[place].claim, number / total)
                # The commit was before this instant, so what is measured is what the client waits after it
                # and the time by which the answer came late is left out.
                commits.append(Commit(place, time.monotonic(), change.version))
                await self.hub.publish(change)

        await asyncio.gather(*(write() for _ in range(WRITERS)))
        print(f"   {total / (time.monotonic() - began):.0f} changes a second were committed")
        return commits

    async def _changed(self, claim: Claim, fraction: float) -> VideoChanged:
        change = await claiming.keep(
            self.database, claim, Progress("DRAWING", fraction), seconds_left=9, lease_seconds=LEASE_SECONDS
        )
        assert change is not None
        return change


def delays_ms(commits: Sequence[Commit], arrivals: Sequence[Arrival], videos: int) -> list[float]:
    """From each commit to the first frame that tells of it, or of a later one."""
    heard: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for arrival in arrivals:
        heard[arrival.watch % videos].append((arrival.version, arrival.at))
    delays = []
    for commit in commits:
        told = heard[commit.place]
        first = bisect_left(told, (commit.version, 0.0))
        assert first < len(told), f"nobody was told of version {commit.version}"
        delays.append((told[first][1] - commit.at) * 1000)
    return delays


def shown_ms(values: Sequence[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, longest {max(values):.1f} ms"


async def measure_each_its_own(bench: Bench, connections: int, per_second: float, seconds: float) -> None:
    print(f"{connections} connections, each with a video of its own, {per_second:g} changes a second")
    renderings = await bench.renderings(connections)
    watches = [rendering.watched(bench.api.url) for rendering in renderings]
    # What the first connections load is not theirs.
    await bench.opened(watches[:50])
    await bench.changing(renderings[:50], 100, 1)
    await bench.closed()
    before_kb = bench.memory_kb()
    began = time.monotonic()
    await bench.opened(watches)
    print(f"   opened in {time.monotonic() - began:.1f} s")
    await asyncio.sleep(2)
    idle_kb = bench.memory_kb()
    await bench.collected()
    burnt = bench.processor_seconds()
    await asyncio.sleep(5)
    print(f"   while nothing changes, {(bench.processor_seconds() - burnt) / 5:.0%} of a core")
    burnt, began = bench.processor_seconds(), time.monotonic()
    commits = await bench.changing(renderings, per_second, seconds)
    share = (bench.processor_seconds() - burnt) / (time.monotonic() - began)
    await asyncio.sleep(3)
    print(f"   commit to frame: {shown_ms(delays_ms(commits, await bench.collected(), connections))}")
    print(f"   {share:.0%} of a core")
    busy_kb = bench.memory_kb()
    await bench.opened(watches)
    await asyncio.sleep(2)
    twice_kb = bench.memory_kb()
    print(
        f"   memory for each connection: {(idle_kb - before_kb) / connections:.0f} KB after opening, "
        f"{(busy_kb - before_kb) / connections:.0f} KB after the changes; "
        f"with {2 * connections}, {(twice_kb - before_kb) / connections / 2:.0f} KB"
    )
    await bench.closed()


async def measure_fan_out(bench: Bench, watchers: int, seconds: float, paused: int) -> FanOut:
    """To watchers of one video that changes faster than all of them can be told."""
    (rendering,) = await bench.renderings(1)
    await bench.opened([rendering.watched(bench.api.url)] * watchers)
    await asyncio.to_thread(bench.watchers.pause, paused)
    before_kb = bench.memory_kb()
    changing = asyncio.create_task(bench.changing([rendering], 150, seconds + 3))
    await asyncio.sleep(1)
    await bench.collected()
    burnt, began = bench.processor_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    arrivals = await bench.collected()
    found = _fan_out(len(arrivals), time.monotonic() - began, bench.processor_seconds() - burnt)
    await changing
    print(f"   ours: {found}; {bench.memory_kb() - before_kb:+,.0f} KB of memory")
    await bench.closed()
    return found


async def measure_stock(bench: Bench, stock: Stock, watchers: int, seconds: float) -> FanOut:
    await bench.opened([Watch(f"{stock.url}/graphql", None, SUBSCRIPTION, {"id": "1"})] * watchers)
    await bench.collected()
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        burnt, began = bench.processor_seconds(stock.pid), time.monotonic()
        told = (await http.post(f"{stock.url}/broadcast", params={"seconds": seconds})).json()
    assert told["watchers"] == watchers
    took, burnt = time.monotonic() - began, bench.processor_seconds(stock.pid) - burnt
    found = _fan_out(len(await bench.collected()), took, burnt)
    print(f"   Strawberry's own handler: {found}")
    await bench.closed()
    return found


def _fan_out(messages: int, seconds: float, processor_seconds: float) -> FanOut:
    return FanOut(messages / seconds, messages / processor_seconds)


def _times(ours: Sequence[float], stock: Sequence[float]) -> str:
    return f"{statistics.median(ours) / statistics.median(stock):.1f} times"


async def measure(options: argparse.Namespace, api: HeygenServer, stock: Stock, redis_url: str) -> None:
    database = Database(api.environment["DATABASE_URL"])
    watchers = Watchers()
    try:
        async with open_hub(redis_url) as hub:
            bench = Bench(api, watchers, database, hub)
            if "each" in options.only:
                await measure_each_its_own(bench, options.connections, options.changes, options.seconds)
            if "fan-out" in options.only:
                print(f"{options.watchers} connections that watch one video")
                theirs, ours = [], []
                for _ in range(options.rounds):
                    theirs.append(await measure_stock(bench, stock, options.watchers, options.seconds))
                    ours.append(await measure_fan_out(bench, options.watchers, options.seconds, 0))
                per_second = _times([one.per_second for one in ours], [one.per_second for one in theirs])
                per_core = _times([one.per_core for one in ours], [one.per_core for one in theirs])
                print(f"   {per_second} as many as Strawberry's own handler, {per_core} by a core")
            if "paused" in options.only:
                print(f"{options.watchers} connections that watch one video, a fifth of which do not read")
                for seconds in (options.seconds, 2 * options.seconds):
                    await measure_fan_out(bench, options.watchers, seconds, options.watchers // 5)
    finally:
        watchers.end()
        await database.close()


@contextmanager
def servers(options: argparse.Namespace, directory: Path) -> Iterator[tuple[HeygenServer, Stock, str]]:
    """The API, the stock handler and Redis's address."""
    postgres, valkey = Postgres(), Valkey(directory)
    environment = clean_environment(
        DATABASE_URL=postgres.new_database(),
        REDIS_URL=valkey.url,
        DATA_DIR=str(directory),
        SECRET_KEY="a secret of more than thirty-two bytes",
        # All watchers of one video are its owner's.
        MAX_CONNECTIONS_PER_USER=str(options.watchers),
        # It changes 150 times a second here, and at most four times a second while it is rendered.
        POINTS_PER_SECOND="100000",
    )
    api = HeygenServer("api", environment, directory, free_port())
    port = free_port()
    uvicorn = ["-m", "uvicorn", "benchmarks.stock_broadcast:app", "--port", str(port)]
    quiet = ["--log-level", "warning", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
    stock = spawn([sys.executable, *uvicorn, *quiet], log=directory / "stock.log", environment=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), "starting the stock handler")
        yield api, Stock(url, stock.pid), valkey.url
    finally:
        stock.kill()
        api.close()
        valkey.kill()
        postgres.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/openapi.json", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--changes", type=float, default=200)
    parser.add_argument("--watchers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["each", "fan-out", "paused"])
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        servers(options, Path(directory)) as (api, stock, redis_url),
    ):
        asyncio.run(measure(options, api, stock, redis_url))


if __name__ == "__main__":
    main()
