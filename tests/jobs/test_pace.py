import pytest

from heygen_graphql.jobs.pace import Pace


def test_a_steady_render_takes_what_is_left_at_its_pace() -> None:
    pace = Pace()

    assert pace.seconds_left(0.20, now=100.0) is None
    assert pace.seconds_left(0.25, now=100.5) is None
    assert pace.seconds_left(0.40, now=102.0) == pytest.approx(6)


def test_a_slow_beginning_is_forgotten() -> None:
    pace = Pace()
    for second in range(10):
        pace.seconds_left(0.01 * second, now=float(second))
    for second in range(10):
        left = pace.seconds_left(0.1 + 0.05 * second, now=10.0 + second)

    assert left == pytest.approx((1 - 0.55) / 0.05, rel=0.05)


def test_a_render_that_stands_still_has_more_and_more_left() -> None:
    pace = Pace()
    pace.seconds_left(0.1, now=0.0)
    pace.seconds_left(0.5, now=4.0)

    early, late = pace.seconds_left(0.5, now=5.0), pace.seconds_left(0.5, now=8.0)

    assert early is not None
    assert late is not None
    assert late > early
