"""The same film composed by moviepy: a background, the presenter's frames before it, captions, sound."""

import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import moviepy
import numpy as np
from numpy.typing import NDArray

from benchmarks.scene import DrawnScene
from heygen_graphql.rendering.backdrop import lit_backdrop
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLE_RATE


def compose(scene: DrawnScene, folder: Path) -> Callable[[], None]:
    """What composes and encodes the film. All that it needs is drawn before: the presenter's frames with
    their masks, cropped to what ever changes or is covered, and each caption as a picture.
    """
    width, height = scene.size
    frames = [
        np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420), np.uint8)
        for frame in scene.frames_without_captions()
    ]
    background = np.asarray(
        cv2.cvtColor(
            lit_backdrop(width, height, scene.shot.look.background_color).buffer, cv2.COLOR_YUV2RGB_I420
        ),
        np.uint8,
    )
    masks = [(frame != background).any(axis=2) for frame in frames]
    left, top, right, bottom = _bounds(masks)
    presenter = [frame[top:bottom, left:right].copy() for frame in frames]
    masks = [mask[top:bottom, left:right].copy() for mask in masks]
    frames.clear()
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes(scene.sound.tobytes())

    def run() -> None:
        seconds = scene.seconds
        acting = moviepy.VideoClip(lambda t: presenter[_index(t, presenter)], duration=seconds)
        shape = moviepy.VideoClip(
            lambda t: masks[_index(t, masks)].astype(float), is_mask=True, duration=seconds
        )
        acting = acting.with_mask(shape)
        captions = [
            moviepy.ImageClip(strip.rgba, transparent=True)
            .with_start(strip.start_frame / FRAMES_PER_SECOND)
            .with_end(strip.end_frame / FRAMES_PER_SECOND)
            .with_position((strip.x, strip.y))
            for strip in scene.captions
        ]
        layers = [
            moviepy.ImageClip(background).with_duration(seconds),
            acting.with_position((left, top)),
            *captions,
        ]
        film = moviepy.CompositeVideoClip(layers, size=(width, height)).with_duration(seconds)
        film = film.with_audio(moviepy.AudioFileClip(str(folder / "sound.wav")))
        film.write_videofile(
            str(folder / "film.mp4"),
            fps=FRAMES_PER_SECOND,
            codec="libx264",
            preset="veryfast",
            audio_codec="aac",
            ffmpeg_params=["-crf", "21", "-x264-params", "subme=1", "-g", "50", "-pix_fmt", "yuv420p"],
            logger=None,
        )
        film.close()

    return run


def _index(seconds: float, frames: Sequence[object]) -> int:
    return min(round(seconds * FRAMES_PER_SECOND), len(frames) - 1)


def _bounds(masks: list[NDArray[np.bool_]]) -> tuple[int, int, int, int]:
    """Of all that is set in any mask: left, top, right, bottom."""
    any_set = np.logical_or.reduce(masks)
    rows, columns = np.flatnonzero(any_set.any(axis=1)), np.flatnonzero(any_set.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
