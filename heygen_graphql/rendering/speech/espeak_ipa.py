"""English in the letters of misaki, which hibari's front end writes, respelled as eSpeak NG writes it.

Piper's English voices learnt from eSpeak NG's transcriptions. hibari's front end reads English better, and
its letters know their words, so its reading is told to them in the spelling that they know.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from heygen_graphql.rendering.speech.english import Symbol

_VOWELS = "aeiouæɑɒɔəɚɛɜɪʊʌɐᵻAIOQWY"
_RESPELLED = {
    "A": "eɪ",
    "I": "aɪ",
    "O": "oʊ",
    "Q": "əʊ",
    "W": "aʊ",
    "Y": "ɔɪ",
    "T": "ɾ",
    "ʤ": "dʒ",
    "ʧ": "tʃ",
    "ᵊ": "ə",
    "ɑ": "ɑː",
    "ɔ": "ɔː",
    "u": "uː",
}
_STRESS = "ˈˌ"


def letters(symbols: Sequence[Symbol]) -> Iterator[Symbol]:
    """The same sounds, one Unicode character at a time, each with the owner it had."""
    for _, word in groupby(symbols, key=lambda symbol: symbol.character == " "):
        yield from _word(list(word))


def _word(symbols: Sequence[Symbol]) -> Iterator[Symbol]:
    characters = "".join(symbol.character for symbol in symbols)
    for index, symbol in enumerate(symbols):
        before, after = characters[:index], characters[index + 1 :]
        for character in _respelled(symbol.character, before, after):
            yield Symbol(character, symbol.first_character)


def _respelled(character: str, before: str, after: str) -> str:
    if after.startswith("ː"):
        return _RESPELLED.get(character, character).removesuffix("ː")
    if character == "ɹ" and before.endswith(("ɜ", "ə")) and not _is_vowel(after):
        # The vowel before it holds it already.
        return ""
    if character == "ə" and after.startswith("ɹ"):
        return "ɚ"
    if character == "ɜ":
        return "ɜː"
    if character == "i":
        return "iː" if before.endswith(tuple(_STRESS)) or _is_only_vowel(before, after) else "i"
    return _RESPELLED.get(character, character)


def _is_vowel(letters: str) -> bool:
    following = letters.lstrip(_STRESS)[:1]
    return following != "" and following in _VOWELS


def _is_only_vowel(before: str, after: str) -> bool:
    """As in "we", not in "the", whose vowel is short."""
    return before != "ð" and not set(before + after) & set(_VOWELS)
