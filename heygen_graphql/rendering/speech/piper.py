"""Piper: natural voices from files, from a child process of its own (`piper_process` says why)."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from hibari.g2p import G2P
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import UnspeakableText
from heygen_graphql.rendering.spacing import is_spaceless
from heygen_graphql.rendering.speech import espeak_ipa, psola
from heygen_graphql.rendering.speech.alignment import aligned
from heygen_graphql.rendering.speech.catalogue import Voices
from heygen_graphql.rendering.speech.child import Child
from heygen_graphql.rendering.speech.engine import Speech, Voice
from heygen_graphql.rendering.speech.english import utterances
from heygen_graphql.rendering.speech.piper_voices import PiperVoice
from heygen_graphql.rendering.speech.pitch import track
from heygen_graphql.rendering.speech.resampling import resample
from heygen_graphql.rendering.speech.sentences import sentences
from heygen_graphql.rendering.speech.sounds import (
    Letter,
    Sound,
    fit_to_pauses,
    phonemes,
    pieces,
    shifted,
    sounds,
)
from heygen_graphql.rendering.speech.words import WrittenWord, handed_over, timed_words
from heygen_graphql.rendering.speech.writing import has_speakable, readable
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

_PROGRAM = Path(__file__).with_name("piper_process.py")
# The alignments of VITS stand this much after the sound.
_LABEL_DELAY_SECONDS = 0.035
# VITS rounds the length of each sound up to whole frames, which this part of a sentence comes from; it
# stays when the voice hurries. Measured between half and twice the pace.
_ROUNDED_UP_SHARE = 0.22
_LEAD_SECONDS = 0.1
_SENTENCE_PAUSE_SECONDS = 0.18
_PARAGRAPH_PAUSE_SECONDS = 0.5
# A voice does not begin or end in perfect silence; this keeps the joins from clicking.
_FADE_SECONDS = 0.008
_MAX_LEVEL = 0.9
# Longer sentences are spoken in parts: a model's memory grows by some 20 MB for each second.
_MAX_CHARACTERS = 250
_MAX_SYLLABLES = 70
# Written with a character for each syllable.
_SYLLABIC = frozenset({"zh", "yue", "cmn"})
_MAX_SYMBOLS = 300
_PAUSES = frozenset(",.;:!?—…")
# Whose English is closer to the American.
_AMERICAN = frozenset({"US", "CA", "PH"})


@dataclass(frozen=True, slots=True)
class _Sentence:
    request: dict[str, Any]
    letters: tuple[Letter, ...]
    """What is asked for; empty when Piper itself is to read `words`."""
    words: tuple[WrittenWord, ...]
    ends_paragraph: bool


class Piper:
    """The engine; its child keeps the voices that it has loaded."""

    def __init__(self, voices: Voices, reference: Callable[[str, str], Speech]) -> None:
        """`reference` speaks a text in a language, with times, for models that tell none."""
        self._voices = voices
        self._reference = reference
        self._child = Child(_PROGRAM, "Piper", sample_bytes=4)

    def speak(self, text: str, voice: Voice, *, speed: float, pitch_semitones: float) -> Speech:
        known = self._voices.piper(voice.voice_id)
        planned = list(self._plan(text, known))
        header, raw = self._child.ask(
            {
                "model": str(known.files.model),
                "description": str(known.files.description),
                "stamps": known.files.stamps,
                "pace": (1 / speed - _ROUNDED_UP_SHARE) / (1 - _ROUNDED_UP_SHARE),
                "sentences": [sentence.request for sentence in planned],
            }
        )
        rate = header["sample_rate"]
        parts = [np.zeros(round(_LEAD_SECONDS / speed * rate), np.float32)]
        found: list[Sound] = []
        position, sample = len(parts[0]), 0
        for sentence, answer in zip(planned, header["sentences"], strict=True):
            samples = np.frombuffer(raw, "<f4", answer["sample_count"], sample * 4).copy()
            sample += answer["sample_count"]
            if not len(samples):
                continue
            letters = sentence.letters or _owned(sentence.words, answer)
            spoken = _timed(letters, answer["counts"], len(samples), rate)
            if answer["counts"] is None:
                spoken = self._overheard(text, letters, samples, rate, voice.language) or spoken
            fit_to_pauses(spoken, samples, rate)
            if pitch_semitones:
                ratio = 2 ** (pitch_semitones / 12)
                samples = psola.reshape(samples, track(samples, rate), rate, speed=1.0, pitch_ratio=ratio)
            found += shifted(spoken, position / rate)
            pause = _PARAGRAPH_PAUSE_SECONDS if sentence.ends_paragraph else _SENTENCE_PAUSE_SECONDS
            parts += [_faded(samples, rate), np.zeros(round(pause / speed * rate), np.float32)]
            position += len(samples) + len(parts[-1])
        if not found:
            raise UnspeakableText(
                f"The voice {voice.voice_id!r} finds nothing in this script that it could say."
            )
        together = resample(np.concatenate(parts), rate, SAMPLE_RATE)
        together *= np.float32(_MAX_LEVEL / max(_MAX_LEVEL, float(np.abs(together).max())))
        return Speech(
            together, timed_words(text, pieces(found)), phonemes(found, len(together) / SAMPLE_RATE)
        )

    def close(self) -> None:
        self._child.close()

    def _plan(self, text: str, known: PiperVoice) -> Iterator[_Sentence]:
        language, *subtags = known.voice.language.split("-")
        if language == "en" and known.reads_espeak_ipa:
            g2p = self._british if subtags and not _AMERICAN & set(subtags) else self._american
            for utterance in utterances(text, g2p, _MAX_SYMBOLS):
                symbols = espeak_ipa.letters(utterance.symbols)
                letters = tuple(Letter(symbol.character, symbol.first_character) for symbol in symbols)
                request = {"phonemes": [letter.ipa for letter in letters]}
                yield _Sentence(request, letters, (), utterance.ends_paragraph)
            return
        for sentence in sentences(readable(text), language=language):
            divided = [part for word in sentence.words for part in _divided(word, language)]
            parts = list(_parts(divided, _MAX_SYLLABLES if language in _SYLLABIC else _MAX_CHARACTERS))
            for number, words in enumerate(parts):
                ends_paragraph = sentence.ends_paragraph and number == len(parts) - 1
                said = readable(text[words[0].start : words[-1].end])
                asked = {"text": said, "words": [word.text for word in words]}
                yield _Sentence(asked, (), words, ends_paragraph)

    def _overheard(
        self, text: str, letters: Sequence[Letter], samples: NDArray[np.float32], rate: int, language: str
    ) -> list[Sound]:
        """The sounds by another voice that says the same; none when no voice can say it."""
        owners = [letter.first_character for letter in letters if letter.first_character is not None]
        if not owners:
            return []
        first, last = min(owners), max(owners)
        said = text[first:last] + text[last:].split(maxsplit=1)[0]
        try:
            spoken = aligned(self._reference(said, language), resample(samples, rate, SAMPLE_RATE))
        except UnspeakableText:
            return []
        return _by_words(spoken, text, first)

    @cached_property
    def _american(self) -> Any:
        return G2P()

    @cached_property
    def _british(self) -> Any:
        return G2P(british=True)


def _parts(words: Sequence[WrittenWord], longest: int) -> Iterator[tuple[WrittenWord, ...]]:
    """Runs of words with something to say, of at most `longest` characters where words are shorter."""
    part: list[WrittenWord] = []
    for word in words:
        if part and word.end - part[0].start > longest:
            yield tuple(part)
            part = []
        part.append(word)
    if any(has_speakable(word.text) for word in part):
        yield tuple(part)


def _by_words(spoken: Speech, text: str, first: int) -> list[Sound]:
    """The sounds of what is said from the character `first` on, each with the word in whose time it is."""
    starts: list[int] = []
    position = first
    for word in spoken.words:
        starts.append(text.index(word.text, position))
        position = starts[-1] + len(word.text)
    times = [word.start_seconds for word in spoken.words]
    found: list[Sound] = []
    for phoneme in spoken.phonemes:
        if phoneme.symbol:
            middle = (phoneme.start_seconds + phoneme.end_seconds) / 2
            owner = starts[max(0, bisect_right(times, middle) - 1)]
            found.append(Sound(phoneme.symbol, owner, phoneme.start_seconds, phoneme.end_seconds))
    return found


def _divided(word: WrittenWord, language: str) -> Iterator[WrittenWord]:
    """Chinese has a syllable for each character, so each can be timed by itself."""
    if language not in _SYLLABIC:
        yield word
        return
    start = 0
    for position, (before, character) in enumerate(pairwise(word.text), 1):
        is_alone = is_spaceless(character) or is_spaceless(before) or not before.isalnum()
        if character.isalnum() and is_alone:
            yield WrittenWord(word.text[start:position], word.start + start, word.start + position)
            start = position
    yield WrittenWord(word.text[start:], word.start + start, word.end)


def _timed(letters: Sequence[Letter], counts: list[int] | None, length: int, rate: int) -> list[Sound]:
    """By the model's own account, or as if each letter took as long."""
    if counts is None:
        return sounds(letters, np.linspace(0.0, length / rate, len(letters) + 1).tolist())
    bounds = np.cumsum(counts)[:-1] / rate - _LABEL_DELAY_SECONDS
    return sounds(letters, np.clip(bounds, 0.0, length / rate).tolist())


def _owned(words: Sequence[WrittenWord], answer: dict[str, Any]) -> tuple[Letter, ...]:
    """What Piper read, each letter with its word: each word by itself reads nearly as in the sentence."""
    read = [
        (letter, word.start)
        for word, reading in zip(words, answer["readings"], strict=True)
        for letter in [*reading, " "]
    ]
    owners = handed_over([owner for _, owner in read], [letter for letter, _ in read], answer["phonemes"])
    return tuple(
        Letter(letter, None if letter == " " or letter in _PAUSES else owner)
        for letter, owner in zip(answer["phonemes"], owners, strict=True)
    )


def _faded(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    length = min(len(samples) // 2, round(_FADE_SECONDS * rate))
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    samples[:length] *= ramp
    samples[len(samples) - length :] *= ramp[::-1]
    return samples
