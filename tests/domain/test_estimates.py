from collections.abc import Hashable
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest

from heygen_graphql.database import Database
from heygen_graphql.presence import present
from heygen_graphql.rendering import timeline
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import SAMPLE_RATE, Scene, Storyboard
from heygen_graphql.tables import User
from heygen_graphql.videos import Experience, SceneRequest, VideoRequest, create
from heygen_graphql.videos.reckoning import Finished, Lessons, Turn, learn, wait_seconds, weight
from tests.domain.films import FILMS, row_of

ENGINES = {voice.voice_id: voice.engine for voice in Voices().all()}


def off(film: Finished, before: Finished, lessons: Lessons) -> tuple[float, float]:
    """By which shares the film's length and its render's were misjudged."""
    assert film.render_seconds is not None
    duration, render_seconds = lessons.seconds(film.storyboard, ENGINES, before.storyboard)
    return duration / sum(film.scene_seconds) - 1, render_seconds / film.render_seconds - 1


def test_after_ten_films_each_further_one_is_known_within_a_fifth() -> None:
    lessons = learn(FILMS[9::-1], ENGINES)
    for before, film in pairwise(FILMS[9:]):
        assert off(film, before, lessons) == pytest.approx((0, 0), abs=0.2), film


def test_any_film_is_known_within_a_fifth_from_all_the_others() -> None:
    # The first was rendered after the last, in the second round.
    for index, film in enumerate(FILMS):
        others = [*FILMS[:index], *FILMS[index + 1 :]]
        assert off(film, FILMS[index - 1], learn(others[::-1], ENGINES)) == pytest.approx((0, 0), abs=0.2)


def test_before_any_film_lengths_are_known_nearly_as_well() -> None:
    for film in FILMS:
        duration, _ = Lessons().seconds(film.storyboard, ENGINES, None)
        assert duration == pytest.approx(sum(film.scene_seconds), rel=0.25)


def test_a_slower_host_is_learnt_and_a_lid_that_was_shut_is_not() -> None:
    slow = [replace(film, render_seconds=4 * (film.render_seconds or 0)) for film in FILMS]
    shut = replace(slow[7], render_seconds=3600.0)
    lessons = learn([*slow[:7], shut, *slow[8:]][::-1], ENGINES)
    for before, film in pairwise(slow[9:]):
        assert off(film, before, lessons)[1] == pytest.approx(0, abs=0.35)


def test_what_was_taken_over_from_an_earlier_render_teaches_nothing_of_rendering() -> None:
    quick = [replace(film, render_seconds=None) for film in FILMS]
    lessons = learn(quick, ENGINES)
    assert lessons.render == Lessons().render
    assert lessons.speech_by_voice["heart"] != Lessons().speech_by_voice.get("heart")


def test_margins_are_the_timelines() -> None:
    spoken = Scene("Hello.", 0.0, "heart", "maya", "")
    silent = Scene(None, 2.0, "heart", "maya", "")
    for scenes in ((spoken,), (spoken, spoken, spoken), (spoken, silent, spoken), (silent, spoken, spoken)):
        story = Storyboard(scenes, "en")
        alone, _ = Lessons().seconds(Storyboard((spoken,), "en"), ENGINES, None)
        margins = [timeline.margins(scenes, index) for index in range(len(scenes))]
        kept = sum(one.before + one.after for one in margins) / SAMPLE_RATE
        own = (timeline.LEAD_IN_SAMPLES + timeline.TAIL_SAMPLES) / SAMPLE_RATE
        said = sum(alone - own for scene in scenes if scene.script is not None)
        pauses = sum(scene.pause_seconds for scene in scenes)
        assert Lessons().seconds(story, ENGINES, None)[0] == pytest.approx(said + kept + pauses)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("Hello", "Hello there"),
        ("seven", "1984"),
        ("one two three", "one, two, three"),
        ("Dr. Smith is in.", "Doctor. Smith is in."),
        ("ab", "你好"),
        ("Wait", "Wait. What?"),
    ],
)
def test_what_takes_longer_to_say_weighs_more(less: str, more: str) -> None:
    assert weight(less) < weight(more)


def test_pauses_weigh_once_and_not_at_the_end() -> None:
    assert weight("Wait... What?") == weight("Wait. What")
    assert weight("😀 — (!)") == 0


@pytest.mark.parametrize(
    ("running", "waiting", "places", "seconds"),
    [
        ([], [], 1, 0),
        ([4], [], 1, 4),
        ([4], [], 2, 0),
        ([4], [3, 5], 1, 12),
        ([4, 1], [3, 5], 2, 4),
        # More are running than places are known of: other machines render, too.
        ([4, 1, 2], [3], 1, 2),
    ],
)
def test_whoever_is_free_first_takes_the_next(
    running: list[float], waiting: list[float], places: int, seconds: float
) -> None:
    turns = [[Turn(None, one) for one in those] for those in (running, waiting)]
    assert wait_seconds(turns[0], turns[1], places) == seconds


@pytest.mark.parametrize(
    ("running", "waiting", "places", "seconds"),
    [
        # Ada has as many under way as she may, however many places are free.
        ("ada 4", "", 3, 4),
        ("ada 4", "ada 3", 3, 7),
        # Ben's go past hers, and use the places that are left.
        ("ada 4", "ada 3, ben 9", 2, 7),
        ("ben 4", "ada 3", 2, 3),
        ("ben 4", "ada 3, ben 1", 1, 8),
        ("ben 4, ada 1", "ada 1, ben 5", 1, 4),
    ],
)
def test_who_has_as_many_under_way_as_they_may_waits_for_those(
    running: str, waiting: str, places: int, seconds: float
) -> None:
    def turns(text: str) -> list[Turn]:
        return [Turn(one.split()[0], float(one.split()[1])) for one in text.split(", ") if one]

    limits: dict[Hashable, int] = {"ada": 1, "ben": 5}
    assert wait_seconds(turns(running), turns(waiting), places, asker="ada", limits=limits) == seconds


async def test_an_estimate_is_made_of_this_hosts_own_films(database: Database, ada: UUID) -> None:
    for film in FILMS[:10]:
        async with database.transaction() as session:
            session.add(row_of(film, ada))
    film = FILMS[11]
    request = VideoRequest(
        scenes=tuple(SceneRequest(script=scene.script) for scene in film.storyboard.scenes),
        quality=film.storyboard.quality,
    )

    estimate = await Experience(database, Voices(), renders_at_once=1).estimate(ada, request)

    assert estimate.duration_seconds == pytest.approx(sum(film.scene_seconds), rel=0.2)
    lessons = learn(FILMS[9::-1], ENGINES)
    _, render_seconds = lessons.seconds(film.storyboard, ENGINES, FILMS[9].storyboard)
    assert estimate.render_seconds == pytest.approx(render_seconds, rel=0.01)
    assert estimate.wait_seconds == 0


async def test_another_persons_heap_is_not_waited_for_nor_what_other_workers_take(
    database: Database, ada: UUID
) -> None:
    # Given a heap of another person's
    ben = User(email="ben@example.com", email_key="ben@example.com", password_hash="-")
    async with database.transaction() as session:
        session.add(ben)
    request = VideoRequest(script="How long may this take? " * 20)
    for _ in range(20):
        await create(database, ben.id, request)

    # Then one of them is waited for
    alone = await Experience(database, Voices(), renders_at_once=1).estimate(ada, request)
    assert 0.9 * alone.render_seconds <= alone.wait_seconds <= 3 * alone.render_seconds

    # And none where a worker has been seen that has slots for both
    async with present(database, renders_at_once=2):
        shared = await Experience(database, Voices(), renders_at_once=1).estimate(ada, request)
    assert shared.wait_seconds == 0
