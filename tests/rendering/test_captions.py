"""Captions: which words stand together, and the files."""

import io
import re
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import av
import pytest
from av.subtitles.subtitle import AssSubtitle

from heygen_graphql.rendering.captions import Cue, cues, to_srt, to_vtt
from heygen_graphql.rendering.speech import TimedWord
from tests.rendering.narration import NEWS, spoken

LETTERS_A_LINE = 42
JAPANESE = "こんにちは、私はあなたのプレゼンターです。原稿をくだされば、「代わりに」お話しします。"


def cut(
    words: Sequence[TimedWord], *, maximum_width: int = LETTERS_A_LINE, language: str = "und"
) -> list[Cue]:
    """The cues of a scene that ends half a second after its last word."""
    frames = round(words[-1].end_seconds * 25) + 12
    return cues(words, width=len, maximum_width=maximum_width, frame_count=frames, language=language)


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
    (cue,) = cut(spoken("Many people gathered beside the river during last evening"))

    assert abs(len(cue.lines[0]) - len(cue.lines[1])) <= 6


@pytest.mark.parametrize(
    ("text", "first_line"),
    [
        ("When the rain stopped, the children went outside again.", "When the rain stopped,"),
        ("วันนี้ฝนตกหนักมาก แต่เราก็ยังไปโรงเรียนตามปกติ", "วันนี้ฝนตกหนักมาก"),
        # Nor after what leads on to the next word.
        ("We looked up at the house of the old man and waited there.", "We looked up at the house"),
    ],
)
def test_a_line_ends_where_the_sentence_breathes_rather_than_in_its_middle(
    text: str, first_line: str
) -> None:
    (cue,) = cut(spoken(text))

    assert cue.lines[0] == first_line


def test_each_sentence_has_a_cue_of_its_own_when_there_is_time_to_read_it() -> None:
    shown = cut(spoken("The rain is over now. We can go out."))

    assert [cue.lines for cue in shown] == [("The rain is over now.",), ("We can go out.",)]


def test_a_long_sentence_is_shared_out_evenly() -> None:
    shown = cut(spoken(" ".join(["several"] * 14) + "."))

    assert [len(" ".join(cue.lines).split()) for cue in shown] == [7, 7]


def test_a_slow_voice_gets_short_cues_rather_than_long_waits() -> None:
    shown = cut(spoken(NEWS, characters_per_second=3))

    assert all(cue.end_seconds - cue.start_seconds <= 8 for cue in shown)


@pytest.mark.parametrize(("pause_seconds", "is_closed"), [(0.6, True), (1.0, False)])
def test_a_gap_between_cues_is_closed_when_it_would_only_flicker(
    pause_seconds: float, is_closed: bool
) -> None:
    words = spoken("Nobody was hurt at all.")
    later = spoken("Everybody went home.", start=words[-1].end_seconds + pause_seconds)

    first, second = cut([*words, *later])

    assert (first.end_seconds == second.start_seconds) is is_closed
    assert first.end_seconds >= words[-1].end_seconds + 0.4


def test_a_scene_too_short_for_the_best_cues_has_fewer_that_can_be_seen() -> None:
    # Given sentences that would be shown in three cues, and time for two
    hasty = spoken(
        "the and, Yes. Yes. No! Dr. Yes. there the everybody everybody but;", characters_per_second=300
    )

    shown = cues(hasty, width=len, maximum_width=20, frame_count=46)

    assert len(shown) == 2
    assert all(cue.end_seconds - cue.start_seconds >= 0.7 for cue in shown)


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


def test_chinese_words_are_not_cut() -> None:
    text = "我们的日常生活正在慢慢地改变，大家都知道。"

    for maximum_width in range(7, 16):
        shown = cut([TimedWord(text, 0.2, 6.0)], maximum_width=maximum_width, language="zh")

        lines = [line for cue in shown for line in cue.lines]
        assert "".join(lines) == text
        for word in ("日常", "生活", "慢慢", "改变", "大家", "知道"):
            assert any(word in line for line in lines)


def test_japanese_breaks_between_phrases() -> None:
    (cue,) = cut([TimedWord("私たちの毎日の暮らしが変わります。", 0.2, 4.0)], maximum_width=13, language="ja")

    assert cue.lines == ("私たちの毎日の", "暮らしが変わります。")


def test_korean_breaks_at_its_spaces() -> None:
    text = "오늘은 인공지능이 우리의 일상생활과 업무를 어떻게 변화시키고 있는지에 대해 이야기하겠습니다."

    lines = [
        line for cue in cut(spoken(text, characters_per_second=6), maximum_width=16) for line in cue.lines
    ]

    assert " ".join(lines) == text


def test_burmese_breaks_between_syllables_and_never_before_the_consonant_that_closes_one() -> None:
    text = "မင်္ဂလာပါခင်ဗျာကျွန်တော်သည်မြန်မာနိုင်ငံမှဖြစ်ပါသည်"

    lines = [line for cue in cut([TimedWord(text, 0.2, 6.0)], maximum_width=12) for line in cue.lines]

    assert "".join(lines) == text
    assert all(6 < len(line) <= 12 for line in lines[:-1])
    assert all(len(line) == 1 or line[1] not in "်္" for line in lines)
    assert not any(line.endswith("္") for line in lines)


def test_french_punctuation_that_stands_by_itself_begins_no_line() -> None:
    shown = cut(
        spoken("Est-ce que tout le monde est vraiment là ? Oui « presque » tout le monde !"), maximum_width=20
    )

    lines = [line for cue in shown for line in cue.lines]
    assert not any(line[0] in "?!»" or line[-1] == "«" for line in lines)


def test_an_address_is_cut_at_its_joints() -> None:
    shown = cut(spoken("See https://example.com/a-very-long-path/with-many-parts/and-more?query=value now."))

    pieces = [line for cue in shown for line in cue.lines]
    assert all(line[-1] in "/-?=.," for line in pieces[:-1])


def test_no_word_is_left_alone() -> None:
    for count in range(8, 40):
        text = " ".join(["several"] * count) + "."

        shown = cut(spoken(text))

        assert all(len(line.split()) > 1 for cue in shown for line in cue.lines), shown


def test_a_word_of_hundreds_of_letters_flashes_nowhere() -> None:
    words = [*spoken("Say"), TimedWord("a" * 400, 0.6, 6.0), *spoken("now, please.", start=6.1)]

    shown = cut(words)

    assert all(cue.end_seconds - cue.start_seconds >= 0.7 for cue in shown)


def test_thousands_of_characters_without_a_space_are_cut_in_a_moment() -> None:
    texts = [JAPANESE * 120, "a" * 5000, "ကျွန်တော်" * 500, "\u0301" * 5000]
    started = time.process_time()

    for text in texts:
        cut([TimedWord(text, 0.2, 600.0)])

    assert time.process_time() - started < 2.0


def test_wide_characters_are_given_twice_the_time() -> None:
    latin, wide = (
        cues([TimedWord(text, 0.0, 0.4)], width=len, maximum_width=42, frame_count=1000)[0]
        for text in (
            "abcdefghijklmnopqrstuvwxyzabcd",
            "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
        )
    )

    assert latin.end_seconds == pytest.approx(1.52, abs=0.08)
    assert wide.end_seconds == pytest.approx(3.04, abs=0.08)


def test_a_cue_says_when_each_of_its_words_is_spoken() -> None:
    words = spoken("Good evening, everybody.")

    (cue,) = cut(words)

    assert [word.text for word in cue.words] == ["Good", "evening,", "everybody."]
    for shown, word in zip(cue.words, words, strict=True):
        assert abs(shown.start_seconds - word.start_seconds) <= 0.02
        assert abs(shown.end_seconds - word.end_seconds) <= 0.02


def test_a_word_of_several_syllables_is_one_word_where_no_line_ends_in_it() -> None:
    (cue,) = cut([TimedWord("မင်္ဂလာပါ", 0.2, 1.0)])

    assert [word.text for word in cue.words] == ["မင်္ဂလာပါ"]


def test_a_word_wider_than_a_line_is_cut_and_stays_on_the_screen() -> None:
    address = "https://example.com/" + "a-very-long-path/" * 5

    lines = [line for cue in cut(spoken(f"See {address} now.")) for line in cue.lines]

    assert all(len(line) <= LETTERS_A_LINE for line in lines)
    assert address in "".join(lines)


@pytest.mark.parametrize("maximum_width", [5, 6, 7, 9, 11, 16])
def test_japanese_breaks_between_characters_but_never_before_a_closing_mark(maximum_width: int) -> None:
    sentence = TimedWord(JAPANESE * 3, 0.25, 40.0)

    shown = cut([sentence], maximum_width=maximum_width, language="ja")

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

    assert text == "1\n00:00:00,000 --> 00:00:01,000\nx --\u2060> y\n\n2\n00:00:01,000 --> 00:00:02,500\nz\n"


@pytest.mark.parametrize(
    "line", ["<b>bold</b>", "a <i> b", "{\\an8}top", "x --> y", "</font>", "1 < 2 & 3 > 2"]
)
def test_a_player_shows_markup_in_a_script_as_the_text_that_it_is(line: str) -> None:
    shown = [Cue(0.0, 1.0, (line,))]

    for form, text in (("srt", to_srt(shown)), ("webvtt", to_vtt(shown))):
        with av.open(io.BytesIO(text.encode()), "r", format=form) as file:
            packet = next(packet for packet in file.demux() if packet.size)
            (subtitle,) = cast("list[AssSubtitle]", packet.decode())
        text_read = subtitle.ass.decode().split(",,")[-1].replace("\u2060", "").replace("\\{{}", "{")
        assert text_read == line


def test_a_line_of_hebrew_that_begins_with_a_latin_name_is_marked_as_hebrew() -> None:
    shown = [Cue(0.0, 1.0, ("Google משנה את חיינו.", "היום"))]

    assert "\n\u200fGoogle" in to_vtt(shown)
    assert "\n\u200fGoogle" in to_srt(shown)
    assert "\nהיום" in to_vtt(shown)


def test_what_utf_8_cannot_hold_breaks_neither_file() -> None:
    shown = [Cue(0.0, 1.0, ("a\ud800b\x00c",))]

    for text in (to_vtt(shown), to_srt(shown)):
        assert "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c" in text
        text.encode()
