"""From an event to the receiver, through real databases and connections, with one driver and with several."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col

from heygen_graphql import webhooks
from heygen_graphql.database import Database
from heygen_graphql.globalids import encode
from heygen_graphql.settings import Settings
from heygen_graphql.tables import User, Video, VideoStatus, WebhookDelivery, WebhookDeliveryStatus, utc_now
from heygen_graphql.webhooks import Driver, Targets, driving
from heygen_graphql.webhooks import deliveries as sent
from heygen_graphql.webhooks.fanning import fan_out
from heygen_graphql.webhooks.sending import Outcome
from tests.webhooks.conftest import Configure
from tests.webhooks.receiver import Receiver
from tests.webhooks.rows import add_video, add_webhook, deliveries, turn_to, webhook_now

PENDING, DELIVERED, FAILED = WebhookDeliveryStatus
PROCESSING, COMPLETED = VideoStatus.PROCESSING, VideoStatus.COMPLETED


@asynccontextmanager
async def drivers(settings: Settings, database: Database, count: int = 1) -> AsyncIterator[Driver]:
    """The last of so many."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            targets = Targets(settings.webhook_allowed_hosts)
            stack.callback(targets.close)
            driver = await stack.enter_async_context(driving(settings, database.url, targets))
        yield driver


async def until(is_so: Callable[[], Awaitable[bool]], *, hurried: Driver | None = None) -> None:
    """`hurried` goes its rounds as often as we look, not only every second."""
    async with asyncio.timeout(20):
        while not await is_so():
            if hurried is not None:
                hurried.wake()
            await asyncio.sleep(0.02)


async def all_ended(database: Database) -> bool:
    rows = await deliveries(database)
    return bool(rows) and all(row.status is not PENDING for row in rows)


async def test_every_change_reaches_its_owners_webhooks_once_and_signed(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    # Given two webhooks that want different things, one that is switched off, and one of somebody else's
    async with database.transaction() as session:
        ben = User(email="ben@example.com", email_key="ben@example.com", password_hash="-")
        session.add(ben)
    webhook = await add_webhook(database, ada, receiver.url("/all"))
    await add_webhook(database, ada, receiver.url("/completed"), ["VIDEO_COMPLETED"])
    await add_webhook(database, ada, receiver.url("/off"), is_active=False)
    await add_webhook(database, ben.id, receiver.url("/bens"))
    video = await add_video(database, ada)
    # When the video goes its way
    await turn_to(database, video.id, PROCESSING, VideoStatus.PENDING, PROCESSING, COMPLETED)
    async with drivers(configured(), database, 2):
        await until(lambda: all_ended(database))
        await asyncio.sleep(0.2)
    # Then each was told what it wants, once
    told = [one.verified(webhook.secret) for one in receiver.at("/all")]
    assert sorted(one["type"] for one in told) == ["video.completed", "video.processing", "video.processing"]
    assert len({one.message_id for one in receiver.at("/all")}) == 3
    (done,) = receiver.at("/completed")
    payload = json.loads(done.body)
    assert payload["data"]["id"] == encode("Video", video.id)
    assert payload["data"]["status"] == "COMPLETED"
    assert payload["data"]["durationSeconds"] == 1.5
    assert payload["data"]["metadata"] == {"order": 7}
    assert payload["data"]["title"] == "Ünïcode"
    assert receiver.at("/off") == receiver.at("/bens") == []
    assert {row.status for row in await deliveries(database)} == {DELIVERED}


async def test_several_drivers_send_each_of_many_once(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    for number in range(4):
        await add_webhook(database, ada, receiver.url(f"/ok/{number}"))
    for _ in range(20):
        video = await add_video(database, ada)
        await turn_to(database, video.id, PROCESSING, COMPLETED)
    async with drivers(configured(), database, 3):
        await until(lambda: all_ended(database))
    ids = [one.message_id for one in receiver.received]
    assert len(ids) == len(set(ids)) == 4 * 20 * 2


async def test_a_failure_is_tried_again_and_the_message_stays_the_same(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    webhook = await add_webhook(database, ada, receiver.url("/flaky/2"), ["VIDEO_COMPLETED"])
    video = await add_video(database, ada)
    await turn_to(database, video.id, COMPLETED)
    async with drivers(configured(), database) as driver:
        await until(lambda: all_ended(database), hurried=driver)
    (row,) = await deliveries(database)
    assert (row.status, row.attempts, row.response_status, row.failure) == (DELIVERED, 3, 200, None)
    first, *others = receiver.at("/flaky/2")
    assert len(others) == 2
    assert {(one.message_id, one.body) for one in others} == {(first.message_id, first.body)}
    assert first.verified(webhook.secret)["type"] == "video.completed"


async def test_after_its_last_attempt_a_delivery_has_failed(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    await add_webhook(database, ada, receiver.url("/status/500"), ["VIDEO_COMPLETED"])
    await turn_to(database, (await add_video(database, ada)).id, COMPLETED)
    async with drivers(configured(), database) as driver:
        await until(lambda: all_ended(database), hurried=driver)
        await asyncio.sleep(0.3)
    (row,) = await deliveries(database)
    assert (row.status, row.attempts, row.response_status, row.next_attempt_at) == (FAILED, 4, 500, None)
    assert len(receiver.received) == 4


async def test_a_target_that_is_gone_is_switched_off_and_what_waits_for_it_given_up(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    webhook = await add_webhook(database, ada, receiver.url("/status/410"))
    for _ in range(5):
        await turn_to(database, (await add_video(database, ada)).id, PROCESSING, COMPLETED)
    async with drivers(configured(), database):
        await until(lambda: all_ended(database))
    assert not (await webhook_now(database, webhook.id)).is_active
    rows = await deliveries(database)
    assert {row.status for row in rows} == {FAILED}
    assert len(receiver.received) < 10
    assert any("It answered 410" in (row.failure or "") for row in rows)


async def test_one_dead_target_holds_up_nobody_else(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    dead = await add_webhook(database, ada, receiver.url("/silent"), ["VIDEO_PROCESSING"])
    for _ in range(30):
        await turn_to(database, (await add_video(database, ada)).id, PROCESSING)
    async with drivers(configured(webhook_timeout_seconds=15), database) as driver:
        await asyncio.to_thread(receiver.wait_for, "/silent", 2)
        await add_webhook(database, ada, receiver.url("/ok"), ["VIDEO_COMPLETED"])
        video = await add_video(database, ada)
        began = time.monotonic()
        await turn_to(database, video.id, COMPLETED)
        driver.wake()
        await asyncio.to_thread(receiver.wait_for, "/ok")
        assert time.monotonic() - began < 5
        assert len(receiver.at("/silent")) == 2
    # What was being sent when the driver stopped is handed back, and counts as not tried.
    rows = await deliveries(database, webhook_id=dead.id)
    assert {(row.status, row.attempts) for row in rows} == {(PENDING, 0)}
    assert all(row.next_attempt_at is not None and row.next_attempt_at <= utc_now() for row in rows)


async def test_a_video_that_is_purged_before_anybody_looked_still_tells_its_end(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    await add_webhook(database, ada, receiver.url("/ok"), ["VIDEO_COMPLETED"])
    video = await add_video(database, ada)
    await turn_to(database, video.id, PROCESSING, COMPLETED)
    async with database.transaction() as session:
        await webhooks.fan_out_last(database, session, video.id)
        await session.delete(await session.get_one(Video, video.id))
    async with drivers(configured(), database):
        await until(lambda: all_ended(database))
    assert len(receiver.at("/ok")) == 1


async def test_nothing_is_sent_of_what_happened_before_or_to_whom_is_not_there_any_more(
    database: Database, ada: UUID, receiver: Receiver, configured: Configure
) -> None:
    video = await add_video(database, ada)
    await turn_to(database, video.id, PROCESSING)
    await add_webhook(database, ada, receiver.url("/ok"))
    async with drivers(configured(), database) as driver:
        await asyncio.sleep(0.3)
        async with database.transaction() as session:
            await session.execute(update(User).where(col(User.id) == ada).values(is_active=False))
        await turn_to(database, video.id, COMPLETED)
        driver.wake()
        await asyncio.sleep(0.5)
    assert await deliveries(database) == []
    assert receiver.received == []


async def test_who_slept_past_a_lease_undoes_nothing_of_a_successor(
    database: Database, ada: UUID, receiver: Receiver
) -> None:
    await add_webhook(database, ada, receiver.url("/ok"), ["VIDEO_COMPLETED"])
    await turn_to(database, (await add_video(database, ada)).id, COMPLETED)
    await fan_out(database)
    (first,) = await sent.claim(database, [], max_attempts=8, lease_seconds=0)
    (second,) = await sent.claim(database, [], max_attempts=8, lease_seconds=60)
    assert await sent.claim(database, [], max_attempts=8, lease_seconds=60) == []
    assert await sent.record(database, first, Outcome(500, "It answered 500."), (1,)) is None
    await sent.give_back(database, [first])
    (row,) = await deliveries(database)
    assert (row.status, row.attempts, row.next_attempt_at) == (PENDING, 2, second.until)
    # Nor does who has recorded an attempt hand it back afterwards.
    assert await sent.record(database, second, Outcome(500, "It answered 500."), (1, 60)) is PENDING
    await sent.give_back(database, [second])
    (row,) = await deliveries(database)
    assert (row.attempts, row.failure) == (2, "It answered 500.")
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > utc_now() + timedelta(seconds=40)
    # What was taken was taken, whoever says so.
    assert await sent.record(database, second, Outcome(200, None), (1,)) is DELIVERED
    assert await sent.record(database, second, Outcome(200, None), (1,)) is None


async def test_a_driver_outlives_its_database(
    postgres_url: str, receiver: Receiver, configured: Configure
) -> None:
    database = Database(postgres_url)
    name = postgres_url.rsplit("/", 1)[1]
    admin = create_async_engine(postgres_url.replace(name, "template1"), isolation_level="AUTOCOMMIT")

    async def tell(statement: str) -> None:
        async with admin.connect() as connection:
            await connection.execute(text(statement))

    owner = User(email="ada@example.com", email_key="ada@example.com", password_hash="-")
    async with database.transaction() as session:
        session.add(owner)
    await add_webhook(database, owner.id, receiver.url("/ok"), ["VIDEO_COMPLETED"])
    video = await add_video(database, owner.id)
    async with drivers(configured(), database):
        await asyncio.sleep(0.2)
        # When every connection breaks, and for a while no new one comes about
        await tell(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await tell(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await asyncio.sleep(2)
        await tell(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        # Then what happens afterwards is delivered all the same
        await turn_to(database, video.id, COMPLETED)
        await until(lambda: all_ended(database))
    assert len(receiver.at("/ok")) == 1
    await admin.dispose()
    await database.close()


async def test_old_deliveries_are_forgotten_and_waiting_ones_are_not(
    database: Database, ada: UUID, receiver: Receiver
) -> None:
    webhook = await add_webhook(database, ada, receiver.url("/ok"))
    for status in WebhookDeliveryStatus:
        for days in (1, 31):
            row = WebhookDelivery(
                owner_id=ada,
                webhook_id=webhook.id,
                message_id="m",
                event="PING",
                payload={},
                status=status,
                created_at=utc_now() - timedelta(days=days),
            )
            async with database.transaction() as session:
                session.add(row)
    await sent.forget_old(database, days=30)
    left = [(row.status, (utc_now() - row.created_at).days) for row in await deliveries(database)]
    assert sorted(left) == [(DELIVERED, 1), (FAILED, 1), (PENDING, 1), (PENDING, 31)]
