"""The one look at the database that all watchers of a process share."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from heygen_graphql.database import Database
from heygen_graphql.events import LocalHub
from heygen_graphql.schema.watching import open_watch
from heygen_graphql.tables import VideoStatus, utc_now
from tests.jobs.videos import add_video, change, load


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    yield database
    await database.close()


async def test_a_watcher_hears_of_what_another_has_read_first(database: Database) -> None:
    video_id = await add_video(database)
    async with open_watch(database, LocalHub()) as watch:
        with watch.video(video_id) as watched:
            # Given somebody who waits for what comes after the first version
            first = await load(database, video_id)
            watched.note(first)
            waiting = asyncio.create_task(watched.newer(first.version))
            await asyncio.sleep(0)
            # When the video ends, which nobody is told of, and another begins to watch
            ago = utc_now() - timedelta(seconds=1)
            await change(database, video_id, status=VideoStatus.CANCELED, version=2, updated_at=ago)
            watched.note(await load(database, video_id))
            # Then the one who waits hears of the end
            async with asyncio.timeout(10):
                last = await waiting
    assert last is not None
    assert last.status is VideoStatus.CANCELED
