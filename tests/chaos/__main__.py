"""`python -m tests.chaos --seed 1`: a run at full size. The seed and its plan are printed first."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.plan import FULL, QUICK, plan
from tests.chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--quick", action="store_true", help="the size that `make test` runs")
    parser.add_argument("--s3", action="store_true", help="keep the files in a bucket")
    asked = parser.parse_args()
    planned = plan(asked.seed, QUICK if asked.quick else FULL)
    _say(str(planned))
    directory = Path(tempfile.mkdtemp(prefix="heygen-chaos-"))
    verdict = run(planned, directory, _say, is_bucket=asked.s3)
    _say(f"seed {asked.seed}; the processes' logs are in {directory}\n{verdict}")
    _say("FAILED" if verdict.violations else "passed")
    return 1 if verdict.violations else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
