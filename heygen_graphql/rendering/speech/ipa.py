"""The international phonetic alphabet as strings: one symbol is a letter with the marks that belong to it."""

import unicodedata
from collections.abc import Sequence

from heygen_graphql.rendering.speech.engine import TimedPhoneme

_LENGTH_MARKS = "ːˑ"
_STRESS_MARKS = "ˈˌ"
_TIE_BARS = "͜͡"
_STOPS = frozenset("pbtdkɡgqcɟʈɖɕʑʃs")

SILENCE = ""


def symbols(transcription: str) -> list[str]:
    """The symbols of a piece of IPA, without stress, tones, tie bars and what is no IPA at all.

    Diphthongs and affricates come apart ("aɪ", "t͡ʃ"): the mouth makes two shapes of them. An "h" right
    after a stop is aspiration, as eSpeak NG writes it in plain letters ("th" of Thai), so it joins the stop.

    >>> symbols("ˈəʊ"), symbols("t͡ʃ"), symbols("iː"), symbols("th")
    (['ə', 'ʊ'], ['t', 'ʃ'], ['iː'], ['tʰ'])
    """
    found: list[str] = []
    for character in unicodedata.normalize("NFC", transcription):
        if character in _STRESS_MARKS or character in _TIE_BARS:
            continue
        category = unicodedata.category(character)
        if found and (category in ("Mn", "Lm") or character in _LENGTH_MARKS):
            found[-1] += character
        elif character == "h" and found and found[-1] in _STOPS:
            found[-1] += "ʰ"
        elif category == "Ll":
            found.append(character)
    return found


def base_letter(symbol: str) -> str:
    """The letter under the diacritics: "ɔ̃" is "ɔ", "tʰ" is "t", "ç" stays (it is a letter of its own)."""
    letter = unicodedata.normalize("NFC", symbol)[:1]
    return letter if letter == "ç" else unicodedata.normalize("NFD", letter)[:1]


def spread_over(transcription: Sequence[str], start_seconds: float, end_seconds: float) -> list[TimedPhoneme]:
    """Symbols that share one span of time, each with an equal part of it."""
    part = (end_seconds - start_seconds) / len(transcription)
    return [
        TimedPhoneme(symbol, start_seconds + index * part, start_seconds + (index + 1) * part)
        for index, symbol in enumerate(transcription)
    ]
