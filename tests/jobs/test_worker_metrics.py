"""What `heygen-graphql worker` tells Prometheus of all of its processes."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from heygen_graphql.database import Database
from heygen_graphql.rendering import Quality, Scene, Storyboard
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.speech import default_voice
from heygen_graphql.tables import VideoStatus
from tests.jobs.videos import add_video, wait_for_end
from tests.servers import clean_environment, free_port, kill_with_children, spawn, wait_until


def of_two_scenes() -> Storyboard:
    voice = default_voice("en")
    assert voice is not None
    scenes = tuple(
        Scene(f"Number {number}.", 0.0, voice.voice_id, default_avatar().avatar_id, "#204060")
        for number in ("one", "two")
    )
    return Storyboard(scenes, "en", quality=Quality.LOW)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def worker(postgres_url: str, redis_url: str, port: int, tmp_path: Path) -> Iterator[psutil.Process]:
    """Of two processes."""
    environment = clean_environment(
        DATABASE_URL=postgres_url,
        REDIS_URL=redis_url,
        DATA_DIR=str(tmp_path / "data"),
        SECRET_KEY="a secret of more than thirty-two bytes",
        SWEEP_SECONDS="0.2",
        METRICS_PORT=str(port),
    )
    log = tmp_path / "log"
    command = [sys.executable, "-m", "heygen_graphql.cli", "worker", "--processes", "2"]
    worker = spawn(command, log=log, environment=environment)
    try:
        wait_until(
            lambda: log.read_text().count("worker_ready") == 2 or worker.poll() is not None, "starting"
        )
        assert worker.poll() is None, log.read_text()
        yield psutil.Process(worker.pid)
    finally:
        kill_with_children(worker)


def scrape(port: int) -> dict[str, float]:
    """The numbers by their names, whatever their labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        told: dict[str, float] = defaultdict(float)
        for family in text_string_to_metric_families(answer.read().decode()):
            for sample in family.samples:
                told[sample.name] += sample.value
        return told


async def test_one_port_tells_of_what_all_processes_of_a_worker_have_done(
    postgres_url: str, worker: psutil.Process, port: int
) -> None:
    assert scrape(port)["render_attempts_total"] == 0
    database = Database(postgres_url)
    try:
        # When a video was rendered by one of the two processes, or by both
        video_id = await add_video(database, storyboard=asdict(of_two_scenes()))
        video = await wait_for_end(database, video_id, seconds=60)
    finally:
        await database.close()
    assert video.status is VideoStatus.COMPLETED
    # The row is written before its end is counted.
    await asyncio.to_thread(wait_until, lambda: scrape(port)["renders_active"] == 0, "ending the attempt")

    # Then the port tells of one render
    told = scrape(port)
    assert (told["render_attempts_total"], told["videos_ended_total"]) == (1, 1)
    assert told["video_processing_duration_seconds_count"] == 1
    assert 0 < told["video_processing_duration_seconds_sum"] < 60

    # And when one of them is killed, what it had is gone, and what was done was done.
    connections = told["database_connections_max"]
    worker.children()[0].kill()
    await asyncio.to_thread(
        wait_until, lambda: scrape(port)["database_connections_max"] == connections / 2, "burying the dead"
    )
    assert scrape(port)["render_attempts_total"] == 1
