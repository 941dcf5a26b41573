"""The quality report: the finished file is opened as a player would, and measured."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Stream
from av.video.frame import VideoFrame

from heygen_graphql.rendering.errors import UnfitOutput
from heygen_graphql.rendering.film import QualityReport
from heygen_graphql.rendering.loudness import TARGET_LUFS, Meter
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

# A frame is black when nearly all of it is: a presenter before a black backdrop is not.
# The thresholds are those of FFmpeg's `blackdetect`: 98 % of the pixels below 10 % of the luma range.
_BLACK_LUMA = round(16 + 0.10 * (235 - 16))
_BLACK_SHARE = 0.98
# Enough pixels to judge by: every fourth row, every eighth column.
_ROWS, _COLUMNS = 4, 8

_MAXIMUM_OFFSET_MS = 1000 / FRAMES_PER_SECOND
_MAXIMUM_LOUDNESS_ERROR_LU = 2.0
# A word or two may be over before loudness, which is an average, means anything.
_LOUDNESS_NEEDS_SECONDS = 1.0


def inspect(video: Path, *, missing_glyphs: int) -> QualityReport:
    """Measure a film.

    The sound is decoded whole. Pictures that no other picture is predicted from are skipped, which
    halves the work; each is counted as black when the one decoded before it is.

    Raises:
        UnfitOutput: the file cannot be read back.
    """
    try:
        with av.open(video) as container:
            offset = _end_seconds(container.streams.audio[0]) - _end_seconds(container.streams.video[0])
            loudness, true_peak = _sound(container)
        with av.open(video) as container:
            black_frames = _black_frames(container)
    except av.FFmpegError as error:
        raise UnfitOutput(f"The finished film cannot be read back: {error.strerror}.") from error
    return QualityReport(
        audio_video_offset_ms=float(abs(offset) * 1000),
        loudness_lufs=loudness,
        true_peak_dbtp=true_peak,
        black_frames=black_frames,
        missing_glyphs=missing_glyphs,
    )


def check(report: QualityReport, *, speech_seconds: float) -> None:
    """
    Raises:
        UnfitOutput: the film misses a bound.
    """
    faults = []
    if report.audio_video_offset_ms > _MAXIMUM_OFFSET_MS:
        offset = f"{report.audio_video_offset_ms:.0f} ms"
        faults.append(
            f"sound and picture end {offset} apart (at most {_MAXIMUM_OFFSET_MS:.0f} ms is allowed)"
        )
    error = abs(report.loudness_lufs - TARGET_LUFS)
    if speech_seconds >= _LOUDNESS_NEEDS_SECONDS and error > _MAXIMUM_LOUDNESS_ERROR_LU:
        allowed = f"{TARGET_LUFS:.0f} ± {_MAXIMUM_LOUDNESS_ERROR_LU:.0f} LUFS"
        faults.append(f"it is {report.loudness_lufs:.1f} LUFS loud ({allowed} is allowed)")
    if report.black_frames:
        faults.append(f"{report.black_frames} of its frames are black")
    if faults:
        raise UnfitOutput(f"The finished film is not fit to be shown: {'; '.join(faults)}.")


def _end_seconds(stream: Stream) -> Fraction:
    assert stream.start_time is not None
    assert stream.duration is not None
    assert stream.time_base is not None
    return (stream.start_time + stream.duration) * stream.time_base


def _sound(container: InputContainer) -> tuple[float, float]:
    """Loudness in LUFS and true peak in dBTP."""
    audio = container.streams.audio[0]
    meter = Meter(audio.layout.name, audio.format.name, peak=True)
    for frame in container.decode(audio):
        meter.add(frame)
    return meter.finish()


def _black_frames(container: InputContainer) -> int:
    video = container.streams.video[0]
    video.thread_type = "AUTO"
    video.codec_context.skip_frame = "NONREF"
    # Smooths block edges, which nothing here looks at.
    video.codec_context.options = {"skip_loop_filter": "all"}
    black_frames = 0
    shown = 0
    was_black = False
    for frame in container.decode(video):
        number = round((frame.time or 0.0) * FRAMES_PER_SECOND)
        black_frames += was_black * (number - shown)
        shown, was_black = number, _is_black(frame)
    return black_frames + was_black * (video.frames - shown)


def _is_black(frame: VideoFrame) -> bool:
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    sample = luma[::_ROWS, : plane.width : _COLUMNS]
    return bool(np.count_nonzero(sample < _BLACK_LUMA) > _BLACK_SHARE * sample.size)
