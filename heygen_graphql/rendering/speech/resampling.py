"""Changing the sample rate of a whole signal, without delay."""

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

_TAPS_PER_PHASE = 64
# Kaiser's window: beta 9 keeps what lies past the edge 90 dB down (Kaiser 1974).
_KAISER_BETA = 9.0
# The pass band ends here, as a part of the lower of the two Nyquist frequencies.
_PASS_BAND = 0.94


@lru_cache(maxsize=4)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """One windowed sinc for each of the `up` positions that an output sample can have between input samples.

    Row p, for an output p/up samples after input sample n, weighs inputs n - taps/2 + 1 ... n + taps/2.
    """
    cutoff = _PASS_BAND * min(1.0, up / down)
    half = _TAPS_PER_PHASE // 2
    taps = np.arange(-half + 1, half + 1)[None, :] - np.arange(up)[:, None] / up
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (taps / half) ** 2, 0, 1))) / np.i0(_KAISER_BETA)
    filters = cutoff * np.sinc(cutoff * taps) * window
    # Each phase passes a constant unchanged: otherwise the phases would beat as a faint tone.
    normalised: NDArray[np.float32] = (filters / filters.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def resample(samples: NDArray[np.float32], from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """The same sound at `to_rate`: a polyphase filter, linear in phase and with no delay.

    The result has ceil(len * to_rate / from_rate) samples; sample 0 stays at time 0.
    """
    common = gcd(from_rate, to_rate)
    up, down = to_rate // common, from_rate // common
    if up == down or not len(samples):
        return samples.astype(np.float32, copy=False)
    length = -(-len(samples) * up // down)
    half = _TAPS_PER_PHASE // 2
    padded = np.concatenate([np.zeros(half - 1, np.float32), samples, np.zeros(half + down, np.float32)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, _TAPS_PER_PHASE)
    resampled = np.empty(length, np.float32)
    filters = _filters(up, down)
    for first in range(min(up, length)):
        # Outputs `up` apart stand at the same place between inputs, `down` inputs further on.
        position, phase = divmod(first * down, up)
        count = -(-(length - first) // up)
        resampled[first::up] = windows[position::down][:count] @ filters[phase]
    return resampled
