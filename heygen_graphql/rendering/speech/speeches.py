"""Speech put together from parts, and speech at another pace."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.speech.engine import Speech, TimedPhoneme, TimedWord
from heygen_graphql.rendering.storyboard import SAMPLE_RATE


def joined(parts: Sequence[Speech]) -> Speech:
    """One after the other."""
    words: list[TimedWord] = []
    phonemes: list[TimedPhoneme] = []
    position = 0
    for part in parts:
        later = position / SAMPLE_RATE
        words += _words(part.words, later, 1.0)
        phonemes += _phonemes(part.phonemes, later, 1.0)
        position += len(part.samples)
    samples = np.concatenate([part.samples for part in parts])
    return Speech(samples, tuple(words), tuple(phonemes))


def paced(speech: Speech, samples: NDArray[np.float32], speed: float) -> Speech:
    """The same said at `speed` times its pace, which sounds like `samples`."""
    return Speech(samples, tuple(_words(speech.words, 0, speed)), tuple(_phonemes(speech.phonemes, 0, speed)))


def _words(words: Iterable[TimedWord], later: float, speed: float) -> Iterable[TimedWord]:
    for word in words:
        start, end = later + word.start_seconds / speed, later + word.end_seconds / speed
        yield TimedWord(word.text, start, end, word.is_joined)


def _phonemes(phonemes: Iterable[TimedPhoneme], later: float, speed: float) -> Iterable[TimedPhoneme]:
    for phoneme in phonemes:
        start, end = later + phoneme.start_seconds / speed, later + phoneme.end_seconds / speed
        yield TimedPhoneme(phoneme.symbol, start, end)
