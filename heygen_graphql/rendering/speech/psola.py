"""Another pace and another pitch for a voice, its timbre unchanged: TD-PSOLA.

Pitch-synchronous overlap-add (Moulines and Charpentier, Speech Communication 9, 1990): the sound is cut
into grains of two periods, one around each glottal pulse. Set closer together or further apart they make
another pitch, left out or repeated another duration; what is inside a grain, the resonance of the mouth,
stays. The pulses are known here, since the model that makes the voice also says its pitch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Below this the model means "unvoiced".
_LOWEST_PITCH_HZ = 40.0
# The distance of grains where there is no pitch: short enough for consonants to keep their attack.
_UNVOICED_PERIOD_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class _Marks:
    positions: NDArray[np.int64]
    periods: NDArray[np.int64]
    """Samples, as positions."""
    is_voiced: NDArray[np.bool_]


def _marks(pitch_hz: NDArray[np.float32], length: int, sample_rate: int) -> _Marks:
    """Where the grains of a sound are centred: a mark each period, and a steady grid between voiced parts."""
    hop = length // len(pitch_hz)
    centres = (np.arange(len(pitch_hz)) + 0.5) * hop
    per_sample = np.interp(np.arange(length), centres, pitch_hz)
    is_voiced = per_sample > _LOWEST_PITCH_HZ
    phase = np.cumsum(np.maximum(per_sample, _LOWEST_PITCH_HZ)) / sample_rate
    pulses = np.flatnonzero(np.diff(np.floor(phase), prepend=0.0) > 0)
    pulses = pulses[is_voiced[pulses]]
    grid = round(_UNVOICED_PERIOD_SECONDS * sample_rate)
    positions: list[int] = []
    voiced: list[bool] = []
    last = 0
    for pulse in [*pulses.tolist(), length]:
        gap_period = sample_rate / max(per_sample[min(pulse, length - 1)], _LOWEST_PITCH_HZ)
        if pulse - last > 1.8 * gap_period or pulse == length:
            filling = range(last + grid, pulse - grid // 2, grid)
            positions.extend(filling)
            voiced.extend([False] * len(filling))
        if pulse < length:
            positions.append(pulse)
            voiced.append(True)
        last = pulse
    where = np.array(positions, np.int64)
    flags = np.array(voiced, bool)
    periods = np.where(flags, np.rint(sample_rate / np.maximum(per_sample[where], _LOWEST_PITCH_HZ)), grid)
    return _Marks(where, periods.astype(np.int64), flags)


def _placements(
    marks: _Marks, length: int, speed: float, pitch_ratio: float
) -> Iterator[tuple[int, int, bool]]:
    """(position in the new sound, index of the grain to put there, whether it repeats the last one)."""
    position = 0.0
    last = -1
    while position < length:
        source = position * speed
        index = int(np.searchsorted(marks.positions, source))
        if index == len(marks.positions) or (
            index and source - marks.positions[index - 1] < marks.positions[index] - source
        ):
            index -= 1
        yield round(position), index, index == last
        last = index
        position += marks.periods[index] / (pitch_ratio if marks.is_voiced[index] else 1.0)


def reshape(
    samples: NDArray[np.float32],
    pitch_hz: NDArray[np.float32],
    sample_rate: int,
    *,
    speed: float,
    pitch_ratio: float,
) -> NDArray[np.float32]:
    """The sound at `speed` times its pace and `pitch_ratio` times its pitch.

    `pitch_hz` has one value for each equal part of `samples`, 0 where there is no voice. What was at
    second t is at t / speed, to within half a period; the result has round(len / speed) samples.
    """
    length = round(len(samples) / speed)
    marks = _marks(pitch_hz, len(samples), sample_rate)
    if not len(marks.positions):
        return np.zeros(length, np.float32)
    margin = int(marks.periods.max())
    padded = np.pad(samples, margin)
    reshaped = np.zeros(length + 2 * margin)
    weights = np.zeros_like(reshaped)
    for position, index, is_repeat in _placements(marks, length, speed, pitch_ratio):
        period = int(marks.periods[index])
        centre = int(marks.positions[index]) + margin
        grain = padded[centre - period : centre + period]
        if is_repeat and not marks.is_voiced[index]:
            # Noise that repeats is heard as a buzz; backwards it is the same noise but no repetition.
            grain = grain[::-1]
        window = np.hanning(2 * period + 1)[:-1]
        place = slice(position + margin - period, position + margin + period)
        reshaped[place] += grain * window
        weights[place] += window
    # Closer grains would be louder; further ones leave gaps that must not be filled with amplified tails.
    levelled = reshaped / np.maximum(weights, 1.0)
    return levelled[margin : margin + length].astype(np.float32)
