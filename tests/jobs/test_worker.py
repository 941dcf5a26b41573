"""Worker processes over PostgreSQL and a server of the Redis protocol, and what becomes of their videos
when either of them dies."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.errors import BadSettings
from heygen_graphql.events import open_hub
from heygen_graphql.jobs import Queue, remote_queue, run_worker
from heygen_graphql.jobs.protocol import CONTENT_TYPES
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.storyboard import Scene, Storyboard
from heygen_graphql.settings import Settings
from heygen_graphql.tables import Video, VideoStatus
from tests.jobs.videos import (
    SLOW,
    add_video,
    change,
    is_drawing,
    let_lease_run_out,
    load,
    statuses,
    storyboard,
    wait_for,
    wait_for_end,
)
from tests.servers import (
    SLACK,
    Valkey,
    alive,
    clean_environment,
    kill_with_children,
    spawn,
    wait_until,
    wait_until_gone,
)

StartWorker = Callable[..., psutil.Process]


@pytest.fixture
def remote(postgres_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=postgres_url,
        redis_url=redis_url,
        data_dir=tmp_path / "data",
        lease_seconds=3,
        sweep_seconds=0.2,
    )


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url)
    yield database
    await database.close()


@pytest.fixture
async def queue(remote: Settings) -> AsyncIterator[Queue]:
    async with remote_queue(remote) as queue:
        yield queue


@pytest.fixture
def start_worker(remote: Settings, tmp_path: Path) -> Iterator[StartWorker]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **more: str) -> psutil.Process:
        environment = clean_environment(
            DATABASE_URL=remote.resolved_database_url,
            REDIS_URL=remote.redis_url or "",
            DATA_DIR=str(remote.data_dir),
            LEASE_SECONDS=str(remote.lease_seconds),
            SWEEP_SECONDS=str(remote.sweep_seconds),
            **more,
        )
        started.append(
            spawn(
                [sys.executable, "-m", "tests.jobs.worker_process", *arguments],
                log=tmp_path / "worker.log",
                environment=environment,
            )
        )
        return psutil.Process(started[-1].pid)

    yield start
    for process in started:
        kill_with_children(process)


async def test_a_worker_killed_in_mid_render_loses_no_video(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    # Given a video that one worker renders
    first = start_worker()
    video_id = await add_video(database, SLOW)
    await queue.hint(video_id)
    await wait_for(database, video_id, is_drawing)
    orphans = first.children(recursive=True)
    start_worker()

    # When the worker is killed, its child dies with it
    await change(database, video_id, storyboard=storyboard())
    first.kill()
    await asyncio.to_thread(wait_until_gone, orphans)

    # Then another completes the video after the lease, once
    video = await wait_for_end(database, video_id)
    assert (video.status, video.attempt, video.failures) == (VideoStatus.COMPLETED, 2, 0)
    assert await statuses(database, video_id) == ["PROCESSING", "PROCESSING", "COMPLETED"]


async def test_after_a_worker_was_killed_the_next_renders_only_the_scenes_that_were_not_done(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings
) -> None:
    # Given a worker that has finished the first of three scenes
    first = start_worker()
    video_id = await add_video(
        database, {"segments": ["a.mkv", "b.mkv", "c.mkv"], "steps": 0, "step_seconds": 0.5}
    )
    await queue.hint(video_id)
    stored = remote.data_dir / "files" / "videos" / str(video_id) / "segments" / "a.mkv"
    await asyncio.to_thread(wait_until, stored.exists, "the first scene")

    # When it is killed
    first.kill()
    start_worker()
    await let_lease_run_out(database, video_id)

    # Then the next one goes on from there
    video = await wait_for_end(database, video_id)
    assert (video.status, video.attempt) == (VideoStatus.COMPLETED, 2)
    assert video.scene_timings is not None
    assert [scene["reused"] for scene in video.scene_timings] == [True, False, False]


async def test_a_worker_suspended_while_it_publishes_changes_nothing_once_it_was_overtaken(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings
) -> None:
    # Given a worker that was suspended in the middle of storing a film
    first = start_worker()
    video_id = await add_video(database, {"film_bytes": 400 * 1024**2})
    await queue.hint(video_id)
    folder = remote.data_dir / "files" / "videos" / str(video_id)
    await asyncio.to_thread(wait_until, (folder / "1").exists, "the beginning")
    first.suspend()
    assert (await load(database, video_id)).status is VideoStatus.PROCESSING
    assert not (folder / "1" / "captions.srt").exists()

    # And another that took the video over when the lease had run out, and completed it
    await change(database, video_id, storyboard=storyboard())
    await let_lease_run_out(database, video_id)
    start_worker()
    video = await wait_for_end(database, video_id)
    assert (video.status, video.fence) == (VideoStatus.COMPLETED, 2)

    # When the first wakes
    first.resume()
    work = remote.data_dir / "work"
    await asyncio.to_thread(wait_until, lambda: not any(work.iterdir()), "the attempt's end")

    # Then the film is the other's, and nothing of its own is left
    assert (await load(database, video_id)).version == video.version
    assert await statuses(database, video_id) == ["PROCESSING", "PROCESSING", "COMPLETED"]
    await asyncio.to_thread(wait_until, lambda: not (folder / "1").exists(), "tidying up")
    assert {path.name for path in (folder / "2").iterdir()} == set(CONTENT_TYPES)


async def test_a_suspended_worker_stores_nothing_for_a_video_that_is_gone(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings
) -> None:
    # Given a worker that was suspended while its render came to an end
    worker = start_worker()
    video_id = await add_video(database, {"steps": 25, "step_seconds": 0.05, "segments": ["a.mkv"]})
    await queue.hint(video_id)
    await wait_for(database, video_id, is_drawing)
    worker.suspend()
    work = remote.data_dir / "work"
    await asyncio.to_thread(wait_until, lambda: list(work.glob("*/film/video.mp4")) != [], "the render's end")

    # When it wakes after the video has been purged
    async with database.transaction() as session:
        await session.delete(await session.get_one(Video, video_id))
    worker.resume()

    # Then it stores nothing, not even a folder
    await asyncio.to_thread(wait_until, lambda: not any(work.iterdir()), "the attempt's end")
    await asyncio.sleep(0.2)
    assert not (remote.data_dir / "files" / "videos").exists()


async def test_a_worker_told_to_stop_ends_what_it_renders_and_begins_nothing(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    # Given a worker that renders one video while another waits
    worker = start_worker(WORKER_GRACE_SECONDS="60")
    first = await add_video(database, {"steps": 10, "step_seconds": 0.2})
    await queue.hint(first)
    await wait_for(database, first, is_drawing)
    second = await add_video(database)

    # When it is told to stop
    worker.terminate()

    # Then it ends when the one is complete, and leaves the other
    await asyncio.to_thread(worker.wait, 30)
    assert await statuses(database, first) == ["PROCESSING", "COMPLETED"]
    assert (await load(database, second)).status is VideoStatus.PENDING


async def test_a_worker_told_twice_to_stop_hands_its_video_on_at_once(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    worker = start_worker(WORKER_GRACE_SECONDS="600")
    video_id = await add_video(database, SLOW)
    await queue.hint(video_id)
    await wait_for(database, video_id, is_drawing)

    worker.terminate()
    await asyncio.sleep(0.5)
    assert alive([worker]) == [worker]
    began = time.monotonic()
    worker.terminate()

    await asyncio.to_thread(worker.wait, 30)
    assert time.monotonic() - began < 2 * SLACK
    assert await statuses(database, video_id) == ["PROCESSING", "PENDING"]


async def test_a_worker_told_to_stop_hands_its_video_on(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    first = start_worker(WORKER_GRACE_SECONDS="0.5")
    video_id = await add_video(database, SLOW)
    await queue.hint(video_id)
    await wait_for(database, video_id, is_drawing)
    start_worker()
    await change(database, video_id, storyboard=storyboard())

    first.terminate()
    await wait_for_end(database, video_id)

    # Given back, not left to its lease
    assert await statuses(database, video_id) == ["PROCESSING", "PENDING", "PROCESSING", "COMPLETED"]
    await asyncio.to_thread(first.wait, 15)


async def test_when_redis_dies_and_comes_back_empty_every_video_is_still_rendered(
    database: Database, queue: Queue, start_worker: StartWorker, valkey: Valkey
) -> None:
    start_worker()
    ids = [await add_video(database, {"steps": 2, "step_seconds": 0.3}) for _ in range(3)]
    for video_id in ids:
        await queue.hint(video_id)
    await wait_for(database, ids[0], is_drawing)

    # When Redis dies with all its messages, the API goes on
    valkey.kill()
    began = time.monotonic()
    ids.append(await add_video(database))
    await queue.hint(ids[-1])
    assert time.monotonic() - began < 1 * SLACK
    await wait_for_end(database, ids[0])

    # Then, when it is back, the worker goes on
    valkey.start()
    ended = [await wait_for_end(database, video_id) for video_id in ids]
    assert [video.status for video in ended] == [VideoStatus.COMPLETED] * 4


async def test_a_subscriber_in_another_process_sees_a_render_to_its_end(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings
) -> None:
    start_worker()
    video_id = await add_video(database, {"steps": 6, "step_seconds": 0.2})
    versions = []
    async with open_hub(remote.redis_url) as hub, hub.subscribe(video_id=video_id) as subscription:
        await queue.hint(video_id)
        while not (await load(database, video_id)).status.is_final:
            if (heard := await subscription.next(10)) is not None:
                versions.append(heard.version)
    assert versions == sorted(set(versions))
    assert len(versions) > 2


async def test_when_the_workers_parent_dies_the_real_renderer_dies_too(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    scene = Scene("This takes a while. " * 40, 0.0, "heart", default_avatar().avatar_id, "#204060")
    worker = start_worker("real")
    video_id = await add_video(database)
    await change(database, video_id, storyboard=asdict(Storyboard((scene,), "en")))
    await queue.hint(video_id)
    await asyncio.to_thread(wait_until, lambda: worker.children() != [], "starting a render")
    (child,) = worker.children()
    await asyncio.to_thread(wait_until, lambda: child.nice() == 10, "being nice")
    worker.kill()
    await asyncio.to_thread(wait_until_gone, [child])


async def test_cancel_reaches_a_worker_in_another_process_within_a_second(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    worker = start_worker()
    video_id = await add_video(database, SLOW)
    await queue.hint(video_id)
    video = await wait_for(database, video_id, is_drawing)
    children = worker.children()
    began = time.monotonic()
    await videos.cancel(database, video.owner_id, video_id)
    await asyncio.to_thread(wait_until_gone, children)
    assert time.monotonic() - began < 1 * SLACK
    assert alive([worker]) == [worker]


@pytest.mark.parametrize("missing", ["database_url", "redis_url"])
def test_a_worker_that_could_share_nothing_refuses_to_start(remote: Settings, missing: str) -> None:
    with pytest.raises(BadSettings, match=missing.upper()):
        run_worker(remote.model_copy(update={missing: None}))
