"""Workers over PostgreSQL and a server of the Redis protocol that share the scenes of a video."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import psutil
import pytest
from sqlalchemy import select
from sqlmodel import col

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.jobs import Queue, remote_queue
from heygen_graphql.rendering import Quality, Scene, Storyboard, render
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.segments import file_name, segment_keys
from heygen_graphql.rendering.speech import default_voice
from heygen_graphql.settings import Settings
from heygen_graphql.tables import Video, VideoScene, VideoStatus
from tests.jobs.videos import (
    add_video,
    load,
    statuses,
    storyboard_of_many,
    wait_for,
    wait_for_end,
    wait_until_it_is,
)
from tests.servers import (
    SLACK,
    alive,
    clean_environment,
    kill_with_children,
    spawn,
    wait_until,
    wait_until_gone,
)

StartWorker = Callable[..., psutil.Process]
LEASE_SECONDS = 1.0
QUICK = {"steps": 2, "step_seconds": 0.15}
LONG = {"steps": 1000, "step_seconds": 0.05}


@contextmanager
def workers(settings: Settings, directory: Path) -> Iterator[StartWorker]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **environment: str) -> psutil.Process:
        variables = clean_environment(
            DATABASE_URL=settings.resolved_database_url,
            REDIS_URL=settings.redis_url or "",
            DATA_DIR=str(settings.data_dir),
            LEASE_SECONDS=str(settings.lease_seconds),
            SWEEP_SECONDS=str(settings.sweep_seconds),
            RENDER_PROCESSES="1",
            WORKER_GRACE_SECONDS="0",
        )
        command = [sys.executable, "-m", "tests.jobs.worker_process", *arguments]
        log = directory / f"worker-{len(started)}.log"
        started.append(spawn(command, log=log, environment=variables | environment))
        return psutil.Process(started[-1].pid)

    yield start
    for process in started:
        kill_with_children(process)


@pytest.fixture
def remote(postgres_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=postgres_url,
        redis_url=redis_url,
        data_dir=tmp_path / "data",
        lease_seconds=LEASE_SECONDS,
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
    with workers(remote, tmp_path) as start:
        yield start


async def rows(database: Database, video_id: UUID) -> list[VideoScene]:
    async with database.reading() as session:
        return list(await session.scalars(select(VideoScene).where(col(VideoScene.video_id) == video_id)))


async def begun_by_two(database: Database, queue: Queue, plans: list[dict[str, Any]]) -> UUID:
    """A video of which two workers render a scene each."""
    video_id = await add_video(database, storyboard=storyboard_of_many(plans))
    await queue.hint(video_id)
    await wait_for_two(database, video_id)
    return video_id


async def wait_for_two(database: Database, video_id: UUID) -> None:
    async def are_two() -> bool:
        at_work = [row for row in await rows(database, video_id) if row.participant_id and row.progress]
        return len({row.participant_id for row in at_work}) == 2

    await wait_until_it_is(are_two, "taking part")


def made_by(settings: Settings, video: Video) -> list[int]:
    """The worker that each scene was made for, in their order."""
    folder = settings.data_dir / "files" / "videos" / str(video.id) / "segments"
    keys = segment_keys(Storyboard.from_json(json.dumps(video.storyboard)))
    return [int((folder / file_name(key)).read_text()) for key in keys]


def reused(video: Video) -> list[bool]:
    assert video.scene_timings is not None
    return [bool(scene["reused"]) for scene in video.scene_timings]


async def test_two_workers_render_the_scenes_of_one_video_and_the_last_to_finish_joins_them(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings
) -> None:
    # Given a video of which one scene is there already
    pids = {start_worker().pid, start_worker().pid}
    plan = storyboard_of_many([QUICK] * 7)
    video_id = await add_video(database, storyboard=plan)
    there = segment_keys(Storyboard.from_json(json.dumps(plan)))[2]
    stored = remote.data_dir / "files" / "videos" / str(video_id) / "segments" / file_name(there)
    stored.parent.mkdir(parents=True)
    stored.write_text("0")

    await queue.hint(video_id)
    video = await wait_for_end(database, video_id)

    # Then each of the others was made once, by one or the other
    assert (video.status, video.attempt, video.fence) == (VideoStatus.COMPLETED, 1, 2)
    makers = made_by(remote, video)
    assert makers[2] == 0
    assert set(makers) == pids | {0}
    assert reused(video) == [False, False, True, False, False, False, False]
    assert await statuses(database, video_id) == ["PROCESSING", "COMPLETED"]
    assert await rows(database, video_id) == []
    # And what the join published is the film
    film = remote.data_dir / "files" / str(video.files_prefix)
    assert film.name == "2"
    assert (film / "video.mp4").exists()


@pytest.mark.parametrize("is_first", [True, False], ids=["who-claimed-it", "who-helps"])
async def test_a_worker_killed_in_mid_scene_costs_its_scene_and_not_the_video(
    database: Database, queue: Queue, start_worker: StartWorker, tmp_path: Path, is_first: bool
) -> None:
    # Given a video that one worker has claimed and another helps with
    tally = tmp_path / "tally"
    plan = {"steps": 8, "step_seconds": 0.1, "tally": str(tally)}
    both = [start_worker(), start_worker()]
    video_id = await begun_by_two(database, queue, [plan] * 5)
    has_claimed = ["video_shared" in (tmp_path / f"worker-{number}.log").read_text() for number in (0, 1)]
    assert sorted(has_claimed) == [False, True]

    # When one of them is killed
    victim = both[has_claimed.index(is_first)]
    orphans = victim.children(recursive=True)
    victim.kill()
    await asyncio.to_thread(wait_until_gone, orphans)

    # Then the other does what it left, after the lease, and nothing that was done
    video = await wait_for_end(database, video_id)
    assert (video.status, video.attempt, video.losses) == (VideoStatus.COMPLETED, 1, 1)
    assert await statuses(database, video_id) == ["PROCESSING", "COMPLETED"]
    begun = Counter(tally.read_text().split())
    assert sorted(begun.values()) == [1, 1, 1, 1, 2]
    assert reused(video) == [False] * 5


async def test_cancel_stops_all_who_take_part_within_a_second(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings
) -> None:
    both = [start_worker(), start_worker()]
    video_id = await begun_by_two(database, queue, [LONG, LONG, QUICK])
    children = [child for worker in both for child in worker.children()]
    assert len(children) == 2

    began = time.monotonic()
    await videos.cancel(database, (await load(database, video_id)).owner_id, video_id)

    await asyncio.to_thread(wait_until_gone, children)
    assert time.monotonic() - began < 1 * SLACK
    work = remote.data_dir / "work"

    async def is_tidy() -> bool:
        return not any(work.iterdir()) and not await rows(database, video_id)

    await wait_until_it_is(is_tidy, "tidying up")
    assert not list((remote.data_dir / "files").rglob("*.mp4"))


async def test_a_worker_told_to_stop_gives_its_scene_back_and_the_last_one_the_video(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    both = [start_worker(), start_worker()]
    video_id = await begun_by_two(database, queue, [LONG, LONG])

    # When one of two stops, its scene is free at once
    both[0].terminate()
    await asyncio.to_thread(both[0].wait, 15)
    assert len([row for row in await rows(database, video_id) if row.participant_id]) == 1
    assert (await load(database, video_id)).status is VideoStatus.PROCESSING

    # When the other does as well, so is the video
    both[1].terminate()
    await asyncio.to_thread(both[1].wait, 15)
    video = await load(database, video_id)
    assert (video.status, video.losses, video.failures) == (VideoStatus.PENDING, 0, 0)
    assert await statuses(database, video_id) == ["PROCESSING", "PENDING"]


async def test_a_worker_told_to_stop_ends_its_scene_and_begins_no_other(
    database: Database, queue: Queue, start_worker: StartWorker, tmp_path: Path
) -> None:
    # Given a worker with all the time of the world that renders the first of two scenes
    tally = tmp_path / "tally"
    plan = {"steps": 10, "step_seconds": 0.1, "tally": str(tally)}
    worker = start_worker(WORKER_GRACE_SECONDS="600")
    video_id = await add_video(database, storyboard=storyboard_of_many([plan, plan]))
    await queue.hint(video_id)
    await asyncio.to_thread(wait_until, tally.exists, "beginning a scene")

    # When it is told to stop
    worker.terminate()
    await asyncio.to_thread(worker.wait, 30)

    # Then that scene is there for whoever goes on, to whom the video was handed
    assert len(tally.read_text().split()) == 1
    video = await load(database, video_id)
    assert (video.status, video.losses, video.failures) == (VideoStatus.PENDING, 0, 0)
    start_worker()
    assert (await wait_for_end(database, video_id)).status is VideoStatus.COMPLETED
    assert sorted(tally.read_text().split()) == ["0", "1"]


async def test_a_render_process_that_crashes_beside_others_costs_them_nothing(
    database: Database, queue: Queue, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker(), start_worker()
    once = {
        "die_by": 9,
        "only_attempts": 1,
        "count_in": str(tmp_path / "count"),
        "steps": 4,
        "step_seconds": 0.1,
    }
    tally = tmp_path / "tally"
    plain = {"steps": 6, "step_seconds": 0.2, "tally": str(tally)}
    video_id = await begun_by_two(database, queue, [once, plain, plain])
    video = await wait_for_end(database, video_id)
    assert (video.status, video.attempt, video.failures) == (VideoStatus.COMPLETED, 1, 1)
    assert sorted(tally.read_text().split()) == ["1", "2"]


async def test_a_scene_that_cannot_be_rendered_ends_the_video_for_all(
    database: Database, queue: Queue, start_worker: StartWorker
) -> None:
    both = [start_worker(), start_worker()]
    failure = {"code": "UNSPEAKABLE_TEXT", "message": "No voice can read this.", "is_retryable": False}
    video_id = await begun_by_two(database, queue, [{"fail": failure, "steps": 5, "step_seconds": 0.2}, LONG])
    children = [child for worker in both for child in worker.children()]
    video = await wait_for_end(database, video_id)
    assert (video.status, video.failure_code) == (VideoStatus.FAILED, "UNSPEAKABLE_TEXT")
    # Only the process whose failure is its owner's is kept for the next film
    await asyncio.to_thread(wait_until, lambda: len(alive(children)) == 1, "stopping the other", 10)
    assert await rows(database, video_id) == []


async def test_a_worker_that_renders_otherwise_leaves_the_scenes_to_those_that_planned_them(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings, tmp_path: Path
) -> None:
    # Given a worker that draws captions in other fonts
    first = start_worker()
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    (fonts / "Some.ttf").write_bytes(b"\0")
    video_id = await add_video(database, storyboard=storyboard_of_many([QUICK] * 8))
    await queue.hint(video_id)
    await wait_for(database, video_id, lambda video: video.status is VideoStatus.PROCESSING)
    start_worker(FONTS_DIR=str(fonts))

    video = await wait_for_end(database, video_id)

    assert (video.status, video.attempt) == (VideoStatus.COMPLETED, 1)
    assert set(made_by(remote, video)) == {first.pid}


async def test_what_two_workers_make_is_what_one_makes(
    database: Database, queue: Queue, start_worker: StartWorker, remote: Settings, tmp_path: Path
) -> None:
    # Given a film of three scenes that was made in one place
    voice = default_voice("en")
    assert voice is not None
    scenes = tuple(
        Scene(f"This is number {number}.", 0.0, voice.voice_id, default_avatar().avatar_id, "#204060")
        for number in ("one", "two", "three")
    )
    plan = Storyboard(scenes, "en", quality=Quality.LOW)
    (tmp_path / "alone").mkdir()
    alone = render(plan, tmp_path / "alone")

    # When two workers make it
    start_worker("real"), start_worker("real")
    video_id = await add_video(database, storyboard=asdict(plan))
    await queue.hint(video_id)
    video = await wait_for_end(database, video_id, seconds=60)

    # Then it has the same frames, words, captions and report
    assert (video.status, video.fence) == (VideoStatus.COMPLETED, 2)
    film = remote.data_dir / "files" / str(video.files_prefix)
    assert frame_count(film / "video.mp4") == frame_count(alone.video)
    assert video.duration_seconds == alone.duration_seconds
    assert video.transcript == [asdict(word) for word in alone.transcript]
    assert video.scene_timings == [asdict(scene) for scene in alone.scenes]
    assert video.quality_report == json.loads(json.dumps(asdict(alone.report)))
    assert (film / "captions.vtt").read_text() == alone.vtt.read_text()


def frame_count(film: Path) -> int:
    with av.open(film) as container:
        return sum(1 for _ in container.decode(video=0))
