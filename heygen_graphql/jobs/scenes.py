"""Scenes of one video, rendered by several workers at once: the rows of those that it lacks.

Whoever claims the video plans them. Everybody who takes part claims scenes one by one, and whoever finishes
the last takes the video under a fence of its own, to join it.

A video's row is locked before its scenes' rows. As in `claiming`, every change may be repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.events import VideoChanged
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.rendering.storyboard import Stage
from heygen_graphql.tables import Video, VideoScene, VideoStatus

SCENES_SHARE = 0.93
"""Of a shared video's progress, what its scenes take; joining takes the rest."""

_SHOWN_EVERY = timedelta(seconds=0.2)
"""However many take part in a video, its row and its watchers are told of progress no more often."""

_CANDIDATES = 8
"""Of videos that need help, so many of the oldest are tried for a scene before there is taken to be none."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A scene that is to be rendered."""

    key: str
    position: int
    """Of the first of the storyboard's scenes that it is."""
    weight: float


@dataclass(frozen=True, slots=True)
class SceneClaim:
    """The right to render one scene, while the claim on its video stands."""

    video: Claim
    participant_id: UUID
    key: str
    position: int
    """Of the first of the storyboard's scenes that it is."""
    is_taken_over: bool
    """From somebody who has gone silent."""


@dataclass(frozen=True, slots=True)
class Joining:
    """The right to join a video whose scenes are all there."""

    claim: Claim
    made: frozenset[str]
    """The keys of the scenes that were rendered since it was planned."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A video's claim stands."""

    fraction: float
    """Of the whole video."""
    change: VideoChanged | None
    """None when there was nothing to show, or it is too soon."""


async def plan(database: Database, claim: Claim, planned: Sequence[Planned]) -> bool:
    """Write the scenes down for everybody to take; False when the claim no longer stands."""

    async def write(session: AsyncSession) -> bool:
        if await _standing(session, claim) is None:
            return False
        await session.execute(delete(VideoScene).where(col(VideoScene.video_id) == claim.video_id))
        session.add_all(
            VideoScene(
                video_id=claim.video_id,
                video_fence=claim.fence,
                key=one.key,
                position=one.position,
                weight=one.weight,
            )
            for one in planned
        )
        return True

    return await database.retrying(write)


async def claim_one(
    database: Database,
    claim: Claim,
    participant_id: UUID,
    *,
    lease_seconds: float,
    max_losses: int,
    may_take_over: bool = True,
) -> SceneClaim | None:
    """Take a scene of the video that nobody has; None when there is none, or the claim no longer stands.

    One whose participant has gone silent is taken over if it may, and the others of that participant are free
    again. That counts as one loss of a worker; when it would be the last one allowed, the scene is left, so
    that the video's own lease runs out and `claiming` ends it.
    """
    written: SceneClaim | None = None

    async def take(session: AsyncSession) -> SceneClaim | None:
        nonlocal written
        video = await _standing(session, claim)
        if video is None:
            return None
        now = await database.now(session)
        rows = await _rows(session, claim)
        if written is not None and any(
            row.key == written.key and row.participant_id == participant_id for row in rows
        ):
            # The commit took place though its answer was lost.
            return written
        chosen = choose(rows, now, may_take_over=may_take_over and video.losses + 1 < max_losses)
        if chosen is None:
            return None
        lost_id = chosen.participant_id
        written = SceneClaim(claim, participant_id, chosen.key, chosen.position, lost_id is not None)
        if lost_id is not None:
            video.losses += 1
            _free([row for row in rows if row.participant_id == lost_id and not row.is_done])
        chosen.participant_id = participant_id
        chosen.lease_expires_at = now + timedelta(seconds=lease_seconds)
        return written

    return await database.retrying(take)


async def claim_any(
    database: Database,
    *,
    lease_seconds: float,
    max_losses: int,
    may_take_over: bool = True,
    but_not_of: Collection[UUID] = (),
) -> SceneClaim | None:
    """Take a scene of any video under way, the one that came first before others; None when there is none.

    As `claim_one` does.
    """
    async with database.reading() as session:
        now = await database.now(session)
        found = await session.scalars(
            select(Video)
            .where(is_in_need(now), col(Video.id).not_in(but_not_of))
            .order_by(col(Video.queued_at), col(Video.id))
            .limit(_CANDIDATES)
        )
        claims = [claiming.claim_of(video) for video in found]
    participant_id = uuid4()
    for claim in claims:
        one = await claim_one(
            database,
            claim,
            participant_id,
            lease_seconds=lease_seconds,
            max_losses=max_losses,
            may_take_over=may_take_over,
        )
        if one is not None:
            return one
    return None


def is_in_need(now: datetime) -> ColumnElement[bool]:
    """Of a video: it is under way, and a scene of it is nobody's."""
    # Leases are judged again under a lock: this only finds whom to ask.
    open_scene = select(col(VideoScene.key)).where(
        col(VideoScene.video_id) == col(Video.id),
        col(VideoScene.video_fence) == col(Video.fence),
        col(VideoScene.is_done).is_(False),
        or_(col(VideoScene.participant_id).is_(None), col(VideoScene.lease_expires_at) <= now),
    )
    return and_(
        col(Video.status) == VideoStatus.PROCESSING,
        col(Video.deleted_at).is_(None),
        col(Video.lease_expires_at) > now,
        open_scene.exists(),
    )


async def keep(
    database: Database,
    claim: Claim,
    participant_id: UUID,
    progress: Mapping[str, float],
    *,
    stage: Stage,
    seconds_left: float | None,
    lease_seconds: float,
) -> Kept | None:
    """Renew the leases of the video and of the participant's scenes, and show how far all of them are.

    None when the claim no longer stands. The progress in the video's row never falls.
    """
    async with database.transaction() as session:
        now = await database.now(session)
        lease_expires_at = now + timedelta(seconds=lease_seconds)
        fraction = SCENES_SHARE * fraction_of(await _rows(session, claim), progress)
        is_shown = await session.scalar(
            select(col(Video.updated_at) <= now - _SHOWN_EVERY).where(col(Video.id) == claim.video_id)
        )
        values: dict[str, Any] = {"lease_expires_at": lease_expires_at}
        if is_shown:
            values |= {
                "progress": case((col(Video.progress) > fraction, col(Video.progress)), else_=fraction),
                # One of them may still be spoken while others are drawn.
                "stage": case((col(Video.stage) == Stage.DRAWING, Stage.DRAWING), else_=stage),
                "seconds_left": seconds_left,
                "version": col(Video.version) + 1,
                "updated_at": now,
            }
        changed = update(Video).where(claiming.still_mine(claim)).values(**values)
        row = (await session.execute(changed.returning(col(Video.version)))).one_or_none()
        if row is None:
            return None
        scene: dict[str, Any] = {"lease_expires_at": lease_expires_at}
        if progress:
            scene["progress"] = case(
                dict(progress), value=col(VideoScene.key), else_=col(VideoScene.progress)
            )
        await session.execute(update(VideoScene).where(_of(claim), _is_of(participant_id)).values(**scene))
    change = VideoChanged(claim.video_id, claim.owner_id, row.version) if is_shown else None
    return Kept(fraction, change)


async def finish(database: Database, scene: SceneClaim, *, lease_seconds: float) -> Joining | None:
    """Note that the scene's segment is stored; the right to join the video when it was the last one.

    Whoever may have taken the scene over meanwhile: a segment is the same, whoever made it.
    """
    written: tuple[datetime, Joining] | None = None

    async def note(session: AsyncSession) -> Joining | None:
        nonlocal written
        if written is not None:
            lease_expires_at, joining = written
            video = await _standing(session, joining.claim)
            if video is not None and video.lease_expires_at == lease_expires_at:
                # The commit took place though its answer was lost.
                return joining
        video = await _standing(session, scene.video)
        if video is None:
            return None
        rows = await _rows(session, scene.video)
        for row in rows:
            if row.key == scene.key:
                row.is_done, row.progress = True, 1.0
                _free([row])
        if not rows or not all(row.is_done for row in rows):
            return None
        now = await database.now(session)
        video.fence += 1
        video.lease_expires_at = now + timedelta(seconds=lease_seconds)
        for row in rows:
            await session.delete(row)
        joining = Joining(replace(scene.video, fence=video.fence), frozenset(row.key for row in rows))
        written = video.lease_expires_at, joining
        return joining

    return await database.retrying(note)


async def give_back(database: Database, claim: Claim, participant_id: UUID) -> bool:
    """Let others have the participant's scenes; False when nobody else is at work on the video.

    Then nothing has changed: the video itself is to be given back.
    """

    async def release(session: AsyncSession) -> bool:
        if await _standing(session, claim) is None:
            return True
        now = await database.now(session)
        rows = await _rows(session, claim)
        if not any(_is_held(row, now) for row in rows if row.participant_id != participant_id):
            return False
        _free([row for row in rows if row.participant_id == participant_id])
        return True

    return await database.retrying(release)


async def note_crash(database: Database, scene: SceneClaim, *, max_failures: int) -> bool:
    """Count a failure, and let others have the scene; False when the video is to fail instead.

    That is so when it has failed too often, or no other scene of it is being rendered: then its failure
    is followed by a pause, as that of any video is.
    """

    async def note(session: AsyncSession) -> bool:
        video = await _standing(session, scene.video)
        if video is None:
            return True
        now = await database.now(session)
        rows = await _rows(session, scene.video)
        mine = [row for row in rows if row.key == scene.key and row.participant_id == scene.participant_id]
        if not mine:
            # Lost to another, or the commit took place though its answer was lost.
            return True
        is_shared = any(_is_held(row, now) for row in rows if row.key != scene.key)
        if not is_shared or video.failures + 1 >= max_failures:
            return False
        video.failures += 1
        _free(mine)
        return True

    return await database.retrying(note)


async def forget(database: Database, claim: Claim) -> None:
    """Remove what is left of a plan once nobody can take from it any more."""

    async def remove(session: AsyncSession) -> None:
        await session.execute(delete(VideoScene).where(_of(claim)))

    await database.retrying(remove)


async def forget_fallen(database: Database) -> None:
    """Remove plans whose claims no longer stand: whoever had them died before tidying up."""
    standing = select(col(Video.id)).where(
        col(Video.id) == col(VideoScene.video_id),
        col(Video.fence) == col(VideoScene.video_fence),
        col(Video.status) == VideoStatus.PROCESSING,
        col(Video.deleted_at).is_(None),
    )
    has_fallen = ~standing.exists()
    # Looked for first: on SQLite every transaction that may write holds up the others.
    async with database.reading() as session:
        if await session.scalar(select(col(VideoScene.video_id)).where(has_fallen).limit(1)) is None:
            return
    async with database.transaction() as session:
        await session.execute(delete(VideoScene).where(has_fallen))


def choose(rows: Sequence[VideoScene], now: datetime, *, may_take_over: bool) -> VideoScene | None:
    """The scene to render next: the heaviest, so that nobody is left with it when the others have ended."""
    is_open = [
        row
        for row in rows
        if not row.is_done and (row.participant_id is None or (may_take_over and not _is_held(row, now)))
    ]
    return max(is_open, key=lambda row: (row.weight, -row.position), default=None)


def fraction_of(rows: Sequence[VideoScene], progress: Mapping[str, float]) -> float:
    """How much of the scenes' work is done, by their rows or by what is known better."""
    whole = sum(row.weight for row in rows)
    done = sum(
        row.weight * (1.0 if row.is_done else max(row.progress, progress.get(row.key, 0.0))) for row in rows
    )
    return min(1.0, done / whole) if whole > 0 else 0.0


def _is_held(row: VideoScene, now: datetime) -> bool:
    return row.participant_id is not None and row.lease_expires_at is not None and row.lease_expires_at > now


def _free(rows: Collection[VideoScene]) -> None:
    for row in rows:
        row.participant_id = row.lease_expires_at = None


async def _standing(session: AsyncSession, claim: Claim) -> Video | None:
    """The video's row, locked; None when the claim does not stand."""
    return await session.scalar(select(Video).where(claiming.still_mine(claim)).with_for_update())


async def _rows(session: AsyncSession, claim: Claim) -> list[VideoScene]:
    found = await session.scalars(select(VideoScene).where(_of(claim)).order_by(col(VideoScene.position)))
    return list(found)


def _of(claim: Claim) -> ColumnElement[bool]:
    return and_(col(VideoScene.video_id) == claim.video_id, col(VideoScene.video_fence) == claim.fence)


def _is_of(participant_id: UUID) -> ColumnElement[bool]:
    return and_(col(VideoScene.participant_id) == participant_id, col(VideoScene.is_done).is_(False))
