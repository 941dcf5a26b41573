"""How high a voice speaks, moment by moment, told from its sound alone."""

import numpy as np
from numpy.typing import NDArray

_LOWEST_HZ = 60.0
_HIGHEST_HZ = 500.0
_HOP_SECONDS = 0.005
_WINDOW_SECONDS = 0.04
# Below this similarity of neighbouring periods a sound is a noise (Boersma 1993 takes 0.45).
_VOICED_SIMILARITY = 0.45
_SILENCE_RATIO = 0.02
# What an octave up costs a candidate, and a jump of an octave from one moment to the next, in similarity.
_OCTAVE_COST = 0.03
_JUMP_COST = 0.35
_VOICING_COST = 0.14
_CANDIDATES = 12
_BLOCK_FRAMES = 2048


def track(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """The pitch in Hz each 5 ms (a value for each equal part of `samples`), 0 where there is no voice.

    By the autocorrelation of each window divided by that of the window's own shape, and the cheapest path
    through the best candidates (Boersma, IFA Proceedings 17, 1993).
    """
    hop = round(_HOP_SECONDS * sample_rate)
    count = max(1, len(samples) // hop)
    window = round(_WINDOW_SECONDS * sample_rate)
    padded = np.pad(samples, (window // 2, window + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[hop // 2 :: hop][:count]
    hertz, strength = _candidates(frames, sample_rate)
    levels = np.sqrt((frames**2).mean(axis=1))
    strength[levels < levels.max(initial=0.0) * _SILENCE_RATIO] = 0.0
    return _cheapest_path(hertz, strength)


def _candidates(
    frames: NDArray[np.float32], sample_rate: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For each frame the pitches of its highest similarities, and these; both (frames, candidates)."""
    shortest, longest = int(sample_rate / _HIGHEST_HZ), int(sample_rate / _LOWEST_HZ) + 2
    shape = np.hanning(frames.shape[1] + 2)[1:-1].astype(np.float32)
    size = 1 << (frames.shape[1] + longest).bit_length()
    own = np.fft.irfft(np.abs(np.fft.rfft(shape, size)) ** 2)[:longest]
    hertz = np.zeros((len(frames), _CANDIDATES), np.float32)
    strength = np.zeros((len(frames), _CANDIDATES), np.float32)
    for first in range(0, len(frames), _BLOCK_FRAMES):
        block = frames[first : first + _BLOCK_FRAMES]
        shaped = (block - block.mean(axis=1, keepdims=True)) * shape
        power = np.fft.irfft(np.abs(np.fft.rfft(shaped, size)) ** 2)[:, :longest]
        similarity = power / np.maximum(power[:, :1], 1e-9) / (own / own[0])
        inner = similarity[:, shortest:-1]
        before, after = similarity[:, shortest - 1 : -2], similarity[:, shortest + 1 :]
        peaks = np.where((inner > before) & (inner >= after), inner, 0.0)
        best = np.argsort(peaks, axis=1)[:, : -_CANDIDATES - 1 : -1]
        rows = np.arange(len(block))[:, None]
        # The summit of a parabola through three neighbours lies between samples.
        left, middle, right = before[rows, best], inner[rows, best], after[rows, best]
        bend = left - 2 * middle + right
        offset = np.where(np.abs(bend) > 1e-9, (left - right) / np.where(bend == 0, 1, bend) / 2, 0.0)
        hertz[first : first + len(block)] = sample_rate / (best + shortest + np.clip(offset, -0.5, 0.5))
        strength[first : first + len(block)] = np.clip(peaks[rows, best], 0.0, 1.0)
    return hertz, strength


def _cheapest_path(hertz: NDArray[np.float32], strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Viterbi's algorithm over the candidates, and over silence as one more."""
    octaves = np.log2(np.maximum(hertz, 1.0) / _LOWEST_HZ)
    voiced = np.where(strength > 0, _OCTAVE_COST * octaves * -1 - strength + _VOICED_SIMILARITY, 9.0)
    local = np.concatenate([voiced, np.zeros((len(hertz), 1))], axis=1)
    total = local[0]
    came_from = np.zeros((len(hertz), _CANDIDATES + 1), np.int64)
    jump = np.full((_CANDIDATES + 1, _CANDIDATES + 1), _VOICING_COST)
    jump[-1, -1] = 0.0
    for index in range(1, len(hertz)):
        jump[:-1, :-1] = _JUMP_COST * np.abs(octaves[index][:, None] - octaves[index - 1][None, :])
        ways = total[None, :] + jump
        came_from[index] = ways.argmin(axis=1)
        total = ways[np.arange(len(ways)), came_from[index]] + local[index]
    path = np.zeros(len(hertz), np.int64)
    path[-1] = int(total.argmin())
    for index in range(len(hertz) - 1, 0, -1):
        path[index - 1] = came_from[index, path[index]]
    with_silence = np.concatenate([hertz, np.zeros((len(hertz), 1), np.float32)], axis=1)
    chosen: NDArray[np.float32] = with_silence[np.arange(len(path)), path]
    return chosen
