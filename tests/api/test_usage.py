"""What a person's videos have come to, and a finished video's every field."""

import asyncio
from typing import Any

from heygen_graphql import globalids
from heygen_graphql.database import Database
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.protocol import Failure, Progress, Rendered
from heygen_graphql.rendering.storyboard import Stage
from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served

CREATE = """
mutation ($input: CreateVideoInput!) { createVideo(input: $input) { video { id } userErrors { code field } } }
"""
USAGE = """
{
  usage {
    videosCompleted secondsRendered storageBytes concurrentLimit concurrentNow
    monthlySecondsLimit monthlySecondsUsed
  }
}
"""
WHOLE = """
query ($id: ID!, $seconds: Int) {
  video(id: $id) {
    status stage progress queuePosition secondsLeft startedAt completedAt durationSeconds fileSizeBytes
    processingSeconds sha256 version
    url(expiresInSeconds: $seconds) thumbnailUrl vtt: captionsUrl
    srt: captionsUrl(format: SRT, expiresInSeconds: $seconds)
    transcript { text startSeconds endSeconds sceneIndex }
    scenes { startSeconds durationSeconds reused }
    failure { code message isRetryable }
    qualityReport { audioVideoOffsetMs loudnessLufs truePeakDbtp blackFrames missingGlyphs }
  }
}
"""
FILES = {
    "video.mp4": b"film",
    "thumbnail.jpg": b"picture",
    "captions.vtt": b"WEBVTT",
    "captions.srt": b"1",
}
RENDERED = Rendered(
    duration_seconds=2.5,
    file_size_bytes=2**40,
    sha256="a" * 64,
    transcript=[{"text": "Hello.", "start_seconds": 0.25, "end_seconds": 0.75, "scene_index": 0}],
    scenes=[{"start_seconds": 0.0, "duration_seconds": 2.5, "reused": True}],
    segments=[],
    report={
        "audio_video_offset_ms": 0.5,
        "loudness_lufs": -16.0,
        "true_peak_dbtp": -1.5,
        "black_frames": 0,
        "missing_glyphs": 3,
    },
)


def created(api: Api) -> str:
    video_id: str = api(CREATE, input={"script": "Hello."}).data["createVideo"]["video"]["id"]
    return video_id


def rendering(settings: Settings, video_id: str, end: Rendered | Failure | Progress) -> None:
    """What a worker does with the video: it ends so, or is so far."""

    async def render() -> None:
        key = globalids.uuid_of(video_id, "Video")
        assert key is not None
        database = Database(settings.resolved_database_url)
        claim = await claiming.claim(database, key, lease_seconds=60, max_attempts=25)
        assert claim is not None
        match end:
            case Rendered():
                directory = settings.data_dir / "files" / claim.files_prefix
                directory.mkdir(parents=True)
                for name, content in FILES.items():
                    (directory / name).write_bytes(content)
                await claiming.complete(database, claim, end)
            case Failure():
                await claiming.fail(database, claim, end, max_failures=3)
            case Progress():
                await claiming.keep(database, claim, end, seconds_left=9.0, lease_seconds=60)
        await database.close()

    asyncio.run(render())


def whole(api: Api, video_id: str, **variables: Any) -> dict[str, Any]:
    video: dict[str, Any] = api(WHOLE, id=video_id, **variables).data["video"]
    return video


def test_usage_is_what_was_rendered_and_what_is_kept(ada: Api, api_settings: Settings) -> None:
    nothing = ada(USAGE).data["usage"]
    assert nothing == {
        "videosCompleted": 0,
        "secondsRendered": 0,
        "storageBytes": 0,
        "concurrentLimit": api_settings.videos_at_once_per_user,
        "concurrentNow": 0,
        "monthlySecondsLimit": None,
        "monthlySecondsUsed": 0,
    }
    finished, running = created(ada), created(ada)
    rendering(api_settings, finished, RENDERED)
    rendering(api_settings, running, Progress(Stage.DRAWING, 0.5))
    used = ada(USAGE).data["usage"]
    assert (used["videosCompleted"], used["secondsRendered"], used["monthlySecondsUsed"]) == (1, 2.5, 2.5)
    assert (used["storageBytes"], used["concurrentNow"]) == (2**40, 1)


def test_the_limits_that_are_told_are_the_servers(api_settings: Settings, ada: Api) -> None:
    settings = changed(api_settings, videos_at_once_per_user=2, monthly_seconds_per_user=60)
    with served(settings) as address:
        there = Api(type(ada.http)(base_url=address, timeout=30, trust_env=False), ada.token)
        used = there(USAGE).data["usage"]
        there.http.close()
    assert (used["concurrentLimit"], used["monthlySecondsLimit"]) == (2, 60)


def test_usage_is_nobodys_who_has_not_signed_in(anyone: Api) -> None:
    assert anyone(USAGE).code == "UNAUTHENTICATED"


def test_a_video_under_way_tells_how_far_it_is(ada: Api, api_settings: Settings) -> None:
    video_id = created(ada)
    rendering(api_settings, video_id, Progress(Stage.DRAWING, 0.5))
    video = whole(ada, video_id)
    assert (video["status"], video["stage"], video["progress"]) == ("PROCESSING", "DRAWING", 0.5)
    assert video["queuePosition"] is None
    assert 0 < video["secondsLeft"] <= 9
    assert video["startedAt"] is not None
    unfinished = "completedAt durationSeconds url thumbnailUrl vtt srt transcript failure qualityReport"
    assert {name: video[name] for name in unfinished.split()} == dict.fromkeys(unfinished.split())


def test_a_finished_video_tells_everything_and_its_links_lead_to_its_files(
    ada: Api, api_settings: Settings
) -> None:
    video_id = created(ada)
    rendering(api_settings, video_id, RENDERED)
    video = whole(ada, video_id, seconds=60)
    assert (video["status"], video["stage"], video["progress"]) == ("COMPLETED", None, 1)
    assert (video["queuePosition"], video["secondsLeft"], video["failure"]) == (None, None, None)
    assert (video["durationSeconds"], video["fileSizeBytes"], video["sha256"]) == (2.5, 2**40, "a" * 64)
    assert video["processingSeconds"] >= 0
    assert video["startedAt"] <= video["completedAt"]
    assert video["transcript"] == [
        {"text": "Hello.", "startSeconds": 0.25, "endSeconds": 0.75, "sceneIndex": 0}
    ]
    assert video["scenes"] == [{"startSeconds": 0, "durationSeconds": 2.5, "reused": True}]
    assert video["qualityReport"] == {
        "audioVideoOffsetMs": 0.5,
        "loudnessLufs": -16,
        "truePeakDbtp": -1.5,
        "blackFrames": 0,
        "missingGlyphs": 3,
    }
    links = dict(zip(FILES, ("url", "thumbnailUrl", "vtt", "srt"), strict=True))
    for name, link in links.items():
        answer = ada.http.get(video[link])
        assert (answer.status_code, answer.content) == (200, FILES[name])
    for seconds in (59, 604_801):
        refused = ada(WHOLE, id=video_id, seconds=seconds).response.json()["errors"]
        assert {error["extensions"]["code"] for error in refused} == {"BAD_USER_INPUT"}
        assert {error["path"][1] for error in refused} == {"url", "srt"}


def test_a_failed_video_tells_why(ada: Api, api_settings: Settings) -> None:
    video_id = created(ada)
    rendering(
        api_settings, video_id, Failure("PICTURE_REFUSED", "The picture is broken.", is_retryable=False)
    )
    video = whole(ada, video_id)
    assert video["failure"] == {
        "code": "PICTURE_REFUSED",
        "message": "The picture is broken.",
        "isRetryable": False,
    }
    assert (video["status"], video["stage"], video["secondsLeft"]) == ("FAILED", None, None)
    assert (video["queuePosition"], video["url"]) == (None, None)
