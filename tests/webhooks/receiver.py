"""A receiver of webhooks on this machine that fails in every way, as its paths say."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from tests.servers import wait_until


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """What it says, if it is signed with the secret; as a user's code would see it."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    port: int
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    arrivals: threading.Condition = field(default_factory=threading.Condition)
    is_over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        with self.arrivals:
            return [one for one in self.received if one.path == path]

    def wait_for(self, path: str, count: int = 1, seconds: float = 20) -> list[Received]:
        wait_until(lambda: len(self.at(path)) >= count, f"the {count}. request to {path}", seconds)
        return self.at(path)


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receiver.arrivals:
                earlier = len([one for one in receiver.received if one.path == self.path])
                receiver.received.append(Received(self.path, headers, body))
            with suppress(OSError):
                self._behave(self.path.split("?")[0].strip("/").split("/"), earlier)

        def _behave(self, words: list[str], earlier: int) -> None:
            match words:
                case ["status", number, *_]:
                    self._answer(int(number))
                case ["flaky", number, *_]:
                    self._answer(500 if earlier < int(number) else 200)
                case ["redirect", *_]:
                    self._answer(302, Location=receiver.url("/redirected"))
                case ["silent", *_]:
                    receiver.is_over.wait(20)
                case ["silent-once", *_]:
                    if earlier == 0:
                        receiver.is_over.wait(20)
                    self._answer(200)
                case ["drips-headers", *_]:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                    self._drip(b"x")
                case ["drips-body", *_]:
                    self._answer(200, **{"Content-Length": "1000"})
                    self._drip(b"x")
                case ["endless", *_]:
                    self._answer(200, **{"Content-Length": str(10**12)})
                    while not receiver.is_over.is_set():
                        self.wfile.write(b"x" * 65536)
                case ["closes", *_]:
                    self.connection.close()
                case ["babbles", *_]:
                    self.wfile.write(b"220 mail.example ESMTP\r\n")
                case _:
                    self._answer(200, **{"Set-Cookie": "a=b"})

        def _answer(self, status: int, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def _drip(self, part: bytes) -> None:
            while not receiver.is_over.wait(0.1):
                self.wfile.write(part)
                self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 100

        def handle_error(self, request: Any, client_address: Any) -> None:
            # Callers that break off, and handshakes that fail, are what is tried here.
            pass

        def get_request(self) -> Any:
            connection, address = super().get_request()
            if tls is not None:
                # The handshake is made when the handler reads: in its thread.
                connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            return connection, address

    server = Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1], "http" if tls is None else "https")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
