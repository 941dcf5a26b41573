"""From what an engine says of its speech to the words as the script writes them."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from heygen_graphql.rendering.spacing import is_spaceless
from heygen_graphql.rendering.speech.engine import TimedWord
from heygen_graphql.rendering.speech.writing import has_speakable


@dataclass(frozen=True, slots=True)
class SpokenPiece:
    """A part of the script that an engine announced: from which character on, and when."""

    first_character: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """`text[start:end]`; its neighbour follows at once when the script has no space there."""

    text: str
    start: int
    end: int


def written_words(text: str) -> list[WrittenWord]:
    """The script's tokens: what stands between white space."""
    return [WrittenWord(token[0], *token.span()) for token in re.finditer(r"\S+", text)]


def timed_words(text: str, pieces: Sequence[SpokenPiece]) -> tuple[TimedWord, ...]:
    """Every written word with the time of all the pieces that begin inside it.

    - A number, an amount or a hyphenated word that was spoken in several pieces is one word.
    - Words that an engine spoke as part of a neighbour ("of the") share that neighbour's time by length.
    - A word with nothing to say (a dash, an emoji) takes no time: it stands where the word before it ends.
    - In writing without spaces (Chinese, Japanese, Thai) each piece is a word: the token is cut where a
      piece begins, punctuation stays with the piece before it, and `is_joined` marks the cut.

    The texts, joined by a space unless `is_joined`, are the script with its white space normalised. Times
    never fall and never overlap.
    """
    words = _cut_at(text, [piece.first_character for piece in pieces])
    if not words:
        return ()
    starts = [word.start for word in words]
    spans: list[tuple[float, float] | None] = [None] * len(words)
    for piece in pieces:
        index = max(0, bisect_right(starts, piece.first_character) - 1)
        span = spans[index]
        spans[index] = (
            (piece.start_seconds, piece.end_seconds)
            if span is None
            else (min(span[0], piece.start_seconds), max(span[1], piece.end_seconds))
        )
    _share(words, spans)
    return _in_order(words, spans)


def handed_over(owners: Sequence[int], written: Sequence[str], spoken: Sequence[str]) -> list[int]:
    """The owner of each token of `spoken`, a rewriting of `written`, whose tokens have these owners.

    Tokens are matched by the longest common runs; what stands in the place of others is shared out among
    their owners, and what stands where nothing stood belongs to the owner before it.
    """
    result: list[int] = []
    matcher = SequenceMatcher(None, written, spoken, autojunk=False)
    for _, first, last, spoken_first, spoken_last in matcher.get_opcodes():
        count, spoken_count = last - first, spoken_last - spoken_first
        for number in range(spoken_count):
            index = first + number * count // spoken_count if count else max(0, first - 1)
            result.append(owners[min(index, len(owners) - 1)])
    return result


def _cut_at(text: str, positions: Sequence[int]) -> list[WrittenWord]:
    cuts = sorted({p for p in positions if 0 < p < len(text) and _is_cut(text, p)})
    words: list[WrittenWord] = []
    for word in written_words(text):
        inside = [cut for cut in cuts if word.start < cut < word.end]
        for start, end in pairwise([word.start, *inside, word.end]):
            words.append(WrittenWord(text[start:end], start, end))
    return words


def _is_cut(text: str, position: int) -> bool:
    """Only where writing without spaces begins or ends a word, and never before a combining mark."""
    if unicodedata.category(text[position]).startswith("M"):
        return False
    before = position - 1
    while before and unicodedata.category(text[before]).startswith("P"):
        before -= 1
    return is_spaceless(text[position]) or is_spaceless(text[before])


def _share(words: Sequence[WrittenWord], spans: list[tuple[float, float] | None]) -> None:
    """Give words that were spoken but not announced a part of the time of the one before (or after) them."""
    unannounced = [
        index for index, word in enumerate(words) if spans[index] is None and has_speakable(word.text)
    ]
    groups: dict[int, list[int]] = {}
    for index in unannounced:
        owner = next((i for i in range(index - 1, -1, -1) if spans[i]), None)
        if owner is None:
            owner = next((i for i in range(index + 1, len(words)) if spans[i]), None)
        if owner is not None:
            groups.setdefault(owner, [owner]).append(index)
    for owner, members in groups.items():
        span = spans[owner]
        if span is None:
            continue
        members.sort()
        lengths = [len(words[index].text) for index in members]
        start, seconds_per_character = span[0], (span[1] - span[0]) / sum(lengths)
        for index, length in zip(members, lengths, strict=True):
            spans[index] = (start, start + length * seconds_per_character)
            start += length * seconds_per_character


def _in_order(
    words: Sequence[WrittenWord], spans: Sequence[tuple[float, float] | None]
) -> tuple[TimedWord, ...]:
    timed: list[TimedWord] = []
    now = 0.0
    for index, (word, span) in enumerate(zip(words, spans, strict=True)):
        later = next((s[0] for s in spans[index + 1 :] if s), None)
        start, end = span or (now, now)
        start = max(start, now)
        end = max(start, end if later is None else min(end, max(later, start)))
        is_joined = index > 0 and words[index - 1].end == word.start
        timed.append(TimedWord(word.text, start, end, is_joined))
        now = end
    return tuple(timed)
