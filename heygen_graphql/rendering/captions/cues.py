"""Which words stand together on the screen, on which line, and for how long.

Both cuts, into cues and into lines, are chosen for the whole scene at once: every division has a
cost, and the cheapest one wins (the way Knuth and Plass break paragraphs, "Breaking Paragraphs into
Lines", 1981). The figures follow what broadcasters ask of subtitles: two lines, about 42 Latin
characters each, 20 characters a second, cues of 0.7 to 7 seconds, breaks where the sentence breathes.

A cue begins and ends with a frame, so that the caption files say to the millisecond when the
burned captions come and go.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from heygen_graphql.rendering.captions.atoms import Atom, atoms
from heygen_graphql.rendering.captions.paragraph import Paragraph
from heygen_graphql.rendering.speech.engine import TimedWord
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

MINIMUM_FRAMES = 18
"""0.72 seconds, the first frame's end after 0.7."""
MAXIMUM_FRAMES = 7 * FRAMES_PER_SECOND
CHARACTERS_PER_SECOND = 20
# A cue stays this long after its last word, if nothing follows; a shorter gap to the next is closed.
_LINGER_FRAMES = 10

_COMFORTABLE_FRAMES = 3 * FRAMES_PER_SECOND

# Costs of cutting after a word, and of what a cue then looks like. Only their order matters much.
_CUT_COST = 1.0
_CUT_IN_WORD = 7.0
_CUT_IN_PHRASE = 4.0
_CUT_BEFORE_MORE = 1.5
_CUT_AT_CLAUSE = 1.0
_SENTENCE_INSIDE = 2.5
_SHORT = 1.5
_ORPHAN = 3.0
_TOO_FAST = 6.0
_FLASH = 30.0
_TOO_LONG = 20.0


@dataclass(frozen=True, slots=True)
class CueWord:
    """A part of a cue that is spoken at one time, as it stands in the cue's lines.

    A word with nothing to say takes no time: it ends when it starts.
    """

    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Cue:
    """Text on the screen from one frame to another; `lines` has one or two entries.

    Times are whole frames, and so whole milliseconds. The words, one after the other, are the
    lines without their spaces; they lie inside the cue's time, in order and without overlap.
    """

    start_seconds: float
    end_seconds: float
    lines: tuple[str, ...]
    words: tuple[CueWord, ...] = ()


def cues(
    words: Sequence[TimedWord],
    *,
    width: Callable[[str], float],
    maximum_width: float,
    frame_count: int,
    language: str = "und",
) -> list[Cue]:
    """The cues of one scene of `frame_count` frames, in order, never overlapping, none outside it.

    The words' times, like the cues', count from the start of the scene. `width` measures a text in
    whatever unit `maximum_width` has; no line is wider, except for a single character that is.

    Every cue is shown for `MINIMUM_FRAMES` at least, unless the scene is too short for so many: then
    they share it.
    """
    parts = atoms(words, language=language, width=width, maximum_width=maximum_width)
    if not parts or frame_count < 1:
        return []
    paragraph = Paragraph(parts, width=width, maximum_width=maximum_width, language=language)
    spans = _cheapest(paragraph, frame_count)
    if len(spans) * MINIMUM_FRAMES > frame_count:
        spans = list(_fullest(paragraph))
    starts = _starts([paragraph.starts[start] for start, _ in spans], frame_count)
    shown: list[Cue] = []
    for (start, end), (begin, limit) in zip(spans, pairwise([*starts, frame_count]), strict=True):
        finish = _end(paragraph, start, end, begin, limit)
        # In a scene of fewer frames than cues, some are never seen.
        if finish > begin:
            lines = paragraph.lines(start, end)
            timed = tuple(_timed(parts[start:end], begin, finish))
            shown.append(Cue(_seconds(begin), _seconds(finish), lines, timed))
    return shown


def _cheapest(paragraph: Paragraph, frame_count: int) -> list[tuple[int, int]]:
    """The cheapest division of the scene's atoms into cues of at most two lines."""
    count = len(paragraph.atoms)
    # best[n] is the cost of the cheapest division of the first n atoms, and where its last cue begins.
    best: list[tuple[float, int]] = [(0.0, 0)]
    earliest = 0
    for end in range(1, count + 1):
        while paragraph.reach[earliest] < end:
            earliest += 1
        until = paragraph.starts[end] if end < count else frame_count
        ending = _cost_of_ending(paragraph, end)
        best.append(
            min(
                (best[start][0] + ending + _cost(paragraph, start, end, until), start)
                for start in range(earliest, end)
            )
        )
    spans: list[tuple[int, int]] = []
    end = count
    while end:
        spans.append((best[end][1], end))
        end = best[end][1]
    return spans[::-1]


def _fullest(paragraph: Paragraph) -> Iterator[tuple[int, int]]:
    """As few cues as can be."""
    start = 0
    while start < len(paragraph.atoms):
        yield start, paragraph.reach[start]
        start = paragraph.reach[start]


def _cost_of_ending(paragraph: Paragraph, end: int) -> float:
    """What it costs to end a cue after `end` atoms, whatever it holds."""
    if end == len(paragraph.atoms) or paragraph.ends_sentence[end - 1]:
        return _CUT_COST
    if paragraph.ends_clause[end - 1]:
        return _CUT_COST + _CUT_AT_CLAUSE
    if paragraph.atoms[end].cuts_word:
        return _CUT_COST + _CUT_IN_WORD
    return _CUT_COST + _CUT_IN_PHRASE + _CUT_BEFORE_MORE * paragraph.leads_on[end - 1]


def _cost(paragraph: Paragraph, start: int, end: int, until: int) -> float:
    """What a cue of atoms `start` to `end` costs that stays on the screen until frame `until`."""
    begin = paragraph.starts[start]
    cost = _SENTENCE_INSIDE * (paragraph.sentences[end - 1] - paragraph.sentences[start])
    # A lone word that is a piece of a sentence: as the whole cue, at its start, or at its end.
    has_first = start == 0 or paragraph.ends_sentence[start - 1]
    if end - start == 1:
        cost += 0.0 if has_first and paragraph.ends_sentence[start] else _ORPHAN
    else:
        cost += 0.0 if has_first or not paragraph.ends_sentence[start] else _ORPHAN / 2
        if paragraph.ends_sentence[end - 2] and not paragraph.ends_sentence[end - 1]:
            cost += _ORPHAN / 2
    shown = until - begin
    wanted = max(1.5 * MINIMUM_FRAMES, paragraph.reading_frames(start, end, CHARACTERS_PER_SECOND))
    if shown < wanted:
        cost += _TOO_FAST * (1 - shown / wanted)
        if shown < MINIMUM_FRAMES:
            cost += _FLASH * (1.2 - shown / MINIMUM_FRAMES)
    spoken = paragraph.ends[end - 1] - begin
    # The square shares a long sentence out evenly.
    cost += _SHORT * max(0.0, 1 - shown / _COMFORTABLE_FRAMES) ** 2
    return cost + _TOO_LONG * max(0.0, spoken / MAXIMUM_FRAMES - 1)


def _starts(spoken: Sequence[int], frame_count: int) -> list[int]:
    """When each cue starts: with its first word, moved as little as makes room for every cue."""
    count = len(spoken)
    least = min(MINIMUM_FRAMES, frame_count // count)
    if not least:
        return [index * frame_count // count for index in range(count)]
    starts: list[int] = []
    for start in spoken:
        starts.append(max(start, starts[-1] + least if starts else 0))
    limit = frame_count
    for index in reversed(range(count)):
        starts[index] = limit = min(starts[index], limit - least)
    return starts


def _end(paragraph: Paragraph, start: int, end: int, begin: int, limit: int) -> int:
    """Long enough to be read, if silence follows; never into the next cue."""
    reading = max(MINIMUM_FRAMES, paragraph.reading_frames(start, end, CHARACTERS_PER_SECOND))
    finish = max(paragraph.ends[end - 1] + _LINGER_FRAMES, begin + reading)
    # A gap too short to be seen as one would only flicker.
    return limit if limit - finish < _LINGER_FRAMES else finish


def _timed(parts: Sequence[Atom], begin: int, finish: int) -> Iterator[CueWord]:
    pieces = [piece for part in parts for piece in part.pieces]
    starts = [index for index, piece in enumerate(pieces) if not index or not piece.continues_word]
    now = begin
    for first, after in pairwise([*starts, len(pieces)]):
        times = pieces[first].start_seconds, pieces[after - 1].end_seconds
        start, end = (min(max(round(seconds * FRAMES_PER_SECOND), now), finish) for seconds in times)
        yield CueWord("".join(piece.text for piece in pieces[first:after]), _seconds(start), _seconds(end))
        now = end


def _seconds(frames: int) -> float:
    return round(frames / FRAMES_PER_SECOND, 3)
