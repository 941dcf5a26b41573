"""`heygen-graphql worker` with the stand-in for the renderer, or with the renderer itself: `real`."""

import sys

from heygen_graphql.jobs import run_worker
from heygen_graphql.jobs.child import RENDER_CHILD
from heygen_graphql.settings import Settings
from tests.jobs.conftest import FAKE_CHILD

if __name__ == "__main__":
    run_worker(Settings(), child_command=RENDER_CHILD if "real" in sys.argv else FAKE_CHILD)
