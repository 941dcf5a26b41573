"""eSpeak NG: every other language, from a child process of its own (`espeak_process` says why)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import UnspeakableText
from heygen_graphql.rendering.speech import ipa
from heygen_graphql.rendering.speech.child import Child
from heygen_graphql.rendering.speech.engine import Speech, TimedPhoneme, Voice
from heygen_graphql.rendering.speech.espeak_voices import espeak_voices
from heygen_graphql.rendering.speech.resampling import resample
from heygen_graphql.rendering.speech.words import SpokenPiece, timed_words
from heygen_graphql.rendering.speech.writing import readable
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

# eSpeak's own default pace, in words a minute.
_WORDS_PER_MINUTE = 175
# eSpeak's pitch runs from 0 to 100 around 50. Measured on its output, with the melody's span following the
# pitch; what lies beyond these semitones it cannot reach and is left to the clock of the samples.
_STEPS_PER_SEMITONE_DOWN = 6.0
_STEPS_PER_SEMITONE_UP = 4.9
_MAX_NATIVE_SEMITONES = 8.0
# Sample rates are rounded to this, so that resampling stays a ratio of small numbers.
_RATE_STEP = 250
# eSpeak starts at its first sample; the presenter's mouth needs a moment to open.
_LEAD_SECONDS = 0.2
_PROGRAM = Path(__file__).with_name("espeak_process.py")


class Espeak:
    """The engine; the child starts with the first text, and again after it died."""

    def __init__(self) -> None:
        self._child = Child(_PROGRAM, "eSpeak NG", sample_bytes=2)

    def speak(self, text: str, voice: Voice, *, speed: float, pitch_semitones: float) -> Speech:
        native = max(-_MAX_NATIVE_SEMITONES, min(_MAX_NATIVE_SEMITONES, pitch_semitones))
        # The rest of the way by playing the samples faster or slower, and speaking slower or faster.
        clock = 2 ** ((pitch_semitones - native) / 12)
        steps = native * (_STEPS_PER_SEMITONE_DOWN if native < 0 else _STEPS_PER_SEMITONE_UP)
        request = {
            "text": readable(text),
            "voice": espeak_voices()[voice.voice_id].file,
            "rate": round(_WORDS_PER_MINUTE * speed / clock),
            "pitch": max(0, min(100, round(50 + steps))),
            # The melody's span is in Hz: it has to grow with the pitch to sound the same.
            "range": round(50 * 2 ** (native / 12)),
        }
        header, raw = self._child.ask(request)
        samples = (np.frombuffer(raw, "<i2") / 32768).astype(np.float32)
        rate = round(header["sample_rate"] * clock / _RATE_STEP) * _RATE_STEP if clock != 1 else None
        return _speech(text, voice, header, samples, rate or header["sample_rate"])

    def close(self) -> None:
        self._child.close()


def _speech(
    text: str, voice: Voice, header: dict[str, Any], samples: NDArray[np.float32], rate: int
) -> Speech:
    phonemes = _phonemes(header["phonemes"], rate, len(samples))
    if not any(phoneme.symbol for phoneme in phonemes):
        raise UnspeakableText(f"The voice {voice.voice_id!r} finds nothing in this script that it could say.")
    pieces = _pieces(header["words"], phonemes, rate)
    lead = np.zeros(round(_LEAD_SECONDS * SAMPLE_RATE), np.float32)
    return Speech(
        np.concatenate([lead, resample(samples, rate, SAMPLE_RATE)]), timed_words(text, pieces), phonemes
    )


def _phonemes(events: Sequence[tuple[str, int]], rate: int, sample_count: int) -> tuple[TimedPhoneme, ...]:
    """Each event lasts until the next; "(en)" says that another language begins, which takes no time."""
    spoken = [(name, sample) for name, sample in events if not name.startswith("(")]
    # The first event comes after the closure of a stop that is the first sound.
    starts = [0, *(sample for _, sample in spoken[1:])]
    phonemes = [TimedPhoneme(ipa.SILENCE, 0.0, _LEAD_SECONDS)]
    for (name, _), sample, end in zip(spoken, starts, [*starts[1:], sample_count], strict=False):
        start_seconds, end_seconds = _LEAD_SECONDS + sample / rate, _LEAD_SECONDS + max(sample, end) / rate
        if end_seconds > start_seconds:
            phonemes += ipa.spread_over(ipa.symbols(name) or [ipa.SILENCE], start_seconds, end_seconds)
    return tuple(phonemes)


def _pieces(
    events: Sequence[tuple[int, int, int]], phonemes: Sequence[TimedPhoneme], rate: int
) -> list[SpokenPiece]:
    """A piece ends with its last sound: what follows up to the next piece is a pause."""
    starts = [_LEAD_SECONDS + sample / rate for _, _, sample in events]
    ends = [*starts[1:], phonemes[-1].end_seconds]
    pieces: list[SpokenPiece] = []
    index = 0
    for (first_character, _, _), start, end in zip(events, starts, ends, strict=True):
        last_sound = start
        while index < len(phonemes) and phonemes[index].start_seconds < end - 1e-9:
            if phonemes[index].symbol:
                last_sound = max(last_sound, phonemes[index].end_seconds)
            index += 1
        pieces.append(SpokenPiece(first_character, start, min(end, last_sound)))
    return pieces
