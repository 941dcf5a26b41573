"""How an attempt at a video ends: what its row says then, and which files stay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog

from heygen_graphql.errors import StorageAway
from heygen_graphql.jobs import claiming, scenes, segments
from heygen_graphql.jobs.claiming import Claim, Recorded
from heygen_graphql.jobs.protocol import FAILED_WITHIN, Failure, Rendered
from heygen_graphql.jobs.workplace import Workplace, insist
from heygen_graphql.observability import RENDER_ATTEMPTS, RENDER_PACE, VIDEO_SECONDS, VIDEOS_ENDED
from heygen_graphql.storage import Storage
from heygen_graphql.tables import VideoStatus

_GIVE_BACK_SECONDS = 5.0
_STORAGE_AWAY = timedelta(seconds=30)
"""Before a video is taken up again that the storage was away for."""
_MAX_FOLDERS = 1000
"""More than a video is ever begun."""
_OUTCOMES = {
    VideoStatus.COMPLETED: "completed",
    VideoStatus.PENDING: "retried",
    VideoStatus.FAILED: "failed",
}

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def seen_to(place: Workplace, claim: Claim) -> AsyncIterator[None]:
    """Whatever breaks the block off, the row does not say PROCESSING until the lease runs out.

    Cancelled, or when the storage is away for long, the video is given back, and no failure is counted.
    """
    try:
        yield
    except asyncio.CancelledError:
        await give_back(place, claim)
        raise
    except StorageAway:
        await give_back(place, claim, after=_STORAGE_AWAY)
    except Exception:
        # Whatever it was: a full disk, a bug.
        _log.exception("attempt_failed")
        await record(place, claim, FAILED_WITHIN)


async def record(place: Workplace, claim: Claim, end: Rendered | Failure | None) -> None:
    """Write the end down while the claim stands, and tidy up; None when it is known to have fallen."""
    recorded: Recorded | None = None
    match end:
        case Rendered():
            recorded = await insist(lambda: claiming.complete(place.database, claim, end))
        case Failure():
            recorded = await insist(
                lambda: claiming.fail(
                    place.database, claim, end, max_failures=place.settings.render_max_failures
                )
            )
    if recorded is None:
        _log.info("claim_fell")
        RENDER_ATTEMPTS.labels("fell").inc()
    else:
        await place.hub.publish(recorded.change)
        _log.info("attempt_ended", status=recorded.status, attempt=claim.attempt)
        RENDER_ATTEMPTS.labels(_OUTCOMES[recorded.status]).inc()
        if recorded.status.is_final:
            VIDEOS_ENDED.labels(recorded.status).inc()
        if recorded.processing_seconds is not None and isinstance(end, Rendered):
            VIDEO_SECONDS.observe(recorded.processing_seconds)
            RENDER_PACE.observe(recorded.processing_seconds / end.duration_seconds)
    await tidy(place, claim)


async def give_back(place: Workplace, claim: Claim, *, after: timedelta | None = None) -> None:
    """Let the video wait again."""
    try:
        async with asyncio.timeout(_GIVE_BACK_SECONDS):
            change = await claiming.give_back(place.database, claim, after=after)
    except Exception:
        # The lease runs out by itself, a little later.
        _log.warning("claim_not_given_back", exc_info=True)
        return
    RENDER_ATTEMPTS.labels("given_back").inc()
    if change is not None:
        await place.hub.publish(change)
    await tidy(place, claim)


async def tidy(place: Workplace, claim: Claim) -> None:
    """Leave the files of the attempt if it completed the video, and of none before it.

    Segments stay for a later attempt unless the owner has canceled or deleted the video.

    What stays behind because the storage or the database is away goes with a later attempt, or with the
    video.
    """
    try:
        # The row decides, not what we think to have written: a commit whose answer was lost, or that was
        # under way when we were cancelled, may have completed the video with these very files.
        if not await claiming.is_completed(place.database, claim):
            await place.storage.delete_prefix(claim.files_prefix)
        await remove_files_before(place.storage, claim.video_id, claim.fence)
        if not await claiming.is_wanted(place.database, claim.video_id):
            await segments.forget_all(place.storage, claim.video_id)
        if not await claiming.still_stands(place.database, claim):
            await scenes.forget(place.database, claim)
    except Exception:
        _log.warning("files_left_behind", exc_info=True)


async def remove_files_before(storage: Storage, video_id: UUID, fence: int) -> None:
    """Remove what earlier attempts stored."""
    # Only earlier ones: the owner may have asked for another render, whose files are coming in.
    # By their folders: of an attempt that was killed there may be no file but a part of one.
    prefix = claiming.all_files_prefix(video_id)
    for earlier in await storage.list_folders(prefix, after="", limit=_MAX_FOLDERS):
        if earlier.isdigit() and int(earlier) < fence:
            await storage.delete_prefix(claiming.files_prefix(video_id, int(earlier)))
