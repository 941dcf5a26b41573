"""The other way round: bytes for whoever holds a signed link to send them to."""

import asyncio
import errno
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from heygen_graphql import assets
from heygen_graphql.database import Database
from heygen_graphql.errors import StorageAway, UploadFault, UploadRefused
from heygen_graphql.storage import UPLOADS_PREFIX, Links, Storage
from heygen_graphql.tables import Asset, utc_now

# A sender that is silent for so long has gone away ...
_SILENCE_SECONDS = 30.0
# ... and one that sends a little now and then must keep up this pace besides.
_LEAST_BYTES_PER_SECOND = 8 * 1024

# Each may take disk space and a connection for as long as a slow sender is allowed.
_AT_ONCE_PER_OWNER = 8
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

_STATUSES = {
    UploadFault.GONE: 404,
    UploadFault.COMPLETE_ALREADY: 409,
    UploadFault.OTHER_TYPE: 415,
    UploadFault.TOO_LONG: 413,
    UploadFault.TOO_SHORT: 400,
    UploadFault.OTHER_CONTENT: 422,
}

log = structlog.stdlib.get_logger(__name__)


class Uploads:
    def __init__(
        self,
        database: Database,
        storage: Storage,
        links: Links,
        scratch: Path,
        *,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        """`scratch`: a folder on a disk, for what is under way."""
        self._database = database
        self._storage = storage
        self._links = links
        self._scratch = scratch
        self._silence_seconds = silence_seconds
        self._under_way: Counter[UUID] = Counter()

    async def respond(self, request: Request, asset_id: str) -> Response:
        """Take the body of a PUT; 403 without a word for any other link."""
        query = request.query_params
        expires, signature = query.get("expires", ""), query.get("signature", "")
        if not self._links.verify(f"{UPLOADS_PREFIX}/{asset_id}", expires, signature, utc_now()):
            return Response(status_code=403)
        try:
            # A link that was signed here holds an id.
            asset = await assets.awaited(self._database, UUID(asset_id), request.headers.get("content-type"))
            announced = request.headers.get("content-length", "")
            if announced.isdecimal() and int(announced) != asset.size_bytes:
                # Refused before anything is sent.
                fault = UploadFault.TOO_LONG if int(announced) > asset.size_bytes else UploadFault.TOO_SHORT
                raise UploadRefused(
                    fault,
                    f"The body has {int(announced):,} bytes; {asset.size_bytes:,} were announced.",
                )
            if self._under_way[asset.owner_id] >= _AT_ONCE_PER_OWNER:
                return _told(429, f"{_AT_ONCE_PER_OWNER} uploads are under way. Send this one after them.")
            with self._counted(asset.owner_id):
                await self._receive(request, asset)
        except UploadRefused as error:
            return _told(_STATUSES[error.reason], str(error))
        except StorageAway as error:
            return _told(503, str(error), retry_after_seconds=error.retry_after_seconds)
        except TimeoutError:
            return _told(408, "The bytes came too slowly. Send the file again.")
        except ClientDisconnect:
            log.info("upload_broken_off", asset_id=asset_id)
            return Response(status_code=400)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            log.error("upload_found_disk_full", asset_id=asset_id)
            return _told(507, "The server has no room for the file now. Tell whoever runs it.")
        return JSONResponse({"sizeBytes": asset.size_bytes})

    async def _receive(self, request: Request, asset: Asset) -> None:
        async with asyncio.timeout(self._silence_seconds + asset.size_bytes / _LEAST_BYTES_PER_SECOND):
            await assets.receive(
                self._database, self._storage, asset, self._lively(request), scratch=self._scratch
            )

    @contextmanager
    def _counted(self, owner_id: UUID) -> Iterator[None]:
        self._under_way[owner_id] += 1
        try:
            yield
        finally:
            self._under_way[owner_id] -= 1
            if not self._under_way[owner_id]:
                del self._under_way[owner_id]

    async def _lively(self, request: Request) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            TimeoutError: nothing came for too long.
        """
        body = aiter(request.stream())
        while True:
            try:
                async with asyncio.timeout(self._silence_seconds):
                    chunk = await anext(body)
            except StopAsyncIteration:
                return
            yield chunk


def _told(status: int, message: str, *, retry_after_seconds: int | None = None) -> Response:
    # What is left of the body is not read.
    headers = {"Connection": "close"}
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(retry_after_seconds)
    return JSONResponse({"message": message}, status_code=status, headers=headers)
