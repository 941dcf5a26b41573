"""Stored files, for whoever holds a signed link that has not expired."""

import asyncio
import hashlib
import os
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from heygen_graphql.errors import Unavailable
from heygen_graphql.jobs.protocol import CONTENT_TYPES
from heygen_graphql.storage import Links, Storage
from heygen_graphql.tables import utc_now
from heygen_graphql.web.previews import Previews
from heygen_graphql.web.samples import Samples

_TYPE_BY_SUFFIX = {PurePosixPath(name).suffix: kind for name, kind in CONTENT_TYPES.items()} | {
    ".png": "image/png",
    ".webp": "image/webp",
    ".m4a": "audio/mp4",
}


class Media:
    def __init__(self, storage: Storage, links: Links, previews: Previews, samples: Samples) -> None:
        self._storage = storage
        self._links = links
        self._previews = previews
        self._samples = samples

    async def respond(self, request: Request, key: str) -> Response:
        """The file or a part of it (RFC 9110, section 14); 403 without a word for any other link.

        503 when it is yet to be made and too many wait for that.
        """
        query = request.query_params
        expires, signature, filename = (query.get(name) for name in ("expires", "signature", "filename"))
        now = utc_now()
        if not self._links.verify(key, expires or "", signature or "", now, filename=filename):
            return Response(status_code=403)
        found = await asyncio.to_thread(self._find, key)
        if found is None:
            try:
                made = key if await self._previews.draw(key) else await self._samples.find(key)
            except Unavailable as error:
                return Response(status_code=503, headers={"Retry-After": str(error.retry_after_seconds)})
            found = None if made is None else await asyncio.to_thread(self._find, made)
        if found is None:
            return Response(status_code=404)
        path, stat = found
        etag = f'"{hashlib.sha256(f"{key} {stat.st_mtime_ns} {stat.st_size}".encode()).hexdigest()[:32]}"'
        headers = {
            "ETag": etag,
            "Cache-Control": f"private, max-age={int(expires or 0) - int(now.timestamp())}",
            "X-Content-Type-Options": "nosniff",
        }
        if _names(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        return FileResponse(
            path,
            headers=headers,
            media_type=_TYPE_BY_SUFFIX.get(path.suffix, "application/octet-stream"),
            filename=filename or path.name,
            stat_result=stat,
            content_disposition_type="inline",
        )

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
