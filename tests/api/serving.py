"""The application on a real port of this machine, and a caller of its API that sees answers whole."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from heygen_graphql.app import create_app
from heygen_graphql.settings import Settings
from heygen_graphql.web.websocket import uvicorn_options
from tests.servers import wait_until

PASSWORD = "correct horse battery"
SIGN_UP = """
mutation ($email: String!, $password: String!) {
  signUp(input: { email: $email, password: $password, fullName: "Ada" }) {
    session { accessToken accessTokenExpiresAt refreshToken user { id email } }
    userErrors { code field message }
  }
}
"""


def changed(settings: Settings, **changes: Any) -> Settings:
    return Settings(_env_file=None, **(settings.model_dump() | changes))


@contextmanager
def served(settings: Settings, port: int = 0) -> Iterator[str]:
    """The address of an application that runs in a thread of this process until the block ends; 0 lets the
    system choose a port."""
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=1,
        **uvicorn_options(settings),
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), "starting the server")
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True, slots=True)
class Answer:
    response: httpx.Response

    @property
    def data(self) -> Any:
        assert "errors" not in self.response.json(), self.response.text
        return self.response.json()["data"]

    @property
    def error(self) -> dict[str, Any]:
        """The only error there is."""
        (error,) = self.response.json()["errors"]
        assert isinstance(error, dict)
        return error

    @property
    def code(self) -> str:
        code: str = self.error["extensions"]["code"]
        return code


@dataclass(frozen=True, slots=True)
class Api:
    """A caller, who may have signed in."""

    http: httpx.Client
    token: str | None = None

    def __call__(self, query: str, /, **variables: Any) -> Answer:
        return self.send({"query": query, "variables": variables})

    def send(self, body: object, **headers: str) -> Answer:
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return Answer(self.http.post("/graphql", json=body, headers=headers))

    def signed_in(self) -> "Api":
        """As somebody new."""
        return Api(self.http, sign_up(self)["accessToken"])

    def metric(self, name: str) -> float:
        """A number on /metrics, by its name with the labels in their order; 0 until it has been counted."""
        lines = self.http.get("/metrics").text.splitlines()
        (told,) = [line.removeprefix(name) for line in lines if line.startswith(f"{name} ")] or ["0"]
        return float(told)

    @asynccontextmanager
    async def websocket(self, **options: Any) -> AsyncIterator["Socket"]:
        address = f"{str(self.http.base_url).replace('http', 'ws', 1).rstrip('/')}/graphql"
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(address, proxy=None, **{"subprotocols": protocols, **options}) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def subscribed(self, query: str, /, **variables: Any) -> AsyncIterator["Socket"]:
        """A socket on which the caller has begun one subscription."""
        async with self.websocket() as websocket:
            await websocket.begin({"Authorization": f"Bearer {self.token}"} if self.token else None)
            await websocket.subscribe(query, **variables)
            yield websocket


@dataclass(frozen=True, slots=True)
class Socket:
    connection: ClientConnection

    async def send(self, message: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self, seconds: float = 15) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            message = json.loads(await self.connection.recv())
        assert isinstance(message, dict)
        return message

    async def begin(self, payload: dict[str, Any] | None = None) -> None:
        await self.send({"type": "connection_init"} | ({"payload": payload} if payload else {}))
        assert (await self.receive())["type"] == "connection_ack"

    async def subscribe(self, query: str, /, **variables: Any) -> None:
        await self.send({"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def next(self, seconds: float = 15) -> Any:
        """The next event's data."""
        message = await self.receive(seconds)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def ending(self, seconds: float = 15) -> tuple[int, str]:
        """The code and reason of the server's closing; what else comes before is read past."""
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        code = self.connection.close_code
        assert code is not None
        return code, self.connection.close_reason or ""

    async def closing_code(self, seconds: float = 15) -> int:
        return (await self.ending(seconds))[0]


def sign_up(api: Api) -> dict[str, Any]:
    """A new person's session."""
    payload = api(SIGN_UP, email=f"{uuid4().hex}@example.com", password=PASSWORD).data["signUp"]
    assert payload["userErrors"] == []
    session: dict[str, Any] = payload["session"]
    return session
