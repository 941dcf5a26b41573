"""The judge sees what is broken: each way in which a promise could be, done to rows that keep them all."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from heygen_graphql.jobs.protocol import CONTENT_TYPES
from heygen_graphql.tables import Usage, User, Video, VideoEvent, VideoScene, VideoStatus, utc_now
from tests.chaos.places import Folder
from tests.chaos.plan import QUICK, Plan
from tests.chaos.verdict import Rows, Verdict, judge_files, judge_films, judge_rows

PLAN = Plan(1, QUICK, (), (), ())
ENDED_WELL = (VideoStatus.PENDING, VideoStatus.PROCESSING, VideoStatus.COMPLETED)


def faultless() -> Rows:
    user = User(email="ada@example.com", email_key="ada@example.com", password_hash="-")
    videos = [film(user, number) for number in range(QUICK.videos)]
    return Rows(
        videos=videos,
        events=[
            VideoEvent(video_id=video.id, version=version, fence=1, status=status)
            for video in videos
            for version, status in enumerate(ENDED_WELL, 1)
        ],
        scenes=[],
        usage=[
            Usage(
                owner_id=user.id,
                month="2026-11",
                videos_completed=len(videos),
                seconds_rendered=2.0 * len(videos),
            )
        ],
        users=[user],
    )


def film(user: User, number: int) -> Video:
    video = Video(
        owner_id=user.id,
        title=str(number),
        request={},
        storyboard={"scenes": [{}]},
        script="Hi",
        voice_id="voice",
        avatar_id="avatar",
        language="en",
        quality="LOW",
        aspect_ratio="SQUARE",
        caption_style="NONE",
        status=VideoStatus.COMPLETED,
        version=3,
        attempt=1,
        fence=1,
        duration_seconds=2.0,
    )
    video.files_prefix = f"videos/{video.id}/1"
    return video


def lose_one(rows: Rows) -> None:
    rows.videos.pop()


def make_one_twice(rows: Rows) -> None:
    rows.videos.append(film(rows.users[0], 0))


def leave_one_under_way(rows: Rows) -> None:
    rows.videos[0].status = VideoStatus.PROCESSING
    rows.videos[0].lease_expires_at = utc_now() + timedelta(seconds=5)


def end_one_twice(rows: Rows) -> None:
    rows.events.append(rows.events[2].model_copy())


def leave_a_scene(rows: Rows) -> None:
    video = rows.videos[0]
    rows.scenes.append(VideoScene(video_id=video.id, key="a", position=0, weight=1.0, video_fence=1))


def charge_twice(rows: Rows) -> None:
    rows.usage[0].videos_completed += 1


def fail_for_no_reason(rows: Rows) -> None:
    rows.videos[0].status, rows.videos[0].failure_code = VideoStatus.FAILED, "RENDER_FAILED"


@pytest.mark.parametrize(
    ("harm", "promise"),
    [
        (lose_one, "each video that was ordered is there once"),
        (make_one_twice, "each video that was ordered is there once"),
        (leave_one_under_way, "every video has ended"),
        (leave_one_under_way, "no lease is left"),
        (end_one_twice, "every video has one terminal event"),
        (leave_a_scene, "no scene is left of a video that has ended"),
        (charge_twice, "is charged for"),
        (fail_for_no_reason, "what a video FAILED of was done to it"),
    ],
)
def test_what_is_broken_in_the_database_is_seen(harm: Callable[[Rows], None], promise: str) -> None:
    rows, verdict = faultless(), Verdict()
    judge_rows(verdict, PLAN, rows)
    assert verdict.violations == []

    harm(rows)

    judge_rows(verdict, PLAN, rows)
    assert any(promise in violation for violation in verdict.violations), verdict.violations


@pytest.mark.parametrize(
    ("name", "promise"),
    [
        ("2/video.mp4", "no file is nobody's"),
        ("segments/0a.mp4#1", "no file is nobody's"),
        ("segments/0b.mp4", "no video keeps more segments than it has scenes"),
        ("1/video.mp4", "every film is the one that its row tells of"),
    ],
)
async def test_what_lies_in_the_storage_and_should_not_is_seen(
    name: str, promise: str, tmp_path: Path
) -> None:
    # Given every film with its segment
    rows, place = faultless(), Folder(tmp_path / "files")
    for video in rows.videos:
        folder = tmp_path / "files" / "videos" / str(video.id)
        for key in (*(f"1/{file}" for file in CONTENT_TYPES), "segments/0a.mp4"):
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(b"a film")
        video.sha256 = await place.digest(f"{video.files_prefix}/video.mp4")
    assert await violations(place, rows) == []

    # When something else is there
    other = tmp_path / "files" / "videos" / str(rows.videos[0].id) / name
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"something else")

    # Then that is seen, and so is a film that is missing
    assert [one for one in await violations(place, rows) if promise in one]
    (tmp_path / "files" / f"{rows.videos[1].files_prefix}/video.mp4").unlink()
    assert [one for one in await violations(place, rows) if "every film is whole" in one]


async def violations(place: Folder, rows: Rows) -> list[str]:
    verdict = Verdict()
    await judge_files(verdict, place, rows)
    await judge_films(verdict, place, rows)
    return verdict.violations


async def test_a_folder_that_refuses_takes_nothing_even_from_root(tmp_path: Path) -> None:
    place = Folder(tmp_path / "files")
    (tmp_path / "files" / "kept").touch()
    with place.refusing(0.5), pytest.raises(NotADirectoryError):
        (tmp_path / "files" / "new").touch()
    assert await place.keys() == ["kept"]
