"""How a presenter moves: sway, nods, breath, blinks, glances. Pure: arrays in, arrays out.

Everything runs on the film's clock, so a presenter who comes back in a later scene has gone on
breathing meanwhile and starts no gesture anew.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.rig import BROW_LEVELS, LID_LEVELS
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

Floats = NDArray[np.float64]

_BREATHS_PER_SECOND = 0.25
"""Fifteen a minute: an adult at rest breathes 12 to 20 times."""
_SWAY_HERTZ = (0.07, 0.13, 0.23)
_TILT_RADIANS = 0.016
_SWAY_UNITS = 1.5
_NOD_UNITS = 7.0

_BLINK = (0.45, 1.0, 0.9, 0.6, 0.3, 0.1)
"""Lid closure frame by frame: down in 60 ms, up in 150, as lids do."""
_SHORTEST_BLINK_GAP, _LONGEST_BLINK_GAP = 2.5, 6.0
_PAUSE_BLINK_GAP = 2.0
"""A pause may bring a blink forward, but none within this many seconds after the last."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One number per frame of the film in each array."""

    shift_x: Floats
    """The head's way from its place, in art units."""
    shift_y: Floats
    tilt: Floats
    """Radians about the neck's foot."""
    breath: Floats
    """0 (out) to 1 (in)."""
    lids: NDArray[np.int64]
    brows: NDArray[np.int64]
    gaze_x: NDArray[np.int64]
    gaze_y: NDArray[np.int64]


def perform(emphasis: NDArray[np.float32], seed: int) -> Performance:
    """The presenter's movements while speech has this energy (0..1, one number per frame of the film)."""
    count = len(emphasis)
    chance = np.random.default_rng(seed)
    seconds = np.arange(count) / FRAMES_PER_SECOND
    stress = _smoothed(emphasis, 0.16) - _smoothed(emphasis, 1.0)
    beat = _smoothed(np.clip(stress, -0.5, 0.5), 0.08)
    lift = _smoothed((_smoothed(emphasis, 0.30) - _smoothed(emphasis, 1.6)) > 0.10, 0.14)
    glance_x, glance_y = _glances(chance, count)
    return Performance(
        shift_x=_SWAY_UNITS * _drift(chance, seconds),
        shift_y=0.8 * _drift(chance, seconds) + _NOD_UNITS * beat,
        tilt=_TILT_RADIANS * _drift(chance, seconds) + 0.006 * beat,
        breath=(1 - np.cos(2 * np.pi * (_BREATHS_PER_SECOND * seconds + chance.random()))) / 2,
        lids=np.rint(_blinks(chance, emphasis) * (LID_LEVELS - 1)).astype(np.int64),
        brows=np.rint(np.clip(lift, 0, 1) * (BROW_LEVELS - 1)).astype(np.int64),
        gaze_x=glance_x,
        gaze_y=glance_y,
    )


def _drift(chance: np.random.Generator, seconds: Floats) -> Floats:
    """A slow wander within -1..1: sines whose periods share no short multiple."""
    total = np.zeros_like(seconds)
    for hertz, weight in zip(_SWAY_HERTZ, (0.5, 0.32, 0.18), strict=True):
        total += weight * np.sin(2 * np.pi * (hertz * chance.uniform(0.92, 1.08) * seconds + chance.random()))
    return total


def _smoothed(values: NDArray[np.generic], sigma_seconds: float) -> Floats:
    """A Gaussian's average around each frame; the ends repeat."""
    sigma = sigma_seconds * FRAMES_PER_SECOND
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(np.asarray(values, np.float64), reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _blinks(chance: np.random.Generator, emphasis: NDArray[np.float32]) -> Floats:
    closure = np.zeros(len(emphasis))
    silent = _smoothed(emphasis, 0.1) < 0.05
    pauses = np.flatnonzero(silent[1:] & ~silent[:-1]) / FRAMES_PER_SECOND
    last, end = 0.0, len(emphasis) / FRAMES_PER_SECOND
    # Gaps between blinks are roughly log-normal (Bentivoglio et al., Movement Disorders 12, 1997).
    at = chance.uniform(1.0, 3.0)
    while at < end:
        early = pauses[(pauses > last + _PAUSE_BLINK_GAP) & (pauses < at)]
        if len(early) and chance.random() < 0.6:
            at = float(early[0])
        first = int(at * FRAMES_PER_SECOND)
        part = closure[first : first + len(_BLINK)]
        part[:] = _BLINK[: len(part)]
        last = at
        at += float(np.clip(chance.lognormal(np.log(3.8), 0.35), _SHORTEST_BLINK_GAP, _LONGEST_BLINK_GAP))
    return closure


def _glances(chance: np.random.Generator, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Small saccades: eyes that never move are painted. They rest on the camera and leave it briefly."""
    x, y = np.zeros(count, np.int64), np.zeros(count, np.int64)
    frame = int(chance.uniform(1.0, 3.0) * FRAMES_PER_SECOND)
    while frame < count:
        stay = int(chance.uniform(0.3, 0.9) * FRAMES_PER_SECOND)
        x[frame : frame + stay] = chance.choice([-2, -1, 1, 2])
        y[frame : frame + stay] = chance.choice([-1, 0, 0, 1])
        frame += stay + int(chance.uniform(1.6, 4.0) * FRAMES_PER_SECOND)
    return x, y
