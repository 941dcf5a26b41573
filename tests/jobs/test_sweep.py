"""The sweep, when others are at the same rows."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from dramatiq.brokers.stub import StubBroker

from heygen_graphql.database import Database
from heygen_graphql.events import LocalHub
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.jobs.broker import BrokerQueue, stub_broker
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.jobs.protocol import Equipment
from heygen_graphql.jobs.sweep import fail_abandoned, hint_waiting
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage
from heygen_graphql.tables import Video, VideoStatus, utc_now
from tests.jobs.conftest import FAKE_CHILD
from tests.jobs.videos import add_video, load, statuses


@pytest.fixture
def place(database: Database, settings: Settings, tmp_path: Path) -> Workplace:
    storage = Storage.open(settings.resolved_storage_url)
    work = tmp_path / "work"
    return Workplace(settings, database, LocalHub(), storage, work, RenderPool(FAKE_CHILD, Equipment(), work))


@pytest.fixture
def broker() -> StubBroker:
    return stub_broker()


def hints(broker: StubBroker) -> int:
    return sum(queue.qsize() for queue in broker.queues.values())


async def test_many_sweeps_at_once_hint_at_each_video_once(place: Workplace, broker: StubBroker) -> None:
    for _ in range(5):
        await add_video(place.database)
    await asyncio.gather(*(hint_waiting(place, BrokerQueue(broker)) for _ in range(10)))
    assert hints(broker) == 5


async def test_many_sweeps_at_once_fail_a_hopeless_video_once(place: Workplace, broker: StubBroker) -> None:
    video_id = await add_video(place.database, attempt=place.settings.render_max_attempts)
    await asyncio.gather(*(fail_abandoned(place, BrokerQueue(broker)) for _ in range(10)))
    assert await statuses(place.database, video_id) == [VideoStatus.FAILED]


async def test_a_video_in_back_off_is_not_hinted_before_its_time(
    place: Workplace, broker: StubBroker
) -> None:
    later = utc_now() + timedelta(seconds=60)
    await add_video(place.database, queued_at=later, hinted_at=later)
    await hint_waiting(place, BrokerQueue(broker))
    assert hints(broker) == 0


async def test_a_video_claimed_while_a_sweep_goes_round_is_hinted_when_its_lease_ends(
    place: Workplace, broker: StubBroker
) -> None:
    # Given a sweep that has seen the video wait
    video_id = await add_video(place.database)
    async with place.database.transaction() as session:
        video = await session.get_one(Video, video_id, with_for_update=True)
        sweeping = asyncio.create_task(hint_waiting(place, BrokerQueue(broker)))
        await asyncio.sleep(0.3)

        # When a worker claims it before the sweep can note its hint
        video.status = VideoStatus.PROCESSING
        video.lease_expires_at = utc_now() + timedelta(seconds=0.5)
    await sweeping

    # Then that hint is not counted against the one that is due should the worker die
    assert hints(broker) == 0
    assert (await load(place.database, video_id)).hinted_at is None
    await asyncio.sleep(0.5)
    await hint_waiting(place, BrokerQueue(broker))
    assert hints(broker) == 1
