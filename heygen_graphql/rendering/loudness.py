"""Loudness and true peak as ITU-R BS.1770-4 defines them, and speech brought to one level.

Voices differ by many decibels. Each scene is levelled by itself, so that no presenter of a film
shouts over another; a film of scenes of one loudness then has that loudness, since the standard's
gating leaves the pauses out.
"""

from collections.abc import Iterable, Iterator
from math import log10

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from heygen_graphql.rendering.storyboard import SAMPLE_RATE
from heygen_graphql.rendering.timeline import LEAD_IN_SAMPLES, TAIL_SAMPLES

TARGET_LUFS = -16.0
# One below the -1 dBTP that is promised: AAC adds a little overshoot of its own.
CEILING_DBTP = -2.0
SILENCE_LUFS = -70.0
SILENCE_DBTP = -120.0

# The gain of a peak fades in and out over this, so that limiting is not heard as a click.
_LIMITER_SAMPLES = SAMPLE_RATE * 12 // 1000
_BLOCK_SAMPLES = SAMPLE_RATE // 4
_SINC_REACH = 12
# Where a voice begins or ends within a sample of silence, its first and last 2 ms fade: no click.
_EDGE_SAMPLES = SAMPLE_RATE * 2 // 1000

# Between two samples the sound may rise above both, but not to their double: speech has little up there
# (a sine of a quarter of the sample rate rises by 3 dB). So only stretches that come within this share
# of a level can have a true peak above it, and the others need not be interpolated.
_NEAR = 0.5
_STRETCH_SAMPLES = 64


class Meter:
    """Measures, as it streams by, the loudness of a mono sound that the film plays from both loudspeakers."""

    def __init__(self) -> None:
        self._graph = Graph()
        self._source = self._graph.add_abuffer(
            sample_rate=SAMPLE_RATE, format="flt", layout="mono", channels=1
        )
        # The film plays its one voice from both loudspeakers: `dualmono` counts a mono sound that way.
        meter = self._graph.add("ebur128", "metadata=1:dualmono=1")
        self._sink = self._graph.add("abuffersink")
        self._source.link_to(meter)
        meter.link_to(self._sink)
        self._graph.configure()
        self._position = 0
        self._readings: dict[str, str] = {}

    def add(self, samples: NDArray[np.float32]) -> None:
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples)[np.newaxis], format="flt", layout="mono"
        )
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._position
        self._position += len(samples)
        self._source.push(frame)
        self._drain()

    def finish(self) -> float:
        """Integrated loudness in LUFS."""
        self._source.push(None)
        self._drain()
        return max(float(self._readings.get("lavfi.r128.I", SILENCE_LUFS)), SILENCE_LUFS)

    def _drain(self) -> None:
        while True:
            try:
                # The last piece, when it is shorter than the others, comes without a reading.
                self._readings = self._sink.pull().metadata or self._readings
            except (av.BlockingIOError, av.EOFError):
                return


class PeakMeter:
    """Measures the true peak of a mono sound as it streams by (BS.1770-4, annex 2)."""

    def __init__(self) -> None:
        self._peak = 0.0
        self._rest = np.zeros(2 * _SINC_REACH, np.float32)

    def add(self, samples: NDArray[np.float32]) -> None:
        # A peak beside the end of this block is known when the next has come.
        sound = np.concatenate([self._rest, samples])
        if len(samples):
            peaks = _true_peaks(sound, near=self._peak)[_SINC_REACH:-_SINC_REACH]
            self._peak = max(self._peak, float(peaks.max(initial=0.0)))
        self._rest = sound[-2 * _SINC_REACH :]

    def finish(self) -> float:
        """In dBTP."""
        self.add(np.zeros(_SINC_REACH, np.float32))
        return max(20 * log10(max(self._peak, 1e-9)), SILENCE_DBTP)


def measure(blocks: Iterable[NDArray[np.float32]]) -> float:
    """Loudness in LUFS of a mono sound that plays on both channels."""
    meter = Meter()
    for block in blocks:
        meter.add(block)
    return meter.finish()


def level(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same speech at `TARGET_LUFS`, its true peak at or below `CEILING_DBTP`; silence stays silence.

    Speech shorter than the standard's 400 ms gating block is measured with the silence that a film
    of it alone would have around it.
    """
    loudness = measure(_with_silence(speech))
    if loudness <= SILENCE_LUFS:
        return speech
    gain_db = TARGET_LUFS - loudness
    # Taming the peaks takes away a little loudness, which a little more gain gives back.
    for _ in range(4):
        loud = _with_soft_edges(speech * np.float32(10 ** (gain_db / 20)))
        levelled = limit(loud)
        if levelled is loud:
            break
        loudness = measure(_with_silence(levelled))
        if abs(TARGET_LUFS - loudness) < 0.05:
            break
        gain_db += TARGET_LUFS - loudness
    return levelled


def _with_soft_edges(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Changes its argument, and returns it."""
    count = min(_EDGE_SAMPLES, len(speech) // 2)
    rise = np.sin(np.linspace(0, np.pi / 2, count, endpoint=False, dtype=np.float32)) ** 2
    speech[:count] *= rise
    speech[len(speech) - count :] *= rise[::-1]
    return speech


def limit(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the gain down smoothly around every peak above the ceiling, and nowhere else.

    Returns `speech` itself when it has no such peak.
    """
    ceiling = 10 ** (CEILING_DBTP / 20)
    context = _LIMITER_SAMPLES + _SINC_REACH
    padded = np.pad(speech, context)
    limited = speech
    # By blocks, since a scene may last minutes and each step here makes arrays of its own.
    for start in range(0, len(speech), _BLOCK_SAMPLES):
        stop = min(start + _BLOCK_SAMPLES, len(speech))
        peaks = _true_peaks(padded[start : stop + 2 * context], near=ceiling)
        if peaks.max() <= ceiling:
            continue
        if limited is speech:
            limited = speech.copy()
        # A moving minimum and then a moving mean of the same width: nowhere above the gain that a
        # peak needs, as the mean at the peak is taken over nothing but that peak's own minimum.
        gain = _moving_minimum(ceiling / np.maximum(peaks, ceiling), _LIMITER_SAMPLES)
        total = np.cumsum(np.concatenate([[0], gain]))
        mean = (total[_LIMITER_SAMPLES:] - total[:-_LIMITER_SAMPLES]) / _LIMITER_SAMPLES
        limited[start:stop] *= mean[context - _LIMITER_SAMPLES + 1 :][: stop - start].astype(np.float32)
    return limited


def _moving_minimum(values: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    """The minimum of each `width` neighbours, by doubling: log2(width) passes."""
    reach = 1
    while reach < width:
        step = min(reach, width - reach)
        values = np.minimum(values[:-step], values[step:])
        reach += step
    return values


def _true_peaks(sound: NDArray[np.float32], *, near: float) -> NDArray[np.float32]:
    """The largest magnitude at and around each sample, at four times the sample rate (BS.1770-4, annex 2).

    Exact where it is `near` or more; elsewhere perhaps the sample's own magnitude alone.
    """
    peaks = np.abs(sound)
    count = -(-len(sound) // _STRETCH_SAMPLES)
    padded = np.zeros(count * _STRETCH_SAMPLES + 2 * _SINC_REACH, np.float32)
    padded[_SINC_REACH : _SINC_REACH + len(sound)] = sound
    stretches = sliding_window_view(padded, _STRETCH_SAMPLES + 2 * _SINC_REACH)[::_STRETCH_SAMPLES]
    # With its context, since what lies between two stretches belongs to both.
    loud = np.flatnonzero(np.abs(stretches).max(axis=1) > _NEAR * near)
    if not len(loud):
        return peaks
    width = stretches.shape[1]
    line = np.ascontiguousarray(stretches[loud]).reshape(-1)
    between = np.zeros(len(line), np.float32)
    for phase in _SINC_PHASES:
        np.maximum(between, np.abs(np.convolve(line, phase, mode="same")), out=between)
    # What lies between two samples counts for both.
    around = between.copy()
    np.maximum(around[1:], between[:-1], out=around[1:])
    inner = around.reshape(-1, width)[:, _SINC_REACH : _SINC_REACH + _STRETCH_SAMPLES]
    places = loud[:, np.newaxis] * _STRETCH_SAMPLES + np.arange(_STRETCH_SAMPLES)
    inside = places < len(sound)
    peaks[places[inside]] = np.maximum(peaks[places[inside]], inner[inside])
    return peaks


def _interpolation_phases() -> NDArray[np.float32]:
    """Three rows of a windowed sinc: the sound a quarter, a half and three quarters past each sample."""
    offsets = np.arange(-_SINC_REACH, _SINC_REACH)
    rows = []
    for fraction in (0.25, 0.5, 0.75):
        distance = offsets + fraction
        window = np.cos(np.pi * distance / (2 * (_SINC_REACH + 1))) ** 2
        rows.append(np.sinc(distance) * window)
    return np.array(rows, np.float32)


_SINC_PHASES = _interpolation_phases()


def _with_silence(speech: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    yield np.zeros(LEAD_IN_SAMPLES, np.float32)
    for start in range(0, len(speech), _BLOCK_SAMPLES):
        yield speech[start : start + _BLOCK_SAMPLES]
    yield np.zeros(TAIL_SAMPLES, np.float32)
