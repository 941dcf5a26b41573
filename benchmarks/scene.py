"""A scene's frames and captions by themselves, as a whole render draws them, for others to encode."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering import Storyboard, loudness, timeline
from heygen_graphql.rendering.captions import CaptionPainter, cues
from heygen_graphql.rendering.compositor import CaptionStrip, Compositor, Look, SceneShot
from heygen_graphql.rendering.fonts import Typeface
from heygen_graphql.rendering.speech import Speaker, TimedPhoneme, TimedWord
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME
from heygen_graphql.rendering.visemes import mouth_track


@dataclass(frozen=True, slots=True)
class DrawnScene:
    size: tuple[int, int]
    shot: SceneShot
    captions: tuple[CaptionStrip, ...]
    sound: NDArray[np.int16]
    compositor: Compositor

    @property
    def frame_count(self) -> int:
        return self.shot.frame_count

    @property
    def seconds(self) -> float:
        return self.frame_count / FRAMES_PER_SECOND

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        return self.compositor.frames(self.shot, self.captions)

    def frames_without_captions(self) -> Iterator[NDArray[np.uint8]]:
        return self.compositor.frames(self.shot, ())


def drawn_scene(story: Storyboard, materials: Mapping[str, Path]) -> DrawnScene:
    """The story's only scene."""
    (scene,) = story.scenes
    assert scene.script is not None
    with Speaker() as speaker:
        speech = speaker.speak(scene.script, scene.voice_id)
    margins = timeline.margins(story.scenes, 0)
    frame_count = timeline.spoken_frames(margins, len(speech.samples))
    sound = np.zeros(frame_count * SAMPLES_PER_FRAME, np.int16)
    spoken = np.rint(loudness.level(speech.samples) * 32767)
    sound[margins.before : margins.before + len(spoken)] = spoken
    offset = margins.before / SAMPLE_RATE
    phonemes = [
        TimedPhoneme(each.symbol, each.start_seconds + offset, each.end_seconds + offset)
        for each in speech.phonemes
    ]
    words = tuple(
        TimedWord(word.text, word.start_seconds + offset, word.end_seconds + offset, word.is_joined)
        for word in speech.words
    )
    width, height = story.size
    painter = CaptionPainter(width, height, Typeface(story.language))
    shown = cues(
        words,
        width=painter.width,
        maximum_width=painter.maximum_width,
        frame_count=frame_count,
        language=story.language,
    )
    rig = materials[scene.avatar_rig] if scene.avatar_rig else None
    shot = SceneShot(
        look=Look(scene.avatar_id, rig, scene.background_color, None),
        frame_count=frame_count,
        mouth=mouth_track(phonemes, frame_count),
        emphasis=timeline.emphasis(sound),
        sentence_ends=timeline.sentence_ends(words),
        seed=0,
    )
    captions = tuple(painter.strips(shown, story.caption_style))
    return DrawnScene(story.size, shot, captions, sound, Compositor(width, height))
