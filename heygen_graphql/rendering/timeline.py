"""Where each scene stands in the film, counted in samples.

Pictures are cut at frames and sound at samples. Scenes are therefore placed by their samples, and
a frame number is only ever derived from a sample number: rounding each scene to whole frames would
let the lips drift away from the voice, scene by scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.storyboard import SAMPLE_RATE, SAMPLES_PER_FRAME, Scene

LEAD_IN_SAMPLES = SAMPLE_RATE // 4
TAIL_SAMPLES = SAMPLE_RATE // 2
# Between two speakers; half of it belongs to each scene, so that the picture cuts in mid-silence.
GAP_SAMPLES = SAMPLE_RATE * 2 // 5

# Speech levelled to broadcast loudness lies between these, in dB of a frame's RMS.
_QUIET_DB, _LOUD_DB = -42.0, -16.0


@dataclass(frozen=True, slots=True)
class Placement:
    """One scene's span of the film, in samples from the film's start."""

    start: int
    speech_start: int
    speech_count: int
    end: int

    @property
    def start_frame(self) -> int:
        return self.start // SAMPLES_PER_FRAME

    @property
    def frame_count(self) -> int:
        """Scenes tile the film's frames; a pause shorter than a frame may fill none."""
        return self.end // SAMPLES_PER_FRAME - self.start_frame


def place(scenes: Sequence[Scene], index: int, start: int, speech_count: int) -> Placement:
    """Place scene `index` at sample `start`; `speech_count` samples are its speech (0 for a silent scene).

    A spoken scene keeps a margin of silence: towards the film's edge, the lead-in or the tail;
    towards another spoken scene, half a gap; towards a silent scene none, since that is a pause
    whose length the author chose.

    The film's last scene is padded to a whole frame, so that sound and picture end together.
    """
    scene = scenes[index]
    is_last = index == len(scenes) - 1
    if scene.script is None:
        speech_start = start
        end = start + round(scene.pause_seconds * SAMPLE_RATE)
    else:
        speech_start = start + _margin(scenes, index - 1, at_edge=LEAD_IN_SAMPLES)
        end = speech_start + speech_count + _margin(scenes, index + 1, at_edge=TAIL_SAMPLES)
    if is_last:
        end = max(1, -(-end // SAMPLES_PER_FRAME)) * SAMPLES_PER_FRAME
    return Placement(start, speech_start, speech_count, end)


def _margin(scenes: Sequence[Scene], neighbour: int, *, at_edge: int) -> int:
    if not 0 <= neighbour < len(scenes):
        return at_edge
    return GAP_SAMPLES // 2 if scenes[neighbour].script is not None else 0


def emphasis(speech: NDArray[np.float32], placement: Placement) -> NDArray[np.float32]:
    """The energy of the speech in each frame of its scene, 0 (silence) to 1 (loudest), slightly smoothed."""
    padded = np.zeros(placement.frame_count * SAMPLES_PER_FRAME, np.float32)
    offset = placement.speech_start - placement.start_frame * SAMPLES_PER_FRAME
    heard = speech[: max(0, len(padded) - offset)]
    padded[offset : offset + len(heard)] = heard
    power = np.square(padded.reshape(-1, SAMPLES_PER_FRAME)).mean(axis=1)
    level_db = 10 * np.log10(power + 1e-10)
    energy = np.clip((level_db - _QUIET_DB) / (_LOUD_DB - _QUIET_DB), 0, 1)
    # A hand or a brow does not follow single syllables.
    smooth = np.convolve(np.pad(energy, 2, mode="edge"), np.array([1, 2, 3, 2, 1]) / 9, mode="valid")
    return smooth.astype(np.float32)
