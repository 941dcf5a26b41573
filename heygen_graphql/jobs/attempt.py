"""One attempt at a video, from its claim to its end, and help with another worker's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from heygen_graphql import presence
from heygen_graphql.jobs import ending, scenes, sharing, whole
from heygen_graphql.jobs.broker import Queue
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.directories import scratch_directory
from heygen_graphql.jobs.ending import remove_files_before
from heygen_graphql.jobs.scenes import SceneClaim
from heygen_graphql.jobs.sharing import Part
from heygen_graphql.jobs.workplace import Workplace, insist
from heygen_graphql.observability import ACTIVE_RENDERS, bound_ids, tracing

__all__ = ["Workplace", "help", "remove_files_before", "render_claimed"]

_HELP_SECONDS = 10.0
"""After so long a helper begins no further scene, but looks whether a whole video waits."""

_log = structlog.get_logger(__name__)


async def render_claimed(place: Workplace, claim: Claim, queue: Queue) -> None:
    """Render the video to its end, or a part of it while others render the rest.

    Cancelled, it gives back what it has: the next worker goes on, and no failure is counted.
    """
    with _under_way(claim, "render attempt"), scratch_directory(place.work) as directory:
        is_shared = await _plan(place, claim, queue)
        if is_shared is None:
            return
        if not is_shared:
            await whole.make(place, claim, directory)
            return
        await _take_part(place, Part(claim, directory), queue)


async def help(place: Workplace, scene: SceneClaim, queue: Queue) -> None:
    """Render the scene, for some seconds others of the same video, and what they make if they were the last.

    Cancelled, it gives back what it has, as `render_claimed` does.
    """
    with _under_way(scene.video, "help with render"), scratch_directory(place.work) as directory:
        ends_at = time.monotonic() + _HELP_SECONDS
        part = Part(scene.video, directory, scene.participant_id, ends_at)
        await _take_part(place, part, queue, scene)


async def _take_part(place: Workplace, part: Part, queue: Queue, first: SceneClaim | None = None) -> None:
    joining = await sharing.take_part(place, part, queue, first)
    if joining is not None:
        meter = whole.Meter(begins_at=scenes.SCENES_SHARE)
        await whole.make(place, joining.claim, part.directory, meter=meter, made=joining.made)


async def _plan(place: Workplace, claim: Claim, queue: Queue) -> bool | None:
    """Whether the video is shared from now on; None when the attempt has come to its end."""
    async with ending.seen_to(place, claim):
        await place.hub.publish(claim.change)
        if place.settings.is_embedded:
            return False
        meter = whole.Meter()
        planned = await whole.while_it_stands(
            sharing.missing(place, claim), lambda: whole.tick(place, claim, meter)
        )
        if planned is not None and len(planned) < 2:
            return False
        if planned is not None and await insist(lambda: scenes.plan(place.database, claim, planned)):
            _log.info("video_shared", scenes=len(planned))
            await _call_for_help(place, claim, queue, len(planned))
            return True
        await ending.record(place, claim, None)
    return None


async def _call_for_help(place: Workplace, claim: Claim, queue: Queue, scene_count: int) -> None:
    """Wake no more workers than there are, nor than can be of use."""
    seen = await insist(lambda: presence.seen_lately(place.database))
    # One that has just begun may not be seen yet.
    others = max(seen.renders_at_once - 1, 1)
    for _ in range(min(scene_count - place.settings.scenes_at_once, others)):
        await queue.hint(claim.video_id)


@contextmanager
def _under_way(claim: Claim, what: str) -> Iterator[None]:
    video_id = str(claim.video_id)
    with (
        bound_ids(
            video_id=video_id,
            user_id=claim.owner_id,
            request_id=claim.request_id,
            attempt=claim.attempt,
            fence=claim.fence,
        ),
        tracing.continued(claim.trace_parent),
        tracing.span(what, "CONSUMER", heygen__video_id=video_id, heygen__attempt=claim.attempt),
        ACTIVE_RENDERS.track_inprogress(),
    ):
        yield
