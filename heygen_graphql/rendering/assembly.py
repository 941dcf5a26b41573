"""Segments become one film: pictures as they were encoded, the sound encoded once over all of it.

AAC carries each block's edges into the next, so sound that was encoded scene by scene would click where
scenes meet. Pictures need no such care: every segment begins with a frame that depends on none before it.
"""

import mmap
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from heygen_graphql.rendering.captions.cues import Cue
from heygen_graphql.rendering.encoder import REORDERED_FRAMES
from heygen_graphql.rendering.errors import EncodingFailed
from heygen_graphql.rendering.languages import iso_639_2
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

_FRAME_TIME = Fraction(1, FRAMES_PER_SECOND)
_SAMPLE_TIME = Fraction(1, SAMPLE_RATE)
_CAPTION_TIME = Fraction(1, 1000)

# The encoder of mov_text makes the track's header, which players need, out of a style in ASS; the
# packets themselves are simple enough to be made here.
_CAPTION_STYLE = b"""[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Default,Arial,18,&HFFFFFF,2
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
_AAC_BITS_PER_SECOND = 128_000
_AAC_OPTIONS = {
    # Half the work of the default coder.
    "aac_coder": "fast",
    # Both channels are one voice: coded as middle and side, of which the side is nothing. The tools that
    # are switched off look for what such a sound does not have; with them, noise is 10 dB nearer and a
    # quarter more time goes by (signal to noise 39 dB instead of 28, measured on speech).
    "aac_ms": "1",
    "aac_is": "0",
    "aac_pns": "0",
    "aac_tns": "0",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A segment to be joined."""

    path: Path
    frame_count: int


_FASTSTART = {"movflags": "+faststart"}


def join(
    target: Path,
    parts: Sequence[Part],
    *,
    cues: Sequence[Cue],
    language: str,
    title: str | None,
    on_joined: Callable[[int], None] = lambda frame_count: None,
) -> None:
    """Write `target`: H.264, AAC-LC and a caption track, all of which start at 0 and end together.

    `on_joined` is told, part by part, how many frames the film has so far.

    Raises:
        EncodingFailed: the parts do not fit together, FFmpeg could not read or write, or the disk is full.
    """
    try:
        with av.open(parts[0].path) as first, av.open(target, "w", format="mp4", options=_FASTSTART) as film:
            joint = _Joint(film, first, cues, language, title)
            for part in parts:
                with av.open(part.path) as segment:
                    joint.add(part, segment)
                on_joined(joint.frame_count)
            joint.finish()
    except av.FFmpegError as error:
        raise EncodingFailed(f"The scenes could not be joined: {error.strerror}.") from error
    _leave_captions_off(target)


class _Joint:
    """The film so far."""

    def __init__(
        self,
        film: OutputContainer,
        template: InputContainer,
        cues: Sequence[Cue],
        language: str,
        title: str | None,
    ) -> None:
        self._film = film
        if title:
            film.metadata["title"] = title
        source = template.streams.video[0]
        self._parameters = source.codec_context.extradata
        self._video: VideoStream = film.add_stream_from_template(source)
        self._audio: AudioStream = film.add_stream(
            "aac", rate=SAMPLE_RATE, options=_AAC_OPTIONS, layout="stereo"
        )
        self._audio.bit_rate = _AAC_BITS_PER_SECOND
        self._captions = film.add_stream("mov_text")
        self._captions.codec_context.time_base = _CAPTION_TIME
        self._captions.codec_context.subtitle_header = _CAPTION_STYLE
        for stream in (self._video, self._audio, self._captions):
            stream.metadata["language"] = iso_639_2(language)
        self._cues = iter(cues)
        self._cue = next(self._cues, None)
        self.frame_count = 0
        self._sample_count = 0

    def add(self, part: Part, segment: InputContainer) -> None:
        video, audio = segment.streams.video[0], segment.streams.audio[0]
        if video.codec_context.extradata != self._parameters:
            raise EncodingFailed(f"{part.path.name} was encoded in another way than the scenes before it.")
        start = self.frame_count
        assert video.time_base is not None
        ticks = int(_FRAME_TIME / video.time_base)
        for packet in segment.demux(video, audio):
            if packet.stream is audio:
                for frame in audio.decode(packet):
                    self._add_sound(frame)
            elif packet.size:
                self._add_picture(packet, start, ticks)
        expected = start + part.frame_count
        if (self.frame_count, self._sample_count) != (expected, expected * SAMPLES_PER_FRAME):
            raise EncodingFailed(f"{part.path.name} is not as long as it should be.")

    def finish(self) -> None:
        self._film.mux(self._audio.encode(None))

    def _add_picture(self, packet: "Packet[Stream]", start: int, ticks: int) -> None:
        """`ticks` of the packet's clock are a frame."""
        assert packet.pts is not None
        # The muxer puts streams in order of time, and holds back what has got ahead.
        while self._cue is not None and self._cue.start_seconds * FRAMES_PER_SECOND <= self.frame_count:
            self._film.mux(_caption_packet(self._cue, self._captions))
            self._cue = next(self._cues, None)
        shown_at, rest = divmod(packet.pts, ticks)
        packet.pts = start + shown_at
        packet.dts = self.frame_count - REORDERED_FRAMES
        if rest or packet.pts < packet.dts:
            raise EncodingFailed(f"A picture's time does not fit into the film: {start} + {shown_at} frames.")
        packet.duration = 1
        packet.time_base = _FRAME_TIME
        packet.stream = self._video
        self._film.mux(packet)
        self.frame_count += 1

    def _add_sound(self, decoded: AudioFrame) -> None:
        samples = decoded.to_ndarray()[0].astype(np.float32) / 32768
        # The same voice from both loudspeakers.
        frame = AudioFrame.from_ndarray(np.stack([samples, samples]), format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._sample_count
        frame.time_base = _SAMPLE_TIME
        self._sample_count += len(samples)
        self._film.mux(self._audio.encode(frame))


def _caption_packet(cue: Cue, stream: Stream) -> "Packet[Stream]":
    """3GPP timed text (TS 26.245, 5.17): the text's length in two bytes, then the text."""
    text = "\n".join(cue.lines).encode()
    packet: Packet[Stream] = Packet(len(text).to_bytes(2, "big") + text)
    packet.stream = stream
    packet.time_base = _CAPTION_TIME
    start, end = (round(seconds * 1000) for seconds in (cue.start_seconds, cue.end_seconds))
    packet.pts = packet.dts = start
    packet.duration = end - start
    return packet


def _leave_captions_off(film: Path) -> None:
    """Let players offer the caption track, but not show it unasked above the captions in the picture.

    FFmpeg enables the first track of every kind; the flag is the lowest bit of the track's header
    (ISO/IEC 14496-12, 8.3.2).
    """
    with film.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        movie = next(_boxes(data, b"moov", range(len(data))))
        for track in _boxes(data, b"trak", movie):
            (media,) = _boxes(data, b"mdia", track)
            (handler,) = _boxes(data, b"hdlr", media)
            if data[handler.start + 8 : handler.start + 12] == b"sbtl":
                (header,) = _boxes(data, b"tkhd", track)
                data[header.start + 3] &= 0xFE


def _boxes(data: mmap.mmap, kind: bytes, parent: range) -> Iterator[range]:
    """Where the bodies of the boxes of one kind lie, of those directly inside `parent`."""
    position = parent.start
    while position < parent.stop:
        length, found = struct.unpack_from(">I4s", data, position)
        if found == kind:
            yield range(position + 8, position + length)
        position += length
