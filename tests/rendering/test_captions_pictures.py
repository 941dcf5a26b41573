"""Captions as they are seen: painted in strips, burned into a film."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering import Quality, Scene, Storyboard, render
from heygen_graphql.rendering.captions import CaptionPainter, Cue, cues
from heygen_graphql.rendering.compositor import CaptionStrip
from heygen_graphql.rendering.fonts import Typeface
from heygen_graphql.rendering.speech import TimedWord
from heygen_graphql.rendering.storyboard import CaptionStyle
from tests.rendering.narration import NEWS, spoken


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (1080, 1080), (854, 480)])
def test_the_picture_of_a_cue_is_centred_inside_the_safe_area(size: tuple[int, int]) -> None:
    width, height = size
    painter = CaptionPainter(width, height, Typeface("en"))
    shown = cues(
        spoken(NEWS), width=painter.width, maximum_width=painter.maximum_width, frame_count=750, language="en"
    )

    for strip in painter.strips(shown):
        strip_height, strip_width = strip.rgba.shape[:2]
        assert {strip.x % 2, strip.y % 2, strip_width % 2, strip_height % 2} == {0}
        assert width * 0.05 <= strip.x + 1
        assert abs(strip.x + strip_width / 2 - width / 2) <= 1
        assert height * 0.6 <= strip.y
        # A phone has its controls at the foot.
        assert strip.y + strip_height <= height * (0.88 if height > width else 0.95)


def test_a_line_is_centred_by_its_ink() -> None:
    """A full stop of Chinese is mostly air, which would push the line to the left."""
    painter = CaptionPainter(1280, 720, Typeface("zh"))

    (strip,) = painter.strips([Cue(0.0, 1.0, ("今天天气很好。",))])

    columns = np.flatnonzero((strip.rgba[..., :3].min(axis=2) > 100).any(axis=0))
    assert abs(columns[0] + columns[-1] + 1 - strip.rgba.shape[1]) <= 3


def test_strips_follow_the_cues_and_do_not_overlap() -> None:
    painter = CaptionPainter(1280, 720, Typeface("en"))
    shown = cues(spoken(NEWS), width=len, maximum_width=42, frame_count=750)

    strips = list(painter.strips(shown))

    assert [strip.start_frame for strip in strips] == [round(cue.start_seconds * 25) for cue in shown]
    assert all(one.end_frame <= two.start_frame for one, two in pairwise(strips))


def test_a_character_without_a_font_is_counted_and_left_out_instead_of_drawn_as_a_box() -> None:
    typeface = Typeface("en")
    painter = CaptionPainter(640, 480, typeface)

    with_stranger, without = (
        next(painter.strips([Cue(0.0, 1.0, (line,))])).rgba
        for line in ("Hi \U0001f5ff\U000143ff", "Hi \U0001f5ff")
    )

    assert typeface.missing("Hi \U000143ff") == 1
    assert np.array_equal(with_stranger, without)


def karaoke(text: str, language: str) -> tuple[Cue, list[CaptionStrip]]:
    painter = CaptionPainter(1280, 720, Typeface(language))
    words = spoken(text)
    (cue,) = cues(
        words,
        width=painter.width,
        maximum_width=painter.maximum_width,
        frame_count=round(words[-1].end_seconds * 25) + 5,
        language=language,
    )
    return cue, list(painter.strips([cue], CaptionStyle.KARAOKE))


def lit(strip: CaptionStrip) -> NDArray[np.bool_]:
    """The pixels that are yellow rather than white."""
    rgb = strip.rgba[..., :3].astype(int)
    return np.asarray((rgb[..., 0] > 200) & (rgb[..., 0] - rgb[..., 2] > 60))


def test_karaoke_lights_each_word_at_its_own_time_and_moves_nothing() -> None:
    cue, strips = karaoke("one two three four", "en")

    assert [strip.start_frame / 25 for strip in strips] == [word.start_seconds for word in cue.words]
    assert strips[-1].end_frame / 25 == cue.end_seconds
    assert all(one.end_frame == two.start_frame for one, two in pairwise(strips))
    assert len({(strip.x, strip.y, strip.rgba.shape) for strip in strips}) == 1
    lefts = [int(np.flatnonzero(lit(strip).any(axis=0))[0]) for strip in strips]
    assert lefts == sorted(set(lefts))
    # What is not lit is the same in every strip.
    unlit = ~np.logical_or.reduce([lit(strip) for strip in strips])
    edges = cv2.erode(unlit.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    assert all(np.array_equal(strip.rgba[edges], strips[0].rgba[edges]) for strip in strips)


def test_karaoke_lights_no_word_in_a_long_pause() -> None:
    painter = CaptionPainter(1280, 720, Typeface("en"))
    words = [TimedWord("Wait", 0.2, 0.6), TimedWord("now.", 1.6, 2.0)]
    shown = cues(words, width=painter.width, maximum_width=900, frame_count=60)

    strips = list(painter.strips(shown, CaptionStyle.KARAOKE))

    assert [bool(lit(strip).any()) for strip in strips] == [True, False, True, False]
    assert [(strip.start_frame, strip.end_frame) for strip in strips][1] == (15, 40)


@pytest.mark.parametrize(
    ("language", "text", "order"),
    [
        ("he", "היום נדבר על חיינו", [0, 1, 2, 3]),
        ("ar", "اليوم نتحدث عن حياتنا", [0, 1, 2, 3]),
        # A Latin name of two words reads from the left inside its sentence.
        ("he", "אתר Google Maps חדש", [0, 2, 1, 3]),
    ],
)
def test_karaoke_lights_the_right_word_in_writing_from_the_right(
    language: str, text: str, order: list[int]
) -> None:
    _, strips = karaoke(text, language)

    rights = [int(np.flatnonzero(lit(strip).any(axis=0))[-1]) for strip in strips]

    assert sorted(range(len(strips)), key=lambda index: -rights[index]) == order


def test_no_captions_are_painted_when_none_are_asked_for() -> None:
    painter = CaptionPainter(1280, 720, Typeface("en"))

    assert list(painter.strips([Cue(0.0, 1.0, ("Hi",))], CaptionStyle.NONE)) == []


@pytest.mark.parametrize("background", [0, 255])
def test_letters_stand_out_from_any_background(background: int) -> None:
    """By the contrast ratio of WCAG 2.2, which asks for 3 of letters this large."""
    for strip in karaoke("one two three four", "en")[1]:
        alpha = strip.rgba[..., 3:] / 255
        shown = strip.rgba[..., :3] * alpha + background * (1 - alpha)
        linear = np.where(shown <= 10, shown / 255 / 12.92, ((shown / 255 + 0.055) / 1.055) ** 2.4)
        light = linear @ np.array([0.2126, 0.7152, 0.0722])
        letters, plate = np.percentile(light, 97), np.median(light)
        assert (letters + 0.05) / (plate + 0.05) > 4.5


def test_serbian_has_its_own_form_of_a_letter_that_russian_shares() -> None:
    serbian, russian = (
        next(CaptionPainter(640, 360, Typeface(language)).strips([Cue(0.0, 1.0, ("добро",))]))
        for language in ("sr", "ru")
    )

    assert not np.array_equal(serbian.rgba, russian.rgba)


def test_marks_piled_on_letters_are_not_cut_off() -> None:
    painter = CaptionPainter(1280, 720, Typeface("th"))

    (strip,) = painter.strips([Cue(0.0, 1.0, ("ที่นี่ ปู่ ญี่ปุ่น", "เก็บน้ำ กี่ปี"))])

    ink = (strip.rgba[..., :3].min(axis=2) > 100).any(axis=1)
    assert not ink[:8].any()
    assert not ink[-8:].any()


def test_arabic_is_read_from_the_right() -> None:
    painter = CaptionPainter(1280, 720, Typeface("ar"))

    (strip,) = painter.strips([Cue(0.0, 1.0, ("مرحبا بالعالم.",))])

    # The full stop ends the sentence: it is the lone dot at the left edge, near the baseline.
    ink = strip.rgba[..., :3].min(axis=2) > 200
    left = ink[:, : np.flatnonzero(ink.any(axis=0))[0] + 6]
    rows = np.flatnonzero(left.any(axis=1))
    assert len(rows) <= 10


@pytest.mark.parametrize("style", [CaptionStyle.SIMPLE, CaptionStyle.KARAOKE])
def test_burned_captions_come_and_go_when_the_files_say_so(style: CaptionStyle, tmp_path: Path) -> None:
    script = "Nobody was hurt when the old wooden bridge fell into the river last night."
    spoken_scene = Scene(script, 0.0, "heart", "maya", "#FFFFFF")
    story = Storyboard(
        (spoken_scene, replace(spoken_scene, script=None, pause_seconds=0.6)),
        "en",
        quality=Quality.LOW,
        caption_style=style,
    )

    video = render(story, tmp_path)

    # At the height of the captions, left of the presenter: white, or dark where a plate is.
    with av.open(video.video) as film:
        is_dark = [
            bool((frame.to_ndarray(format="gray")[425:430, 200:210] < 160).all())
            for frame in film.decode(video=0)
        ]
    shown = re.findall(r"00:00:(\d\d\.\d\d\d) --> 00:00:(\d\d\.\d\d\d)", video.vtt.read_text())
    expected = [
        any(float(start) <= frame / 25 < float(end) for start, end in shown) for frame in range(len(is_dark))
    ]
    assert is_dark == expected
    assert True in expected
    assert not expected[-1]
