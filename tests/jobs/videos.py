"""Videos as the API would leave them in the database, and waiting for what becomes of them."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.rendering.speech import default_voice
from heygen_graphql.rendering.storyboard import Scene, Stage, Storyboard
from heygen_graphql.tables import User, Video, VideoEvent, VideoStatus, utc_now

SLOW = {"steps": 1000, "step_seconds": 0.05}
"""The plan of a render that does not end while a test looks on."""


async def add_video(database: Database, plan: dict[str, Any] | None = None, **columns: Any) -> UUID:
    user = User(email=f"{uuid4()}@example.com", email_key=str(uuid4()), password_hash="-")
    video = Video(
        owner_id=user.id,
        request={},
        script="Hi",
        voice_id="voice",
        avatar_id="avatar",
        language="en",
        quality="LOW",
        aspect_ratio="SQUARE",
        caption_style="NONE",
        **{"storyboard": storyboard(plan), **columns},
    )
    async with database.transaction() as session:
        session.add(user)
        await session.flush()
        session.add(video)
    return video.id


def storyboard(plan: Mapping[str, Any] | None = None, **scene: Any) -> dict[str, Any]:
    """One that has `fake_child` do as it is planned."""
    first = Scene(json.dumps(plan or {}), 0.0, "voice", "avatar", "#204060", **scene)
    return asdict(Storyboard((first,), "en"))


def storyboard_of_many(plans: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One whose scenes `fake_child` renders each as it is planned; no two are alike."""
    voice = default_voice("en")
    assert voice is not None
    scenes = (
        Scene(json.dumps({"number": number, **plan}), 0.0, voice.voice_id, "avatar", "#204060")
        for number, plan in enumerate(plans)
    )
    return asdict(Storyboard(tuple(scenes), "en"))


def is_drawing(video: Video) -> bool:
    return video.stage == Stage.DRAWING


async def load(database: Database, video_id: UUID) -> Video:
    async with database.reading() as session:
        return await session.get_one(Video, video_id)


async def change(database: Database, video_id: UUID, **columns: Any) -> None:
    async with database.transaction() as session:
        (await session.get_one(Video, video_id)).sqlmodel_update(columns)


async def let_lease_run_out(database: Database, video_id: UUID) -> None:
    """As if its worker had been silent for so long."""
    await change(database, video_id, lease_expires_at=utc_now() - timedelta(seconds=1))


async def let_back_off_end(database: Database, video_id: UUID) -> None:
    """Once it has failed for the first time: as if the seconds had passed until its next attempt."""
    await wait_for(database, video_id, lambda video: video.failures == 1)
    await change(database, video_id, queued_at=utc_now())


async def statuses(database: Database, video_id: UUID) -> list[VideoStatus]:
    """What it has been, from its first change on."""
    async with database.reading() as session:
        found = await session.scalars(
            select(col(VideoEvent.status))
            .where(col(VideoEvent.video_id) == video_id)
            .order_by(col(VideoEvent.version))
        )
        return list(found)


async def wait_for(
    database: Database, video_id: UUID, is_so: Callable[[Video], bool], seconds: float = 30
) -> Video:
    deadline = time.monotonic() + seconds
    while True:
        video = await load(database, video_id)
        if is_so(video):
            return video
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {video.status} {video.stage} {video.progress} {video.failure_message}")
        await asyncio.sleep(0.02)


async def wait_until_it_is(is_so: Callable[[], Awaitable[bool]], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not await is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds} s")
        await asyncio.sleep(0.02)


async def wait_for_end(database: Database, video_id: UUID, seconds: float = 30) -> Video:
    return await wait_for(database, video_id, lambda video: video.status.is_final, seconds)
