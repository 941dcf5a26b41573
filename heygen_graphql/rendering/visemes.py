"""Phonemes to the shape of the mouth over time. Pure: the same for every engine, language and presenter.

What a sound looks like follows the groups that lip-readers and animators use (Fisher 1968; the 22 visemes
of Microsoft's speech interface; jaw and lip targets as in JALI, Edwards et al., SIGGRAPH 2016). How shapes
run into one another is Cohen and Massaro's model of coarticulation (1993): each sound pulls the mouth to
its target with a dominance that fades with the distance in time, and the mouth is at the weighted mean. A
sound that does not care (the rounding of a k) yields to its neighbours; one that must be seen (the closed
lips of a p) yields to none.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.speech.engine import TimedPhoneme
from heygen_graphql.rendering.speech.ipa import base_letter
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True)
class MouthPose:
    openness: float
    """0 closed to 1 wide open."""
    spread: float
    """-1 rounded to +1 spread."""
    tuck: float
    """0 to 1: the lower lip under the upper teeth."""
    tongue: float
    """0 to 1: the tongue's tip up, at or between the teeth."""


@dataclass(frozen=True, slots=True)
class _Viseme:
    pose: MouthPose
    jaw_dominance: float
    """How firmly the sound holds its openness, tuck and tongue; 1 is a vowel's."""
    lip_dominance: float
    """How firmly it holds its spread."""


def _viseme(
    openness: float,
    spread: float = 0.0,
    *,
    tuck: float = 0.0,
    tongue: float = 0.0,
    jaw: float = 1.0,
    lips: float = 1.0,
) -> _Viseme:
    return _Viseme(MouthPose(openness, spread, tuck, tongue), jaw, lips)


_REST = _viseme(0.0, 0.0, jaw=1.6, lips=0.5)
# For letters that are in no group below: a mouth a little open that yields to its neighbours.
_NEUTRAL = _viseme(0.25, 0.0, jaw=0.4, lips=0.15)
_BILABIAL = _viseme(0.0, 0.0, jaw=5.0, lips=0.15)
_LABIODENTAL = _viseme(0.08, 0.1, tuck=1.0, jaw=3.0, lips=0.4)

# By groups of IPA letters. Openness follows the vowel's height, spread its backness and rounding.
_GROUPS: dict[str, _Viseme] = {
    "pbmɓʙ": _BILABIAL,
    "fvɱʋⱱ": _LABIODENTAL,
    "ɸβ": _viseme(0.08, -0.15, jaw=2.0, lips=0.5),
    "θð": _viseme(0.2, 0.15, tongue=1.0, jaw=1.6, lips=0.3),
    "tdnɾ": _viseme(0.18, 0.15, tongue=0.7, jaw=0.9, lips=0.2),
    "lɫɬɮɺ": _viseme(0.3, 0.1, tongue=1.0, jaw=0.8, lips=0.2),
    "ʈɖɳɭɽɻ": _viseme(0.22, -0.1, tongue=0.6, jaw=0.8, lips=0.25),
    "szʦʣ": _viseme(0.12, 0.4, tongue=0.3, jaw=1.6, lips=0.5),
    "ʃʒʧʤʂʐ": _viseme(0.18, -0.55, tongue=0.2, jaw=1.4, lips=1.2),
    "ɕʑçʝ": _viseme(0.18, 0.2, tongue=0.2, jaw=1.2, lips=0.5),
    "ɹr": _viseme(0.25, -0.4, tongue=0.2, jaw=0.7, lips=0.6),
    "kɡgŋqɢɴxɣχʁʀɰ": _viseme(0.28, 0.0, jaw=0.6, lips=0.1),
    "cɟɲʎ": _viseme(0.22, 0.35, tongue=0.2, jaw=0.7, lips=0.3),
    "hɦħʕʔʜʢ": _viseme(0.35, 0.0, jaw=0.3, lips=0.1),
    "j": _viseme(0.2, 0.6, jaw=0.8, lips=0.8),
    "wʍ": _viseme(0.12, -1.0, jaw=1.3, lips=1.8),
    "ɥ": _viseme(0.12, -0.9, jaw=1.2, lips=1.6),
    "i": _viseme(0.26, 0.9),
    "ɪ": _viseme(0.36, 0.6),
    "e": _viseme(0.46, 0.6),
    "ɛ": _viseme(0.58, 0.45),
    "æ": _viseme(0.8, 0.4),
    "a": _viseme(0.95, 0.1),
    "ɐʌ": _viseme(0.72, 0.05),
    "ɑ": _viseme(1.0, -0.05),
    "ɒ": _viseme(0.82, -0.4),
    "əɘ": _viseme(0.42, 0.05, jaw=0.7, lips=0.3),
    "ɜɚɝɞ": _viseme(0.45, -0.25, lips=0.7),
    "ɔ": _viseme(0.68, -0.6),
    "o": _viseme(0.5, -0.8, lips=1.3),
    "ʊ": _viseme(0.34, -0.75, lips=1.2),
    "u": _viseme(0.2, -1.0, lips=1.5),
    "ʉ": _viseme(0.22, -0.8, lips=1.3),
    "yʏ": _viseme(0.24, -0.85, lips=1.4),
    "øɵ": _viseme(0.42, -0.75, lips=1.2),
    "œɶ": _viseme(0.6, -0.55),
    "ɨɯ": _viseme(0.28, 0.25),
    "ɤ": _viseme(0.46, 0.1),
}
_VISEMES = {letter: viseme for letters, viseme in _GROUPS.items() for letter in letters}

# The mouth goes to a shape over this time and leaves it a little faster (Cohen and Massaro's theta is
# the inverse); lips round earlier than the jaw moves.
_JAW_ATTACK_SECONDS = 0.030
_JAW_RELEASE_SECONDS = 0.026
_LIP_ATTACK_SECONDS = 0.055
_LIP_RELEASE_SECONDS = 0.040
# Beyond this many attack times a sound has no say.
_REACH = 7.0
# A silence shorter than this is a gap in speech, not a rest.
_SHORTEST_REST_SECONDS = 0.13
# A weak pull to rest everywhere, so that a track without sounds is a closed mouth.
_REST_WEIGHT = 1e-3
# No more of the openness' range in one frame (40 ms): jaws reach about a full opening in 80 ms.
_MAX_OPENNESS_STEP = 0.42
_MAX_SHAPE_STEP = 0.5
_CLOSED = 0.02

_OPENNESS, _SPREAD, _TUCK, _TONGUE = range(4)


@lru_cache(maxsize=1024)
def _look(symbol: str) -> _Viseme:
    return _VISEMES.get(base_letter(symbol), _NEUTRAL) if symbol else _REST


def mouth_track(phonemes: Sequence[TimedPhoneme], frame_count: int) -> NDArray[np.float32]:
    """The mouth at the middle of each frame: (frame_count, 4), columns as in `MouthPose`.

    In silence, before the first sound and after the last, the lips are closed. No column moves by more
    than a bounded step between frames, but each p, b and m has a frame with the lips closed, and each f
    and v one with the lip fully tucked.
    """
    sums = np.zeros((frame_count, 4))
    weights = np.full((frame_count, 2), _REST_WEIGHT)
    for phoneme in phonemes:
        if not phoneme.symbol and phoneme.end_seconds - phoneme.start_seconds < _SHORTEST_REST_SECONDS:
            continue
        _pull(sums, weights, phoneme)
    track = sums / weights[:, [0, 1, 0, 0]]
    _hold_seen_sounds(track, phonemes)
    track[:, _OPENNESS] = _rising_no_faster(track[:, _OPENNESS], _MAX_OPENNESS_STEP)
    track[:, _TUCK] = -_rising_no_faster(-track[:, _TUCK], _MAX_SHAPE_STEP)
    for column in (_SPREAD, _TONGUE):
        lower = _rising_no_faster(track[:, column], _MAX_SHAPE_STEP)
        upper = -_rising_no_faster(-track[:, column], _MAX_SHAPE_STEP)
        track[:, column] = (lower + upper) / 2
    track[np.abs(track) < _CLOSED] = 0.0
    bounded: NDArray[np.float32] = np.clip(track, [0, -1, 0, 0], 1).astype(np.float32)
    return bounded


def _pull(sums: NDArray[np.float64], weights: NDArray[np.float64], phoneme: TimedPhoneme) -> None:
    """Add one sound's dominance to the frames in its reach."""
    look = _look(phoneme.symbol)
    margin = _REACH * _LIP_ATTACK_SECONDS
    first = max(0, int((phoneme.start_seconds - margin) * FRAMES_PER_SECOND))
    last = min(len(sums), int((phoneme.end_seconds + margin) * FRAMES_PER_SECOND) + 1)
    if first >= last:
        return
    times = (np.arange(first, last) + 0.5) / FRAMES_PER_SECOND
    # The target is held over the sound's middle half; a long vowel is a plateau, not a peak.
    quarter = (phoneme.end_seconds - phoneme.start_seconds) / 4
    before = np.maximum(phoneme.start_seconds + quarter - times, 0.0)
    after = np.maximum(times - (phoneme.end_seconds - quarter), 0.0)
    jaw = look.jaw_dominance * np.exp(-before / _JAW_ATTACK_SECONDS - after / _JAW_RELEASE_SECONDS)
    lips = look.lip_dominance * np.exp(-before / _LIP_ATTACK_SECONDS - after / _LIP_RELEASE_SECONDS)
    pull = np.stack([jaw, lips], axis=1)
    weights[first:last] += pull
    sums[first:last] += pull[:, [0, 1, 0, 0]] * astuple(look.pose)


def _hold_seen_sounds(track: NDArray[np.float64], phonemes: Sequence[TimedPhoneme]) -> None:
    """A closure may be shorter than a frame and fall between two: the nearest frame shows it whole."""
    for phoneme in phonemes:
        look = _look(phoneme.symbol)
        if look is not _BILABIAL and look is not _LABIODENTAL:
            continue
        middle = (phoneme.start_seconds + phoneme.end_seconds) / 2
        frame = int(middle * FRAMES_PER_SECOND)
        if frame < len(track):
            track[frame, _OPENNESS] = look.pose.openness
            track[frame, _TUCK] = look.pose.tuck


def _rising_no_faster(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """The greatest track below `values` with steps of at most `step`: low points stay, peaks give way."""
    slope = np.arange(len(values)) * step
    forward = np.minimum.accumulate(values - slope) + slope
    backward = np.minimum.accumulate((values + slope)[::-1])[::-1] - slope
    bounded: NDArray[np.float64] = np.minimum(forward, backward)
    return bounded
