"""When a delivery is tried again, and whose turn it is, without a clock or a database."""

import random
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from heygen_graphql.settings import Settings
from heygen_graphql.webhooks.schedule import AT_ONCE, PER_OWNER, PER_WEBHOOK, Due, choose, next_gap

GAPS = Settings(_env_file=None).webhook_retry_seconds


def test_a_delivery_is_tried_eight_times_over_about_a_day() -> None:
    without_jitter = [next_gap(attempt, GAPS, uniform=lambda _low, _high: 1.0) for attempt in range(1, 9)]
    assert without_jitter[-1] is None
    gaps = [gap.total_seconds() for gap in without_jitter[:-1] if gap is not None]
    assert len(gaps) == 7
    assert 22 * 3600 < sum(gaps) < 26 * 3600


@given(st.integers())
def test_gaps_grow_and_differ_whatever_the_jitter(seed: int) -> None:
    uniform = random.Random(seed).uniform
    gaps = [next_gap(attempt, GAPS, uniform=uniform) for attempt in range(1, 8)]
    seconds = [gap.total_seconds() for gap in gaps if gap is not None]
    assert seconds == sorted(set(seconds))
    assert all(0.8 * gap <= drawn <= 1.2 * gap for gap, drawn in zip(GAPS, seconds, strict=True))


def test_a_crowd_that_failed_together_does_not_come_back_together() -> None:
    drawn = {next_gap(1, GAPS) for _ in range(100)}
    assert len(drawn) > 90


def test_one_target_and_one_owner_take_no_more_than_their_places() -> None:
    dead = Due(uuid4(), uuid4(), uuid4())
    rows = [Due(uuid4(), dead.webhook_id, dead.owner_id) for _ in range(50)]
    rows += [Due(uuid4(), uuid4(), dead.owner_id) for _ in range(50)]
    others = [Due(uuid4(), uuid4(), uuid4()) for _ in range(10)]
    chosen = choose([*rows, *others], [dead])
    assert sum(one.webhook_id == dead.webhook_id for one in chosen) == PER_WEBHOOK - 1
    assert sum(one.owner_id == dead.owner_id for one in chosen) == PER_OWNER - 1
    assert chosen[-10:] == others


def test_a_process_sends_so_many_at_once_and_no_more() -> None:
    rows = [Due(uuid4(), uuid4(), uuid4()) for _ in range(2 * AT_ONCE)]
    assert choose(rows, []) == rows[:AT_ONCE]
    assert choose(rows[AT_ONCE:], rows[:AT_ONCE]) == []
