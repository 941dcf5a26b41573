"""Senders that stop sending. The whole way of an upload is in tests/api/test_assets.py."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class Site:
    """A server of uploads alone, and somebody who may send to it."""

    database: Database
    storage: Storage
    links: Links
    scratch: Path
    http: httpx.AsyncClient
    owner_id: UUID

    async def announce(self) -> tuple[Asset, str]:
        """An asset of eight bytes and the link to send them to."""
        request = UploadRequest("a.png", "image/png", 8)
        asset = await assets.create(self.database, self.owner_id, request, max_bytes=10)
        return asset, self.links.sign(f"uploads/{asset.id}", utc_now() + timedelta(hours=1))


@pytest.fixture
async def site(database: Database, tmp_path: Path) -> AsyncIterator[Site]:
    storage, links, scratch = Storage.open((tmp_path / "files").as_uri()), Links(b"k" * 32), tmp_path / "s"
    uploads = Uploads(database, storage, links, scratch, silence_seconds=0.5)
    owner = User(email="ada@example.com", email_key="ada@example.com", password_hash="-")
    async with database.transaction() as session:
        session.add(owner)

    async def respond(request: Request) -> Response:
        return await uploads.respond(request, request.path_params["asset_id"])

    app = Starlette(routes=[Route("/media/uploads/{asset_id}", respond, methods=["PUT"])])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        yield Site(database, storage, links, scratch, http, owner.id)


async def halting() -> AsyncIterator[bytes]:
    yield b"half"
    await asyncio.sleep(60)
    yield b"full"


async def test_a_sender_that_falls_silent_is_told_so_and_leaves_nothing(site: Site) -> None:
    asset, link = await site.announce()
    answer = await site.http.put(link, content=halting())

    assert (answer.status_code, "too slowly" in answer.json()["message"]) == (408, True)
    assert answer.headers["connection"] == "close"
    async with site.database.reading() as session:
        assert (await session.get_one(Asset, asset.id)).storage_key is None
    assert list(site.scratch.iterdir()) == []
    assert await site.storage.list_prefix("assets") == []


async def test_one_owners_slow_senders_are_bounded_and_their_places_come_free(site: Site) -> None:
    links = [(await site.announce())[1] for _ in range(10)]
    answers = await asyncio.gather(*(site.http.put(link, content=halting()) for link in links))
    assert Counter(answer.status_code for answer in answers) == {408: 8, 429: 2}
    assert (await site.http.put(links[0], content=b"8 bytes.")).status_code == 200
