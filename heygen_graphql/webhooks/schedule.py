"""When a delivery is tried again, and whose turn it is."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from uuid import UUID

JITTER = 0.2
"""By this part of it a gap is longer or shorter, so that a receiver that was away is not run over by all at
once when it is back. A gap stays longer than the one before it as long as each is at least 1.5 times that."""


def next_gap(
    attempts: int, gaps_seconds: Sequence[float], *, uniform: Callable[[float, float], float] = random.uniform
) -> timedelta | None:
    """How long to wait after this many attempts; None when there have been enough: one more than gaps."""
    if attempts > len(gaps_seconds):
        return None
    return timedelta(seconds=gaps_seconds[attempts - 1] * uniform(1 - JITTER, 1 + JITTER))


AT_ONCE = 64
PER_OWNER = 8
PER_WEBHOOK = 2


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, or that is being sent."""

    id: UUID
    webhook_id: UUID
    owner_id: UUID


def choose(due: Iterable[Due], sending: Iterable[Due]) -> list[Due]:
    """Of what is due, in its order, what may be sent beside what one process is sending already.

    A target that lets every attempt run into its time limit takes two places of many, and all the targets of
    one owner eight: whoever is quick waits for nobody.
    """
    webhooks: Counter[UUID] = Counter()
    owners: Counter[UUID] = Counter()
    total = 0
    chosen = []
    for is_new, one in chain(((False, one) for one in sending), ((True, one) for one in due)):
        if is_new:
            if (
                total >= AT_ONCE
                or webhooks[one.webhook_id] >= PER_WEBHOOK
                or owners[one.owner_id] >= PER_OWNER
            ):
                continue
            chosen.append(one)
        total += 1
        webhooks[one.webhook_id] += 1
        owners[one.owner_id] += 1
    return chosen
