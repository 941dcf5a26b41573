"""What every speech engine offers: text in; samples, words and phonemes with their times out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# The language of a voice that speaks many (ISO 639-3).
MULTILINGUAL = "mul"


class Gender(StrEnum):
    FEMALE = "FEMALE"
    MALE = "MALE"
    NEUTRAL = "NEUTRAL"


@dataclass(frozen=True, slots=True)
class Voice:
    voice_id: str
    """The short name that inputs take, like "heart" or "espeak-de"."""
    name: str
    language: str
    """BCP 47; `MULTILINGUAL` for a voice that speaks whatever it is given."""
    gender: Gender
    engine: str


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as the script writes it, punctuation included; seconds count from the first sample."""

    text: str
    start_seconds: float
    end_seconds: float
    is_joined: bool = False
    """No space stands between the word before and this one: so Chinese, Japanese and Thai are written."""


@dataclass(frozen=True, slots=True)
class TimedPhoneme:
    """One IPA symbol (stress marks removed, length mark kept); silence is the empty string."""

    symbol: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Speech:
    samples: NDArray[np.float32]
    """Mono, `storyboard.SAMPLE_RATE` samples a second, -1 to 1."""
    words: tuple[TimedWord, ...]
    phonemes: tuple[TimedPhoneme, ...]


class SpeechEngine(Protocol):
    """An engine is opened once per process and speaks many texts; it loads its model on first use."""

    def speak(self, text: str, voice: Voice, *, speed: float, pitch_semitones: float) -> Speech:
        """
        Raises:
            UnspeakableText: nothing in `text` can be read by this voice.
            SpeechFailed: the engine broke.
        """
        ...

    def close(self) -> None: ...
