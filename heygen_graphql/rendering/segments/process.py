"""A process that renders scenes: `python -m heygen_graphql.rendering.segments.process DESCRIPTOR PARENT_PID`.

The descriptor is a connection (multiprocessing.connection) to the parent. The first object on it is the
equipment, a `Voices` and a folder of fonts; then come orders, each a `SceneOrder`. Answers are
`SceneProgress`, and at the end of each order its `SceneFacts` or `SceneFailure`.
"""

import ctypes
import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from time import monotonic

from heygen_graphql.rendering.segments.scene import SceneFailure, SceneOrder, SceneProgress, SceneRenderer
from heygen_graphql.rendering.storyboard import Stage

# prctl(2): a signal for this process when the thread that started it ends.
_PR_SET_PDEATHSIG = 1
_PROGRESS_INTERVAL_SECONDS = 0.05


def main(descriptor: int, parent: int) -> None:
    _end_with(parent)
    connection = Connection(descriptor)
    try:
        voices, fonts_dir = connection.recv()
        with SceneRenderer(voices, fonts_dir) as renderer:
            while True:
                connection.send(_outcome(renderer, connection.recv(), connection))
    except (EOFError, ConnectionError):
        return  # the parent has gone, or wants no more


def _outcome(renderer: SceneRenderer, order: SceneOrder, connection: Connection) -> object:
    told_at = 0.0

    def tell(stage: Stage, share: float) -> None:
        nonlocal told_at
        now = monotonic()
        if share >= 1 or now - told_at >= _PROGRESS_INTERVAL_SECONDS:
            told_at = now
            connection.send(SceneProgress(stage, share))

    try:
        return renderer.render(order, tell)
    except ConnectionError:
        raise
    except Exception as error:
        # A traceback cannot be sent; notes are.
        error.add_note(traceback.format_exc())
        return SceneFailure(type(error), error.args, error.__dict__)


def _end_with(parent: int) -> None:
    # Only Linux knows this; elsewhere the end of the connection tells, though not before the scene is done.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)  # it died before that


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
