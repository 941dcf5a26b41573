"""What would grow without end: deliveries to who does not take them, and events of long ago."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.tables import VideoEvent, VideoStatus, WebhookDelivery, WebhookDeliveryStatus, utc_now
from heygen_graphql.webhooks.fanning import MAX_WAITING, fan_out, forget_told
from tests.webhooks.receiver import Receiver
from tests.webhooks.rows import add_video, add_webhook, deliveries, turn_to

PENDING, _, FAILED = WebhookDeliveryStatus


async def test_a_heap_for_one_webhook_has_an_end_and_leaves_others_theirs(
    database: Database, ada: UUID, receiver: Receiver
) -> None:
    # Given a webhook for which as many wait as may, but for one
    url = receiver.url("/ok")
    heaped, other = [await add_webhook(database, ada, url, ["VIDEO_FAILED"]) for _ in range(2)]
    waiting = {
        "owner_id": ada,
        "webhook_id": heaped.id,
        "message_id": "m",
        "event": "PING",
        "payload": {},
        "status": PENDING,
        "attempts": 0,
        "created_at": utc_now(),
    }
    async with database.transaction() as session:
        rows = [waiting | {"id": uuid4()} for _ in range(MAX_WAITING - 1)]
        await session.execute(insert(WebhookDelivery), rows)
    # When two more things happen
    for _ in range(2):
        video = await add_video(database, ada)
        await turn_to(database, video.id, VideoStatus.PROCESSING, VideoStatus.FAILED)
    await fan_out(database)
    # Then the second is written down as what can be replayed
    of_heaped, of_other = [
        [row for row in await deliveries(database, webhook_id=webhook.id) if row.event == "VIDEO_FAILED"]
        for webhook in (heaped, other)
    ]
    assert [row.status for row in of_heaped] == [PENDING, FAILED]
    assert "1,000 deliveries to this webhook wait already" in str(of_heaped[1].failure)
    assert of_heaped[1].next_attempt_at is None
    assert [row.status for row in of_other] == [PENDING, PENDING]


async def test_events_are_forgotten_when_they_were_told_long_ago(database: Database, ada: UUID) -> None:
    video = await add_video(database, ada)
    await turn_to(database, video.id, VideoStatus.PROCESSING, VideoStatus.FAILED, VideoStatus.PENDING)
    long_ago = utc_now() - timedelta(days=31)
    async with database.transaction() as session:
        first, second, third = (await session.scalars(select(VideoEvent).order_by(col(VideoEvent.id)))).all()
        first.created_at, first.fanned_out_at = long_ago, long_ago
        second.created_at = long_ago
        third.fanned_out_at = utc_now()

    await forget_told(database, days=30)

    async with database.reading() as session:
        left = (await session.scalars(select(col(VideoEvent.id)).order_by(col(VideoEvent.id)))).all()
    assert left == [second.id, third.id]
