"""English by the hibari model, in this process: its voice `heart` comes with the wheel (Apache-2.0)."""

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
from hibari import dsp
from hibari.g2p import G2P
from hibari.voices import ASSETS, voice_path
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument

from heygen_graphql.rendering.errors import SpeechFailed, UnspeakableText
from heygen_graphql.rendering.speech import ipa, psola
from heygen_graphql.rendering.speech.catalogue import HEART
from heygen_graphql.rendering.speech.engine import Speech, TimedPhoneme, Voice
from heygen_graphql.rendering.speech.english import Symbol, Utterance, utterances
from heygen_graphql.rendering.speech.resampling import resample
from heygen_graphql.rendering.speech.words import SpokenPiece, timed_words
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

_MODEL_RATE = 24_000
# The graph's name for the durations it has chosen, one a symbol, in units of 600 samples.
_DURATIONS = "/Clip_output_0"
_SAMPLES_PER_UNIT = 600
# The durations were learnt from a teacher whose labels stand this much after the sound: the lag at which
# hissing sounds and vowels best match their labels (0.045 to 0.055 s).
_LABEL_DELAY_SECONDS = 0.05
# A quieter moment around punctuation that is shorter than this is no pause: the voice goes on.
_SHORTEST_PAUSE_SECONDS = 0.06
_PARAGRAPH_PAUSE_SECONDS = 0.35
# It is quiet where the level is below this part of the utterance's loudest 10 ms (-40 dB).
_SILENCE_RATIO = 0.01
_LEVEL_WINDOW_SECONDS = 0.01
_MAX_LEVEL = 0.98
_PAUSES = frozenset(",.;:!?—…")
_STRESS_MARKS = frozenset("ˈˌ")
_LENGTH_MARK = "ː"

# What onnxruntime raises, and what hibari's rules raise when a text surprises them.
_FAILURES = (OSError, RuntimeError, ValueError, TypeError, LookupError, Fail, InvalidArgument)

# The model's letters that are not IPA already (misaki's American set).
_IPA = {
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
    "ᵻ": "ɪ",
}
_DIPHTHONGS = frozenset({"eɪ", "aɪ", "oʊ", "əʊ", "aʊ", "ɔɪ"})
# The first element of a diphthong is the longer one (Lehiste and Peterson 1961).
_GLIDE_SHARE = 0.4


@dataclass(slots=True)
class _Sound:
    """A run of symbols that make one sound."""

    ipa: str
    first_character: int
    start_seconds: float
    end_seconds: float
    is_before_pause: bool = False


def _with_output(model: bytes, name: str) -> bytes:
    """The ONNX model with one more output.

    Protocol buffers merge what comes twice, so it is enough to append a `ModelProto` (onnx.proto) whose
    graph (field 7) has one output (field 12) of that name (field 1), a float tensor (field 2).
    """
    float_tensor = _message(1, b"\x08\x01")
    output = _message(1, name.encode()) + _message(2, float_tensor)
    return model + _message(7, _message(12, output))


def _message(field: int, content: bytes) -> bytes:
    """A length-delimited field of at most 127 bytes."""
    return bytes([field << 3 | 2, len(content)]) + content


class Hibari:
    """The engine; its model loads with the first text (about half a second)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: _Model | None = None

    def speak(self, text: str, voice: Voice, *, speed: float, pitch_semitones: float) -> Speech:
        with self._lock:
            try:
                self._model = self._model or _Model()
                return self._model.speak(text, speed=speed, pitch_ratio=2 ** (pitch_semitones / 12))
            except _FAILURES as error:
                raise SpeechFailed(f"The voice {voice.voice_id!r} could not speak: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._model = None


class _Model:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # The cores that this process may use: onnxruntime by itself counts and pins those of the machine.
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        # Threads that spin between two steps would take the cores from the encoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # An arena would keep the memory of the longest sentence (50 MB), and saves no time.
        options.enable_cpu_mem_arena = False
        model = _with_output(Path(voice_path(HEART.voice_id)).read_bytes(), _DURATIONS)
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._g2p = G2P()
        self._vocabulary: dict[str, int] = json.loads(Path(ASSETS, "vocab.json").read_text(encoding="utf-8"))

    def speak(self, text: str, *, speed: float, pitch_ratio: float) -> Speech:
        # The noise of the voice is part of the film: the same text must sound the same.
        noise = np.random.default_rng(0)
        parts: list[NDArray[np.float32]] = []
        sounds: list[_Sound] = []
        seconds = 0.0
        for utterance in utterances(text, self._g2p):
            samples, spoken = self._utter(utterance, noise, speed, pitch_ratio)
            if utterance.ends_paragraph:
                samples = np.pad(samples, (0, round(_PARAGRAPH_PAUSE_SECONDS / speed * _MODEL_RATE)))
            for sound in spoken:
                sound.start_seconds += seconds
                sound.end_seconds += seconds
            sounds += spoken
            # Each begins and ends in silence, so they may be resampled one by one: half the memory.
            parts.append(resample(samples, _MODEL_RATE, SAMPLE_RATE))
            seconds += len(samples) / _MODEL_RATE
        if not parts:
            raise UnspeakableText("The script has nothing that this voice could say.")
        samples = np.concatenate(parts)
        loudest = float(max(samples.max(), -samples.min()))
        if loudest > _MAX_LEVEL:
            samples *= np.float32(_MAX_LEVEL / loudest)
        return Speech(samples, timed_words(text, _pieces(sounds)), _phonemes(sounds, seconds))

    def _utter(
        self, utterance: Utterance, noise: np.random.Generator, speed: float, pitch_ratio: float
    ) -> tuple[NDArray[np.float32], list[_Sound]]:
        """The samples, 24 kHz, and the sounds on their clock."""
        known = [s for s in utterance.symbols if s.character in self._vocabulary]
        ids = np.array([[0, *(self._vocabulary[s.character] for s in known), 0]], np.int64)
        # The model's own durations are whole units of 25 ms, too coarse for a pace: it always speaks at 1.
        *spectra, units = self._session.run(None, {"ids": ids, "speed": np.ones(1, np.float32)})
        pitch_hz = spectra[-1][0]
        samples: NDArray[np.float32] = dsp.synth(*(part[0] for part in spectra), noise)
        sounds = _sounds(known, units)
        _fit_to_pauses(sounds, samples)
        if speed != 1.0 or pitch_ratio != 1.0:
            samples = psola.reshape(samples, pitch_hz, _MODEL_RATE, speed=speed, pitch_ratio=pitch_ratio)
            for sound in sounds:
                sound.start_seconds /= speed
                sound.end_seconds /= speed
        return samples, sounds


def _sounds(symbols: Sequence[Symbol], units: NDArray[np.float32]) -> list[_Sound]:
    """The sounds by the model's durations.

    A stress mark lends its time to the sound after it; neighbours share the time of a space.
    """
    bounds = np.concatenate([[0.0], np.cumsum(units)]) * _SAMPLES_PER_UNIT / _MODEL_RATE
    bounds = np.maximum(0.0, bounds - _LABEL_DELAY_SECONDS)
    sounds: list[_Sound] = []
    lent_start: float | None = None
    # units[0] and units[-1] are the silent symbols around the utterance.
    for symbol, start, end in zip(symbols, bounds[1:-2].tolist(), bounds[2:-1].tolist(), strict=True):
        if symbol.character in _STRESS_MARKS:
            lent_start = start if lent_start is None else lent_start
        elif symbol.first_character is not None and symbol.character != _LENGTH_MARK:
            spelled = _IPA.get(symbol.character, symbol.character)
            sounds.append(
                _Sound(spelled, symbol.first_character, start if lent_start is None else lent_start, end)
            )
            lent_start = None
        elif symbol.character == " ":
            lent_start = (start + end) / 2
            if sounds:
                sounds[-1].end_seconds = lent_start
        elif sounds:
            sounds[-1].ipa += _LENGTH_MARK if symbol.character == _LENGTH_MARK else ""
            sounds[-1].end_seconds = end
            sounds[-1].is_before_pause |= symbol.character in _PAUSES
    return sounds


def _fit_to_pauses(sounds: list[_Sound], samples: NDArray[np.float32]) -> None:
    """Move the bounds of sounds beside a pause to where the pause is heard.

    The model says how long a comma takes, but the silence lies in the sound before it too.
    """
    window = round(_LEVEL_WINDOW_SECONDS * _MODEL_RATE)
    levels = np.sqrt((samples[: len(samples) // window * window].reshape(-1, window) ** 2).mean(axis=1))
    is_quiet = levels < levels.max() * _SILENCE_RATIO
    heard = np.flatnonzero(~is_quiet) * _LEVEL_WINDOW_SECONDS
    if not sounds or not len(heard):
        return
    first, last = sounds[0], sounds[-1]
    first.start_seconds = min(float(heard[0]), first.end_seconds - _LEVEL_WINDOW_SECONDS)
    last.end_seconds = max(float(heard[-1]), last.start_seconds) + _LEVEL_WINDOW_SECONDS
    for before, after in pairwise(sounds):
        if not before.is_before_pause:
            continue
        begin, end = _longest_quiet(is_quiet, before.start_seconds, after.end_seconds)
        if end - begin >= _SHORTEST_PAUSE_SECONDS:
            before.end_seconds = max(begin, before.start_seconds + _LEVEL_WINDOW_SECONDS)
            after.start_seconds = min(end, after.end_seconds - _LEVEL_WINDOW_SECONDS)


def _longest_quiet(is_quiet: NDArray[np.bool_], start: float, end: float) -> tuple[float, float]:
    """The longest quiet stretch between two times, all in seconds; an empty one when there is none."""
    first = round(start / _LEVEL_WINDOW_SECONDS)
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


def _pieces(sounds: Sequence[_Sound]) -> list[SpokenPiece]:
    return [SpokenPiece(sound.first_character, sound.start_seconds, sound.end_seconds) for sound in sounds]


def _phonemes(sounds: Sequence[_Sound], seconds: float) -> tuple[TimedPhoneme, ...]:
    """Without gaps from 0 to the end of the speech: what is no sound is silence."""
    phonemes: list[TimedPhoneme] = []
    now = 0.0
    for sound in sounds:
        symbols = ipa.symbols(sound.ipa)
        if not symbols:
            continue
        if sound.start_seconds > now:
            phonemes.append(TimedPhoneme(ipa.SILENCE, now, sound.start_seconds))
        start = max(now, sound.start_seconds)
        now = max(start, sound.end_seconds)
        if sound.ipa in _DIPHTHONGS:
            turn = now - (now - start) * _GLIDE_SHARE
            phonemes += [TimedPhoneme(symbols[0], start, turn), TimedPhoneme(symbols[1], turn, now)]
        else:
            phonemes += ipa.spread_over(symbols, start, now)
    phonemes.append(TimedPhoneme(ipa.SILENCE, now, seconds))
    return tuple(phonemes)
