"""A way to PostgreSQL on which the answer to a COMMIT can get lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.engine import make_url


@dataclass
class Losses:
    url: str
    left: int = 0
    """How many answers to the next commits are to be lost, with the connection."""


@asynccontextmanager
async def lossy_way(url: str) -> AsyncIterator[Losses]:
    """A proxy before the server at `url`, lossless at first."""
    there = make_url(url)
    losses = Losses("")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(there.host, there.port)
        is_committing = False

        async def answers() -> None:
            while data := await server_reader.read(65536):
                if is_committing and losses.left:
                    losses.left -= 1
                    break
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(answers())
        while data := await reader.read(65536):
            is_committing = b"COMMIT" in data
            server_writer.write(data)
        answering.cancel()
        server_writer.close()

    proxy = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    losses.url = there.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    yield losses
    proxy.close()
