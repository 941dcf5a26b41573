"""Captions of any text whatever: words of every script, signs, pictures and rubbish, at any pace."""

import io
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import av
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from heygen_graphql.rendering.captions import CaptionPainter, Cue, cues, to_srt, to_vtt
from heygen_graphql.rendering.captions.bidi import levels, visual_order
from heygen_graphql.rendering.fonts import Typeface
from heygen_graphql.rendering.spacing import is_spaceless
from heygen_graphql.rendering.speech import TimedWord
from heygen_graphql.rendering.storyboard import CaptionStyle
from tests.rendering.test_captions_letters import clusters

# The same examples every time: a test that fails one day in thirty helps nobody.
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
LANGUAGES = ("en", "de", "ar", "he", "hi", "th", "ja", "zh", "zh-Hant", "ko", "my", "el", "und")
SAMPLES = (
    "Hello, Dr. Jones! https://example.com/a-very-long-path?q=1&b=2 9 a.m. (really) 3.5 % – “so”…",
    "Привет, как дела? Γειά σου; Ողջույն։ გამარჯობა አሰላም፣ ዓለም።",
    "مرحبا بالعالم، كيف ١٢٣ حالكم؟ שלום ב־35% (לפחות)",
    "नमस्ते दुनिया। কৃত্রিম বুদ্ধিমত্তা வணக்கம் ക്ഷമ සිංහල",
    "สวัสดีชาวโลกน้ำตาลเป็นของดี ສະບາຍດີ မင်္ဂလာပါခင်ဗျာ ជំរាបសួរ བཀྲ་ཤིས་",
    "こんにちは、「世界」ー。今天我们谈谈人工智能（AI）的发展！안녕하세요여러분",
    "😀👍🏽👨‍👩‍👧‍👦🇩🇪🇫🇷❤️1️⃣ ﷽ Z͑ͫ̓ͪ̂ͫ̽a\u0300\u0301l\u200bg\u00ado \U000143ff\U0001f5ff",
)
LETTERS = st.one_of(
    st.sampled_from([c for sample in SAMPLES for c in sample if not c.isspace()]), st.characters()
).filter(lambda character: not character.isspace())
TEXTS = st.one_of(
    st.text(LETTERS, min_size=1, max_size=40),
    st.sampled_from([word for sample in SAMPLES for word in sample.split()]),
    st.builds(lambda c, n: c * n, LETTERS, st.integers(100, 400)),
)


@st.composite
def spoken(draw: st.DrawFn, *, least_seconds_a_character: float = 0.02) -> list[TimedWord]:
    """Words in order, some without a space or with a pause between them, some said in no time at all."""
    now = draw(st.floats(0, 2))
    words: list[TimedWord] = []
    for text in draw(st.lists(TEXTS, min_size=1, max_size=25)):
        least = least_seconds_a_character * len(text)
        seconds = draw(st.one_of(st.just(least), st.floats(least, least + 3)))
        # Engines cut only writing that has no spaces.
        may_join = bool(words) and (is_spaceless(words[-1].text[-1]) or is_spaceless(text[0]))
        words.append(TimedWord(text, now, now + seconds, is_joined=may_join and draw(st.booleans())))
        now += seconds + draw(st.sampled_from([0.0, 0.0, 0.03, 0.5, 3.0]))
    return words


def frames_of(words: Sequence[TimedWord], tail_frames: int) -> int:
    return int(words[-1].end_seconds * 25) + 1 + tail_frames


def letters(cue: Cue) -> str:
    return "".join(cue.lines).replace(" ", "")


@QUICK
@given(
    words=spoken(), tail=st.integers(0, 40), maximum=st.integers(8, 42), language=st.sampled_from(LANGUAGES)
)
def test_cues_of_any_text_are_in_order_on_the_grid_and_lose_nothing(
    words: list[TimedWord], tail: int, maximum: int, language: str
) -> None:
    frames = frames_of(words, tail)

    shown = cues(words, width=len, maximum_width=maximum, frame_count=frames, language=language)

    assert "".join(map(letters, shown)) == "".join(word.text for word in words)
    assert shown[0].start_seconds >= 0
    assert shown[-1].end_seconds <= frames / 25
    for cue, following in pairwise(shown):
        assert cue.end_seconds <= following.start_seconds
    for cue in shown:
        assert round(cue.start_seconds * 1000) % 40 == round(cue.end_seconds * 1000) % 40 == 0
        assert 1 <= len(cue.lines) <= 2
        assert all(len(line) <= maximum or len(clusters(line)) == 1 for line in cue.lines)
        assert not any(line.startswith(" ") or line.endswith(" ") for line in cue.lines)
        assert "".join(word.text for word in cue.words) == letters(cue)
        times = [cue.start_seconds]
        for word in cue.words:
            times += [word.start_seconds, word.end_seconds]
        times.append(cue.end_seconds)
        assert times == sorted(times)


@QUICK
@given(words=spoken(least_seconds_a_character=0.0), tail=st.integers(0, 400))
def test_no_cue_flashes_unless_the_scene_is_too_short_for_all_of_them(
    words: list[TimedWord], tail: int
) -> None:
    frames = frames_of(words, tail)

    shown = cues(words, width=len, maximum_width=20, frame_count=frames)

    assume(len(shown) * 18 <= frames)
    assert all(cue.end_seconds - cue.start_seconds >= 0.7 for cue in shown)


@settings(QUICK, max_examples=25)
@given(words=spoken(), language=st.sampled_from(LANGUAGES), style=st.sampled_from(CaptionStyle))
@pytest.mark.parametrize("size", [(854, 480), (720, 1280), (480, 480)])
def test_any_text_can_be_painted_inside_the_safe_area(
    size: tuple[int, int], words: list[TimedWord], language: str, style: CaptionStyle
) -> None:
    width, height = size
    frames = frames_of(words, 10)
    painter = CaptionPainter(width, height, typeface(language))

    shown = cues(
        words,
        width=painter.width,
        maximum_width=painter.maximum_width,
        frame_count=frames,
        language=language,
    )
    strips = list(painter.strips(shown, style))

    assert (style is CaptionStyle.NONE) <= (not strips)
    for strip in strips:
        strip_height, strip_width = strip.rgba.shape[:2]
        assert {strip.x % 2, strip.y % 2, strip_width % 2, strip_height % 2} == {0}
        # Only a single character may be wider than the safe area.
        assert width * 0.05 - 2 <= strip.x
        assert strip.x + strip_width <= width * 0.95 + 2
        assert strip.y >= 0
        assert strip.y + strip_height <= height * 0.95
        assert 0 <= strip.start_frame < strip.end_frame <= frames
    assert all(one.end_frame <= two.start_frame for one, two in pairwise(strips))


@QUICK
@given(words=spoken())
def test_a_player_reads_both_files_alike_and_at_the_burned_times(words: list[TimedWord]) -> None:
    shown = cues(words, width=len, maximum_width=30, frame_count=frames_of(words, 5))
    expected = [(round(cue.start_seconds * 1000), round(cue.end_seconds * 1000)) for cue in shown]

    assert times_read("webvtt", to_vtt(shown)) == expected
    assert times_read("srt", to_srt(shown)) == expected


@QUICK
@given(text=st.text(LETTERS, max_size=60), right_to_left=st.booleans())
def test_the_drawing_order_of_any_line_is_a_permutation(text: str, right_to_left: bool) -> None:
    found = levels(text, right_to_left=right_to_left)

    assert len(found) == len(text)
    assert set(found) <= ({1, 2} if right_to_left else {0, 1, 2})
    assert sorted(visual_order(range(len(text)), found)) == list(range(len(text)))


@cache
def typeface(language: str) -> Typeface:
    """Opened once: a film has one, too."""
    return Typeface(language)


def times_read(form: str, text: str) -> list[tuple[int, int]]:
    with av.open(io.BytesIO(text.encode()), "r", format=form) as file:
        packets: list[Any] = [packet for packet in file.demux() if packet.size]
        return [(packet.pts, packet.pts + packet.duration) for packet in packets]
