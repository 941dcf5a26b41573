"""What the settings say of speech reaches the process that speaks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.client import signed_up
from tests.conftest import StartServer


@dataclass
class Endpoint:
    """A speech endpoint that refuses everybody, and remembers who asked for what."""

    url: str
    asked: list[tuple[str | None, str]] = field(default_factory=list)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    class Refuse(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            one.asked.append((self.headers["Authorization"], said["model"]))
            self.send_response(401)
            self.end_headers()

        def log_message(self, format: str, *values: object) -> None:
            """Nothing: the test says what it needs."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as server:
        one = Endpoint(f"http://127.0.0.1:{server.server_port}/v1")
        Thread(target=server.serve_forever, daemon=True).start()
        yield one
        server.shutdown()


async def test_the_speech_endpoint_of_the_settings_is_asked_and_its_key_is_not_logged(
    server: StartServer, endpoint: Endpoint
) -> None:
    one = server(
        "serve",
        OPENAI_API_KEY="sk-very-secret",
        OPENAI_BASE_URL=endpoint.url,
        OPENAI_SPEECH_MODEL="some-model",
    )
    async with signed_up(one.url) as client:
        video_id = await client.create_video(
            {"script": "Hello there, how are you?", "voiceId": "openai-alloy", "quality": "LOW"}
        )
        events = await client.watch_to_end(video_id)
    assert endpoint.asked == [("Bearer sk-very-secret", "some-model")]
    assert events[-1]["video"]["status"] == "FAILED"
    log = one.log.read_text()
    assert "render_failed" in log
    assert "sk-very-secret" not in log
