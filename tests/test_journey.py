"""The whole trip, by the public API, on both shapes of the server: real processes, real databases."""

from collections import Counter
from typing import Any

import httpx
from sqlmodel import select

from heygen_graphql.database import Database
from heygen_graphql.tables import VideoEvent, VideoStatus
from tests.client import Client, signed_up
from tests.conftest import StartServer
from tests.media import decode
from tests.servers import wait_until_gone

SCRIPT = "Hello! This sentence was written by a test. It is spoken by a presenter, and then it is measured."
FINISHED_VIDEO = """
query ($id: ID!) {
  video(id: $id) {
    status progress stage durationSeconds fileSizeBytes width height
    url
    thumbnailUrl
    vtt: captionsUrl(format: VTT)
    srt: captionsUrl(format: SRT)
    transcript { text startSeconds endSeconds }
    owner { videosCount }
  }
}
"""
SECRET = "a secret that all of the processes share"


async def completions(database_url: str) -> Counter[object]:
    """How often each video became COMPLETED, ever."""
    database = Database(database_url)
    try:
        async with database.reading() as session:
            done = select(VideoEvent.video_id).where(VideoEvent.status == VideoStatus.COMPLETED)
            return Counter((await session.scalars(done)).all())
    finally:
        await database.close()


def assert_watched_to_the_end(events: list[dict[str, Any]]) -> None:
    versions = [event["version"] for event in events]
    assert versions == sorted(set(versions))
    assert [event["video"]["status"] for event in events][-1] == "COMPLETED"
    assert events[-1]["video"]["progress"] == 1


async def assert_film_is_fit(client: Client, video_id: str, script: str) -> None:
    video = (await client.execute(FINISHED_VIDEO, id=video_id))["video"]
    assert video["status"] == "COMPLETED"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as stranger:  # who has nothing but the links
        answers = {name: await stranger.get(video[name]) for name in ("url", "thumbnailUrl", "vtt", "srt")}
        part = await stranger.get(video["url"], headers={"Range": "bytes=4-7"})
        altered = await stranger.get(video["url"].replace("signature=", "signature=0"))
    assert {answer.status_code for answer in answers.values()} == {200}
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert altered.status_code == 403

    film = decode(answers["url"].content)
    assert (film.video_codec, film.audio_codec) == ("h264", "aac")
    assert (film.width, film.height) == (video["width"], video["height"])
    assert film.starts_seconds == (0, 0)
    assert abs(film.ends_seconds[0] - film.ends_seconds[1]) <= 1 / 25
    assert abs(film.frames / 25 - video["durationSeconds"]) < 1 / 25
    assert len(answers["url"].content) == int(video["fileSizeBytes"])
    assert [word["text"] for word in video["transcript"]] == script.split()
    assert answers["vtt"].text.startswith("WEBVTT\n")
    assert "measured." in answers["vtt"].text
    assert "measured." in answers["srt"].text
    assert answers["thumbnailUrl"].content.startswith(b"\xff\xd8\xff")


async def test_a_script_becomes_a_film_on_one_machine(server: StartServer) -> None:
    # Given a server that was told nothing
    one = server("serve")
    async with signed_up(one.url) as client:
        # When somebody asks for a film and watches it being made
        video_id = await client.create_video({"script": SCRIPT})
        events = await client.watch_to_end(video_id)

        # Then progress never falls and a film comes out
        assert_watched_to_the_end(events)
        progress = [event["video"]["progress"] for event in events]
        assert progress == sorted(progress)
        assert len(progress) > 3
        await assert_film_is_fit(client, video_id, SCRIPT)

    # And what stays ready for the next one goes with the server
    ready = one.children()
    one.stop()
    wait_until_gone(ready)


async def test_a_script_becomes_a_film_on_many_machines_though_one_of_them_dies(
    server: StartServer, postgres_url: str, redis_url: str
) -> None:
    # Given an API and two workers over one PostgreSQL and one Valkey
    shared = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": SECRET,
        "LEASE_SECONDS": "3",
        "SWEEP_SECONDS": "0.5",
    }
    api = server("api", **shared)
    workers = [server("worker", **shared) for _ in range(2)]
    async with signed_up(api.url) as client:
        script = " ".join([SCRIPT] * 4)
        video_id = await client.create_video({"script": script, "quality": "LOW"})

        # When the worker that draws it is killed
        await client.wait_for_progress(video_id)
        busy = next(worker for worker in workers if worker.children())
        orphans = busy.kill_alone()
        events = await client.watch_to_end(video_id)

        # Then the other makes the film, once, and nothing of the dead one is left
        assert_watched_to_the_end(events)
        await assert_film_is_fit(client, video_id, script)
        assert list((await completions(postgres_url)).values()) == [1]
        wait_until_gone(orphans)

    # And an API that is told to stop ends well
    assert api.stop() == 0
