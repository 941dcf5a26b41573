"""A process of `heygen-graphql worker` with the stand-in for the renderer, or with the renderer: `real`.

`supervised`: under a supervisor, as the command has it.
"""

import sys

from heygen_graphql.jobs import run_worker
from heygen_graphql.jobs.child import RENDER_CHILD
from heygen_graphql.jobs.lifeline import live_under_supervision
from heygen_graphql.settings import Settings
from tests.jobs.conftest import FAKE_CHILD

if __name__ == "__main__":
    on_ready = live_under_supervision() if "supervised" in sys.argv else lambda: None
    child_command = RENDER_CHILD if "real" in sys.argv else FAKE_CHILD
    run_worker(Settings(), child_command=child_command, on_ready=on_ready)
