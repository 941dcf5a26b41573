"""How a presenter moves through one scene: poses that are held and left, nods, breath, blinks, glances.

Pure: arrays in, arrays out. People who talk do not sway like pendulums: they take a pose, hold it, and
leave it when a thought ends. That also spares the encoder, for what is held costs next to nothing.

Everything begins and ends at rest, so that scenes join without a jump and a still of the rest pose can be
faded from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.actor import BROW_LEVELS, LID_LEVELS
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

Floats = NDArray[np.float64]
Levels = NDArray[np.int64]

_EASE_SECONDS = 0.4
"""How long the way out of the rest pose takes, and the way back."""

_TILT_RADIANS, _SIDE_UNITS, _DOWN_UNITS = 0.0145, 2.4, 1.6
"""The farthest a held pose goes; a tilt about the neck's foot carries the crown, 500 units up, 7 sideways."""
_LISTENING = 0.3
"""A listener's poses, as a share of a speaker's."""
_SPEAKER_HOLDS, _LISTENER_HOLDS = (0.5, 1.7), (2.8, 5.5)
"""Seconds that a pose is held."""
_SHORTEST_PAUSE = 0.5
"""Seconds of silence that make a speaker a listener; shorter ones are commas."""
_SETTLING_PAUSE = 2.2
"""Seconds of silence in which a speaker takes a listener's pose; through shorter ones the last is held."""

_FADE = 0.35
"""Seconds within which a silence belongs to the sentence before it."""

_NOD_UNITS = (2.0, 4.6)
_NOD_GAP = 1.1
"""Seconds between two nods at least."""
_BROW_GAP = 2.4

_BLINK = (0.45, 1.0, 0.9, 0.6, 0.3, 0.1)
"""Lid closure frame by frame: down in 60 ms, up in 150, as lids do."""
_BLINK_MEDIAN, _BLINK_SPREAD = 4.0, 0.36
"""Gaps between blinks are roughly log-normal (Bentivoglio et al., Movement Disorders 12, 1997); seconds."""
_BLINK_GAPS = (1.9, 8.0)
_ENDING_BLINK_GAP = 2.8
"""A sentence's end draws no blink within this many seconds after the last."""
_BLINK_WAITS = 1.4
"""Seconds that a blink is put off for a sentence to end."""
_DOUBLE_BLINKS = 0.13

_AWAY = ((-2, -1), (2, -1), (-2, 1), (2, 1))
"""Where eyes go to think, in levels of gaze (`actor.GAZE_REACH` at most); few, because each is a drawing."""
_ASIDE = ((-1, 0), (1, 0), (-1, 1), (1, -1))
"""Small saccades: eyes that never move are painted."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One number per frame of the scene in each array; all are at rest (0) in the first and the last."""

    shift_x: Floats
    """The head's way from its place, in art units."""
    shift_y: Floats
    tilt: Floats
    """Radians about the neck's foot."""
    breath: Floats
    """0 (out) to 1 (in)."""
    lids: Levels
    brows: Levels
    gaze_x: Levels
    gaze_y: Levels
    smile: Floats
    """0 to 1: how much a closed mouth may smile; a listener's."""


@dataclass(frozen=True, slots=True)
class _Speech:
    """What of a scene's sound the body answers to; all in seconds."""

    length: float
    starts: tuple[float, ...]
    """Where sentences begin to sound."""
    ends: tuple[float, ...]
    pauses: tuple[tuple[float, float], ...]
    stresses: tuple[tuple[float, float], ...]
    """When a syllable stands out from its surroundings, and how much (0..1)."""

    def is_pause(self, at: float) -> bool:
        return any(start <= at < end for start, end in self.pauses)


def perform(emphasis: NDArray[np.float32], sentence_ends: Sequence[int], seed: int) -> Performance:
    """The presenter's movements while speech has this energy (0..1, one number per frame of the scene).

    `sentence_ends` are the frames at which sentences end. Equal arguments make equal movements.
    """
    speech = _heard(emphasis, sentence_ends)
    seconds = np.arange(len(emphasis)) / FRAMES_PER_SECOND
    # A generator for each track: a blink more must not change how the head is held.
    heads, nods, lids, brows, eyes, lungs = (np.random.default_rng((seed, track)) for track in range(6))
    away = _thoughts(eyes, speech)
    tilt, shift_x, shift_y = _poses(heads, speech, away, seconds)
    shift_y += _nods(nods, speech, seconds)
    rest = _at_rest(seconds, speech.length)
    gaze = _gazes(eyes, speech, away, len(emphasis))
    return Performance(
        shift_x=shift_x * rest,
        shift_y=shift_y * rest,
        tilt=tilt * rest,
        breath=_breath(lungs, speech, seconds) * rest,
        lids=_blinks(lids, speech, len(emphasis)),
        brows=np.rint(_brows(brows, speech, seconds) * rest * (BROW_LEVELS - 1)).astype(np.int64),
        gaze_x=gaze[0],
        gaze_y=gaze[1],
        smile=_smile(speech, seconds) * rest,
    )


def _heard(emphasis: NDArray[np.float32], sentence_ends: Sequence[int]) -> _Speech:
    length = len(emphasis) / FRAMES_PER_SECOND
    is_silent = _smoothed(emphasis, 0.08) < 0.05
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_silent, [False])).astype(np.int8)))
    silences = [(start, end) for start, end in (edges.reshape(-1, 2) / FRAMES_PER_SECOND).tolist()]
    ends = tuple(sorted({min(frame / FRAMES_PER_SECOND, length) for frame in sentence_ends}))
    starts = []
    for earlier in (0.0, *ends):
        # The last sound fades for some frames after the end; then the next sentence begins, or a silence.
        lasts = [end for start, end in silences if start < earlier + _FADE and end > earlier]
        start = max(lasts, default=earlier)
        if start < length:
            starts.append(start)
    pauses = tuple((start, end) for start, end in silences if end - start >= _SHORTEST_PAUSE)
    stands_out = _smoothed(emphasis, 0.10) - _smoothed(emphasis, 0.9)
    peak = (stands_out[1:-1] >= stands_out[:-2]) & (stands_out[1:-1] > stands_out[2:])
    stresses = tuple(
        (frame / FRAMES_PER_SECOND, min(float(stands_out[frame]) / 0.35, 1.0))
        for frame in (np.flatnonzero(peak) + 1).tolist()
        if stands_out[frame] > 0.09
    )
    return _Speech(length, tuple(dict.fromkeys(starts)), ends, pauses, stresses)


def _smoothed(values: NDArray[np.generic], sigma_seconds: float) -> Floats:
    """A Gaussian's average around each frame; the ends repeat."""
    sigma = sigma_seconds * FRAMES_PER_SECOND
    reach = int(np.ceil(3 * sigma))
    if not len(values):
        return np.zeros(0)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(np.asarray(values, np.float64), reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _eased(t: Floats) -> Floats:
    """0 to 1 with the least jerk (Flash and Hogan, J. Neuroscience 5, 1985): how limbs move."""
    t = np.clip(t, 0, 1)
    return t**3 * (10 - 15 * t + 6 * t * t)


def _swell(seconds: Floats, start: float, up: float, hold: float, down: float) -> Floats:
    return _eased((seconds - start) / up) - _eased((seconds - start - up - hold) / down)


def _at_rest(seconds: Floats, length: float) -> Floats:
    """0 in the first and the last frame, 1 but for the eases."""
    last = length - 1 / FRAMES_PER_SECOND
    return _eased(seconds / _EASE_SECONDS) * _eased((last - seconds) / _EASE_SECONDS)


@dataclass(frozen=True, slots=True)
class _Thought:
    """A look away from the camera, in seconds, towards one of `_AWAY`."""

    start: float
    end: float
    towards: tuple[int, int]


def _thoughts(chance: np.random.Generator, speech: _Speech) -> tuple[_Thought, ...]:
    """Speakers look away as they begin to speak and back as they end.

    Kendon, "Some functions of gaze-direction in social interaction", Acta Psychologica 26, 1967.
    """
    thoughts = []
    for start in speech.starts:
        end_of_sentence = next((end for end in speech.ends if end > start), speech.length)
        stay = min(chance.uniform(0.45, 0.95), (end_of_sentence - start) * 0.4)
        towards = _AWAY[int(chance.integers(len(_AWAY)))]
        # The first sentence is a greeting: it begins with the eyes on the camera.
        if chance.random() < 0.6 and stay > 0.3 and start > 1.0:
            begin = start - chance.uniform(0.0, 0.15)
            thoughts.append(_Thought(begin, begin + stay, towards))
    return tuple(thoughts)


def _poses(
    chance: np.random.Generator, speech: _Speech, thoughts: tuple[_Thought, ...], seconds: Floats
) -> tuple[Floats, Floats, Floats]:
    """Tilt, side and down of poses that are taken, held and left."""
    tracks = np.zeros((3, len(seconds)))
    held = np.zeros(3)
    side = 1.0 if chance.random() < 0.5 else -1.0
    at = 0.1
    while at < speech.length:
        held_until = [end for start, end in speech.pauses if start <= at < end <= start + _SETTLING_PAUSE]
        if held_until:
            at = held_until[0]
            continue
        listens = speech.is_pause(at)
        share = _LISTENING if listens else 1.0
        thought = next((each for each in thoughts if abs(each.start - at) < 0.2), None)
        if thought:
            # The head follows the eyes a little.
            side = float(np.sign(thought.towards[0]))
        reach = chance.uniform(0.35, 1.0) * share
        pose = np.array(
            [
                side * reach * _TILT_RADIANS,
                side * chance.uniform(0.2, 1.0) * reach * _SIDE_UNITS,
                chance.uniform(-1.0, 1.0) * share * _DOWN_UNITS,
            ]
        )
        moving = chance.uniform(0.6, 0.95) if listens else chance.uniform(0.45, 0.8)
        tracks += np.outer(pose - held, _eased((seconds - at) / moving))
        held = pose
        side = -side if chance.random() < 0.7 else side
        until = at + moving + chance.uniform(*(_LISTENER_HOLDS if listens else _SPEAKER_HOLDS))
        # A pause that begins, a sentence that begins: the pose is left then.
        turns = [start for start, end in speech.pauses if end - start > _SETTLING_PAUSE]
        turns += [thought.start for thought in thoughts]
        at = min([until, *(turn for turn in turns if at + 0.35 < turn < until)])
    return tracks[0], tracks[1], tracks[2]


def _nods(chance: np.random.Generator, speech: _Speech, seconds: Floats) -> Floats:
    """Down with a stressed syllable and up again; a slower one closes a sentence."""
    nods = np.zeros(len(seconds))
    closing = [end for end in speech.ends if end > 0.6]
    for end in closing:
        if chance.random() < 0.85:
            nods += chance.uniform(1.8, 3.4) * _swell(seconds, end - 0.32, 0.34, 0.0, 0.52)
    last = -_NOD_GAP
    for at, strength in speech.stresses:
        low, high = _NOD_UNITS
        size, comes = chance.uniform(0.8, 1.2), chance.random() < 0.15 + 0.5 * strength
        if not comes or at < last + _NOD_GAP or any(-0.5 < at - end < 0.5 for end in closing):
            continue
        nods += (low + (high - low) * strength) * size * _swell(seconds, at - 0.20, 0.28, 0.0, 0.42)
        last = at
    return nods


def _brows(chance: np.random.Generator, speech: _Speech, seconds: Floats) -> Floats:
    """Up where a word matters, up a little while listening."""
    brows = np.zeros(len(seconds))
    last = -_BROW_GAP
    for at, strength in speech.stresses:
        height, hold = chance.uniform(0.5, 1.0), chance.uniform(0.15, 0.55)
        if strength < 0.45 or at < last + _BROW_GAP or chance.random() > 0.1 + 0.5 * strength:
            continue
        brows = np.maximum(brows, height * _swell(seconds, at - 0.18, 0.18, hold, 0.30))
        last = at
    for start, end in speech.pauses:
        if end - start > 1.5:
            attentive = 0.34 * _swell(seconds, start + 0.3, 0.4, end - start - 1.1, 0.4)
            brows = np.maximum(brows, attentive)
    return brows


def _blinks(chance: np.random.Generator, speech: _Speech, count: int) -> Levels:
    closure = np.zeros(count)
    last, at = 0.0, chance.uniform(1.2, 3.4)
    while True:
        ends = [end for end in speech.ends if last + _ENDING_BLINK_GAP < end + 0.1 < at + _BLINK_WAITS]
        if ends and chance.random() < 0.7:
            at = ends[0] + chance.uniform(0.04, 0.16)
        double = chance.random() < _DOUBLE_BLINKS
        for begin in (at, at + 0.36) if double else (at,):
            first = int(begin * FRAMES_PER_SECOND)
            # One that could not end before the scene does is left out: the eyes are open at rest.
            if first + len(_BLINK) < count:
                closure[first : first + len(_BLINK)] = _BLINK
        last = at
        gap = chance.lognormal(np.log(_BLINK_MEDIAN), _BLINK_SPREAD)
        at += float(np.clip(gap, *_BLINK_GAPS))
        if last >= speech.length:
            return np.rint(closure * (LID_LEVELS - 1)).astype(np.int64)


def _gazes(
    chance: np.random.Generator, speech: _Speech, thoughts: tuple[_Thought, ...], count: int
) -> tuple[Levels, Levels]:
    gaze = np.zeros((2, count), np.int64)

    def look(start: float, end: float, towards: tuple[int, int]) -> None:
        first, past = round(start * FRAMES_PER_SECOND), round(end * FRAMES_PER_SECOND)
        gaze[:, max(first, 0) : max(past, 0)] = np.array(towards)[:, None]

    at = chance.uniform(1.0, 2.6)
    while at < speech.length:
        stay = chance.uniform(0.3, 0.8)
        look(at, at + stay, _ASIDE[int(chance.integers(len(_ASIDE)))])
        at += stay + chance.uniform(1.4, 3.8)
    for thought in thoughts:
        x, y = thought.towards
        frame = 1 / FRAMES_PER_SECOND
        # A large saccade takes some 60 ms: one frame of it is seen on the way.
        look(thought.start - frame, thought.end + frame, (x // 2, 0))
        look(thought.start, thought.end, (x, y))
    # A sentence ends with the eyes on the one it was said to.
    for end in speech.ends:
        look(end - 0.9, end + 0.25, (0, 0))
    look(0.0, _EASE_SECONDS, (0, 0))
    look(speech.length - _EASE_SECONDS, speech.length, (0, 0))
    return gaze[0], gaze[1]


def _breath(chance: np.random.Generator, speech: _Speech, seconds: Floats) -> Floats:
    """In before a sentence or in a pause, slowly out, and a rest: 11 to 18 a minute."""
    breath = np.zeros(len(seconds))
    at = chance.uniform(0.3, 1.0)
    while at < speech.length:
        inward, outward = chance.uniform(0.7, 0.9), chance.uniform(1.0, 1.4)
        breath += chance.uniform(0.7, 1.0) * _swell(seconds, at, inward, 0.2, outward)
        due = at + chance.uniform(3.5, 5.0)
        near = [start for start, _ in speech.pauses if at + 3.3 < start < due + 0.8]
        at = near[0] if near else due
    return np.clip(breath, 0, 1)


def _smile(speech: _Speech, seconds: Floats) -> Floats:
    smile = np.zeros(len(seconds))
    for start, end in speech.pauses:
        if end - start > 0.9:
            smile += _swell(seconds, start + 0.15, 0.35, end - start - 0.8, 0.3)
    return smile
