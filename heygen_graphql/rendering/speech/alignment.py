"""When each word of a known text is said in a sound that came without times.

Another voice, whose times are known, says the same text; its sound is warped onto the one that came
(dynamic time warping of cepstra: Sakoe and Chiba, IEEE Transactions on ASSP 26, 1978), and its times go
along. Voices differ in pitch and pace, but their sounds follow in the same order.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.speech.engine import Speech, TimedPhoneme, TimedWord
from heygen_graphql.rendering.speech.resampling import resample
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

_RATE = 16_000
_HOP = 160
_WINDOW = 400
_FFT = 512
_HOP_SECONDS = _HOP / _RATE
_MEL_BANDS = 26
_CEPSTRA = 13
# Of 10 ms; the reference voice's pauses are cut to this, since the other may not make them.
_LONGEST_PAUSE_FRAMES = 4
# How many frames of the reference one frame may pass; what passing none, one, two or three costs more.
_STEP_COSTS = (0.35, 0.0, 0.35, 1.2)
# How much the level counts beside the spectrum's shape: it tells pauses from sounds.
_LEVEL_WEIGHT = 2.0
_CHANGE_WEIGHT = 0.6


def aligned(reference: Speech, samples: NDArray[np.float32]) -> Speech:
    """`samples` (at `SAMPLE_RATE`) with the words and phonemes of `reference`, which says the same text."""
    seconds = len(samples) / SAMPLE_RATE
    heard, said = _features(samples), _features(reference.samples)
    kept = _without_long_pauses(reference.phonemes, len(said))
    path = kept[_warp(said[kept], heard)]
    times = _Clock(path, seconds)
    words = []
    for word in reference.words:
        start, end = times.at(word.start_seconds), times.at(word.end_seconds)
        words.append(TimedWord(word.text, start, max(start, end), word.is_joined))
    return Speech(samples, _in_order(words), _phonemes(reference.phonemes, times, seconds))


def _in_order(words: list[TimedWord]) -> tuple[TimedWord, ...]:
    """Each ends when the next begins, at the latest."""
    ends = [min(w.end_seconds, max(w.start_seconds, n.start_seconds)) for w, n in pairwise(words)]
    ends += [word.end_seconds for word in words[-1:]]
    return tuple(
        TimedWord(word.text, word.start_seconds, end, word.is_joined)
        for word, end in zip(words, ends, strict=True)
    )


class _Clock:
    """From the reference's seconds to those of the sound that came."""

    def __init__(self, path: NDArray[np.int64], seconds: float) -> None:
        frames, first = np.unique(path, return_index=True)
        self._reference = np.concatenate([[-1e-3], frames * _HOP_SECONDS, [(path[-1] + 1) * _HOP_SECONDS]])
        self._sound = np.concatenate([[0.0], first * _HOP_SECONDS, [seconds]])
        self._seconds = seconds

    def at(self, reference_seconds: float) -> float:
        found = float(np.interp(reference_seconds, self._reference, self._sound))
        return min(max(0.0, found), self._seconds)


def _phonemes(phonemes: tuple[TimedPhoneme, ...], times: _Clock, seconds: float) -> tuple[TimedPhoneme, ...]:
    bounds = [times.at(phoneme.start_seconds) for phoneme in phonemes] + [seconds]
    bounds[0] = 0.0
    return tuple(
        TimedPhoneme(phoneme.symbol, start, end)
        for phoneme, (start, end) in zip(phonemes, pairwise(bounds), strict=True)
        if end > start
    )


def _without_long_pauses(phonemes: tuple[TimedPhoneme, ...], count: int) -> NDArray[np.int64]:
    """The frames of a speech, but only the outer ones of each pause."""
    is_kept = np.ones(count, bool)
    for phoneme in phonemes:
        if not phoneme.symbol:
            first = round(phoneme.start_seconds / _HOP_SECONDS) + _LONGEST_PAUSE_FRAMES // 2
            last = round(phoneme.end_seconds / _HOP_SECONDS) - _LONGEST_PAUSE_FRAMES // 2
            is_kept[min(first, count - 1) : max(first, last)] = False
    return np.flatnonzero(is_kept)


def _features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each 10 ms the cepstrum, its change, and the level, each with its usual spread."""
    sound = resample(samples, SAMPLE_RATE, _RATE)
    sound = np.concatenate([sound[:1], sound[1:] - 0.97 * sound[:-1]])
    padded = np.pad(sound, (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    frames = frames[: max(1, len(sound) // _HOP)]
    power = np.abs(np.fft.rfft(frames * np.hamming(_WINDOW), _FFT)) ** 2
    mel = np.log(power @ _mel_filters().T + 1e-7)
    levels = 10 * np.log10(power.sum(axis=1) + 1e-7)
    floor = np.quantile(levels, 0.9) - 45.0
    loudness = np.maximum(levels, floor)
    cepstra = mel @ _cosines().T
    is_sound = loudness > floor + 10
    centre, spread = cepstra[is_sound].mean(axis=0), cepstra[is_sound].std(axis=0) + 1e-3
    shape = (cepstra - centre) / spread
    level = ((loudness - loudness[is_sound].mean()) / 10)[:, None]
    everything = np.concatenate([shape, _LEVEL_WEIGHT * level], axis=1)
    change = np.zeros_like(everything)
    change[2:-2] = everything[4:] - everything[:-4]
    features: NDArray[np.float32] = np.concatenate([everything, _CHANGE_WEIGHT * change], axis=1)
    return features.astype(np.float32)


@lru_cache(maxsize=1)
def _mel_filters() -> NDArray[np.float64]:
    """Triangles between 80 and 7600 Hz, evenly spaced in mel (O'Shaughnessy 1987)."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (80.0, 7600.0))
    mel = np.linspace(lowest, highest, _MEL_BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    hertz = np.arange(_FFT // 2 + 1) * _RATE / _FFT
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    filters: NDArray[np.float64] = np.clip(np.minimum(rising, falling), 0.0, None)
    return filters


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float64]:
    """The discrete cosine transform; its first row, the level, is left out."""
    order, band = np.arange(1, _CEPSTRA)[:, None], np.arange(_MEL_BANDS)[None, :]
    cosines: NDArray[np.float64] = np.cos(np.pi * order * (band + 0.5) / _MEL_BANDS)
    return cosines


def _warp(said: NDArray[np.float32], heard: NDArray[np.float32]) -> NDArray[np.int64]:
    """For each frame heard, the frame said: the path of least distance from both beginnings to both ends."""
    width = len(said)
    norms = (said**2).sum(axis=1)
    total = np.full(width, np.inf, np.float32)
    total[0] = 0.0
    steps = np.zeros((len(heard), width), np.int8)
    padded = np.full(width + 3, np.inf, np.float32)
    choices = np.empty((4, width), np.float32)
    scale = np.sqrt(said.shape[1])
    for index, frame in enumerate(heard):
        distance = np.sqrt(np.maximum(norms - 2 * (said @ frame) + (frame @ frame), 0.0)) / scale
        if index:
            padded[3:] = total
            for step, cost in enumerate(_STEP_COSTS):
                choices[step] = padded[3 - step : 3 - step + width] + cost
            steps[index] = choices.argmin(axis=0)
            total = choices.min(axis=0) + distance
        else:
            total = np.where(np.arange(width) == 0, distance, np.inf).astype(np.float32)
    path = np.zeros(len(heard), np.int64)
    path[-1] = width - 1 if np.isfinite(total[-1]) else int(np.flatnonzero(np.isfinite(total))[-1])
    for index in range(len(heard) - 1, 0, -1):
        path[index - 1] = path[index] - steps[index, path[index]]
    return path
