"""English text to what the hibari model reads, each symbol tied to the script's word that it speaks.

hibari's own front end does the hard part: numbers, dates, times, units, titles, pronunciation. It rewrites
the text on its way, so its words are matched with the script's by their longest common run; whatever it
put in the place of a word ("50 kilometers" for "50km") belongs to that word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hibari.g2p.normalize import normalize

from heygen_graphql.rendering.speech.english_words import respelled
from heygen_graphql.rendering.speech.sentences import sentences
from heygen_graphql.rendering.speech.words import WrittenWord, handed_over
from heygen_graphql.rendering.speech.writing import readable

# The model was trained on up to about 510 symbols and hibari itself stops at 400.
_MAX_SYMBOLS = 400
_CLAUSE_END = re.compile(r"[,;:—–]$")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A character of the model's alphabet, and where in the script the word begins that it helps to speak."""

    character: str
    first_character: int | None
    """None for spaces and punctuation."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the model speaks in one breath: a sentence, or a part of one that is too long for it."""

    symbols: tuple[Symbol, ...]
    ends_paragraph: bool


def utterances(text: str, g2p: Any, max_symbols: int = _MAX_SYMBOLS) -> Iterator[Utterance]:
    """The text in the order of speaking; what has nothing to say is left out. `g2p` is hibari's `G2P`."""
    for sentence in sentences(readable(text), language="en"):
        parts = list(_parts(_phonemes(sentence.words, g2p), max_symbols))
        for number, part in enumerate(parts):
            if any(symbol.first_character is not None for symbol in part):
                yield Utterance(tuple(part), sentence.ends_paragraph and number == len(parts) - 1)


def _phonemes(sentence: Sequence[WrittenWord], g2p: Any) -> list[Symbol]:
    texts = [word.text for word in sentence]
    neighbours = zip(texts, ["", *texts[:-1]], [*texts[1:], ""], strict=True)
    said = [respelled(text, before, after) for text, before, after in neighbours]
    tokens = g2p.phonemize_tokens(g2p.tokenize(normalize(" ".join(said))))
    spoken: list[str] = [""]
    pronounced: list[str] = [""]
    for token in tokens:
        spoken[-1] += token.text
        pronounced[-1] += token.phonemes or ""
        # A token may hold spaces itself, in its text and in its phonemes; it still is one word.
        if token.whitespace:
            spoken.append("")
            pronounced.append("")
    # What hibari makes of each word by itself is nearly what it makes of it in the sentence.
    expanded = [normalize(words).split() or [words] for words in said]
    owners = [word.start for word, parts in zip(sentence, expanded, strict=True) for _ in parts]
    written = [part for parts in expanded for part in parts]
    symbols: list[Symbol] = []
    for phonemes, first in zip(pronounced, handed_over(owners, written, spoken), strict=True):
        if symbols and phonemes:
            symbols.append(Symbol(" ", None))
        symbols.extend(
            Symbol(character, first if _is_sound(character) else None) for character in phonemes.strip()
        )
    return symbols


def _is_sound(character: str) -> bool:
    return character.isalpha() or character in "ˈˌː"


def _parts(symbols: list[Symbol], max_symbols: int) -> Iterator[list[Symbol]]:
    """Pieces of at most `max_symbols`, cut after a clause where there is one, else between words."""
    while len(symbols) > max_symbols:
        spaces = [i for i in range(1, max_symbols) if symbols[i].character == " "]
        clauses = [i for i in spaces if _CLAUSE_END.search(symbols[i - 1].character)]
        cut = (clauses or spaces or [max_symbols])[-1]
        yield symbols[:cut]
        symbols = symbols[cut:]
    if symbols:
        yield symbols
