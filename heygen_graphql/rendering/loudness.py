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
_BLOCK_SAMPLES = SAMPLE_RATE
_SINC_REACH = 12


class Meter:
    """Measures a sound as it streams by."""

    def __init__(self, layout: str, sample_format: str, *, peak: bool) -> None:
        self._graph = Graph()
        self._source = self._graph.add_abuffer(
            sample_rate=SAMPLE_RATE,
            format=sample_format,
            layout=layout,
            channels=1 if layout == "mono" else 2,
        )
        # The film plays its one voice from both loudspeakers: `dualmono` counts a mono sound that way.
        options = f"metadata=1:dualmono=1:peak={'true' if peak else 'none'}"
        meter = self._graph.add("ebur128", options)
        self._sink = self._graph.add("abuffersink")
        self._source.link_to(meter)
        meter.link_to(self._sink)
        self._graph.configure()
        self._readings: dict[str, str] = {}

    def add(self, frame: AudioFrame) -> None:
        self._source.push(frame)
        self._read()

    def finish(self) -> tuple[float, float]:
        """Integrated loudness in LUFS, and true peak in dBTP (`SILENCE_DBTP` if `peak` was not asked for)."""
        self._source.push(None)
        self._read()
        loudness = float(self._readings.get("lavfi.r128.I", SILENCE_LUFS))
        peak = float(self._readings.get("lavfi.r128.true_peak", 0.0))
        return max(loudness, SILENCE_LUFS), max(20 * log10(max(peak, 1e-9)), SILENCE_DBTP)

    def _read(self) -> None:
        while True:
            try:
                self._readings = self._sink.pull().metadata or self._readings
            except (av.BlockingIOError, av.EOFError):
                return


def measure(blocks: Iterable[NDArray[np.float32]], *, peak: bool = False) -> tuple[float, float]:
    """Loudness in LUFS and, if asked for, true peak in dBTP of a mono sound that plays on both channels."""
    meter = Meter("mono", "flt", peak=peak)
    position = 0
    for block in blocks:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block)[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = position
        position += len(block)
        meter.add(frame)
    return meter.finish()


def level(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same speech at `TARGET_LUFS`, its true peak at or below `CEILING_DBTP`; silence stays silence.

    Speech shorter than the standard's 400 ms gating block is measured with the silence that a film
    of it alone would have around it.
    """
    loudness, _ = measure(_with_silence(speech))
    if loudness <= SILENCE_LUFS:
        return speech
    gain_db = TARGET_LUFS - loudness
    # Taming the peaks takes away a little loudness, which a little more gain gives back.
    for _ in range(4):
        levelled = limit(speech * np.float32(10 ** (gain_db / 20)))
        loudness, _ = measure(_with_silence(levelled))
        if abs(TARGET_LUFS - loudness) < 0.05:
            break
        gain_db += TARGET_LUFS - loudness
    return levelled


def limit(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the gain down smoothly around every peak above the ceiling, and nowhere else."""
    ceiling = 10 ** (CEILING_DBTP / 20)
    context = _LIMITER_SAMPLES + _SINC_REACH
    padded = np.pad(speech, context)
    limited = speech.copy()
    # By blocks, since a scene may last minutes and each step here makes arrays of its own.
    for start in range(0, len(speech), _BLOCK_SAMPLES):
        block = limited[start : start + _BLOCK_SAMPLES]
        peaks = _true_peaks(padded[start : start + len(block) + 2 * context])
        if peaks.max() <= ceiling:
            continue
        # A moving minimum and then a moving mean of the same width: nowhere above the gain that a
        # peak needs, as the mean at the peak is taken over nothing but that peak's own minimum.
        gain = _moving_minimum(ceiling / np.maximum(peaks, ceiling), _LIMITER_SAMPLES)
        total = np.cumsum(np.concatenate([[0], gain]))
        mean = (total[_LIMITER_SAMPLES:] - total[:-_LIMITER_SAMPLES]) / _LIMITER_SAMPLES
        block *= mean[context - _LIMITER_SAMPLES + 1 :][: len(block)].astype(np.float32)
    return limited


def _moving_minimum(values: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    """The minimum of each `width` neighbours, by doubling: log2(width) passes."""
    reach = 1
    while reach < width:
        step = min(reach, width - reach)
        values = np.minimum(values[:-step], values[step:])
        reach += step
    return values


def _true_peaks(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest magnitude at and around each sample, at four times the sample rate (BS.1770-4, annex 2)."""
    between = np.max([np.abs(np.convolve(sound, phase, mode="same")) for phase in _SINC_PHASES], axis=0)
    peaks: NDArray[np.float32] = np.maximum(np.abs(sound), between)
    # What lies between two samples counts for both.
    peaks[1:] = np.maximum(peaks[1:], between[:-1])
    peaks[:-1] = np.maximum(peaks[:-1], between[1:])
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
