"""`make chaos` at a size that fits between the other tests, and what of it can be told without processes."""

import random
import sys
from pathlib import Path

import pytest

from tests.chaos.plan import FULL, QUICK, Kind, plan
from tests.chaos.run import run


@pytest.mark.skipif(
    sys.platform != "linux", reason="processes are found, and folders exchanged, as Linux does it"
)
def test_whatever_dies_every_video_ends_once_and_whoever_watches_sees_it_end(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # Given 2 APIs, 3 workers and a plan of what shall happen to them
    seed: int = request.config.getoption("--chaos-seed") or random.randrange(1_000_000)
    planned = plan(seed, QUICK)
    said = [str(planned)]

    # When videos are ordered and watched while it happens
    verdict = run(planned, tmp_path, said.append)

    # Then none of what was promised is broken
    told = "\n".join((*said, str(verdict), f"Again: make chaos SEED={seed} QUICK=1"))
    assert not verdict.violations, told


def test_a_seed_makes_one_plan_with_every_kind_of_harm_in_it() -> None:
    for size in (QUICK, FULL):
        planned = plan(7, size)
        assert str(planned) == str(plan(7, size))
        assert planned == plan(7, size)
        assert planned != plan(8, size)
        assert {fault.kind for fault in planned.faults} == set(Kind)
        assert sorted(film.number for order in planned.orders for film in order.films) == list(
            range(size.videos)
        )
        assert any(len(film.scripts) > 1 for order in planned.orders for film in order.films)
        assert len({film for watch in planned.watches for film in watch.films}) > size.videos * 0.7
