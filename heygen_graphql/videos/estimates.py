"""What a video would take: the reckoning fed with this host's own rows."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlmodel import col, select

from heygen_graphql.database import Database
from heygen_graphql.presence import seen_lately
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Storyboard
from heygen_graphql.tables import PREVIEW_SECONDS, User, Video, VideoStatus
from heygen_graphql.videos.catalogue import catalogue_for
from heygen_graphql.videos.drafts import storyboard_of
from heygen_graphql.videos.line import Length, line_lengths
from heygen_graphql.videos.quotas import STANDARD, Quotas
from heygen_graphql.videos.reading import seconds_left
from heygen_graphql.videos.reckoning import Finished, Lessons, Turn, learn, wait_seconds
from heygen_graphql.videos.requests import VideoRequest

_LEARNT_FROM = 200
"""The latest films: a host changes, and so do voices."""
_SCENES_LEARNT_FROM = 2000
"""Fewer films when they are long: two hundred of fifty scenes would take seconds."""
_LOOKED_AT = 50
"""Of the queue; the rest is taken to be like what is looked at."""
_RECKONED_WITH = 1000
"""Of one owner's."""
_LESSONS_LAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Estimate:
    duration_seconds: float
    render_seconds: float
    wait_seconds: float


class Experience:
    """What this host's films teach, kept for some seconds: many ask at once when a form is filled in."""

    def __init__(
        self, database: Database, voices: Voices, *, renders_at_once: int, quotas: Quotas = STANDARD
    ) -> None:
        self._database = database
        self._voices = voices
        self._renders_at_once = renders_at_once
        self._quotas = quotas
        self._learning = asyncio.Lock()
        self._lessons = Lessons()
        self._latest: Storyboard | None = None
        self._learnt_at: float | None = None

    async def estimate(self, owner_id: UUID, request: VideoRequest) -> Estimate:
        """
        Raises:
            InvalidInput: as creating the video would.
        """
        database = self._database
        async with database.reading() as session:
            catalogue = await catalogue_for(session, owner_id, [request], self._voices)
        storyboard = storyboard_of(request, catalogue)
        engines = {voice.voice_id: voice.engine for voice in self._voices.all()}
        lessons = await self._learn(engines)
        queue = await self._queue(owner_id)
        # Some dozens of storyboards of fifty scenes: more than the event loop should do at once.
        return await asyncio.to_thread(self._reckon, owner_id, storyboard, lessons, queue, engines)

    async def _learn(self, engines: Mapping[str, str]) -> Lessons:
        async with self._learning:
            now = time.monotonic()
            if self._learnt_at is None or now - self._learnt_at > _LESSONS_LAST_SECONDS:
                rows = await self._finished()
                self._lessons, self._latest = await asyncio.to_thread(_learn, rows, engines)
                self._learnt_at = now
            return self._lessons

    async def _finished(self) -> Sequence[Row[Any, Any, Any]]:
        async with self._database.reading() as session:
            rows = await session.execute(
                select(Video.storyboard, Video.scene_timings, Video.processing_seconds)
                .where(Video.status == VideoStatus.COMPLETED)
                .order_by(col(Video.queued_at).desc(), col(Video.id))
                .limit(_LEARNT_FROM)
            )
            return rows.all()

    async def _queue(self, asker: UUID) -> "_Queue":
        seen = await seen_lately(self._database)
        async with self._database.reading() as session:
            now = await self._database.now(session)
            processing = select(Video).where(Video.status == VideoStatus.PROCESSING).limit(_LOOKED_AT)
            running = (await session.execute(processing.order_by(col(Video.started_at)))).scalars().all()
            oldest = select(Video.owner_id, Video.storyboard).where(Video.status == VideoStatus.PENDING)
            in_order = oldest.order_by(col(Video.queued_at), col(Video.id)).limit(_LOOKED_AT)
            waiting = [(row[0], row[1]) for row in await session.execute(in_order)]
            lengths = {one.owner_id: one for one in await line_lengths(session, now, self._quotas)}
            owners = {asker, *(video.owner_id for video in running)}
            own = await session.execute(
                select(col(User.id), col(User.concurrent_limit)).where(col(User.id).in_(owners))
            )
            standard = self._quotas.videos_at_once
            limits: dict[Hashable, int] = {owner: one.may_run for owner, one in lengths.items()}
            limits |= {row[0]: standard if row[1] is None else row[1] for row in own}
            if asker not in lengths:
                under_way = sum(video.owner_id == asker for video in running)
                lengths[asker] = Length(asker, 0, 0, under_way, limits.get(asker, standard), now)
        # None has told of itself yet when the server has just begun.
        renders_at_once = seen.renders_at_once or self._renders_at_once
        return _Queue(now, running, waiting, lengths, limits, renders_at_once)

    def _reckon(
        self,
        asker: UUID,
        storyboard: Storyboard,
        lessons: Lessons,
        queue: "_Queue",
        engines: Mapping[str, str],
    ) -> Estimate:
        before = self._latest
        left: list[Turn] = []
        for video in queue.running:
            rendered = _storyboard(video.storyboard)
            _, seconds = lessons.seconds(rendered, engines, before)
            left.append(Turn(video.owner_id, _left(video, seconds, queue.now)))
            before = rendered
        waiting: list[Turn] = []
        for owner, kept in queue.waiting:
            film = _storyboard(kept)
            _, seconds = lessons.seconds(film, engines, before)
            waiting.append(Turn(owner, seconds))
            before = film
        duration, render_seconds = lessons.seconds(storyboard, engines, before)
        ahead = _ahead(queue, asker, waiting, is_preview=duration <= PREVIEW_SECONDS)
        wait = wait_seconds(left, ahead, queue.renders_at_once, asker=asker, limits=queue.limits)
        return Estimate(duration, render_seconds, wait)


@dataclass(frozen=True, slots=True)
class _Queue:
    now: datetime
    running: Sequence[Video]
    waiting: Sequence[tuple[UUID, dict[str, Any]]]
    """The owners and storyboards of the oldest ones."""
    lengths: Mapping[UUID, Length]
    limits: Mapping[Hashable, int]
    """How many each of their owners may have under way."""
    renders_at_once: int


def _ahead(queue: _Queue, asker: UUID, looked_at: Sequence[Turn], *, is_preview: bool) -> list[Turn]:
    """What is begun before a video of the asker's that comes now, in that order.

    An owner's videos are taken to be like those of theirs that were looked at, or like all of these.
    """
    by_owner: dict[Hashable, list[float]] = defaultdict(list)
    for turn in looked_at:
        by_owner[turn.owner].append(turn.seconds)
    mean = fmean(turn.seconds for turn in looked_at) if looked_at else 0.0
    own = queue.lengths[asker]
    place = own.place(own.previews if is_preview else own.waiting, is_preview=is_preview)
    turns: list[tuple[tuple[int, datetime, int], Turn]] = []
    for owner, line in queue.lengths.items():
        seconds = fmean(by_owner[owner]) if owner in by_owner else mean
        for rank in range(min(line.ahead_of(place), _RECKONED_WITH)):
            turns.append(((line.under_way + rank, line.since, owner.int), Turn(owner, seconds)))
    turns.sort(key=lambda one: one[0])
    return [turn for _, turn in turns]


def _left(video: Video, whole_seconds: float, now: datetime) -> float:
    told = seconds_left(video, now)
    if told is not None or video.started_at is None:
        return told or 0.0
    return max(0.0, whole_seconds - (now - video.started_at).total_seconds())


def _learn(
    rows: Sequence[Row[Any, Any, Any]], engines: Mapping[str, str]
) -> tuple[Lessons, Storyboard | None]:
    """And the film that was rendered last."""
    finished: list[Finished] = []
    scene_count = 0
    for storyboard, timings, processing_seconds in rows:
        if not timings:
            continue
        scene_count += len(timings)
        if finished and scene_count > _SCENES_LEARNT_FROM:
            break
        is_whole = not any(timing.get("reused") for timing in timings)
        seconds = tuple(timing["duration_seconds"] for timing in timings)
        finished.append(Finished(_storyboard(storyboard), seconds, processing_seconds if is_whole else None))
    return learn(finished, engines), finished[0].storyboard if finished else None


def _storyboard(kept: dict[str, Any]) -> Storyboard:
    return Storyboard.from_json(json.dumps(kept))
