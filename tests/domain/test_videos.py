import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from heygen_graphql import accounts, videos
from heygen_graphql.database import Database
from heygen_graphql.errors import BadRequest, InvalidInput
from heygen_graphql.paging import Window
from heygen_graphql.tables import Video, VideoStatus, utc_now
from heygen_graphql.videos import SceneRequest, VideoChanges, VideoFilter, VideoOrder, VideoRequest


async def set_status(database: Database, video_id: UUID, **columns: object) -> None:
    """Put a video where a worker would have put it."""
    async with database.transaction() as session:
        video = await session.get_one(Video, video_id)
        video.sqlmodel_update(columns)
        session.add(video)


def codes(error: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[str, tuple[str, ...] | None]]:
    return [(fault.code.value, fault.field) for fault in error.value.faults]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (VideoRequest(), [("REQUIRED", ("script",))]),
        (VideoRequest(script=" \n\t "), [("TOO_SHORT", ("script",))]),
        (VideoRequest(script="a" * 1001), [("TOO_LONG", ("script",))]),
        (VideoRequest(script="ring \x07 the bell"), [("INVALID", ("script",))]),
        (VideoRequest(script="😀 🎉!"), [("INVALID", ("script",))]),
        (VideoRequest(script="Привет, мир"), [("UNSUPPORTED_LANGUAGE", ("script",))]),
        (VideoRequest(script="Hi", voice_id="nobody"), [("UNKNOWN_VOICE", ("voiceId",))]),
        (VideoRequest(script="Hi", avatar_id="nobody"), [("UNKNOWN_AVATAR", ("avatarId",))]),
        (VideoRequest(script="Hi", language="e n"), [("INVALID", ("language",))]),
        (VideoRequest(script="Hi", language="zxx"), [("UNSUPPORTED_LANGUAGE", ("language",))]),
        (
            VideoRequest(script="Hi", language="de", voice_id="heart"),
            [("UNSUPPORTED_LANGUAGE", ("voiceId",))],
        ),
        (VideoRequest(script="Hi", speed=3), [("INVALID", ("speed",))]),
        (VideoRequest(script="Hi", pitch=float("nan")), [("INVALID", ("pitch",))]),
        (VideoRequest(script="Hi", background_color="red"), [("INVALID", ("background", "color"))]),
        (VideoRequest(script="Hi", title="t" * 201), [("TOO_LONG", ("title",))]),
        (VideoRequest(script="Hi", metadata={"a": "x" * 4096}), [("TOO_LONG", ("metadata",))]),
        (VideoRequest(script="Hi", scenes=(SceneRequest(script="Hi"),)), [("INVALID", ("scenes",))]),
        (VideoRequest(scenes=()), [("TOO_SHORT", ("scenes",))]),
        (VideoRequest(scenes=(SceneRequest(script="Hi"),) * 51), [("TOO_LONG", ("scenes",))]),
        (
            VideoRequest(
                language="xx yy",
                speed=3,
                scenes=(
                    SceneRequest(script="Hi"),
                    SceneRequest(),
                    SceneRequest(script="Hi", pause_seconds=1),
                    SceneRequest(pause_seconds=61),
                    SceneRequest(script="", voice_id="nobody"),
                ),
            ),
            [
                ("INVALID", ("language",)),
                ("INVALID", ("speed",)),
                ("REQUIRED", ("scenes", "1", "script")),
                ("INVALID", ("scenes", "2", "pauseSeconds")),
                ("INVALID", ("scenes", "3", "pauseSeconds")),
                ("UNKNOWN_VOICE", ("scenes", "4", "voiceId")),
                ("TOO_SHORT", ("scenes", "4", "script")),
            ],
        ),
    ],
)
async def test_every_fault_names_its_field(
    sqlite_url: str, request_: VideoRequest, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    database = Database(sqlite_url)
    with pytest.raises(InvalidInput) as error:
        await videos.create(database, UUID(int=0), request_)
    await database.close()

    assert codes(error) == expected


async def test_metadata_comes_back_from_the_database_as_it_went(database: Database, ada: UUID) -> None:
    metadata = {"\0": "\0 \ud800 é", "n": [2**70, -(2**53) - 1, 1e-300, 1.0], "deep": [{"": [None, True]}]}
    video = await videos.create(
        database, ada, VideoRequest(script="Hi", metadata=metadata), idempotency_key="k"
    )
    kept = await videos.get(database, ada, video.id)
    assert kept is not None
    assert repr(kept.client_metadata) == repr(metadata)
    again = await videos.create(
        database, ada, VideoRequest(script="Hi", metadata=metadata), idempotency_key="k"
    )
    assert again.id == video.id


async def test_a_search_knows_no_capitals_in_any_writing(database: Database, ada: UUID) -> None:
    video = await videos.create(database, ada, VideoRequest(script="L'École", title="Ο ΜΕΓΆΛΟΣ 100%_"))
    for search, count in {"l'éCOLE": 1, "e\u0301cole": 1, "μεγάλος": 1, "%_": 1, "_%": 0, "\\": 0}.items():
        assert await videos.count(database, ada, VideoFilter(search=search)) == count, search
    await videos.update(database, ada, video.id, VideoChanges(title=None))
    assert await videos.count(database, ada, VideoFilter(search="μεγάλος")) == 0


async def test_more_scenes_than_a_database_can_look_up_at_once_are_refused_by_their_number(
    database: Database, ada: UUID
) -> None:
    # PostgreSQL's protocol knows 32,767 values in a statement, SQLite as it is built 250,000 at most.
    scenes = tuple(SceneRequest(script="Hi", avatar_id=f"photo-{number}") for number in range(260_000))
    with pytest.raises(InvalidInput) as error:
        await videos.create(database, ada, VideoRequest(scenes=scenes))
    assert codes(error) == [("TOO_LONG", ("scenes",))]


async def test_what_is_not_said_is_filled_in(database: Database, ada: UUID) -> None:
    video = await videos.create(
        database,
        ada,
        VideoRequest(
            language="de",
            background_color="#1ad",
            scenes=(SceneRequest(script="  Guten Tag \n"), SceneRequest(pause_seconds=2, speed=1.5)),
        ),
    )

    storyboard = videos.storyboard_in(video)
    spoken, silent = storyboard.scenes
    assert (spoken.script, spoken.voice_id, spoken.background_color) == ("Guten Tag", "espeak-de", "#11AADD")
    assert (silent.script, silent.pause_seconds, silent.speed) == (None, 2.0, 1.5)
    assert video.script == "Guten Tag"
    assert video.status is VideoStatus.PENDING


async def test_a_presenter_speaks_with_a_voice_that_suits_them_unless_one_is_named(
    database: Database, ada: UUID
) -> None:
    scenes = (
        SceneRequest(script="Hi"),
        SceneRequest(script="Hi", avatar_id="oliver"),
        SceneRequest(script="Hi", avatar_id="oliver", voice_id="heart"),
    )

    unnamed = await videos.create(database, ada, VideoRequest(scenes=scenes))
    named = await videos.create(database, ada, VideoRequest(scenes=scenes, voice_id="joe"))
    german = await videos.create(database, ada, VideoRequest(script="Hallo", language="de", avatar_id="maya"))

    assert [scene.voice_id for scene in videos.storyboard_in(unnamed).scenes] == ["heart", "miles", "heart"]
    assert [scene.voice_id for scene in videos.storyboard_in(named).scenes] == ["joe", "joe", "heart"]
    # Its only voice is a man's; a robot of the right accent is better than none.
    assert german.voice_id == "espeak-de"


async def test_one_key_makes_one_video_even_when_the_calls_overlap(database: Database, ada: UUID) -> None:
    request = VideoRequest(script="Only once.")

    made = await asyncio.gather(
        *(videos.create(database, ada, request, idempotency_key="order 7") for _ in range(8))
    )

    assert len({video.id for video in made}) == 1
    assert await videos.count(database, ada, VideoFilter()) == 1
    with pytest.raises(InvalidInput) as error:
        await videos.create(database, ada, VideoRequest(script="Another."), idempotency_key="order 7")
    assert codes(error) == [("IDEMPOTENCY_KEY_REUSED", ("idempotencyKey",))]


async def test_pages_follow_each_other_without_gap_or_repeat(database: Database, ada: UUID) -> None:
    for number in range(7):
        await videos.create(database, ada, VideoRequest(script=f"Number {number}"))

    seen: list[str] = []
    cursor = None
    while True:
        page = await videos.page(database, ada, VideoFilter(), VideoOrder(), Window.of(3, cursor, None, None))
        seen += [video.script for video in page.items]
        if not page.has_next:
            break
        cursor = page.cursors[-1]
        # A newcomer at the top must not push a row over the page's edge.
        await videos.create(database, ada, VideoRequest(script="Newcomer"))

    assert seen == [f"Number {number}" for number in reversed(range(7))]
    last = await videos.page(database, ada, VideoFilter(), VideoOrder(), Window.of(None, None, 2, None))
    assert [video.script for video in last.items] == ["Number 1", "Number 0"]
    assert last.has_previous


async def test_a_cursor_of_another_order_is_refused(database: Database, ada: UUID) -> None:
    for _ in range(2):
        await videos.create(database, ada, VideoRequest(script="Hi"))
    page = await videos.page(database, ada, VideoFilter(), VideoOrder(), Window.of(1, None, None, None))
    window = Window.of(1, page.cursors[0], None, None)

    with pytest.raises(BadRequest):
        await videos.page(database, ada, VideoFilter(), VideoOrder(videos.OrderField.DURATION), window)


async def test_filters_choose_by_status_text_and_time(database: Database, ada: UUID) -> None:
    video = await videos.create(database, ada, VideoRequest(script="The Quick fox", title="50% off"))
    other = await videos.create(database, ada, VideoRequest(script="A slow tortoise"))
    await videos.cancel(database, ada, other.id)

    async def found(matching: VideoFilter) -> list[UUID]:
        page = await videos.page(database, ada, matching, VideoOrder(), Window.of(9, None, None, None))
        assert await videos.count(database, ada, matching) == len(page.items)
        return [video.id for video in page.items]

    assert await found(VideoFilter(search="quick")) == [video.id]
    assert await found(VideoFilter(search="50%")) == [video.id]
    assert await found(VideoFilter(search="%")) == [video.id]
    assert await found(VideoFilter(statuses=(VideoStatus.CANCELED,))) == [other.id]
    assert await found(VideoFilter(created_after=video.created_at)) == [other.id]
    assert await found(VideoFilter(created_before=video.created_at)) == []


async def test_a_changed_script_is_rendered_anew_and_a_changed_title_is_not(
    database: Database, ada: UUID
) -> None:
    video = await videos.create(database, ada, VideoRequest(script="Hi", metadata={"order": 7}))
    await set_status(
        database, video.id, status=VideoStatus.COMPLETED, files_prefix="x", completed_at=utc_now(), fence=4
    )

    titled = await videos.update(database, ada, video.id, VideoChanges(title="Greeting"))
    assert not titled.is_rendered_anew
    assert titled.video.status is VideoStatus.COMPLETED
    assert titled.video.client_metadata == {"order": 7}

    spoken = await videos.update(database, ada, video.id, VideoChanges(script="Hello", metadata=None))
    assert spoken.is_rendered_anew
    assert (spoken.video.status, spoken.video.fence) == (VideoStatus.PENDING, 4)
    assert spoken.video.files_prefix is None
    assert spoken.video.client_metadata is None
    assert spoken.video.version == video.version + 2


async def test_a_waiting_video_that_is_changed_keeps_its_place_in_the_queue(
    database: Database, ada: UUID
) -> None:
    first, second = [await videos.create(database, ada, VideoRequest(script="Hi")) for _ in range(2)]

    edited = await videos.update(database, ada, first.id, VideoChanges(script="Hello"))

    assert edited.is_rendered_anew
    assert videos.storyboard_in(edited.video).scenes[0].script == "Hello"
    assert await videos.queue_positions(database, [first.id, second.id]) == {first.id: 1, second.id: 2}


async def test_a_video_under_way_keeps_its_script_but_may_be_renamed(database: Database, ada: UUID) -> None:
    video = await videos.create(database, ada, VideoRequest(script="Hi"))
    await set_status(database, video.id, status=VideoStatus.PROCESSING, lease_expires_at=utc_now())

    with pytest.raises(InvalidInput) as error:
        await videos.update(database, ada, video.id, VideoChanges(script="Hello"))

    assert codes(error) == [("VIDEO_NOT_EDITABLE", ("id",))]
    assert (await videos.update(database, ada, video.id, VideoChanges(title="Hi"))).video.title == "Hi"


async def test_a_new_language_brings_a_voice_that_speaks_it(database: Database, ada: UUID) -> None:
    video = await videos.create(database, ada, VideoRequest(script="Bonjour", voice_id="heart"))

    edited = await videos.update(database, ada, video.id, VideoChanges(language="fr"))

    assert videos.storyboard_in(edited.video).scenes[0].voice_id == "espeak-fr"


async def test_a_new_language_replaces_a_voice_that_has_left_the_catalogue(
    database: Database, ada: UUID
) -> None:
    video = await videos.create(database, ada, VideoRequest(script="Bonjour"))
    await set_status(database, video.id, request=video.request | {"voice_id": "gone"})

    edited = await videos.update(database, ada, video.id, VideoChanges(language="fr"))

    assert videos.storyboard_in(edited.video).scenes[0].voice_id == "espeak-fr"


async def test_cancelling_and_retrying_go_only_where_they_make_sense(database: Database, ada: UUID) -> None:
    video = await videos.create(database, ada, VideoRequest(script="Hi"))

    with pytest.raises(InvalidInput) as error:
        await videos.retry(database, ada, video.id)
    assert codes(error) == [("NOT_RETRYABLE", ("id",))]

    assert (await videos.cancel(database, ada, video.id)).status is VideoStatus.CANCELED
    with pytest.raises(InvalidInput) as error:
        await videos.cancel(database, ada, video.id)
    assert codes(error) == [("VIDEO_ALREADY_FINISHED", ("id",))]

    assert (await videos.retry(database, ada, video.id)).status is VideoStatus.PENDING
    failed = {"status": VideoStatus.FAILED, "failure_code": "X", "failure_message": "No."}
    await set_status(database, video.id, **failed, failure_is_retryable=False)
    with pytest.raises(InvalidInput) as error:
        await videos.retry(database, ada, video.id)
    assert codes(error) == [("NOT_RETRYABLE", ("id",))]


async def test_a_deleted_video_is_gone_and_its_key_is_free(database: Database, ada: UUID) -> None:
    request = VideoRequest(script="Hi")
    video = await videos.create(database, ada, request, idempotency_key="k")

    await videos.delete(database, ada, video.id)

    assert await videos.get(database, ada, video.id) is None
    with pytest.raises(InvalidInput) as error:
        await videos.delete(database, ada, video.id)
    assert codes(error) == [("NOT_FOUND", ("id",))]
    assert (await videos.create(database, ada, request, idempotency_key="k")).id != video.id


async def test_another_owners_video_is_no_video_at_all(database: Database, ada: UUID) -> None:
    video = await videos.create(database, ada, VideoRequest(script="Hi"))

    assert await videos.get(database, UUID(int=1), video.id) is None
    with pytest.raises(InvalidInput) as error:
        await videos.cancel(database, UUID(int=1), video.id)
    assert codes(error) == [("NOT_FOUND", ("id",))]


async def test_the_queue_is_counted_from_its_head(database: Database, ada: UUID) -> None:
    made = [await videos.create(database, ada, VideoRequest(script="Hi")) for _ in range(3)]
    await videos.cancel(database, ada, made[0].id)

    positions = await videos.queue_positions(database, [video.id for video in made])

    assert positions == {made[1].id: 1, made[2].id: 2}
    assert await accounts.video_counts(database, [ada]) == {ada: 3}


def test_the_time_left_is_what_the_worker_reckoned_less_the_time_since() -> None:
    now = utc_now()
    video = Video(
        owner_id=UUID(int=0),
        request={},
        storyboard={},
        script="",
        voice_id="",
        avatar_id="",
        language="en",
        quality="LOW",
        aspect_ratio="SQUARE",
        caption_style="NONE",
        status=VideoStatus.PROCESSING,
        updated_at=now - timedelta(seconds=2),
        seconds_left=9.0,
    )

    assert videos.seconds_left(video, now) == pytest.approx(7)
    assert videos.seconds_left(video, now + timedelta(minutes=1)) == 0
    video.seconds_left = None
    assert videos.seconds_left(video, now) is None
