"""The same film composed by moviepy: a background, the presenter's frames before it, captions, sound."""

import wave
from collections.abc import Callable
from pathlib import Path

import cv2
import moviepy
import numpy as np
from numpy.typing import NDArray

from benchmarks.scene import DrawnScene
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLE_RATE


def compose(scene: DrawnScene, folder: Path) -> Callable[[], None]:
    """What composes and encodes the film. All that it needs is drawn before: the presenter's frames
    are cut out as rectangles, which spares moviepy a mask for each, and each caption is a picture.
    """
    width, height = scene.size
    frames = [
        np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420), np.uint8)
        for frame in scene.frames_without_captions()
    ]
    left, top, right, bottom = _moving(frames)
    presenter = [frame[top:bottom, left:right].copy() for frame in frames]
    background = frames[0]
    frames.clear()
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes(scene.sound.tobytes())

    def run() -> None:
        seconds = scene.seconds
        acting = moviepy.VideoClip(
            lambda t: presenter[min(round(t * FRAMES_PER_SECOND), len(presenter) - 1)], duration=seconds
        )
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


def _moving(frames: list[NDArray[np.uint8]]) -> tuple[int, int, int, int]:
    """The rectangle outside which every frame is the first: left, top, right, bottom."""
    differs = np.zeros(frames[0].shape[:2], bool)
    for frame in frames[1:]:
        differs |= (frame != frames[0]).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
