"""How long a scene lasts and where its speech stands in it, counted in samples.

A scene is a whole number of frames, so that it can be made by itself and joined to others without a
sound or a picture being cut: where speech ends inside a frame, silence fills the rest of it. A scene's
place in the film is then the sum of whole frames before it, in which nothing is ever rounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.sentences import ends_sentence
from heygen_graphql.rendering.speech.engine import TimedWord
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME, Scene

LEAD_IN_SAMPLES = SAMPLE_RATE // 4
TAIL_SAMPLES = SAMPLE_RATE // 2
# Between two speakers; half of it belongs to each scene, so that the picture changes in mid-silence.
GAP_SAMPLES = SAMPLE_RATE * 2 // 5

# Speech levelled to broadcast loudness lies between these, in dB of a frame's RMS.
_QUIET_DB, _LOUD_DB = -42.0, -16.0


@dataclass(frozen=True, slots=True)
class Margins:
    """The silence, in samples, that a scene keeps around its speech."""

    before: int
    after: int


def margins(scenes: Sequence[Scene], index: int) -> Margins:
    """Those of a spoken scene; a silent one has none.

    Towards the film's edge, the lead-in or the tail; towards another spoken scene, half a gap; towards a
    silent scene none, since that is a pause whose length the author chose.
    """
    if scenes[index].script is None:
        return Margins(0, 0)
    return Margins(
        _margin(scenes, index - 1, at_edge=LEAD_IN_SAMPLES), _margin(scenes, index + 1, at_edge=TAIL_SAMPLES)
    )


def _margin(scenes: Sequence[Scene], neighbour: int, *, at_edge: int) -> int:
    if not 0 <= neighbour < len(scenes):
        return at_edge
    return GAP_SAMPLES // 2 if scenes[neighbour].script is not None else 0


def spoken_frames(margins: Margins, speech_count: int) -> int:
    """The frames of a scene that holds `speech_count` samples of speech within its margins."""
    return max(1, -(-(margins.before + speech_count + margins.after) // SAMPLES_PER_FRAME))


def silent_frames(pause_seconds: float) -> int:
    """The frames nearest to a pause; even the shortest pause is a picture."""
    return max(1, round(pause_seconds * SAMPLE_RATE / SAMPLES_PER_FRAME))


def emphasis(sound: NDArray[np.int16]) -> NDArray[np.float32]:
    """The energy of each frame of a scene's sound, 0 (silence) to 1 (loudest), slightly smoothed."""
    frames = sound.reshape(-1, SAMPLES_PER_FRAME).astype(np.float32) / 32768
    level_db = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-10)
    energy = np.clip((level_db - _QUIET_DB) / (_LOUD_DB - _QUIET_DB), 0, 1)
    # A hand or a brow does not follow single syllables.
    smooth = np.convolve(np.pad(energy, 2, mode="edge"), np.array([1, 2, 3, 2, 1]) / 9, mode="valid")
    return smooth.astype(np.float32)


def sentence_ends(words: Sequence[TimedWord], *, language: str = "und") -> tuple[int, ...]:
    """The frames at which sentences end, the last one with the last word; `language` is a BCP 47 tag."""
    return tuple(
        round(word.end_seconds * FRAMES_PER_SECOND)
        for word, following in zip_longest(words, words[1:])
        if following is None or ends_sentence(word.text, following.text, language=language)
    )
