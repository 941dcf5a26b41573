"""Another pace, pitch and throat for hibari's voice, changed before there is a sound.

The model describes each 12.5 ms by spectra and a pitch, from which `hibari.dsp` makes the sound. Moving
these leaves none of the traces that moving the sound would.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

# Below this the model means "unvoiced".
_LOWEST_PITCH_HZ = 40.0
# 24 kHz in 1200 steps.
_BIN_HZ = 20.0
# 12 dB: with it, the first harmonic of a voice made lower is as strong beside the second as men's are.
_LOG_GAIN_PER_OCTAVE = 12 / 20 * log(10)


@dataclass(frozen=True, slots=True)
class Spectra:
    """What the model says, in `hibari.dsp.synth`'s order; each (frequencies, frames) but the last."""

    harmonics: NDArray[np.float32]
    harmonic_phases: NDArray[np.float32]
    noise: NDArray[np.float32]
    rest: NDArray[np.float32]
    rest_phases: NDArray[np.float32]
    pitch_hz: NDArray[np.float32]

    def parts(self) -> tuple[NDArray[np.float32], ...]:
        return (
            self.harmonics,
            self.harmonic_phases,
            self.noise,
            self.rest,
            self.rest_phases,
            self.pitch_hz,
        )


def reshaped(spectra: Spectra, *, speed: float, pitch_ratio: float, formant_ratio: float) -> Spectra:
    """The same words at `speed` times the pace and `pitch_ratio` times the pitch, its resonances moved.

    A longer throat has lower resonances: `formant_ratio` 0.86 makes a man's of a woman's (Fant, STL-QPSR
    7(4), 1966, finds 15 to 20 % between them).
    """
    count = max(1, round(spectra.harmonics.shape[1] / speed))
    frames = (np.arange(count) + 0.5) * speed - 0.5
    pitch_hz = spectra.pitch_hz
    is_voiced = _between((pitch_hz > _LOWEST_PITCH_HZ).astype(np.float32), frames)
    # Between a voiced and an unvoiced frame there is no pitch in the middle.
    pitch_hz = np.where(is_voiced > 0.99, _between(pitch_hz, frames), _nearest(pitch_hz, frames))
    moved = Spectra(
        _between(spectra.harmonics, frames),
        _nearest(spectra.harmonic_phases, frames),
        _between(spectra.noise, frames),
        _between(spectra.rest, frames),
        _nearest(spectra.rest_phases, frames),
        pitch_hz.astype(np.float32),
    )
    is_same_voice = pitch_ratio == 1.0 and formant_ratio == 1.0
    return moved if is_same_voice else _voiced_otherwise(moved, pitch_ratio, formant_ratio)


def _voiced_otherwise(spectra: Spectra, pitch_ratio: float, formant_ratio: float) -> Spectra:
    """The model has learnt its spectra where its harmonics are; what stands between them means nothing.

    Harmonics of another pitch therefore take their strength from the line through those of the old one.
    """
    bins = len(spectra.harmonics)
    is_voiced = spectra.pitch_hz > _LOWEST_PITCH_HZ
    spacing = np.where(is_voiced, spectra.pitch_hz, _BIN_HZ * 4) / _BIN_HZ
    place = np.arange(bins)[:, None] / formant_ratio / spacing
    below = np.maximum(1.0, np.floor(place))
    share = np.clip(place - below, 0.0, 1.0).astype(np.float32)
    line = _at(spectra.harmonics, below * spacing) * (1 - share)
    line += _at(spectra.harmonics, (below + 1) * spacing) * share
    # Nothing is known below the first: a throat passes ever less there, and a boom would be heard.
    line += _LOG_GAIN_PER_OCTAVE * np.log2(np.clip(place, 0.25, 1.0)).astype(np.float32)
    nearest = np.clip(np.rint(np.maximum(1.0, np.rint(place)) * spacing).astype(int), 0, bins - 1)
    phases = np.take_along_axis(spectra.harmonic_phases, nearest, 0)
    # A lower voice has more harmonics: for the same power each has to be weaker.
    harmonics = np.where(is_voiced, line, _stretched(spectra.harmonics, formant_ratio))
    return Spectra(
        (harmonics + log(pitch_ratio) / 2).astype(np.float32),
        np.where(is_voiced, phases, _stretched(spectra.harmonic_phases, formant_ratio)),
        _stretched(spectra.noise, formant_ratio),
        _stretched(spectra.rest, formant_ratio),
        spectra.rest_phases,
        spectra.pitch_hz * np.float32(pitch_ratio),
    )


def _at(values: NDArray[np.float32], places: NDArray[np.floating]) -> NDArray[np.float32]:
    """Each frame's values at its own places between frequencies."""
    within = np.clip(places, 0, len(values) - 1.001)
    below = within.astype(int)
    share = (within - below).astype(np.float32)
    found: NDArray[np.float32] = np.take_along_axis(values, below, 0) * (1 - share)
    found += np.take_along_axis(values, below + 1, 0) * share
    return found


def _between(values: NDArray[np.float32], frames: NDArray[np.float64]) -> NDArray[np.float32]:
    last = values.shape[-1] - 1
    before = np.clip(np.floor(frames).astype(int), 0, last)
    share = np.clip(frames - before, 0.0, 1.0).astype(np.float32)
    found: NDArray[np.float32] = values[..., before] * (1 - share)
    found += values[..., np.minimum(before + 1, last)] * share
    return found


def _nearest(values: NDArray[np.float32], frames: NDArray[np.float64]) -> NDArray[np.float32]:
    return values[..., np.clip(np.rint(frames).astype(int), 0, values.shape[-1] - 1)]


def _stretched(values: NDArray[np.float32], ratio: float) -> NDArray[np.float32]:
    """What stood at a frequency stands at `ratio` times that."""
    if ratio == 1.0:
        return values
    return _between(values.T, np.arange(len(values)) / ratio).T
