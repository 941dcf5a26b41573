"""Stored files, for whoever holds a signed link that has not expired."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from heygen_graphql.errors import Unavailable
from heygen_graphql.storage import Links, Storage, content_type
from heygen_graphql.tables import utc_now
from heygen_graphql.web.previews import Previews
from heygen_graphql.web.samples import Samples


class Media:
    def __init__(self, storage: Storage, links: Links, previews: Previews, samples: Samples) -> None:
        self._storage = storage
        self._links = links
        self._previews = previews
        self._samples = samples

    async def respond(self, request: Request, key: str) -> Response:
        """The file or a part of it (RFC 9110, section 14); 403 without a word for any other link.

        Where the storage answers anybody, a fresh link to it that ends when this one does. 503 when the
        storage is away, or the file is yet to be made and too many wait for that.
        """
        query = request.query_params
        expires, signature, filename = (query.get(name) for name in ("expires", "signature", "filename"))
        now = utc_now()
        if not self._links.verify(key, expires or "", signature or "", now, filename=filename):
            return Response(status_code=403)
        # Of a link that was signed here it is a number.
        expires_at = int(expires or 0)
        cached = f"private, max-age={expires_at - int(now.timestamp())}"
        try:
            stored = await self._stored(key)
        except Unavailable as error:
            return Response(status_code=503, headers={"Retry-After": str(error.retry_after_seconds)})
        if stored is None:
            return Response(status_code=404)
        direct = self._storage.link(
            stored,
            datetime.fromtimestamp(expires_at, UTC),
            method=request.method,
            filename=filename or PurePosixPath(stored).name,
        )
        if direct is not None:
            return RedirectResponse(direct, status_code=307, headers={"Cache-Control": cached})
        found = await asyncio.to_thread(self._find, stored)
        if found is None:
            return Response(status_code=404)
        path, stat = found
        etag = f'"{hashlib.sha256(f"{key} {stat.st_mtime_ns} {stat.st_size}".encode()).hexdigest()[:32]}"'
        headers = {
            "ETag": etag,
            "Cache-Control": cached,
            "X-Content-Type-Options": "nosniff",
        }
        if _names(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        return FileResponse(
            path,
            headers=headers,
            media_type=content_type(stored),
            filename=filename or path.name,
            stat_result=stat,
            content_disposition_type="inline",
        )

    async def _stored(self, key: str) -> str | None:
        """The key of the file, which is made now if it is one of those that are.

        Raises:
            Unavailable: it can be neither found nor made just now.
        """
        if await self._storage.find(key) is not None:
            return key
        return key if await self._previews.draw(key) else await self._samples.find(key)

    def _find(self, key: str) -> tuple[Path, os.stat_result] | None:
        path = self._storage.local_path(key)
        try:
            return None if path is None else (path, path.stat())
        except FileNotFoundError:
            # Deleted between the two looks.
            return None


def _names(if_none_match: str, etag: str) -> bool:
    """Whether the header lists this tag; weak comparison, as RFC 9110, section 13.1.2, wants it."""
    listed = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return etag in listed or "*" in listed
