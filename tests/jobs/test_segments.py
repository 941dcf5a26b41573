"""Scenes that were rendered before, and the files that a storyboard names."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.rendering.storyboard import Stage
from heygen_graphql.settings import Settings
from heygen_graphql.tables import VideoStatus
from tests.jobs.serving import files, server
from tests.jobs.videos import add_video, change, let_back_off_end, load, storyboard, wait_for_end
from tests.servers import wait_until

THREE_SCENES = {"segments": ["a.mkv", "b.mkv", "c.mkv"]}
ONE_CHANGED = {"segments": ["a.mkv", "d.mkv", "c.mkv"]}


def segments(settings: Settings) -> list[str]:
    return [Path(name).name for name in files(settings) if Path(name).parent.name == "segments"]


async def reused(database: Database, video_id: UUID) -> list[bool]:
    video = await load(database, video_id)
    assert video.status is VideoStatus.COMPLETED
    assert video.scene_timings is not None
    return [bool(scene["reused"]) for scene in video.scene_timings]


async def test_a_changed_video_renders_the_changed_scene_alone(settings: Settings, sqlite: Database) -> None:
    async with server(settings, sqlite) as queue:
        # Given a finished video of three scenes
        video_id = await add_video(sqlite, THREE_SCENES)
        await queue.hint(video_id)
        await wait_for_end(sqlite, video_id)
        assert await reused(sqlite, video_id) == [False, False, False]
        assert segments(settings) == ["a.mkv", "b.mkv", "c.mkv"]

        # When one of them is changed
        await change(
            sqlite,
            video_id,
            storyboard=storyboard(ONE_CHANGED),
            status=VideoStatus.PENDING,
            stage=Stage.QUEUED,
        )
        await queue.hint(video_id)
        await wait_for_end(sqlite, video_id)

        # Then the others are those that were there, and what is of no more use is gone
        assert await reused(sqlite, video_id) == [True, False, True]
        assert segments(settings) == ["a.mkv", "c.mkv", "d.mkv"]


async def test_a_render_tried_again_keeps_the_scenes_that_were_finished(
    settings: Settings, sqlite: Database, tmp_path: Path
) -> None:
    passing = {
        "fail": {"code": "ENCODING_FAILED", "message": "Broken.", "is_retryable": True},
        "only_attempts": 1,
        "count_in": str(tmp_path / "count"),
    }
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, THREE_SCENES | passing)
        await queue.hint(video_id)
        await let_back_off_end(sqlite, video_id)
        assert (await wait_for_end(sqlite, video_id)).failures == 1
    assert await reused(sqlite, video_id) == [True, True, True]


async def test_a_segment_that_may_have_broken_a_render_is_not_used_again(
    settings: Settings, sqlite: Database, tmp_path: Path
) -> None:
    # Given a segment of an earlier render, and a render that cannot join it
    passing = {
        "fail": {"code": "ENCODING_FAILED", "message": "Broken.", "is_retryable": True},
        "only_attempts": 1,
        "count_in": str(tmp_path / "count"),
    }
    video_id = await add_video(sqlite, THREE_SCENES | passing)
    stored = settings.data_dir / "files" / "videos" / str(video_id) / "segments" / "a.mkv"
    stored.parent.mkdir(parents=True)
    stored.write_text("broken")
    async with server(settings, sqlite) as queue:
        await queue.hint(video_id)
        await let_back_off_end(sqlite, video_id)
        await wait_for_end(sqlite, video_id)
    # Then the next one makes it anew, and uses what the first made
    assert await reused(sqlite, video_id) == [False, True, True]


@pytest.mark.parametrize("ending", [videos.cancel, videos.delete])
async def test_a_video_that_is_canceled_or_deleted_keeps_no_segments(
    settings: Settings, sqlite: Database, ending: type
) -> None:
    async with server(settings, sqlite) as queue:
        # Given a video whose first scene is done
        video_id = await add_video(sqlite, THREE_SCENES | {"steps": 0, "step_seconds": 0.5})
        await queue.hint(video_id)
        await asyncio.to_thread(wait_until, lambda: segments(settings) != [], "the first scene")

        await ending(sqlite, (await load(sqlite, video_id)).owner_id, video_id)

        await asyncio.to_thread(wait_until, lambda: files(settings) == [], "removing the segments")


async def test_a_video_that_is_canceled_while_it_waits_keeps_nothing_of_earlier_attempts(
    settings: Settings, sqlite: Database
) -> None:
    # Given what an attempt left that was killed while it published
    video_id = await add_video(sqlite, THREE_SCENES, fence=1)
    for name in ("1/video.mp4", "segments/a.mkv"):
        left = settings.data_dir / "files" / "videos" / str(video_id) / name
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
    await videos.cancel(sqlite, (await load(sqlite, video_id)).owner_id, video_id)

    # When a worker hears of the cancel
    async with server(settings, sqlite) as queue:
        await queue.hint(video_id)

        # Then it goes
        await asyncio.to_thread(wait_until, lambda: files(settings) == [], "removing what is left")


async def test_a_render_reads_the_files_that_its_storyboard_names(
    settings: Settings, sqlite: Database
) -> None:
    names = {"background_image": "assets/1/image.png", "avatar_rig": "avatars/2/image.png"}
    async with server(settings, sqlite) as queue:
        for name in names.values():
            stored = settings.data_dir / "files" / name
            stored.parent.mkdir(parents=True)
            stored.write_text(f"bytes of {name}")
        video_id = await add_video(sqlite, storyboard=storyboard(None, **names))
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id)
    film = settings.data_dir / "files" / str(video.files_prefix) / "video.mp4"
    assert json.loads(film.read_text())["materials"] == {name: f"bytes of {name}" for name in names.values()}


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("background_image", "The background image of scenes[0] has been deleted."),
        ("avatar_rig", "The photo avatar 'avatar' of scenes[0] has been deleted."),
    ],
)
async def test_a_file_that_was_deleted_meanwhile_ends_the_video_and_is_named(
    settings: Settings, sqlite: Database, missing: str, says: str
) -> None:
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, storyboard=storyboard(None, **{missing: "assets/1/image.png"}))
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id)
    assert (video.status, video.failure_code, video.attempt) == (VideoStatus.FAILED, "MATERIAL_MISSING", 1)
    assert video.failure_is_retryable is False
    assert says in (video.failure_message or "")
