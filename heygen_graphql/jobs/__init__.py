"""Renders that no crash loses or doubles.

    from heygen_graphql.jobs import Queue, embedded, remote_queue, run_worker

The video's row is the truth, a queue message only wakes a worker (`broker`, `work`). It asks the database
whose turn it is (`choosing`), claims that row for a lease (`claiming`), or a scene of a video that others
render (`scenes`, `sharing`), and renders in a child process that stays warm for the next film (`attempt`,
`whole`, `pool`, `child`, `render_child`), with the files that it names (`materials`) and the scenes that are
done already (`segments`). It records the end only while its claim stands (`ending`); the sweep (`sweep`)
finds whatever a crash left behind. `worker` puts the parts together for one process, `supervisor` looks
after several.

The names are loaded when they are first asked for: the render process, which imports this package on
its way, needs neither database nor broker and should start fast.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heygen_graphql.jobs.broker import Queue, remote_queue
    from heygen_graphql.jobs.worker import embedded, run_worker

__all__ = ["Queue", "embedded", "remote_queue", "run_worker"]


def __getattr__(name: str) -> object:
    if name in ("Queue", "remote_queue"):
        from heygen_graphql.jobs import broker

        return getattr(broker, name)
    if name in ("embedded", "run_worker"):
        from heygen_graphql.jobs import worker

        return getattr(worker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
