"""Every change that jobs make to a video's row.

Each is one transaction that looks at the row under a lock, changes it only while the claim stands, and
writes the row of `video_events` beside it. Each may be repeated: a commit whose answer was lost is
recognised by what it wrote.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.events import VideoChanged
from heygen_graphql.jobs import deciding
from heygen_graphql.jobs.deciding import Standing, Terms
from heygen_graphql.jobs.protocol import MAX_MESSAGE_LENGTH, Failure, Progress, Rendered
from heygen_graphql.observability import LEASES_LOST
from heygen_graphql.rendering.storyboard import Stage
from heygen_graphql.tables import IS_UNDER_WAY, User, Video, VideoStatus
from heygen_graphql.videos import quotas, usage
from heygen_graphql.videos.quotas import Quotas
from heygen_graphql.videos.turning import turn


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to render one video, for as long as `fence` is the row's."""

    video_id: UUID
    owner_id: UUID
    fence: int
    attempt: int
    storyboard: dict[str, Any]
    change: VideoChanged
    request_id: str | None
    """Of the request that asked for the render."""
    trace_parent: str | None
    """Its place in a trace, as `traceparent` has it (W3C Trace Context, 3.2)."""

    @property
    def files_prefix(self) -> str:
        return files_prefix(self.video_id, self.fence)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How an attempt ended, as its row says."""

    change: VideoChanged
    status: VideoStatus
    processing_seconds: float | None


def files_prefix(video_id: UUID, fence: int) -> str:
    return f"{all_files_prefix(video_id)}/{fence}"


def all_files_prefix(video_id: UUID) -> str:
    return f"videos/{video_id}"


async def claim(
    database: Database,
    video_id: UUID,
    *,
    lease_seconds: float,
    max_attempts: int,
    max_losses: int = 3,
    limits: Quotas = quotas.STANDARD,
) -> Claim | None:
    """Take a video that waits or whose worker has gone silent; None when it is not to be had.

    While its owner has as many under way as they may, it is not.
    """
    terms = Terms(lease_seconds, max_attempts, max_losses, limits)
    async with database.reading() as session:
        owner_id = await session.scalar(select(col(Video.owner_id)).where(col(Video.id) == video_id))

    async def this(_session: AsyncSession, _now: datetime) -> UUID | None:
        return video_id

    return None if owner_id is None else await take(database, owner_id, this, terms)


async def take(
    database: Database,
    owner_id: UUID,
    choose: Callable[[AsyncSession, datetime], Awaitable[UUID | None]],
    terms: Terms,
    *,
    at_most: int | None = None,
) -> Claim | None:
    """Take the video of the owner's that is chosen once nobody else can take one of theirs; None for none.

    Nor is one taken while as many of theirs are under way as may, or more than `at_most`.
    """
    written: tuple[UUID, int, datetime] | None = None
    is_taken_over = False

    async def turn_to_it(session: AsyncSession) -> Claim | None:
        nonlocal written, is_taken_over
        # Of two of one owner's that are claimed at once, the second counts the first.
        own = await quotas.hold(session, owner_id)
        if own is None:
            return None
        if written is not None:
            video = await _locked(session, written[0])
            if video is not None and written[1:] == (video.fence, video.lease_expires_at):
                # The commit took place though its answer was lost.
                return claim_of(video)
        now = await database.now(session)
        may_run = terms.quotas.videos_at_once if own.concurrent is None else own.concurrent
        under_way = await _under_way(session, owner_id, now)
        if under_way >= may_run or (at_most is not None and under_way > at_most):
            return None
        video_id = await choose(session, now)
        video = None if video_id is None else await _locked(session, video_id)
        if video is None or not deciding.may_claim(_standing(video), now, terms):
            return None
        is_taken_over = video.status is VideoStatus.PROCESSING
        if is_taken_over:
            video.losses += 1
        video.attempt += 1
        video.fence += 1
        video.lease_expires_at = now + timedelta(seconds=terms.lease_seconds)
        video.started_at = now
        video.completed_at = None
        video.failure_code = video.failure_message = video.failure_is_retryable = None
        turn(session, video, VideoStatus.PROCESSING, now, stage=Stage.SPEAKING)
        served = update(User).where(col(User.id) == owner_id).values(last_served_at=now)
        await session.execute(served)
        written = (video.id, video.fence, video.lease_expires_at)
        return claim_of(video)

    claim = await database.retrying(turn_to_it)
    if claim is not None and is_taken_over:
        LEASES_LOST.labels("video").inc()
    return claim


async def keep(
    database: Database,
    claim: Claim,
    progress: Progress | None,
    *,
    seconds_left: float | None = None,
    lease_seconds: float,
) -> VideoChanged | None:
    """Renew the lease and, when there is progress, show it; None when the claim no longer stands.

    The progress in the row never falls.
    """
    async with database.transaction() as session:
        now = await database.now(session)
        values: dict[str, Any] = {"lease_expires_at": now + timedelta(seconds=lease_seconds)}
        if progress is not None:
            fraction = min(1.0, max(0.0, progress.fraction))
            values |= {
                "progress": case((col(Video.progress) > fraction, col(Video.progress)), else_=fraction),
                "stage": progress.stage,
                "seconds_left": seconds_left,
                "version": col(Video.version) + 1,
                "updated_at": now,
            }
        row = (
            await session.execute(
                update(Video).where(still_mine(claim)).values(**values).returning(col(Video.version))
            )
        ).one_or_none()
    return None if row is None else VideoChanged(claim.video_id, claim.owner_id, row.version)


async def still_stands(database: Database, claim: Claim) -> bool:
    async with database.reading() as session:
        found = await session.execute(select(col(Video.fence)).where(still_mine(claim)))
        return found.first() is not None


async def is_completed(database: Database, claim: Claim) -> bool:
    """Whether this claim completed the video; waits for a commit of ours that is still under way."""

    async def look(session: AsyncSession) -> bool:
        video = await _locked(session, claim.video_id)
        return video is not None and video.fence == claim.fence and video.status is VideoStatus.COMPLETED

    return await database.retrying(look)


async def is_wanted(database: Database, video_id: UUID) -> bool:
    """Whether somebody may yet render the video: it is neither gone nor deleted nor canceled."""
    async with database.reading() as session:
        found = await session.execute(
            select(col(Video.id)).where(
                col(Video.id) == video_id,
                col(Video.status) != VideoStatus.CANCELED,
                col(Video.deleted_at).is_(None),
            )
        )
        return found.first() is not None


async def complete(database: Database, claim: Claim, rendered: Rendered) -> Recorded | None:
    """Record a finished render; None when the claim no longer stands."""

    async def finish(session: AsyncSession) -> Recorded | None:
        video = await _locked(session, claim.video_id)
        if video is None or video.fence != claim.fence:
            return None
        if video.status is VideoStatus.COMPLETED:
            return _recorded(video)
        if video.status is not VideoStatus.PROCESSING or video.deleted_at is not None:
            return None
        now = await database.now(session)
        video.completed_at = now
        video.processing_seconds = (now - video.started_at).total_seconds() if video.started_at else None
        video.files_prefix = claim.files_prefix
        video.duration_seconds = rendered.duration_seconds
        video.file_size_bytes = rendered.file_size_bytes
        video.sha256 = rendered.sha256
        video.transcript = rendered.transcript
        video.scene_timings = rendered.scenes
        video.quality_report = rendered.report
        turn(session, video, VideoStatus.COMPLETED, now, progress=1.0)
        await usage.count_completed(session, video.owner_id, rendered.duration_seconds, now)
        return _recorded(video)

    return await database.retrying(finish)


async def fail(database: Database, claim: Claim, failure: Failure, *, max_failures: int) -> Recorded | None:
    """Record a failed render: the video waits for another try, or it has FAILED.

    None when the claim no longer stands.
    """

    async def end(session: AsyncSession) -> Recorded | None:
        video = await _locked(session, claim.video_id)
        if video is None or video.fence != claim.fence or video.deleted_at is not None:
            return None
        if video.status in (VideoStatus.PENDING, VideoStatus.FAILED):
            return _recorded(video)
        if video.status is not VideoStatus.PROCESSING:
            return None
        now = await database.now(session)
        video.failures += 1
        again_at = deciding.retry_at(failure, video.failures, now, max_failures)
        if again_at is None:
            _end_in_failure(session, video, failure, now)
        else:
            # It joins the queue when the back-off ends.
            video.queued_at = again_at
            turn(session, video, VideoStatus.PENDING, now, stage=Stage.QUEUED)
        return _recorded(video)

    return await database.retrying(end)


async def give_back(
    database: Database, claim: Claim, *, after: timedelta | None = None
) -> VideoChanged | None:
    """Let the video wait again, in its old place in the queue; None when the claim no longer stands.

    With `after` it is taken up no sooner than that, and the attempt does not count: what it needs is away,
    which is no fault of its own.
    """

    async def release(session: AsyncSession) -> VideoChanged | None:
        video = await _locked(session, claim.video_id)
        if video is None or video.fence != claim.fence or video.deleted_at is not None:
            return None
        if video.status is VideoStatus.PROCESSING:
            now = await database.now(session)
            turn(session, video, VideoStatus.PENDING, now, stage=Stage.QUEUED)
            if after is not None:
                video.attempt -= 1
                video.queued_at = now + after
        return _change_of(video) if video.status is VideoStatus.PENDING else None

    return await database.retrying(release)


async def give_back_all(database: Database, *, max_losses: int) -> list[VideoChanged]:
    """Let every video wait again that a dead predecessor was rendering, or fail when it was lost too often.

    Only for a process that knows itself to be the only one that renders, with a queue of its own.
    """

    async def release(session: AsyncSession) -> list[VideoChanged]:
        videos = await session.scalars(select(Video).where(IS_UNDER_WAY).with_for_update())
        now = await database.now(session)
        changes = []
        for video in videos:
            video.losses += 1
            if video.losses < max_losses:
                turn(session, video, VideoStatus.PENDING, now, stage=Stage.QUEUED)
            else:
                _end_in_failure(session, video, deciding.poison(video.losses), now)
            changes.append(_change_of(video))
        return changes

    return await database.retrying(release)


async def abandon(database: Database, video_ids: Sequence[UUID], terms: Terms) -> list[VideoChanged]:
    """FAIL those of the videos that nobody works on and nobody may claim again."""

    async def end(session: AsyncSession) -> list[VideoChanged]:
        changes = []
        for video_id in video_ids:
            video = await _locked(session, video_id)
            if video is None:
                continue
            now = await database.now(session)
            failure = deciding.given_up(_standing(video), now, terms)
            if failure is not None:
                if video.status is VideoStatus.PROCESSING:
                    video.losses += 1
                _end_in_failure(session, video, failure, now)
                changes.append(_change_of(video))
        return changes

    return await database.retrying(end)


async def _locked(session: AsyncSession, video_id: UUID) -> Video | None:
    # SQLite knows no row locks and needs none: its writers come one at a time.
    return await session.get(Video, video_id, with_for_update=True)


async def _under_way(session: AsyncSession, owner_id: UUID, now: datetime) -> int:
    """How many of the owner's are being rendered.

    One whose worker has gone silent is not: were it counted, several of them would keep each other waiting
    after all workers had died.
    """
    counted = select(func.count()).where(
        col(Video.owner_id) == owner_id, IS_UNDER_WAY, col(Video.lease_expires_at) > now
    )
    return (await session.execute(counted)).scalar_one()


def still_mine(claim: Claim) -> ColumnElement[bool]:
    """Of the video's row: the claim stands."""
    return and_(
        col(Video.id) == claim.video_id,
        col(Video.fence) == claim.fence,
        col(Video.status) == VideoStatus.PROCESSING,
        col(Video.deleted_at).is_(None),
    )


def _standing(video: Video) -> Standing:
    is_deleted = video.deleted_at is not None
    return Standing(video.status, video.attempt, video.lease_expires_at, is_deleted, video.losses)


def _end_in_failure(session: AsyncSession, video: Video, failure: Failure, now: datetime) -> None:
    video.failure_code = failure.code
    video.failure_message = failure.message[:MAX_MESSAGE_LENGTH]
    video.failure_is_retryable = failure.is_retryable
    turn(session, video, VideoStatus.FAILED, now, progress=video.progress)


def claim_of(video: Video) -> Claim:
    """The claim on it that stands."""
    return Claim(
        video_id=video.id,
        owner_id=video.owner_id,
        fence=video.fence,
        attempt=video.attempt,
        storyboard=video.storyboard,
        change=_change_of(video),
        request_id=video.request_id,
        trace_parent=video.trace_parent,
    )


def _recorded(video: Video) -> Recorded:
    return Recorded(_change_of(video), video.status, video.processing_seconds)


def _change_of(video: Video) -> VideoChanged:
    return VideoChanged(video.id, video.owner_id, video.version)
