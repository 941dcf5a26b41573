"""A scene's frames and sound become a segment's MP4: H.264 High in closed groups of pictures, and FLAC."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import EncodingFailed
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

_FRAME_TIME = Fraction(1, FRAMES_PER_SECOND)
_SAMPLE_TIME = Fraction(1, SAMPLE_RATE)

_X264_OPTIONS = {
    "preset": "veryfast",
    "crf": "21",
    "profile": "high",
    # Motion to the quarter of a pixel, but no search beyond: heads that sway a little gain nothing
    # by it (the same sharpness in a tenth fewer bits, and a sixth less work, were measured).
    "x264-params": "subme=1",
    "flags": "+cgop",
}
_LONGEST_GROUP = 2 * FRAMES_PER_SECOND
"""A player can start at least every two seconds."""
REORDERED_FRAMES = 2
"""A frame is decoded at most so long before it is shown: a B-frame on which another B-frame rests is the
first of two to overtake."""


def encode_scene(
    target: Path,
    *,
    size: tuple[int, int],
    frames: Iterable[NDArray[np.uint8]],
    sound: NDArray[np.int16],
    threads: int,
) -> int:
    """Write `target` and say how many frames it has.

    `frames` yields I420 pictures, BT.709 and limited range, as arrays of height * 3 / 2 rows; each may be
    overwritten once the next is asked for. None is held: memory does not grow with their number.
    `sound` is mono, `SAMPLES_PER_FRAME` samples for each frame, and is kept to the bit.

    Raises:
        EncodingFailed: FFmpeg could not encode, or the disk is full.
    """
    frame_count = 0
    try:
        with av.open(target, "w", format="mp4") as container:
            group = _group_length(len(sound) // SAMPLES_PER_FRAME)
            video = add_video_stream(container, size, threads=threads, group=group)
            audio = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
            audio.format = "s16"
            for picture in frames:
                container.mux(video.encode(video_frame(picture, frame_count)))
                position = frame_count * SAMPLES_PER_FRAME
                samples = sound[position : position + SAMPLES_PER_FRAME]
                container.mux(audio.encode(_audio_frame(samples, position)))
                frame_count += 1
            container.mux(video.encode(None))
            container.mux(audio.encode(None))
    except av.FFmpegError as error:
        raise EncodingFailed(f"A scene could not be encoded: {error.strerror}.") from error
    return frame_count


def _group_length(frame_count: int) -> int:
    """How many frames a group has, so that a scene does not end with the first of one.

    That one would stand before the next scene's first, and two such neighbours must not bear the same
    `idr_pic_id` (H.264, 7.4.3), which x264 counts from 0 in each scene.
    """
    return _LONGEST_GROUP - 1 if frame_count % _LONGEST_GROUP == 1 else _LONGEST_GROUP


def add_video_stream(
    container: OutputContainer, size: tuple[int, int], *, threads: int = 0, group: int = _LONGEST_GROUP
) -> VideoStream:
    """`threads` of 0 leaves their number to x264: one and a half for each core."""
    options = {**_X264_OPTIONS, "g": str(group)}
    stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = _FRAME_TIME
    # Slices, the default, keep one core busy; frames in parallel keep all of them busy.
    context.thread_type = "FRAME"
    context.thread_count = threads
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    return stream


def video_frame(picture: NDArray[np.uint8], number: int) -> VideoFrame:
    # Without a copy: x264 takes its own before `encode` returns, however many threads it runs. But
    # PyAV 18.1 rounds the height down to a multiple of four there, which 854 is not.
    is_safe = picture.shape[0] % 6 == 0
    wrap = VideoFrame.from_numpy_buffer if is_safe else VideoFrame.from_ndarray
    frame = wrap(picture, format="yuv420p")
    frame.pts = number
    frame.time_base = _FRAME_TIME
    return frame


def _audio_frame(samples: NDArray[np.int16], position: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = position
    frame.time_base = _SAMPLE_TIME
    return frame
