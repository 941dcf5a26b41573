"""Measures films by decoding them."""

import io
from dataclasses import dataclass

import av


@dataclass(frozen=True, slots=True)
class Film:
    width: int
    height: int
    video_codec: str
    audio_codec: str
    frames: int
    starts_seconds: tuple[float, float]
    """Of picture and sound."""
    ends_seconds: tuple[float, float]


def decode(content: bytes) -> Film:
    """Decodes every frame and sample."""
    with av.open(io.BytesIO(content), mode="r") as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.average_rate is not None
        video_times, audio_times, audio_end = [], [], 0.0
        for frame in container.decode(picture, sound):
            match frame:
                case av.VideoFrame(time=float(time)):
                    video_times.append(time)
                case av.AudioFrame(time=float(time), samples=samples, sample_rate=rate):
                    audio_times.append(time)
                    audio_end = time + samples / rate
        assert video_times == sorted(set(video_times))
        return Film(
            width=picture.width,
            height=picture.height,
            video_codec=picture.codec_context.name,
            audio_codec=sound.codec_context.name,
            frames=len(video_times),
            starts_seconds=(video_times[0], audio_times[0]),
            ends_seconds=(video_times[-1] + float(1 / picture.average_rate), audio_end),
        )
