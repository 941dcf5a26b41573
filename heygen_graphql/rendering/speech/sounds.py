"""From the letters that a model spoke and how long it took for each, to phonemes and pieces of the script."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.speech import ipa
from heygen_graphql.rendering.speech.engine import TimedPhoneme
from heygen_graphql.rendering.speech.words import SpokenPiece

# A quieter moment around punctuation that is shorter than this is no pause: the voice goes on.
_SHORTEST_PAUSE_SECONDS = 0.06
# It is quiet where the level is below this part of the utterance's loudest 10 ms (-40 dB).
_SILENCE_RATIO = 0.01
_LEVEL_WINDOW_SECONDS = 0.01
_PAUSES = frozenset(",.;:!?—…")
_STRESS_MARKS = frozenset("ˈˌ")
_DIPHTHONGS = frozenset({"eɪ", "aɪ", "oʊ", "əʊ", "aʊ", "ɔɪ"})
# The first element of a diphthong is the longer one (Lehiste and Peterson 1961).
_GLIDE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Letter:
    """What a model reads as one: IPA, a mark of stress or length, a space, or punctuation."""

    ipa: str
    first_character: int | None
    """Where in the script the word begins that it helps to speak; None for spaces and punctuation."""


@dataclass(slots=True)
class Sound:
    """A run of letters that make one sound."""

    ipa: str
    first_character: int
    start_seconds: float
    end_seconds: float
    is_before_pause: bool = False


def sounds(letters: Sequence[Letter], bounds_seconds: Sequence[float]) -> list[Sound]:
    """The sounds by a model's durations: letter i lasts from bounds[i] to bounds[i + 1].

    A stress mark lends its time to the sound after it; neighbours share the time of a space.
    """
    found: list[Sound] = []
    lent_start: float | None = None
    for letter, (start, end) in zip(letters, pairwise(bounds_seconds), strict=True):
        if letter.ipa in _STRESS_MARKS:
            lent_start = start if lent_start is None else lent_start
        elif letter.first_character is not None and ipa.symbols(letter.ipa):
            first = letter.first_character
            found.append(Sound(letter.ipa, first, start if lent_start is None else lent_start, end))
            lent_start = None
        elif letter.ipa == " ":
            lent_start = (start + end) / 2
            if found:
                found[-1].end_seconds = lent_start
        elif found:
            # A mark of length or voice, a tone, or punctuation.
            found[-1].ipa += letter.ipa if letter.first_character is not None else ""
            found[-1].end_seconds = end
            found[-1].is_before_pause |= letter.ipa in _PAUSES
    return found


def fit_to_pauses(found: Sequence[Sound], samples: NDArray[np.float32], sample_rate: int) -> None:
    """Move the bounds of sounds beside a pause to where the pause is heard.

    A model says how long a comma takes, but the silence lies in the sound before it too.
    """
    window = round(_LEVEL_WINDOW_SECONDS * sample_rate)
    levels = np.sqrt((samples[: len(samples) // window * window].reshape(-1, window) ** 2).mean(axis=1))
    is_quiet = levels < levels.max(initial=0.0) * _SILENCE_RATIO
    heard = np.flatnonzero(~is_quiet) * _LEVEL_WINDOW_SECONDS
    if not found or not len(heard):
        return
    first, last = found[0], found[-1]
    first.start_seconds = min(float(heard[0]), first.end_seconds - _LEVEL_WINDOW_SECONDS)
    last.end_seconds = max(float(heard[-1]), last.start_seconds) + _LEVEL_WINDOW_SECONDS
    for before, after in pairwise(found):
        if not before.is_before_pause:
            continue
        begin, end = _longest_quiet(is_quiet, before.start_seconds, after.end_seconds)
        if end - begin >= _SHORTEST_PAUSE_SECONDS:
            before.end_seconds = max(begin, before.start_seconds + _LEVEL_WINDOW_SECONDS)
            after.start_seconds = min(end, after.end_seconds - _LEVEL_WINDOW_SECONDS)


def _longest_quiet(is_quiet: NDArray[np.bool_], start: float, end: float) -> tuple[float, float]:
    """The longest quiet stretch between two times, all in seconds; an empty one when there is none."""
    first = max(0, round(start / _LEVEL_WINDOW_SECONDS))
    part = is_quiet[first : round(end / _LEVEL_WINDOW_SECONDS)].astype(np.int8)
    edges = np.diff(part, prepend=0, append=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(begins):
        return start, start
    longest = int(np.argmax(ends - begins))
    return (
        float(first + begins[longest]) * _LEVEL_WINDOW_SECONDS,
        float(first + ends[longest]) * _LEVEL_WINDOW_SECONDS,
    )


def shifted(found: Iterable[Sound], seconds: float, speed: float = 1.0) -> list[Sound]:
    """The same sounds said at another speed and then later by `seconds`."""
    return [
        Sound(
            sound.ipa,
            sound.first_character,
            seconds + sound.start_seconds / speed,
            seconds + sound.end_seconds / speed,
            sound.is_before_pause,
        )
        for sound in found
    ]


def pieces(found: Sequence[Sound]) -> list[SpokenPiece]:
    return [SpokenPiece(sound.first_character, sound.start_seconds, sound.end_seconds) for sound in found]


def phonemes(found: Sequence[Sound], seconds: float) -> tuple[TimedPhoneme, ...]:
    """Without gaps from 0 to the end of the speech: what is no sound is silence."""
    timed: list[TimedPhoneme] = []
    now = 0.0
    for sound in found:
        symbols = ipa.symbols(sound.ipa)
        if not symbols:
            continue
        start = min(max(now, sound.start_seconds), seconds)
        if start > now:
            timed.append(TimedPhoneme(ipa.SILENCE, now, start))
        now = min(max(start, sound.end_seconds), seconds)
        if sound.ipa in _DIPHTHONGS:
            turn = now - (now - start) * _GLIDE_SHARE
            timed += [TimedPhoneme(symbols[0], start, turn), TimedPhoneme(symbols[1], turn, now)]
        else:
            timed += ipa.spread_over(symbols, start, now)
    timed.append(TimedPhoneme(ipa.SILENCE, now, seconds))
    return tuple(timed)
