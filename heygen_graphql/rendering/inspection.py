"""The quality report, measured on the finished file, and the bounds that a film has to keep."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import EncodingFailed, UnfitOutput
from heygen_graphql.rendering.film import QualityReport
from heygen_graphql.rendering.loudness import TARGET_LUFS, Meter, PeakMeter
from heygen_graphql.rendering.segments.black import is_black
from heygen_graphql.rendering.segments.file import SceneFacts
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLE_RATE

_MAXIMUM_OFFSET_MS = 1000 / FRAMES_PER_SECOND
_MAXIMUM_LOUDNESS_ERROR_LU = 2.0
# A word or two may be over before loudness, which is an average, means anything.
_LOUDNESS_NEEDS_SECONDS = 1.0
_FRAME_TIME = Fraction(1, FRAMES_PER_SECOND)
_LOOK_FRAMES = 10 * FRAMES_PER_SECOND
# Of the decoded sound that is measured at once.
_BLOCK_SAMPLES = SAMPLE_RATE // 4


def inspect(film: Path, scenes: Sequence[SceneFacts]) -> QualityReport:
    """Measure a film that was joined from these scenes.

    The sound is decoded whole and every picture's time is read. Of the pictures, the first of each scene is
    decoded and then one about every ten seconds: all were looked at when they were drawn, and x264 blackens
    none, so these few show whether the file has what was drawn. (To decode all of them takes a fifth of
    the time that encoding them took.)

    Raises:
        EncodingFailed: the file cannot be read back.
    """
    try:
        with av.open(film) as container:
            seen = _Seen(container, scenes)
    except av.FFmpegError as error:
        raise EncodingFailed(f"The finished film cannot be read back: {error.strerror}.") from error
    offset = max(
        abs(picture - sound) for picture, sound in zip(seen.picture_span, seen.sound_span, strict=True)
    )
    return QualityReport(
        audio_video_offset_ms=float(offset * 1000),
        loudness_lufs=seen.loudness_lufs,
        true_peak_dbtp=seen.true_peak_dbtp,
        black_frames=_unexplained(seen.black_frames, seen.frame_count, scenes),
        missing_glyphs=sum(scene.missing_glyphs for scene in scenes),
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
            f"sound and picture begin or end {offset} apart (at most {_MAXIMUM_OFFSET_MS:.0f} ms is allowed)"
        )
    error = abs(report.loudness_lufs - TARGET_LUFS)
    if speech_seconds >= _LOUDNESS_NEEDS_SECONDS and error > _MAXIMUM_LOUDNESS_ERROR_LU:
        allowed = f"{TARGET_LUFS:.0f} ± {_MAXIMUM_LOUDNESS_ERROR_LU:.0f} LUFS"
        faults.append(f"it is {report.loudness_lufs:.1f} LUFS loud ({allowed} is allowed)")
    if report.black_frames:
        faults.append(f"{report.black_frames} of its frames are black, though no background is")
    if faults:
        raise UnfitOutput(f"The finished film is not fit to be shown: {'; '.join(faults)}.")


def _unexplained(black: NDArray[np.bool_], frame_count: int, scenes: Sequence[SceneFacts]) -> int:
    """Black frames of scenes whose background is not dark: as many as were drawn, or as are in the file."""
    black = np.pad(black, (0, max(0, frame_count - len(black))))
    ends = accumulate((scene.frame_count for scene in scenes), initial=0)
    return sum(
        max(scene.black_frames, int(np.count_nonzero(black[start:end])))
        for scene, (start, end) in zip(scenes, pairwise(ends), strict=True)
        if not scene.may_be_black
    )


class _Seen:
    """What one pass over the file shows."""

    def __init__(self, container: InputContainer, scenes: Sequence[SceneFacts]) -> None:
        video, audio = container.streams.video[0], container.streams.audio[0]
        video.codec_context.skip_frame = "NONKEY"
        # A thread more would only be waited for: nearly every picture is skipped.
        video.codec_context.thread_count = 1
        # Smooths block edges, which nothing here looks at.
        video.codec_context.options = {"skip_loop_filter": "all"}
        self._meter, self._peak_meter = Meter(), PeakMeter()
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_count = 0
        scene_starts = set(accumulate((scene.frame_count for scene in scenes), initial=0))
        shown_at: list[int] = []
        black_at: list[tuple[int, bool]] = []
        sample_count, looked_at = 0, 0
        first_sound = Fraction(0)
        assert video.time_base is not None
        ticks = int(_FRAME_TIME / video.time_base)
        for packet in container.demux(video, audio):
            if packet.stream is audio:
                for sound in audio.decode(packet):
                    if not sample_count and sound.pts is not None and sound.time_base is not None:
                        first_sound = sound.pts * sound.time_base
                    sample_count += sound.samples
                    self._listen(sound)
                continue
            if packet.pts is not None:
                number = packet.pts // ticks
                shown_at.append(packet.pts)
                is_due = number in scene_starts or number - looked_at >= _LOOK_FRAMES
                if not (packet.is_keyframe and is_due):
                    continue
                looked_at = number
            # A packet of nothing, the last, brings out the pictures that the decoder held back.
            black_at += [(_number(frame), _is_black(frame)) for frame in video.decode(packet)]
        self._measure()
        self.loudness_lufs = self._meter.finish()
        self.true_peak_dbtp = self._peak_meter.finish()
        self.frame_count = len(shown_at)
        self.picture_span = (
            min(shown_at, default=0) * video.time_base,
            max(shown_at, default=0) * video.time_base + _FRAME_TIME,
        )
        # The last block of AAC is longer than the sound; the track's header says where that ends.
        assert audio.duration is not None
        assert audio.time_base is not None
        decoded_end = first_sound + Fraction(sample_count, SAMPLE_RATE)
        self.sound_span = (first_sound, min(decoded_end, audio.duration * audio.time_base))
        self.black_frames = _until_the_next(black_at, self.frame_count)

    def _listen(self, sound: AudioFrame) -> None:
        # One channel will do: they are coded as their middle and a side of nothing, so they stay equal.
        channel = np.frombuffer(memoryview(sound.planes[0]), np.float32)[: sound.samples]
        self._waiting.append(channel)
        self._waiting_count += len(channel)
        if self._waiting_count >= _BLOCK_SAMPLES:
            self._measure()

    def _measure(self) -> None:
        if self._waiting:
            block = np.concatenate(self._waiting)
            self._waiting.clear()
            self._waiting_count = 0
            self._meter.add(block)
            self._peak_meter.add(block)


def _number(frame: VideoFrame) -> int:
    return round((frame.time or 0.0) * FRAMES_PER_SECOND)


def _is_black(frame: VideoFrame) -> bool:
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return is_black(luma[:, : plane.width])


def _until_the_next(seen: Sequence[tuple[int, bool]], frame_count: int) -> NDArray[np.bool_]:
    """Each picture stands for those up to the next one that was looked at."""
    black = np.zeros(frame_count, np.bool_)
    for (start, is_so), (end, _) in pairwise([*sorted(seen), (frame_count, False)]):
        black[start:end] = is_so
    return black
