"""A video's row and events go when it is purged; what they had to tell does not."""

import asyncio
from uuid import UUID

from heygen_graphql.database import Database
from heygen_graphql.tables import Video, VideoStatus
from tests.jobs.serving import server
from tests.webhooks.conftest import Configure
from tests.webhooks.rows import add_video, add_webhook, deliveries, turn_to


async def test_the_sweep_that_purges_a_video_writes_down_what_nobody_has_told_yet(
    database: Database, ada: UUID, configured: Configure
) -> None:
    # Given a video that was deleted at its end, and no driver at all
    await add_webhook(database, ada, "https://example.com/", ["VIDEO_COMPLETED"])
    video = await add_video(database, ada)
    await turn_to(database, video.id, VideoStatus.PROCESSING, VideoStatus.COMPLETED)
    async with database.transaction() as session:
        (await session.get_one(Video, video.id)).deleted_at = await database.now(session)

    async def is_there() -> bool:
        async with database.reading() as session:
            return await session.get(Video, video.id) is not None

    # When it is purged
    async with server(configured(sweep_seconds=0.1), database), asyncio.timeout(20):
        while True:
            if not await is_there():
                break
            await asyncio.sleep(0.05)
    # Then its end is still to be told
    (row,) = await deliveries(database)
    assert (row.event, row.status, row.payload["data"]["durationSeconds"]) == (
        "VIDEO_COMPLETED",
        "PENDING",
        1.5,
    )
