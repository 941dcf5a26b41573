"""Which words stand together on the screen, on which line, and for how long.

Both cuts, into cues and into lines, are chosen for the whole scene at once: every division has a
cost, and the cheapest one wins (the way Knuth and Plass break paragraphs, "Breaking Paragraphs into
Lines", 1981). The figures follow what broadcasters ask of subtitles: two lines, about 42 Latin
characters each, 20 characters a second, cues of 0.7 to 7 seconds, breaks where the sentence breathes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from heygen_graphql.rendering.captions.atoms import Atom, atoms
from heygen_graphql.rendering.speech.engine import TimedWord

MINIMUM_SECONDS = 0.7
MAXIMUM_SECONDS = 7.0
CHARACTERS_PER_SECOND = 20
# A cue stays this long after its last word, if nothing follows; a shorter gap to the next is closed.
_LINGER_SECONDS = 0.4

_SENTENCE_ENDS = tuple(".!?…。！？؟।॥።")
_PHRASE_ENDS = tuple(",;:—–、，；：،؛")
# A full stop after a title, an initial or an ordinal ("am 3. Mai"): the sentence goes on.
_GOES_ON = re.compile(r"(?:Mrs?|Ms|Dr|Prof|St|Sra?|Hr|Fr|Nr|vs|[A-Z]|[0-9]{1,2})\.")
_OPENING_MARKS = "\"'“‘«([¿¡"
_CLOSING_MARKS = "\"'”’»)]」』）】"

# Costs of cutting after a word, and of what a cue then looks like. Only their order matters much.
_CUT_COST = 1.0
_CUT_IN_WORD = 7.0
_CUT_IN_PHRASE = 4.0
_CUT_AT_PHRASE = 1.0
_SENTENCE_INSIDE = 1.5
_TOO_SHORT = 6.0
_TOO_LONG = 20.0


@dataclass(frozen=True, slots=True)
class Cue:
    """Text on the screen; times are whole milliseconds, and `lines` has one or two entries."""

    start_seconds: float
    end_seconds: float
    lines: tuple[str, ...]


def cues(
    scenes: Iterable[Sequence[TimedWord]],
    *,
    width: Callable[[str], float],
    maximum_width: float,
    film_seconds: float,
) -> list[Cue]:
    """Cues in order, never overlapping; none spans two scenes.

    The words' times, like the cues', count from the start of the film.
    `width` measures a text in whatever unit `maximum_width` has.
    """
    blocks: list[_Block] = []
    for words in scenes:
        parts = atoms(words, fits=lambda text: width(text) <= maximum_width)
        blocks += _blocks(parts, width, maximum_width)
    limits = [*(block.start_seconds for block in blocks[1:]), film_seconds]
    return [
        Cue(round(block.start_seconds, 3), round(_end_seconds(block, limit), 3), block.lines)
        for block, limit in zip(blocks, limits, strict=False)
    ]


@dataclass(frozen=True, slots=True)
class _Block:
    """Words that will stand on the screen together."""

    start_seconds: float
    end_seconds: float
    lines: tuple[str, ...]


def _end_seconds(block: _Block, limit: float) -> float:
    """Long enough to be read, if silence follows; never into the next cue."""
    reading = max(MINIMUM_SECONDS, sum(map(len, block.lines)) / CHARACTERS_PER_SECOND)
    end = max(block.end_seconds + _LINGER_SECONDS, block.start_seconds + reading)
    # A gap too short to be seen as one would only flicker.
    return limit if limit - end < _LINGER_SECONDS else end


def _blocks(parts: Sequence[Atom], width: Callable[[str], float], maximum_width: float) -> list[_Block]:
    """The cheapest division of one scene's words into cues of at most two lines."""
    ruler = _Ruler(parts, width, maximum_width)
    # best[n] is the cost of the cheapest division of the first n atoms, and where its last cue begins.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(parts) + 1):
        candidates = []
        for start in range(end - 1, -1, -1):
            is_single = start == end - 1
            if not is_single and not ruler.fits(start, end):
                break
            candidates.append((best[start][0] + _cost(parts, start, end), start))
        best.append(min(candidates))
    blocks: list[_Block] = []
    end = len(parts)
    while end:
        start = best[end][1]
        blocks.append(_Block(parts[start].start_seconds, parts[end - 1].end_seconds, ruler.lines(start, end)))
        end = start
    return blocks[::-1]


def _cost(parts: Sequence[Atom], start: int, end: int) -> float:
    """What it costs to show atoms `start` to `end` as one cue and to cut after them."""
    cost = _CUT_COST
    if end < len(parts) and not _ends_sentence(parts, end - 1):
        if _ends_phrase(parts[end - 1]):
            cost += _CUT_AT_PHRASE
        else:
            cost += _CUT_IN_PHRASE if parts[end].starts_word else _CUT_IN_WORD
    cost += _SENTENCE_INSIDE * sum(_ends_sentence(parts, index) for index in range(start, end - 1))
    # It stays on the screen until the next one comes.
    until = parts[end].start_seconds if end < len(parts) else parts[end - 1].end_seconds + _LINGER_SECONDS
    shown_seconds = until - parts[start].start_seconds
    wanted_seconds = max(
        MINIMUM_SECONDS * 1.5, sum(len(part.text) + 1 for part in parts[start:end]) / CHARACTERS_PER_SECOND
    )
    cost += _TOO_SHORT * max(0.0, 1 - shown_seconds / wanted_seconds)
    spoken_seconds = parts[end - 1].end_seconds - parts[start].start_seconds
    return cost + _TOO_LONG * max(0.0, spoken_seconds / MAXIMUM_SECONDS - 1)


def _ends_sentence(parts: Sequence[Atom], index: int) -> bool:
    """After "Yes." in "Yes. We do", not after "a.m." in "at 9 a.m. we do" nor "Dr." in "Dr. Who"."""
    if _goes_on(parts[index]) or not parts[index].text.rstrip(_CLOSING_MARKS).endswith(_SENTENCE_ENDS):
        return False
    following = parts[index + 1].text.lstrip(_OPENING_MARKS) if index + 1 < len(parts) else ""
    return not following[:1].islower()


def _ends_phrase(part: Atom) -> bool:
    return not _goes_on(part) and part.text.rstrip(_CLOSING_MARKS).endswith((*_PHRASE_ENDS, *_SENTENCE_ENDS))


def _goes_on(part: Atom) -> bool:
    return _GOES_ON.fullmatch(part.text.lstrip(_OPENING_MARKS)) is not None


class _Ruler:
    """How wide stretches of text are, from widths measured once."""

    def __init__(self, parts: Sequence[Atom], width: Callable[[str], float], maximum_width: float) -> None:
        self._parts = parts
        self._maximum = maximum_width
        space = width(" ")
        self._spaces = [space if part.has_space_before else 0.0 for part in parts]
        self._ends = [0.0, *accumulate(self._advances(parts, width))]

    def _advances(self, parts: Iterable[Atom], width: Callable[[str], float]) -> Iterable[float]:
        for part, space in zip(parts, self._spaces, strict=True):
            yield space + width(part.text)

    def _width(self, start: int, end: int) -> float:
        return self._ends[end] - self._ends[start] - self._spaces[start]

    def fits(self, start: int, end: int) -> bool:
        return self._width(start, end) <= self._maximum or bool(self._breaks(start, end))

    def lines(self, start: int, end: int) -> tuple[str, ...]:
        """One line if it fits, otherwise two of nearly equal width, broken after a phrase if one is near."""
        breaks = self._breaks(start, end)
        if self._width(start, end) <= self._maximum or not breaks:
            return (self._text(start, end),)
        middle = min(breaks, key=lambda place: self._break_cost(start, place, end))
        return self._text(start, middle), self._text(middle, end)

    def _breaks(self, start: int, end: int) -> list[int]:
        return [
            place
            for place in range(start + 1, end)
            if self._width(start, place) <= self._maximum and self._width(place, end) <= self._maximum
        ]

    def _break_cost(self, start: int, place: int, end: int) -> float:
        above, below = self._width(start, place), self._width(place, end)
        imbalance = abs(above - below) / (above + below)
        if _ends_phrase(self._parts[place - 1]):
            return imbalance - 0.35
        return imbalance if self._parts[place].starts_word else imbalance + 0.8

    def _text(self, start: int, end: int) -> str:
        pieces = [(" " if part.has_space_before else "") + part.text for part in self._parts[start:end]]
        return "".join(pieces).strip()
