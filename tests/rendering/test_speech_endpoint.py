"""An OpenAI-compatible endpoint as an engine, against a server that this test runs."""

import io
import json
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import SpeechFailed, SpeechRefused
from heygen_graphql.rendering.speech import Speaker, Speech, SpeechEndpoint, Voices
from heygen_graphql.rendering.speech.resampling import resample
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

KEY = "sk-very-secret"
TEXT = (
    "Welcome to our company. In 1984 the city had 25,000 people; Dr. Smith paid $20 for the book. "
    "Many scientists believe that the climate is changing quickly, and you can call us from 9 to 5!"
)


@dataclass
class Answer:
    status: int
    kind: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """Answers with what `answer` makes of each request, and remembers these."""

    answer: Callable[[dict[str, str]], Answer]
    requests: list[dict[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def voices(self) -> Voices:
        return Voices(endpoint=SpeechEndpoint(f"http://127.0.0.1:{self.port}/v1", KEY, "tts-1"))


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(lambda request: Answer(500, "text/plain", b""))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/audio/speech"
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.requests.append(request)
            state.keys.append(self.headers["authorization"])
            answer = state.answer(request)
            self.send_response(answer.status)
            self.send_header("content-type", answer.kind)
            self.send_header("content-length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        state.port = listening.server_port
        # It looks for the end of the test this often.
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        listening.shutdown()
        thread.join()


def sound_file(samples: NDArray[np.float32], rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def played(spoken: Speech) -> Callable[[dict[str, str]], Answer]:
    """A server that has this speech for whatever it is asked, at 24 kHz as the real one."""
    body = sound_file(resample(spoken.samples, SAMPLE_RATE, 24_000), 24_000)
    return lambda request: Answer(200, "audio/wav", body)


def median_error_seconds(found: Speech, truth: Speech, later: float) -> float:
    assert [word.text for word in found.words] == [word.text for word in truth.words]
    errors = [
        abs(getattr(word, side) - later - getattr(true, side))
        for word, true in zip(found.words, truth.words, strict=True)
        for side in ("start_seconds", "end_seconds")
    ]
    return float(np.median(errors))


# Another speaker, and a robot that reads at another pace than the voice that times it.
@pytest.mark.parametrize("voice_id", ["joe", "espeak-en-US"])
def test_words_are_timed_by_the_sound_that_came(server: Server, voice_id: str) -> None:
    with Speaker(server.voices) as speaker:
        truth = speaker.speak(TEXT, voice_id, speed=1.1)
        server.answer = played(truth)

        spoken = speaker.speak(TEXT, "openai-nova")

    assert server.requests == [{"model": "tts-1", "input": TEXT, "voice": "nova", "response_format": "wav"}]
    assert server.keys == [f"Bearer {KEY}"]
    assert median_error_seconds(spoken, truth, later=0.1) < 0.06
    times = [time for word in spoken.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    assert spoken.phonemes[0].start_seconds == 0
    assert spoken.phonemes[-1].end_seconds == pytest.approx(len(spoken.samples) / SAMPLE_RATE)
    assert {"w", "m", "p"} < {phoneme.symbol for phoneme in spoken.phonemes}


def test_another_language_is_timed_by_a_voice_of_it(server: Server) -> None:
    text = "Guten Morgen und herzlich willkommen. Wir haben heute sieben neue Filme für Sie."
    with Speaker(server.voices) as speaker:
        truth = speaker.speak(text, "espeak-de", speed=0.9, pitch_semitones=3)
        server.answer = played(truth)

        spoken = speaker.speak(text, "openai-onyx")

    assert median_error_seconds(spoken, truth, later=0.1) < 0.06


def test_pace_and_pitch_are_made_here(server: Server) -> None:
    with Speaker(server.voices) as speaker:
        server.answer = played(speaker.speak("Seven men are moving many melons.", "joe"))

        normal = speaker.speak("Seven men are moving many melons.", "openai-echo")
        changed = speaker.speak(
            "Seven men are moving many melons.", "openai-echo", speed=1.5, pitch_semitones=4
        )

    assert len(normal.samples) / len(changed.samples) == pytest.approx(1.5, abs=0.01)
    for word, faster in zip(normal.words, changed.words, strict=True):
        assert word.start_seconds / 1.5 == pytest.approx(faster.start_seconds, abs=0.001)


def test_a_long_script_is_asked_for_in_parts_and_joined(server: Server) -> None:
    script = " ".join(f"This is sentence number {number} of a long script." for number in range(24))
    with Speaker(server.voices) as speaker:
        server.answer = lambda request: played(speaker.speak(request["input"], "espeak-en-US"))(request)

        spoken = speaker.speak(script, "openai-fable")

    assert all(len(request["input"]) <= 1000 for request in server.requests)
    assert " ".join(request["input"] for request in server.requests) == script
    assert [word.text for word in spoken.words] == script.split()
    assert spoken.words[-1].end_seconds == pytest.approx(len(spoken.samples) / SAMPLE_RATE, abs=0.5)


def test_text_without_spaces_keeps_its_words_joined_across_parts(server: Server) -> None:
    script = "「「「好」」」" * 140
    tone = (np.sin(np.arange(SAMPLE_RATE * 2) / 50) / 4).astype(np.float32)
    server.answer = lambda request: Answer(200, "audio/wav", sound_file(tone, SAMPLE_RATE))
    with Speaker(server.voices) as speaker:
        spoken = speaker.speak(script, "openai-fable")

    assert len(server.requests) == 2
    assert "".join(("" if word.is_joined else " ") + word.text for word in spoken.words).strip() == script


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_endpoint_is_asked_again(server: Server, status: int) -> None:
    with Speaker(server.voices) as speaker:
        play = played(speaker.speak("Hello there.", "espeak-en-US"))
        busy = Answer(status, "application/json", b"{}", {"retry-after": "1"})
        server.answer = lambda request: busy if len(server.requests) == 1 else play(request)

        assert speaker.speak("Hello there.", "openai-alloy").words

    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(401, "application/json", b'{"error": "Incorrect key sk-very-secret"}'), "OPENAI_API_KEY"),
        (Answer(404, "text/html", b"<h1>no</h1>"), "OPENAI_BASE_URL"),
        (Answer(400, "application/json", b'{"error": "bad voice, sk-very-secret"}'), "bad voice"),
    ],
)
def test_a_refusal_is_told_at_once_and_without_the_key(server: Server, answer: Answer, message: str) -> None:
    server.answer = lambda request: answer
    with Speaker(server.voices) as speaker, pytest.raises(SpeechRefused, match=message) as refusal:
        speaker.speak("Hello there.", "openai-alloy")

    assert len(server.requests) == 1
    assert not refusal.value.is_retryable
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "audio/wav", b"RIFF"),
        Answer(200, "application/json", b'{"audio": null}'),
        Answer(200, "audio/pcm", b""),
    ],
)
def test_what_is_no_sound_fails_clearly(server: Server, answer: Answer) -> None:
    server.answer = lambda request: answer
    with Speaker(server.voices) as speaker, pytest.raises(SpeechFailed, match="speech endpoint sent"):
        speaker.speak("Hello there.", "openai-alloy")


def test_headerless_samples_are_understood(server: Server) -> None:
    with Speaker(server.voices) as speaker:
        truth = speaker.speak("Hello there, my good friends.", "espeak-en-US")
        raw = (resample(truth.samples, SAMPLE_RATE, 24_000) * 32767).astype("<i2").tobytes()
        server.answer = lambda request: Answer(200, "audio/pcm", raw)

        spoken = speaker.speak("Hello there, my good friends.", "openai-alloy")

    assert len(spoken.samples) == pytest.approx(len(truth.samples) + 0.2 * SAMPLE_RATE, abs=200)
