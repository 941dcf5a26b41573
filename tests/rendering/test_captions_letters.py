"""The letters of a caption: in which order they are drawn, and which are never parted."""

from itertools import pairwise

import pytest

from heygen_graphql.rendering.captions.bidi import levels, visual_order
from heygen_graphql.rendering.captions.breaks import joints


def clusters(text: str) -> list[str]:
    """The text in what a reader takes for single characters."""
    places = [0, *(place for place, _ in joints(text)), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


@pytest.mark.parametrize(
    ("text", "right_to_left", "drawn"),
    [
        ("אב cd, ef גד", True, "דג cd, ef בא"),
        ("see אב now", False, "see בא now"),
        # A percentage sign goes with its number, in Hebrew; in Arabic a sum reads leftward.
        ("ב 35%", True, "35% ב"),
        ("ع 1+2", True, "2+1 ع"),
        ("ב 1+2", True, "1+2 ב"),
        ("ב 12:30", True, "12:30 ב"),
        # A pair of brackets goes one way.
        ("a (b ג) ד", False, "a (b ג) ד"),
        # A mark goes with its letter.
        ("a ש\u05c1ב", False, "a ב\u05c1ש"),
    ],
)
def test_a_line_is_drawn_in_the_order_of_unicodes_algorithm(
    text: str, right_to_left: bool, drawn: str
) -> None:
    assert "".join(visual_order(text, levels(text, right_to_left=right_to_left))) == drawn


@pytest.mark.parametrize(
    "parts",
    [
        ["🇩🇪", "🇫🇷"],
        ["👨\u200d👩\u200d👧", "👍🏽", "a\u0301"],
        ["क्ष", "मा"],
        ["น้ำ", "ตา", "ล"],
        ["เป็", "น"],
        ["ດອກ", "ໄມ້"],
        ["မင်္ဂ", "လာ"],
    ],
)
def test_what_a_reader_takes_for_one_character_is_not_parted(parts: list[str]) -> None:
    assert clusters("".join(parts)) == parts
