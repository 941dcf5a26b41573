"""Senders that stop sending. The whole way of an upload is in tests/api/test_assets.py."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from heygen_graphql import assets
from heygen_graphql.assets import UploadRequest
from heygen_graphql.database import Database
from heygen_graphql.storage import Links, Storage
from heygen_graphql.tables import Asset, User, utc_now
from heygen_graphql.web.uploads import Uploads


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    yield database
    await database.close()


async def test_a_sender_that_falls_silent_is_told_so_and_leaves_nothing(
    database: Database, tmp_path: Path
) -> None:
    storage, links, scratch = Storage.open((tmp_path / "files").as_uri()), Links(b"k" * 32), tmp_path / "s"
    uploads = Uploads(database, storage, links, scratch, silence_seconds=0.2)
    owner = User(email="ada@example.com", email_key="ada@example.com", password_hash="-")
    async with database.transaction() as session:
        session.add(owner)
    asset = await assets.create(database, owner.id, UploadRequest("a.png", "image/png", 8), max_bytes=10)

    async def respond(request: Request) -> Response:
        return await uploads.respond(request, request.path_params["asset_id"])

    async def halting() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(60)
        yield b"full"

    app = Starlette(routes=[Route("/media/uploads/{asset_id}", respond, methods=["PUT"])])
    link = links.sign(f"uploads/{asset.id}", utc_now() + timedelta(hours=1))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        answer = await http.put(link, content=halting())

    assert (answer.status_code, "too slowly" in answer.json()["message"]) == (408, True)
    assert answer.headers["connection"] == "close"
    async with database.reading() as session:
        assert (await session.get_one(Asset, asset.id)).storage_key is None
    assert list(scratch.iterdir()) == []
    assert await storage.list_prefix("assets") == []
