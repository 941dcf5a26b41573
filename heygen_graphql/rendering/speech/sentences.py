"""Where the sentences of a script end: engines speak them one by one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from heygen_graphql.rendering.speech.words import WrittenWord, written_words

_CLOSING = "\"'”’)]}»」』"
_OPENING = "\"'“‘([«¿¡「『"
_SENTENCE_END = re.compile(r"[.!?…。！？．؟۔।॥։።]$")
# A full stop after these, or after an initial, does not end a sentence.
_ABBREVIATION = re.compile(
    r"mrs?|ms|dr|prof|st|sr|jr|gen|col|capt|lt|sgt|rev|hon|gov|sen|rep|vs|nos?|vol|pp|fig|approx|dept|est"
    r"|e\.g|i\.e|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mt|ft|rs",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    words: tuple[WrittenWord, ...]
    ends_paragraph: bool
    """An empty line follows, and then another sentence."""


def sentences(text: str) -> Iterator[Sentence]:
    words = written_words(text)
    first = 0
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else None
        if following is None:
            yield Sentence(tuple(words[first:]), False)
        elif _ends_sentence(word, following, space := text[word.end : following.start]):
            yield Sentence(tuple(words[first : index + 1]), space.count("\n") > 1)
            first = index + 1


def _ends_sentence(word: WrittenWord, following: WrittenWord, space: str) -> bool:
    """Titles, initials and a small letter after the stop say no; a new line before a capital says yes."""
    if "\n" in space and (not following.text[:1].islower() or space.count("\n") > 1):
        return True
    bare = word.text.rstrip(_CLOSING)
    if not _SENTENCE_END.search(bare) or following.text.lstrip(_OPENING).islower():
        return False
    if not bare.endswith(".") or bare.endswith(".."):
        return True
    stem = bare[:-1].lstrip(_OPENING)
    return not (_ABBREVIATION.fullmatch(stem) or (len(stem) == 1 and stem.isupper() and stem != "I"))
