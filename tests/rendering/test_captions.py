"""Captions: which words stand together, the files, and the pictures."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from heygen_graphql.rendering.captions import CaptionPainter, Cue, cues, to_srt, to_vtt
from heygen_graphql.rendering.fonts import Typeface
from heygen_graphql.rendering.speech import TimedWord

LETTERS_A_LINE = 42
NEWS = (
    "Good evening. The river rose by two metres last night, and the old bridge, which had stood for "
    "three hundred years, was closed to every kind of traffic. Nobody was hurt! Will it open again by "
    "the spring? The mayor hopes so; the engineers, who met at 9 a.m. today, are not so sure."
)
JAPANESE = "こんにちは、私はあなたのプレゼンターです。原稿をくだされば、「代わりに」お話しします。"


def spoken(text: str, *, characters_per_second: float = 15.0, start: float = 0.25) -> list[TimedWord]:
    """The words of a text as a voice would time them, with a breath after each phrase."""
    words = []
    for word in text.split():
        end = start + len(word) / characters_per_second
        words.append(TimedWord(word, start, end))
        start = end + (0.4 if word[-1] in ".!?" else 0.15 if word[-1] in ",;" else 0.02)
    return words


def cut(*scenes: Sequence[TimedWord]) -> list[Cue]:
    film_seconds = scenes[-1][-1].end_seconds + 0.5
    return cues(scenes, width=len, maximum_width=LETTERS_A_LINE, film_seconds=film_seconds)


def test_every_word_is_shown_once_and_in_order() -> None:
    shown = " ".join(line for cue in cut(spoken(NEWS)) for line in cue.lines)

    assert shown == NEWS


def test_a_cue_has_at_most_two_lines_and_none_is_too_wide() -> None:
    for cue in cut(spoken(NEWS)):
        assert 1 <= len(cue.lines) <= 2
        assert all(len(line) <= LETTERS_A_LINE for line in cue.lines)


def test_cues_end_where_sentences_end() -> None:
    endings = [cue.lines[-1].split()[-1] for cue in cut(spoken(NEWS))]

    assert {"traffic.", "spring?", "sure."} <= set(endings)
    assert "a.m." not in endings


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Fünfzig Äpfel kosten 12,50 Euro, und Müllers Bäume blühen am 3. Mai 2026.", "am 3. Mai"),
        ("The first one to come in and to sit down was Dr. Jones of Leeds.", "Dr. Jones"),
        ("The book that everybody in the whole house had read was by J. Austen.", "J. Austen"),
    ],
)
def test_a_title_an_initial_and_an_ordinal_end_no_sentence(text: str, kept: str) -> None:
    assert any(kept in line for cue in cut(spoken(text)) for line in cue.lines)


def test_thai_breaks_between_words_though_it_has_no_spaces_there() -> None:
    (cue,) = cut(spoken("สวัสดีครับ นี่คือวิดีโอแรกที่ผมทำเองบนคอมพิวเตอร์ของ"))

    assert cue.lines == ("สวัสดีครับ นี่คือวิดีโอแรก", "ที่ผมทำเองบนคอมพิวเตอร์ของ")


def test_the_two_lines_of_a_cue_are_balanced() -> None:
    (cue,) = cut(spoken("one two three four five six seven eight nine ten eleven"))

    assert abs(len(cue.lines[0]) - len(cue.lines[1])) <= 6


def test_cues_never_overlap_and_stay_long_enough_to_be_seen() -> None:
    shown = cut(spoken(NEWS))

    for cue, following in pairwise(shown):
        assert cue.end_seconds <= following.start_seconds
    assert all(cue.end_seconds - cue.start_seconds >= 0.7 for cue in shown)


def test_a_fast_voice_gets_its_captions_held_in_the_silence_that_follows() -> None:
    hasty = spoken("Terms and conditions apply to everything.", characters_per_second=60)
    later = spoken("Thank you.", start=10.0)

    first, _ = cut([*hasty, *later])

    characters = sum(map(len, first.lines))
    assert characters / (first.end_seconds - first.start_seconds) <= 20.0


def test_a_cue_starts_with_its_first_word_and_outlasts_its_last() -> None:
    words = spoken(NEWS)

    first = cut(words)[0]

    assert abs(first.start_seconds - words[0].start_seconds) <= 0.02
    assert first.end_seconds >= words[1].end_seconds


def test_no_cue_spans_two_scenes() -> None:
    shown = cut(spoken("Hello there,"), spoken("my friend.", start=1.5))

    assert [cue.lines for cue in shown] == [("Hello there,",), ("my friend.",)]


def test_a_word_wider_than_a_line_is_cut_and_stays_on_the_screen() -> None:
    address = "https://example.com/" + "a-very-long-path/" * 5

    lines = [line for cue in cut(spoken(f"See {address} now.")) for line in cue.lines]

    assert all(len(line) <= LETTERS_A_LINE for line in lines)
    assert address in "".join(lines)


@pytest.mark.parametrize("maximum_width", [5, 6, 7, 9, 11, 16])
def test_japanese_breaks_between_characters_but_never_before_a_closing_mark(maximum_width: int) -> None:
    sentence = TimedWord(JAPANESE * 3, 0.25, 40.0)

    shown = cues([[sentence]], width=len, maximum_width=maximum_width, film_seconds=40.5)

    lines = [line for cue in shown for line in cue.lines]
    assert "".join(lines) == JAPANESE * 3
    assert all(len(line) <= maximum_width for line in lines)
    assert not any(line[0] in "、。」ー" or line[-1] == "「" for line in lines)


def test_joined_words_are_shown_without_a_space_between_them() -> None:
    words = [TimedWord("你好，", 0.2, 0.8), TimedWord("世界。", 0.8, 1.6, is_joined=True)]

    assert cut(words)[0].lines == ("你好，世界。",)


def test_both_files_carry_the_same_cues_to_the_millisecond() -> None:
    shown = cut(spoken(NEWS))

    clock = r"(\d\d):(\d\d):(\d\d)[.,](\d\d\d)"
    vtt = re.findall(f"{clock} --> {clock}", to_vtt(shown))
    srt = re.findall(f"{clock} --> {clock}", to_srt(shown))

    assert vtt == srt
    assert len(vtt) == len(shown)
    hours, minutes, seconds, milliseconds = map(int, vtt[-1][4:])
    assert hours * 3600 + minutes * 60 + seconds + milliseconds / 1000 == shown[-1].end_seconds


def test_vtt_escapes_what_it_would_read_as_markup() -> None:
    text = to_vtt([Cue(3661.5, 3663.0, ("a < b && b > c", "x --> y"))])

    assert text == ("WEBVTT\n\n01:01:01.500 --> 01:01:03.000\na &lt; b &amp;&amp; b &gt; c\nx --&gt; y\n")


def test_an_arrow_in_the_text_is_not_read_as_times_by_srt() -> None:
    text = to_srt([Cue(0.0, 1.0, ("x --> y",)), Cue(1.0, 2.5, ("z",))])

    assert text == "1\n00:00:00,000 --> 00:00:01,000\nx → y\n\n2\n00:00:01,000 --> 00:00:02,500\nz\n"


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (1080, 1080), (854, 480)])
def test_the_picture_of_a_cue_is_centred_inside_the_safe_area(size: tuple[int, int]) -> None:
    width, height = size
    painter = CaptionPainter(width, height, Typeface("en"))
    shown = cues([spoken(NEWS)], width=painter.width, maximum_width=painter.maximum_width, film_seconds=30.0)

    for strip in painter.strips(shown):
        strip_height, strip_width = strip.rgba.shape[:2]
        assert {strip.x % 2, strip.y % 2, strip_width % 2, strip_height % 2} == {0}
        assert width * 0.05 <= strip.x + 1
        assert abs(strip.x + strip_width / 2 - width / 2) <= 1
        assert height * 0.6 <= strip.y
        assert strip.y + strip_height <= height * 0.95


def test_strips_follow_the_cues_and_do_not_overlap() -> None:
    painter = CaptionPainter(1280, 720, Typeface("en"))
    shown = cut(spoken(NEWS))

    strips = list(painter.strips(shown))

    assert [strip.start_frame for strip in strips] == [round(cue.start_seconds * 25) for cue in shown]
    assert all(one.end_frame <= two.start_frame for one, two in pairwise(strips))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Plain “quotes” — €5, naïve façade"),
        ("ru", "Привет, мир!"),
        ("el", "Γειά σου Κόσμε"),
        ("ja", JAPANESE),
        ("ko", "안녕하세요, 여러분."),
        ("zh", "你好，世界。"),
        ("ar", "مرحبا بالعالم، كيف حالكم؟"),
        ("he", "שלום עולם, Google ו־123"),
        ("hi", "नमस्ते दुनिया।"),
        ("th", "สวัสดีชาวโลก"),
        ("am", "ሰላም ልዑል"),
        ("en", "Smile 😀 please"),
    ],
    ids=lambda value: value if value.isascii() else "",
)
def test_letters_of_every_script_have_a_font(language: str, text: str) -> None:
    typeface = Typeface(language)

    assert typeface.missing(text) == 0
    assert "".join(run.text for run in typeface.runs(text)) == text


def test_a_font_of_pictures_draws_neither_the_space_nor_the_number_after_one() -> None:
    runs = Typeface("en").runs("I love ❤️ 100% of 👍🏽 it")

    assert [run.text for run in runs] == ["I love ", "❤️", " 100% of ", "👍🏽", " it"]
    assert runs[0].font is runs[2].font is runs[4].font


def test_a_character_without_a_font_is_counted_and_left_out_instead_of_drawn_as_a_box() -> None:
    typeface = Typeface("en")
    painter = CaptionPainter(640, 480, typeface)

    with_stranger, without = (
        next(painter.strips([Cue(0.0, 1.0, (line,))])).rgba
        for line in ("Hi \U0001f5ff\U000143ff", "Hi \U0001f5ff")
    )

    assert typeface.missing("Hi \U000143ff") == 1
    assert np.array_equal(with_stranger, without)


def test_arabic_is_read_from_the_right() -> None:
    painter = CaptionPainter(1280, 720, Typeface("ar"))

    (strip,) = painter.strips([Cue(0.0, 1.0, ("مرحبا بالعالم.",))])

    # The full stop ends the sentence: it is the lone dot at the left edge, near the baseline.
    ink = strip.rgba[..., :3].min(axis=2) > 200
    left = ink[:, : np.flatnonzero(ink.any(axis=0))[0] + 6]
    rows = np.flatnonzero(left.any(axis=1))
    assert len(rows) <= 10
