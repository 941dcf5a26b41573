"""Voices of an OpenAI-compatible server: `POST {base_url}/audio/speech` gives sound, and no times.

The times come from another voice of this machine that says the same text (`alignment`).
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO

import av
import httpx
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import SpeechFailed, SpeechRefused
from heygen_graphql.rendering.speech import psola
from heygen_graphql.rendering.speech.alignment import aligned
from heygen_graphql.rendering.speech.endpoint_voices import SpeechEndpoint, endpoint_name
from heygen_graphql.rendering.speech.engine import Speech, Voice
from heygen_graphql.rendering.speech.guessing import language_of
from heygen_graphql.rendering.speech.pitch import track
from heygen_graphql.rendering.speech.sentences import sentences
from heygen_graphql.rendering.speech.speeches import joined, paced
from heygen_graphql.rendering.speech.words import WrittenWord
from heygen_graphql.rendering.speech.writing import readable
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

logger = logging.getLogger(__name__)

# Asked for at once: about a minute of speech. The endpoint itself takes 4096.
_MAX_CHARACTERS = 900
_TIMEOUT = httpx.Timeout(120.0, connect=10.0)
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 20.0
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# Ten minutes of 48 kHz stereo, far more than the text of one request can take.
_MAX_BYTES = 120_000_000
_MAX_COMPLAINT = 200
# What "pcm" means there: 24 kHz, mono, 16 bits, little-endian, no header.
_PCM_RATE = 24_000
# The silence at either end that every speech here has.
_EDGE_SECONDS = 0.1
_FADE_SECONDS = 0.005


class Endpoint:
    """The engine; it keeps its connection open between requests."""

    def __init__(self, endpoint: SpeechEndpoint, reference: Callable[[str, str], Speech]) -> None:
        """`reference` speaks a text in a language, with times."""
        self._endpoint = endpoint
        self._reference = reference
        self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False)

    def speak(self, text: str, voice: Voice, *, speed: float, pitch_semitones: float) -> Speech:
        parts: list[Speech] = []
        for start, end in _spans(text):
            said = readable(text[start:end])
            samples = _between_silence(self._ask(said, voice))
            part = aligned(self._reference(text[start:end], language_of(said)), samples)
            if speed != 1.0 or pitch_semitones:
                ratio = 2 ** (pitch_semitones / 12)
                pitch_hz = track(samples, SAMPLE_RATE)
                samples = psola.reshape(samples, pitch_hz, SAMPLE_RATE, speed=speed, pitch_ratio=ratio)
                part = paced(part, samples, speed)
            if start and not text[start - 1].isspace() and part.words:
                part = replace(part, words=(replace(part.words[0], is_joined=True), *part.words[1:]))
            parts.append(part)
        return joined(parts)

    def close(self) -> None:
        self._client.close()

    def _ask(self, text: str, voice: Voice) -> NDArray[np.float32]:
        pause = _FIRST_PAUSE_SECONDS
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                status, kind, body, wanted_pause = self._post(text, voice)
            except httpx.RequestError as error:
                # Not the error's own words: they may hold the address with a key in it.
                status, kind, body, wanted_pause = 0, type(error).__name__, b"", None
            if status == 200:
                return _decoded(body, kind)
            if status and status not in _RETRIED:
                raise SpeechRefused(self._complaint(status, body))
            if attempt < _ATTEMPTS:
                logger.warning("The speech endpoint failed (%s), attempt %d", status or kind, attempt)
                time.sleep(min(_LONGEST_PAUSE_SECONDS, wanted_pause or pause))
                pause *= 2
        what = self._complaint(status, body) if status else f"The speech endpoint cannot be reached ({kind})."
        raise SpeechFailed(f"{what} It was tried {_ATTEMPTS} times.")

    def _post(self, text: str, voice: Voice) -> tuple[int, str, bytes, float | None]:
        """Status, media type, body, and the pause that the server asks for."""
        request = self._client.build_request(
            "POST",
            f"{self._endpoint.base_url.rstrip('/')}/audio/speech",
            headers={"Authorization": f"Bearer {self._endpoint.api_key}"},
            json={
                "model": self._endpoint.model,
                "input": text,
                "voice": endpoint_name(voice),
                "response_format": "wav",
            },
        )
        response = self._client.send(request, stream=True)
        try:
            body = bytearray()
            for block in response.iter_bytes():
                body += block
                if len(body) > _MAX_BYTES:
                    raise SpeechFailed(f"The speech endpoint sent more than {_MAX_BYTES} bytes for one text.")
        finally:
            response.close()
        asked = response.headers.get("retry-after", "")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return response.status_code, kind, bytes(body), float(asked) if asked.isdecimal() else None

    def _complaint(self, status: int, body: bytes) -> str:
        """What to tell people, without the key, which some servers repeat in their answer."""
        if status in (401, 403):
            return f"The speech endpoint refused the key ({status}): check OPENAI_API_KEY and its rights."
        if status == 404:
            return (
                "The speech endpoint was not found (404): check OPENAI_BASE_URL, which ends with its version "
                f"such as /v1, and the model {self._endpoint.model!r}."
            )
        said = " ".join(body.decode("utf-8", "replace").split()).replace(self._endpoint.api_key, "***")
        return f"The speech endpoint answered {status}: {said[:_MAX_COMPLAINT] or 'nothing more'}"


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Parts of the script of at most `_MAX_CHARACTERS`, whole sentences where these are shorter."""
    start = end = 0
    for unit in (
        piece for sentence in sentences(text, language=language_of(text)) for piece in _pieces(sentence.words)
    ):
        if unit.end - start > _MAX_CHARACTERS and end > start:
            yield start, end
            start = unit.start
        start = start if end > start else unit.start
        end = unit.end
    if end > start:
        yield start, end


def _pieces(words: tuple[WrittenWord, ...]) -> Iterator[WrittenWord]:
    """The sentence in one piece when it is short enough, else its words, else parts of these."""
    start, end = words[0].start, words[-1].end
    if end - start <= _MAX_CHARACTERS:
        yield WrittenWord("", start, end)
        return
    for word in words:
        for first in range(word.start, word.end, _MAX_CHARACTERS):
            yield WrittenWord("", first, min(word.end, first + _MAX_CHARACTERS))


def _decoded(body: bytes, kind: str) -> NDArray[np.float32]:
    """Mono samples at `SAMPLE_RATE`, whatever format the server chose to send."""
    if kind in ("audio/pcm", "audio/l16") and not body.startswith(b"RIFF"):
        raw = np.frombuffer(body[: len(body) // 2 * 2], "<i2").astype(np.float32) / 32768
        if not len(raw):
            raise SpeechFailed("The speech endpoint sent an empty sound.")
        frames = [av.AudioFrame.from_ndarray(raw[np.newaxis], format="flt", layout="mono")]
        frames[0].sample_rate = _PCM_RATE
        return _resampled(frames)
    try:
        with av.open(BytesIO(body), mode="r") as container:
            return _resampled(container.decode(audio=0))
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise SpeechFailed(f"The speech endpoint sent {kind or 'something'} that is no sound.") from error


def _resampled(frames: Iterator[av.AudioFrame] | list[av.AudioFrame]) -> NDArray[np.float32]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    parts = [part.to_ndarray().reshape(-1) for frame in frames for part in resampler.resample(frame)]
    parts += [part.to_ndarray().reshape(-1) for part in resampler.resample(None)]
    if not sum(map(len, parts)):
        raise SpeechFailed("The speech endpoint sent an empty sound.")
    return np.concatenate(parts)


def _between_silence(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    fade = min(len(samples) // 2, round(_FADE_SECONDS * SAMPLE_RATE))
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[len(samples) - fade :] *= ramp[::-1]
    return np.pad(samples, round(_EDGE_SECONDS * SAMPLE_RATE))
