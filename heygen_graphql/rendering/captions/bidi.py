"""The order in which the characters of a line are drawn, after Unicode's UAX #9.

Fonts shape a run of one direction by themselves; but a caption's line is drawn in several runs (a
Latin name in Arabic, an emoji, a word that is lit), and only this tells where each of them stands.
Embeddings, overrides and isolates are left out: scripts to be spoken have none, and they are passed over.
"""

import unicodedata
from collections.abc import Sequence
from typing import TypeVar

_Item = TypeVar("_Item")

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_PASSED_OVER = frozenset({"BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", ""})
_NEUTRAL = frozenset({"B", "S", "WS", "ON"})
_BRACKETS = dict(zip("([{（［｛「『【〈《〔", ")]}）］｝」』】〉》〕", strict=True))


def is_right_to_left(text: str, *, language: str) -> bool:
    """Which way a caption reads as a whole.

    That of its language, if any of its letters reads that way; else that of most of its letters. So a
    Latin name at the start does not turn an Arabic sentence around, nor a Hebrew one an English sentence.
    """
    kinds = [unicodedata.bidirectional(character) for character in text]
    leftward = sum(kind in _RIGHT_TO_LEFT for kind in kinds)
    if language.split("-")[0].lower() in {"ar", "fa", "he", "sd", "ug", "ur", "yi", "ps", "dv"}:
        return leftward > 0
    return leftward > kinds.count("L")


def starts_right_to_left(text: str) -> bool:
    """Whether a program that knows the text alone takes it for one that reads leftward (rules P2 and P3)."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return next((kind in _RIGHT_TO_LEFT for kind in kinds if kind in {"L", "R", "AL"}), False)


def levels(text: str, *, right_to_left: bool) -> list[int]:
    """The embedding level of each character of a line: odd ones are drawn from right to left."""
    base = int(right_to_left)
    kinds = [unicodedata.bidirectional(character) for character in text]
    if not right_to_left and not {"R", "AL", "AN"} & set(kinds):
        return [0] * len(text)
    places = [index for index, kind in enumerate(kinds) if kind not in _PASSED_OVER]
    strong = "R" if right_to_left else "L"
    types = _weak([kinds[place] for place in places], strong)
    _brackets([text[place] for place in places], types, strong)
    _neutral(types, strong)
    found = [base] * len(text)
    for place, kind in zip(places, types, strict=True):
        # Rules I1 and I2.
        found[place] = base + ((kind != "R") if right_to_left else {"L": 0, "R": 1, "AN": 2, "EN": 2}[kind])
    for index in range(1, len(text)):
        if kinds[index] in _PASSED_OVER:
            found[index] = found[index - 1]
    return found


def visual_order(items: Sequence[_Item], item_levels: Sequence[int]) -> list[_Item]:
    """Items in the order of reading, put from left to right as they are drawn (rule L2)."""
    order = list(range(len(items)))
    for level in range(max(item_levels, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and item_levels[order[end]] >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = max(end, start + 1)
    return [items[index] for index in order]


def _weak(kinds: Sequence[str], strong: str) -> list[str]:
    """Rules W1 to W7: marks, numbers and what stands between and beside numbers."""
    types: list[str] = []
    for kind in kinds:
        types.append((types[-1] if types else strong) if kind == "NSM" else kind)
    last = strong
    for index, kind in enumerate(types):
        if kind in {"L", "R", "AL"}:
            last = kind
        elif kind == "EN" and last == "AL":
            types[index] = "AN"
    types = ["R" if kind == "AL" else kind for kind in types]
    for index in range(1, len(types) - 1):
        before, kind, after = types[index - 1 : index + 2]
        is_inside = before == after and (
            (kind == "ES" and before == "EN") or (kind == "CS" and before in {"EN", "AN"})
        )
        if is_inside:
            types[index] = before
    _terminators(types)
    last = strong
    for index, kind in enumerate(types):
        if kind in {"ES", "ET", "CS"}:
            types[index] = "ON"
        elif kind in {"L", "R"}:
            last = kind
        elif kind == "EN" and last == "L":
            types[index] = "L"
    return types


def _terminators(types: list[str]) -> None:
    """Rule W5: signs like % and € go with the number that they touch."""
    start = 0
    while start < len(types):
        end = start
        while end < len(types) and types[end] == "ET":
            end += 1
        if end > start and "EN" in (types[start - 1 : start] + types[end : end + 1]):
            types[start:end] = ["EN"] * (end - start)
        start = max(end, start + 1)


def _direction(kind: str) -> str | None:
    """What a character is to the neutral ones beside it: numbers stand in a text that reads leftward."""
    return {"L": "L", "R": "R", "EN": "R", "AN": "R"}.get(kind)


def _brackets(characters: Sequence[str], types: list[str], strong: str) -> None:
    """Rule N0: a pair of brackets goes one way, that of the line if anything inside does."""
    open_places: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for index, character in enumerate(characters):
        if types[index] != "ON":
            continue
        if character in _BRACKETS:
            open_places.append((_BRACKETS[character], index))
        elif any(closing == character for closing, _ in open_places):
            while open_places[-1][0] != character:
                open_places.pop()
            pairs.append((open_places.pop()[1], index))
    for start, end in sorted(pairs):
        inside = {_direction(kind) for kind in types[start + 1 : end]} - {None}
        if strong in inside:
            types[start] = types[end] = strong
        elif inside:
            before = next((d for kind in types[start - 1 :: -1] if start and (d := _direction(kind))), strong)
            types[start] = types[end] = before if before in inside else strong


def _neutral(types: list[str], strong: str) -> None:
    """Rules N1 and N2: between letters of one direction, that; else the line's."""
    start = 0
    while start < len(types):
        end = start
        while end < len(types) and types[end] in _NEUTRAL:
            end += 1
        if end > start:
            before = _direction(types[start - 1]) if start else strong
            after = _direction(types[end]) if end < len(types) else strong
            types[start:end] = [before if before is not None and before == after else strong] * (end - start)
        start = max(end, start + 1)
