"""A script cut into its sentences: engines speak them one by one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from heygen_graphql.rendering.sentences import CLOSING_MARKS, ends_sentence
from heygen_graphql.rendering.spacing import is_spaceless
from heygen_graphql.rendering.speech.words import WrittenWord, written_words

_STOP = re.compile(rf"[。！？｡]+[{re.escape(CLOSING_MARKS)}]*")


@dataclass(frozen=True, slots=True)
class Sentence:
    words: tuple[WrittenWord, ...]
    ends_paragraph: bool
    """An empty line follows, and then another sentence."""


def sentences(text: str, *, language: str = "und") -> Iterator[Sentence]:
    """`language` is a BCP 47 tag: full stops mean other things in other languages."""
    words = [part for word in written_words(text) for part in _cut_after_stops(word)]
    first = 0
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else None
        if following is None:
            yield Sentence(tuple(words[first:]), False)
            return
        lines = text.count("\n", word.end, following.start)
        if _is_heading(following, lines) or ends_sentence(word.text, following.text, language=language):
            yield Sentence(tuple(words[first : index + 1]), lines > 1)
            first = index + 1


def _cut_after_stops(word: WrittenWord) -> Iterator[WrittenWord]:
    """Writing without spaces has none between sentences either."""
    start = 0
    for stop in _STOP.finditer(word.text):
        end = stop.end()
        if end < len(word.text) and is_spaceless(word.text[end]):
            yield WrittenWord(word.text[start:end], word.start + start, word.start + end)
            start = end
    yield WrittenWord(word.text[start:], word.start + start, word.end)


def _is_heading(following: WrittenWord, lines: int) -> bool:
    """Whether the words before were a line of their own, without a full stop: a title, an item of a list."""
    return lines > 1 or (lines == 1 and not following.text[:1].islower())
