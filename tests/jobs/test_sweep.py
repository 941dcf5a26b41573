"""The sweep, when others are at the same rows."""

import asyncio
from pathlib import Path

import pytest

from heygen_graphql.database import Database
from heygen_graphql.events import LocalHub
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.jobs.protocol import Equipment
from heygen_graphql.jobs.sweep import fail_given_up
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage
from heygen_graphql.tables import VideoStatus
from tests.jobs.conftest import FAKE_CHILD
from tests.jobs.videos import add_video, statuses


@pytest.fixture
def place(database: Database, settings: Settings, tmp_path: Path) -> Workplace:
    storage = Storage.open(settings.resolved_storage_url)
    work = tmp_path / "work"
    return Workplace(settings, database, LocalHub(), storage, work, RenderPool(FAKE_CHILD, Equipment(), work))


async def test_many_sweeps_at_once_fail_a_hopeless_video_once(place: Workplace) -> None:
    video_id = await add_video(place.database, attempt=place.settings.render_max_attempts)
    await asyncio.gather(*(fail_given_up(place) for _ in range(10)))
    assert await statuses(place.database, video_id) == [VideoStatus.FAILED]
