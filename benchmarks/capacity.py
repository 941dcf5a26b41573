"""What videos by the million ask of workers, database and events: simulated, for fleets of any size.

python -m benchmarks.capacity [--videos 1000000] [--workers 10000 400 ...] [--loads 0.5 0.9 ...] [--seed 1]

The first table is a day with a quiet night; the second is what the largest fleet bears, by steady load.

Nothing here is timed. The figures that it computes from were measured, by the benchmarks that stand beside
them; docs/scaling.md draws the conclusions.
"""

import argparse
import math
import random
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Self

import simpy

DAY_SECONDS = 24 * 3600
HOUR_SECONDS = 3600
STEADY_SECONDS = 900
"""Of a steady load: a hundred times what a film takes."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one core of the machine that docs/performance.md describes, at the settings' defaults."""

    render_seconds: float = 0.164
    """CPU seconds for a second of film: a drawn presenter at 720p (benchmarks.rendering, table b)."""
    overhead_seconds: float = 0.6
    """Of a worker for each video beside that: claim, fetching, storing, recording (benchmarks.scaling)."""
    looks_per_second: float = 1 / 0.26
    """A worker that renders writes its progress, and with it its lease, as often as that (jobs.attempt)."""
    sweep_seconds: float = 5.0
    """Every worker process asks the database what was left behind as often as that (SWEEP_SECONDS)."""
    sweep_queries: int = 8
    """Of one sweep that finds nothing."""
    writes_per_video: int = 5
    """Transactions for a video but for its progress: created, claimed, completed, told to webhooks, swept."""
    lease_seconds: float = 15.0
    """What a lost worker costs before another takes over (LEASE_SECONDS), beside what it had drawn."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Who asks for what, and when."""

    videos_a_day: int = 1_000_000
    median_film_seconds: float = 30.0
    spread: float = 0.9
    """Of the lengths' logarithms; the mean is exp(spread² / 2) times the median, 1.5 times."""
    longest_film_seconds: float = 3600.0
    swing: float = 0.8
    """The busiest hour has 1 + swing, the quietest 1 - swing times the average."""
    losses_a_worker_a_day: float = 1.0
    """A fleet of machines that may be taken away at any time."""

    def rate(self, second: float) -> float:
        """Videos a second at a time of the day; the busiest is noon."""
        average = self.videos_a_day / DAY_SECONDS
        return average * (1 - self.swing * math.cos(2 * math.pi * second / DAY_SECONDS))

    @property
    def mean_film_seconds(self) -> float:
        """But for the few that the longest film cuts short."""
        return self.median_film_seconds * math.exp(self.spread**2 / 2)

    def film_seconds(self, chance: random.Random) -> float:
        return min(
            chance.lognormvariate(math.log(self.median_film_seconds), self.spread), self.longest_film_seconds
        )


@dataclass(slots=True)
class Span:
    """An hour of the day, or all of a steady load."""

    seconds: float
    waits: list[float] = field(default_factory=list)
    """Seconds from a video's request to its first claim, of those asked for in it."""
    busy_seconds: float = 0.0
    """Of all workers, with the videos asked for in it."""
    losses: int = 0


def simulated(
    demand: Demand, figures: Figures, workers: int, seed: int, *, spans: int, span_seconds: float
) -> list[Span]:
    """Waiting videos are begun in the order in which they came."""
    chance = random.Random(seed)
    environment = simpy.Environment()
    fleet = simpy.Resource(environment, capacity=workers)
    told = [Span(span_seconds) for _ in range(spans)]

    def rendered() -> Generator[simpy.Event, None, None]:
        asked_at = environment.now
        left = demand.film_seconds(chance) * figures.render_seconds + figures.overhead_seconds
        span = told[int(asked_at // span_seconds)]
        is_first = True
        while left > 0:
            with fleet.request() as turn:
                yield turn
                if is_first:
                    span.waits.append(environment.now - asked_at)
                    is_first = False
                until_loss = (
                    chance.expovariate(demand.losses_a_worker_a_day / DAY_SECONDS)
                    if demand.losses_a_worker_a_day
                    else math.inf
                )
                spent = min(left, until_loss)
                yield environment.timeout(spent)
                span.busy_seconds += spent
            if until_loss >= left:
                return
            # Scenes that are stored are kept; half of one is lost, and the lease has to run out.
            span.losses += 1
            yield environment.timeout(figures.lease_seconds)

    def arriving() -> Generator[simpy.Event, None, None]:
        # Thinning (Lewis and Shedler, 1979): as many as in the busiest hour, of which some do not come.
        highest = demand.rate(DAY_SECONDS / 2)
        while True:
            yield environment.timeout(chance.expovariate(highest))
            if chance.random() < demand.rate(environment.now) / highest:
                environment.process(rendered())

    environment.process(arriving())
    environment.run(until=spans * span_seconds)
    return told


@dataclass(frozen=True, slots=True)
class Load:
    """A second each, but for shares and waits."""

    utilisation: float
    waits: tuple[float, float, float]
    """Seconds: the median, the 95th and the 99th of a hundred."""
    videos: float
    progress_writes: float
    other_writes: float
    idle_queries: float

    @classmethod
    def of(cls, span: Span, figures: Figures, workers: int) -> Self:
        waits = sorted(span.waits)
        rendering = span.busy_seconds / span.seconds
        videos = len(waits) / span.seconds
        return cls(
            utilisation=rendering / workers,
            waits=(_quantile(waits, 0.5), _quantile(waits, 0.95), _quantile(waits, 0.99)),
            videos=videos,
            progress_writes=rendering * figures.looks_per_second,
            other_writes=figures.writes_per_video * videos,
            idle_queries=workers / figures.sweep_seconds * figures.sweep_queries,
        )

    @property
    def events(self) -> float:
        """Published: each of a video's changes, which every API process hears."""
        return self.progress_writes + 3 * self.videos

    def row(self, name: str) -> str:
        waits = " | ".join(f"{wait:.1f}" for wait in self.waits)
        rates = (self.videos, self.progress_writes, self.other_writes, self.idle_queries, self.events)
        return (
            f"| {name} | {self.utilisation:.0%} | {waits} | {' | '.join(f'{rate:,.0f}' for rate in rates)} |"
        )


HEADINGS = (
    "busy | wait p50 (s) | p95 | p99 | videos/s | progress writes/s | other writes/s | sweeps' queries/s "
    "| events/s |"
)


def _quantile(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] if values else 0.0


def print_table(first_heading: str, rows: Iterable[str]) -> None:
    print(f"| {first_heading} | {HEADINGS}")
    print("| --- " * 10 + "|")
    for row in rows:
        print(row, flush=True)


def day(demand: Demand, figures: Figures, fleets: list[int], seed: int) -> Iterator[str]:
    """The busiest hour of a day, by the size of the fleet."""
    for workers in fleets:
        hours = simulated(
            demand, figures, workers, seed, spans=DAY_SECONDS // HOUR_SECONDS, span_seconds=HOUR_SECONDS
        )
        busiest = max(hours, key=lambda hour: hour.busy_seconds)
        yield Load.of(busiest, figures, workers).row(f"{workers:,}")


def steady(demand: Demand, figures: Figures, workers: int, loads: list[float], seed: int) -> Iterator[str]:
    """What a fleet bears for a quarter of an hour, by what share of it is asked for."""
    seconds_a_video = demand.mean_film_seconds * figures.render_seconds + figures.overhead_seconds
    for load in loads:
        videos_a_day = round(load * workers / seconds_a_video * DAY_SECONDS)
        steadily = replace(demand, videos_a_day=videos_a_day, swing=0.0)
        (span,) = simulated(steadily, figures, workers, seed, spans=1, span_seconds=STEADY_SECONDS)
        yield Load.of(span, figures, workers).row(f"{load:.0%}: {videos_a_day / 1e6:.1f} million a day")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[10_000, 400, 220, 190, 170])
    parser.add_argument("--loads", type=float, nargs="*", default=[0.5, 0.9, 1.05])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures, demand = Figures(), Demand(videos_a_day=options.videos)
    print(f"{options.videos:,} videos a day, the busiest hour, workers of a core each\n")
    print_table("workers", day(demand, figures, options.workers, options.seed))
    largest = max(options.workers)
    print(f"\n{largest:,} workers, a quarter of an hour of steady load\n")
    print_table("load", steady(demand, figures, largest, options.loads, options.seed))


if __name__ == "__main__":
    main()
