"""A way to PostgreSQL on which the answer to a COMMIT can get lost, and which can be closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url


@dataclass
class Way:
    url: str = ""
    commits_to_lose: int = 0
    """How many answers to the next commits are to be lost, with the connection."""
    is_closed: bool = False
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    def close(self) -> None:
        """Break every connection, and let none come about."""
        self.is_closed = True
        for connection in self.connections:
            connection.close()

    def open(self) -> None:
        self.is_closed = False


@asynccontextmanager
async def lossy_way(url: str) -> AsyncIterator[Way]:
    """A proxy before the server at `url`, lossless at first."""
    there = make_url(url)
    way = Way()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if way.is_closed:
            writer.close()
            return
        way.connections.add(writer)
        server_reader, server_writer = await asyncio.open_connection(there.host, there.port)
        is_committing = False

        async def answers() -> None:
            while data := await server_reader.read(65536):
                if is_committing and way.commits_to_lose:
                    way.commits_to_lose -= 1
                    break
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(answers())
        while data := await reader.read(65536):
            is_committing = b"COMMIT" in data
            server_writer.write(data)
        answering.cancel()
        server_writer.close()
        way.connections.discard(writer)

    proxy = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    way.url = there.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    yield way
    proxy.close()
