"""What happens when: a seed makes the whole of it, so that a run that went wrong can be run again."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LEASE_SECONDS = 5.0
USERS = 5
APIS = 2
WORKERS = 3

_QUIET_START_SECONDS = 3.0
_ORDERING_SHARE = 0.6
"""Of the time in which harm is done: videos are ordered faster than they can be made."""
_VIDEOS_AT_ONCE = (1, 6)
_SHORT_SCRIPTS = (
    "One, two, three.",
    "Good morning.",
    "This one is short.",
    "Nothing is lost.",
    "And nothing is done twice.",
)
_LONG_SCRIPT = (
    "This one takes a little longer, so that it is taken from whoever was at it and has come back. " * 3
)


class Kind(StrEnum):
    KILL_WORKER = "kill -9 a process of a worker"
    KILL_RENDER = "kill -9 a render process"
    KILL_API = "kill -9 an API"
    FREEZE_WORKER = "SIGSTOP a worker past its lease"
    STOP_WORKER = "SIGTERM a worker"
    STOP_API = "SIGTERM an API"
    KILL_POSTGRES = "kill -9 PostgreSQL"
    KILL_VALKEY = "kill -9 Valkey"
    FLUSH_VALKEY = "FLUSHALL"
    REFUSE_STORAGE = "let the storage refuse"
    DOUBLE_HINTS = "double hints of old and new videos"
    SEND_GARBAGE = "push garbage through the broker"
    CUT_WATCHERS = "cut watchers off"


_LASTS_SECONDS: Mapping[Kind, tuple[float, float]] = {
    Kind.KILL_WORKER: (0.2, 2.0),
    Kind.KILL_API: (0.2, 4.0),
    Kind.FREEZE_WORKER: (LEASE_SECONDS * 1.2, LEASE_SECONDS * 2.2),
    Kind.STOP_WORKER: (0.2, 2.0),
    Kind.STOP_API: (0.2, 2.0),
    Kind.KILL_POSTGRES: (0.5, LEASE_SECONDS * 1.4),
    Kind.KILL_VALKEY: (0.5, 6.0),
    Kind.REFUSE_STORAGE: (1.0, 6.0),
}
"""How long what was ended stays away, where that is not for others to say."""


@dataclass(frozen=True, slots=True)
class Size:
    videos: int
    watchers: int
    span_seconds: float
    """How long harm is done."""
    patience_seconds: float
    """How long the rest may take after that. Generous: it tells stuck from slow, nothing else."""
    faults: Mapping[Kind, int]


FULL = Size(
    videos=200,
    watchers=100,
    span_seconds=240,
    patience_seconds=900,
    faults={
        Kind.KILL_WORKER: 8,
        Kind.KILL_RENDER: 8,
        Kind.KILL_API: 5,
        Kind.FREEZE_WORKER: 4,
        Kind.STOP_WORKER: 2,
        Kind.STOP_API: 2,
        Kind.KILL_POSTGRES: 3,
        Kind.KILL_VALKEY: 3,
        Kind.FLUSH_VALKEY: 3,
        Kind.REFUSE_STORAGE: 3,
        Kind.DOUBLE_HINTS: 4,
        Kind.SEND_GARBAGE: 4,
        Kind.CUT_WATCHERS: 4,
    },
)
QUICK = Size(
    videos=32,
    watchers=16,
    span_seconds=40,
    patience_seconds=300,
    faults=dict.fromkeys(Kind, 1) | {Kind.KILL_WORKER: 2, Kind.KILL_RENDER: 2},
)


@dataclass(frozen=True, slots=True)
class Fault:
    at_seconds: float
    kind: Kind
    lasts_seconds: float
    dice: float
    """0 to 1: whom it hits."""

    def __str__(self) -> str:
        lasts = f" for {self.lasts_seconds:.1f} s" if self.lasts_seconds else ""
        return f"{self.at_seconds:6.1f} s  {self.kind.value}{lasts} (dice {self.dice:.3f})"


@dataclass(frozen=True, slots=True)
class Film:
    """A video that is ordered."""

    number: int
    scripts: tuple[str, ...]
    """Of its scenes."""


@dataclass(frozen=True, slots=True)
class Order:
    """One call of createVideos."""

    at_seconds: float
    user: int
    api: int
    is_doubled: bool
    """Sent to both APIs at once, as by a finger that trembles."""
    films: tuple[Film, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody who watches two videos of one user's on one socket."""

    number: int
    user: int
    films: tuple[int, ...]
    api: int
    late_seconds: float
    """How long after the creation they come."""


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    size: Size
    orders: tuple[Order, ...]
    watches: tuple[Watch, ...]
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        films = [film for order in self.orders for film in order.films]
        several = sum(len(film.scripts) > 1 for film in films)
        return "\n".join(
            (
                f"seed {self.seed}: {len(films)} videos ({several} of several scenes) in {len(self.orders)} "
                f"orders, {len(self.watches)} watchers, {len(self.faults)} faults",
                *(str(fault) for fault in self.faults),
            )
        )


def plan(seed: int, size: Size) -> Plan:
    dice = random.Random(seed)
    orders = _orders(dice, size)
    return Plan(seed, size, orders, _watches(dice, size, orders), _faults(dice, size))


def _orders(dice: random.Random, size: Size) -> tuple[Order, ...]:
    orders: list[tuple[Film, ...]] = []
    ordered = 0
    while ordered < size.videos:
        count = min(size.videos - ordered, dice.randint(*_VIDEOS_AT_ONCE))
        orders.append(tuple(_film(dice, ordered + index) for index in range(count)))
        ordered += count
    span = size.span_seconds * _ORDERING_SHARE / len(orders)
    return tuple(
        Order(
            at_seconds=(index + dice.random()) * span,
            user=index % USERS,
            api=dice.randrange(APIS),
            is_doubled=dice.random() < 0.15,
            films=films,
        )
        for index, films in enumerate(orders)
    )


def _film(dice: random.Random, number: int) -> Film:
    if number % 5 == 1:
        return Film(number, (_LONG_SCRIPT,))
    scenes = dice.randint(3, 8) if number % 5 == 3 else 1
    return Film(number, tuple(dice.choice(_SHORT_SCRIPTS) for _ in range(scenes)))


def _watches(dice: random.Random, size: Size, orders: tuple[Order, ...]) -> tuple[Watch, ...]:
    films_of = {
        user: [film.number for order in orders if order.user == user for film in order.films]
        for user in range(USERS)
    }
    users = [user for user in range(USERS) if films_of[user]]
    watches = []
    for number in range(size.watchers):
        user = users[number % len(users)]
        films = films_of[user]
        # One after the other, so that each video has its watcher as long as there are enough of them.
        first = 2 * (number // len(users))
        pair = {films[first % len(films)], films[(first + 1) % len(films)]}
        late_seconds = dice.uniform(0, 20) if dice.random() < 0.3 else 0.0
        watches.append(Watch(number, user, tuple(sorted(pair)), dice.randrange(APIS), late_seconds))
    return tuple(watches)


def _faults(dice: random.Random, size: Size) -> tuple[Fault, ...]:
    kinds = [kind for kind, count in size.faults.items() for _ in range(count)]
    dice.shuffle(kinds)
    gap = (size.span_seconds - _QUIET_START_SECONDS) / len(kinds)
    return tuple(
        Fault(
            at_seconds=_QUIET_START_SECONDS + (index + dice.random()) * gap,
            kind=kind,
            lasts_seconds=dice.uniform(*_LASTS_SECONDS.get(kind, (0.0, 0.0))),
            dice=dice.random(),
        )
        for index, kind in enumerate(kinds)
    )
