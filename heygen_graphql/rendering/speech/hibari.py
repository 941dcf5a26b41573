"""English by the hibari model, in this process: its voice `heart` comes with the wheel (Apache-2.0).

`miles` is the same speaker with a man's throat and pitch (`vocoder`).
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from hibari import dsp
from hibari.g2p import G2P
from hibari.voices import ASSETS, voice_path
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument

from heygen_graphql.rendering.errors import SpeechFailed, UnspeakableText
from heygen_graphql.rendering.speech.catalogue import HEART, MILES
from heygen_graphql.rendering.speech.engine import Speech, Voice
from heygen_graphql.rendering.speech.english import Symbol, Utterance, utterances
from heygen_graphql.rendering.speech.resampling import resample
from heygen_graphql.rendering.speech.sounds import (
    Letter,
    Sound,
    fit_to_pauses,
    phonemes,
    pieces,
    shifted,
    sounds,
)
from heygen_graphql.rendering.speech.vocoder import Spectra, reshaped
from heygen_graphql.rendering.speech.words import timed_words
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

_MODEL_RATE = 24_000
# The graph's name for the durations it has chosen, one a symbol, in units of 600 samples.
_DURATIONS = "/Clip_output_0"
_SAMPLES_PER_UNIT = 600
# The durations were learnt from a teacher whose labels stand this much after the sound: the lag at which
# hissing sounds and vowels best match their labels (0.045 to 0.055 s).
_LABEL_DELAY_SECONDS = 0.05
_PARAGRAPH_PAUSE_SECONDS = 0.35
_MAX_LEVEL = 0.98
# Pitch and resonances as parts of the model's own.
_TIMBRES = {HEART.voice_id: (1.0, 1.0), MILES.voice_id: (0.56, 0.86)}

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
                pitch_ratio, formant_ratio = _TIMBRES[voice.voice_id]
                pitch_ratio *= 2 ** (pitch_semitones / 12)
                return self._model.speak(
                    text, speed=speed, pitch_ratio=pitch_ratio, formant_ratio=formant_ratio
                )
            except _FAILURES as error:
                raise SpeechFailed(f"The voice {voice.voice_id!r} could not speak: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._model = None


class _Model:
    def __init__(self) -> None:
        # A server tells nobody what it does.
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Sentences are so short that a second thread saves no time and costs a tenth more work.
        options.intra_op_num_threads = 1
        # An arena would keep the memory of the longest sentence (50 MB), and saves no time.
        options.enable_cpu_mem_arena = False
        model = _with_output(Path(voice_path(HEART.voice_id)).read_bytes(), _DURATIONS)
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._g2p = G2P()
        self._vocabulary: dict[str, int] = json.loads(Path(ASSETS, "vocab.json").read_text(encoding="utf-8"))

    def speak(self, text: str, *, speed: float, pitch_ratio: float, formant_ratio: float) -> Speech:
        # The noise of the voice is part of the film: the same text must sound the same.
        noise = np.random.default_rng(0)
        parts: list[NDArray[np.float32]] = []
        found: list[Sound] = []
        seconds = 0.0
        for utterance in utterances(text, self._g2p):
            samples, spoken = self._utter(utterance, noise, speed, pitch_ratio, formant_ratio)
            if utterance.ends_paragraph:
                samples = np.pad(samples, (0, round(_PARAGRAPH_PAUSE_SECONDS / speed * _MODEL_RATE)))
            found += shifted(spoken, seconds)
            # Each begins and ends in silence, so they may be resampled one by one: half the memory.
            parts.append(resample(samples, _MODEL_RATE, SAMPLE_RATE))
            seconds += len(samples) / _MODEL_RATE
        if not parts:
            raise UnspeakableText("The script has nothing that this voice could say.")
        samples = np.concatenate(parts)
        loudest = float(max(samples.max(), -samples.min()))
        if loudest > _MAX_LEVEL:
            samples *= np.float32(_MAX_LEVEL / loudest)
        return Speech(samples, timed_words(text, pieces(found)), phonemes(found, seconds))

    def _utter(
        self,
        utterance: Utterance,
        noise: np.random.Generator,
        speed: float,
        pitch_ratio: float,
        formant_ratio: float,
    ) -> tuple[NDArray[np.float32], list[Sound]]:
        """The samples, 24 kHz, and the sounds."""
        known = [s for s in utterance.symbols if s.character in self._vocabulary]
        ids = np.array([[0, *(self._vocabulary[s.character] for s in known), 0]], np.int64)
        # The model's own durations are whole units of 25 ms, too coarse for a pace: it always speaks at 1.
        *parts, units = self._session.run(None, {"ids": ids, "speed": np.ones(1, np.float32)})
        spectra = Spectra(*(part[0] for part in parts))
        if (speed, pitch_ratio, formant_ratio) != (1.0, 1.0, 1.0):
            spectra = reshaped(spectra, speed=speed, pitch_ratio=pitch_ratio, formant_ratio=formant_ratio)
        samples: NDArray[np.float32] = dsp.synth(*spectra.parts(), noise)
        found = shifted(sounds(_letters(known), _bounds(units)), 0.0, speed)
        fit_to_pauses(found, samples, _MODEL_RATE)
        return samples, found


def _letters(symbols: Sequence[Symbol]) -> list[Letter]:
    return [Letter(_IPA.get(s.character, s.character), s.first_character) for s in symbols]


def _bounds(units: NDArray[np.float32]) -> list[float]:
    """Where the symbols begin and end; the first and the last unit are the silence around the utterance."""
    bounds = np.concatenate([[0.0], np.cumsum(units)]) * _SAMPLES_PER_UNIT / _MODEL_RATE
    inner: list[float] = np.maximum(0.0, bounds - _LABEL_DELAY_SECONDS)[1:-1].tolist()
    return inner
