"""One attempt at a video, from its claim to its end."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import structlog

from heygen_graphql.database import Database, is_passing_fault
from heygen_graphql.events import Hub
from heygen_graphql.jobs import claiming, materials, segments
from heygen_graphql.jobs.child import Limits, Listener
from heygen_graphql.jobs.claiming import Claim, Recorded
from heygen_graphql.jobs.directories import scratch_directory
from heygen_graphql.jobs.materials import MaterialMissing
from heygen_graphql.jobs.pace import Pace
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.jobs.protocol import (
    CONTENT_TYPES,
    FAILED_WITHIN,
    RENDER_CRASHED,
    RENDER_FAILED,
    Ending,
    Failure,
    Progress,
    Rendered,
)
from heygen_graphql.observability import ACTIVE_RENDERS, VIDEO_SECONDS, VIDEOS_ENDED
from heygen_graphql.rendering.storyboard import Stage, Storyboard
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage
from heygen_graphql.videos import Quotas

T = TypeVar("T")

_TICK_SECONDS = 0.26
"""How often an attempt looks at its row: at most four writes a second, and a cancel is heeded at once."""

_RENDERING_SHARE = 0.98
"""Of the progress; the rest is for publishing, so that 1 means that the video is there."""

_MAY_COME_OF_SEGMENTS = frozenset({RENDER_CRASHED, RENDER_FAILED, "ENCODING_FAILED", "UNFIT_OUTPUT"})
"""After these the next attempt does without the segments that this one began with: one of them may be bad."""

_DATABASE_AWAY_SECONDS = 1.0
_GIVE_BACK_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What attempts share within a process; belongs to one event loop."""

    settings: Settings
    database: Database
    hub: Hub
    storage: Storage
    work: Path
    """Where attempts have their directories."""
    pool: RenderPool


@dataclass(slots=True)
class _Meter:
    """How far an attempt is, and what of it the row shows."""

    progress: Progress | None = None
    shown: Progress | None = None
    seconds_left: float | None = None
    kept_at: float = field(default_factory=time.monotonic)
    _pace: Pace = field(default_factory=Pace)

    def note_child(self, progress: Progress) -> None:
        self.progress = Progress(progress.stage, progress.fraction * _RENDERING_SHARE)
        # Speaking and opening the presenters go at a pace of their own, which says nothing of the rest.
        if progress.stage is not Stage.SPEAKING:
            self.seconds_left = self._pace.seconds_left(progress.fraction, time.monotonic())

    def note_publishing(self) -> None:
        self.progress = Progress(Stage.PUBLISHING, _RENDERING_SHARE)
        self.seconds_left = None


async def render_video(place: Workplace, video_id: UUID) -> bool:
    """Render the video if it is there to be claimed; False when it is not.

    Cancelled, it gives the video back: the next worker starts anew, and no failure is counted.
    """
    claim = await claiming.claim(
        place.database,
        video_id,
        lease_seconds=place.settings.lease_seconds,
        max_attempts=place.settings.render_max_attempts,
        limits=Quotas.of(place.settings),
    )
    if claim is None:
        return False
    with structlog.contextvars.bound_contextvars(video_id=str(video_id), fence=claim.fence):
        try:
            await place.hub.publish(claim.change)
            with ACTIVE_RENDERS.track_inprogress(), scratch_directory(place.work) as directory:
                meter = _Meter()
                ending = await _while_it_stands(place, claim, meter, _produce(place, claim, meter, directory))
            await _record(place, claim, ending)
        except asyncio.CancelledError:
            await _give_back(place, claim)
            raise
        except Exception:
            # Whatever it was (a full disk, a storage that is away, a bug), the row must not say
            # PROCESSING until its lease runs out.
            _log.exception("attempt_failed")
            await _record(place, claim, FAILED_WITHIN)
    return True


async def _produce(place: Workplace, claim: Claim, meter: _Meter, directory: Path) -> Ending | None:
    """None when the claim fell before there was anything to publish."""
    storyboard = Storyboard.from_json(json.dumps(claim.storyboard))
    film, parts, scenes = (directory / name for name in ("film", "materials", "segments"))
    for folder in (film, parts, scenes):
        folder.mkdir()
    try:
        paths = await materials.fetch(place.storage, storyboard, parts)
    except MaterialMissing as missing:
        return missing.failure
    earlier = await segments.fetch(place.storage, claim.video_id, scenes)

    # A process that was suspended learns here, before its next tick, that the video may be gone: what it
    # stored now would be nobody's, should it die before it tidies up.
    async def may_store() -> bool:
        return await _insist(lambda: claiming.still_stands(place.database, claim))

    async with segments.stored_on_the_way(
        place.storage, claim.video_id, scenes, may_store=may_store
    ) as on_segment:
        ending = await place.pool.render(
            storyboard.to_json(),
            film,
            segments=scenes,
            materials=paths,
            limits=Limits.of(place.settings),
            listener=Listener(meter.note_child, on_segment),
        )
    if isinstance(ending, Failure) and ending.code in _MAY_COME_OF_SEGMENTS:
        await segments.forget(place.storage, claim.video_id, earlier)
    if isinstance(ending, Rendered):
        if not await may_store():
            return None
        meter.note_publishing()
        for name in CONTENT_TYPES:
            await place.storage.put_file(f"{claim.files_prefix}/{name}", film / name)
        # Before the end is recorded, while they cannot be another attempt's.
        await segments.forget(place.storage, claim.video_id, earlier - set(ending.segments))
    return ending


async def _while_it_stands(
    place: Workplace, claim: Claim, meter: _Meter, work: Coroutine[Any, Any, T]
) -> T | None:
    """Do the work with the lease renewed and the progress shown; None when the claim fell meanwhile."""
    task = asyncio.create_task(work)
    try:
        while True:
            await asyncio.wait({task}, timeout=_TICK_SECONDS)
            if task.done():
                return task.result()
            if not await _tick(place, claim, meter):
                return None
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            # Seen, or asyncio would report it as forgotten: when the claim fell, how the work ended is moot.
            task.exception()


async def _tick(place: Workplace, claim: Claim, meter: _Meter) -> bool:
    """Whether the claim stands; taken to stand while the database cannot tell."""
    lease_seconds = place.settings.lease_seconds
    progress = meter.progress if meter.progress != meter.shown else None
    try:
        async with asyncio.timeout(lease_seconds):
            if progress is None and time.monotonic() - meter.kept_at < lease_seconds / 3:
                return await claiming.still_stands(place.database, claim)
            change = await claiming.keep(
                place.database,
                claim,
                progress,
                seconds_left=meter.seconds_left,
                lease_seconds=lease_seconds,
            )
    except Exception as error:
        if not is_passing_fault(error):
            raise
        # Rendering goes on: should another worker take the video over, the fence keeps us apart.
        _log.warning("database_away", error=str(error))
        return True
    if change is None:
        return False
    meter.kept_at = time.monotonic()
    if progress is not None:
        meter.shown = progress
        await place.hub.publish(change)
    return True


async def _record(place: Workplace, claim: Claim, ending: Ending | None) -> None:
    recorded: Recorded | None = None
    match ending:
        case Rendered():
            recorded = await _insist(lambda: claiming.complete(place.database, claim, ending))
        case Failure():
            recorded = await _insist(
                lambda: claiming.fail(
                    place.database, claim, ending, max_failures=place.settings.render_max_failures
                )
            )
    if recorded is None:
        _log.info("claim_fell")
    else:
        await place.hub.publish(recorded.change)
        _log.info("attempt_ended", status=recorded.status, attempt=claim.attempt)
        if recorded.status.is_final:
            VIDEOS_ENDED.labels(recorded.status).inc()
        if recorded.processing_seconds is not None:
            VIDEO_SECONDS.observe(recorded.processing_seconds)
    await _tidy_storage(place, claim)


async def _insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask however long the database is away: a finished render is worth the wait."""
    while True:
        try:
            return await ask()
        except Exception as error:
            if not is_passing_fault(error):
                raise
            _log.warning("database_away", error=str(error))
            await asyncio.sleep(_DATABASE_AWAY_SECONDS)


async def _give_back(place: Workplace, claim: Claim) -> None:
    try:
        async with asyncio.timeout(_GIVE_BACK_SECONDS):
            change = await claiming.give_back(place.database, claim)
    except Exception:
        # The lease runs out by itself, a little later.
        _log.warning("claim_not_given_back", exc_info=True)
        return
    if change is not None:
        await place.hub.publish(change)
    await _tidy_storage(place, claim)


async def _tidy_storage(place: Workplace, claim: Claim) -> None:
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
    except Exception:
        _log.warning("files_left_behind", exc_info=True)


async def remove_files_before(storage: Storage, video_id: UUID, fence: int) -> None:
    """Remove what earlier attempts stored."""
    # Only earlier ones: the owner may have asked for another render, whose files are coming in.
    keys = await storage.list_prefix(claiming.all_files_prefix(video_id))
    for earlier in {key.split("/")[2] for key in keys}:
        if earlier.isdigit() and int(earlier) < fence:
            await storage.delete_prefix(claiming.files_prefix(video_id, int(earlier)))
