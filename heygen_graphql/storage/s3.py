"""Files in a bucket of Amazon S3's, or of a server that speaks like it."""

import asyncio
import io
import math
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from heygen_graphql.errors import BadSettings, StorageAway
from heygen_graphql.observability import STORAGE_ERRORS
from heygen_graphql.storage.keys import BadKey, checked, content_type
from heygen_graphql.storage.protocol import Storage, StoredFile
from heygen_graphql.storage.signing import MAX_SECONDS, Keys, presigned
from heygen_graphql.storage.waiting import to_the_end

RETRY_SECONDS = 8.0
"""A request that fails for a passing reason is made again for so long, more and more rarely."""
_RETRIES = 6
_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 12.0
"""For what moves no file: a server that takes the question and says nothing is away as well."""
_STALL_SECONDS = 60.0
_FILE_SECONDS = 15 * 60.0
# Two parts in `_STALL_SECONDS` are 2 Mbit/s. What is smaller than one goes in one piece, and a broken
# connection leaves nothing of it.
_PART_BYTES = 8 * 1024**2
_PARTS_AT_ONCE = 2
_READ_BYTES = 1024**2
_LISTED_AT_ONCE = 1000
# Fewer than the protocol allows: all are to be gone within `_ANSWER_SECONDS`.
_DELETED_AT_ONCE = 250
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_ASKED = "s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket"

if TYPE_CHECKING:
    from obstore.store import S3Config

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Bucket:
    name: str
    prefix: str
    """Before every key; empty, or a key itself."""
    keys: Keys
    region: str
    endpoint: str | None = None
    """None: Amazon's."""
    public_endpoint: str | None = None
    """Where clients reach it, if not there."""

    @property
    def is_named_by_host(self) -> bool:
        # Amazon's certificates do not cover names with dots; other servers may have no name for a bucket.
        return self.endpoint is None and "." not in self.name

    @property
    def server(self) -> str:
        if self.endpoint is not None:
            return self.endpoint.rstrip("/")
        host = f"s3.{self.region}.amazonaws.com{'.cn' if self.region.startswith('cn-') else ''}"
        return f"https://{self.name}.{host}" if self.is_named_by_host else f"https://{host}"

    @cached_property
    def public_url(self) -> str:
        """What comes before a key in a link."""
        if self.public_endpoint is not None:
            parts = [self.public_endpoint.rstrip("/"), self.name]
        elif self.is_named_by_host:
            parts = [self.server]
        else:
            parts = [self.server, self.name]
        return "/".join([*parts, self.prefix] if self.prefix else parts)


class S3Storage(Storage):
    def __init__(self, bucket: Bucket, *, retry_seconds: float = RETRY_SECONDS) -> None:
        """Asks nothing yet."""
        self._bucket = bucket
        config: S3Config = {}
        if bucket.keys.session_token is not None:
            config["session_token"] = bucket.keys.session_token
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            config=config,
            endpoint=bucket.server,
            region=bucket.region,
            access_key_id=bucket.keys.access_key_id,
            secret_access_key=bucket.keys.secret_access_key,
            virtual_hosted_style_request=bucket.is_named_by_host,
            client_options={
                "allow_http": bucket.server.startswith("http://"),
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                "read_timeout": timedelta(seconds=_STALL_SECONDS),
                "timeout": timedelta(seconds=_FILE_SECONDS),
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=retry_seconds),
                "backoff": {
                    "init_backoff": timedelta(seconds=0.1),
                    "max_backoff": timedelta(seconds=retry_seconds / 4),
                    "base": 2,
                },
            },
        )

    async def put_file(self, key: str, file: Path | IO[bytes]) -> None:
        putting = obstore.put_async(
            self._store,
            checked(key),
            file,
            attributes={"Content-Type": content_type(key)},
            chunk_size=_PART_BYTES,
            max_concurrency=_PARTS_AT_ONCE,
        )
        with _told("put"):
            await to_the_end(putting)

    async def get_file(self, key: str, path: Path) -> None:
        with _told("get"):
            found = await obstore.get_async(self._store, checked(key))
            try:
                with path.open("xb") as file:
                    async for part in found.stream(min_chunk_size=_READ_BYTES):
                        await asyncio.to_thread(file.write, part)
            except BaseException:
                _discard(path)
                raise

    async def find(self, key: str) -> StoredFile | None:
        try:
            with _told("find"):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    found = await obstore.head_async(self._store, checked(key))
        except (BadKey, FileNotFoundError):
            return None
        return StoredFile(key, found["size"], found["last_modified"])

    async def delete_file(self, key: str) -> None:
        await self._delete([checked(key)])

    async def delete_prefix(self, prefix: str) -> None:
        keys = await self.list_prefix(prefix)
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            await self._delete(keys[start : start + _DELETED_AT_ONCE])

    async def list_prefix(self, prefix: str) -> list[str]:
        return sorted([file.key async for file in self._list(checked(prefix))])

    async def list_older(self, prefix: str, before: datetime) -> list[str]:
        return sorted([file.key async for file in self._list(checked(prefix)) if file.stored_at < before])

    async def list_folders(self, prefix: str, *, after: str, limit: int) -> list[str]:
        found: dict[str, None] = {}
        # "0" comes next to "/": after all that is in the folder.
        offset = f"{prefix}/{after}0" if after else None
        async for file in self._list(checked(prefix), offset=offset):
            name, slash, _ = file.key.removeprefix(f"{prefix}/").partition("/")
            if slash and name not in found:
                if len(found) == limit:
                    break
                found[name] = None
        return sorted(found)

    def local_path(self, key: str) -> None:
        return None

    def link(
        self, key: str, expires_at: datetime, *, method: str = "GET", filename: str | None = None
    ) -> str:
        now, seconds = _from_now(expires_at)
        query = {"response-cache-control": f"private, max-age={seconds}"}
        if filename is not None:
            query["response-content-disposition"] = _inline(filename)
        return self._signed(method, key, now, seconds, query=query)

    def upload_link(self, key: str, expires_at: datetime, *, content_type: str, size_bytes: int) -> str:
        now, seconds = _from_now(expires_at)
        headers = {"content-length": str(size_bytes), "content-type": content_type}
        return self._signed("PUT", key, now, seconds, headers=headers)

    async def check(self) -> None:
        key = f"checks/{secrets.token_hex(8)}"
        try:
            await self.put_file(key, io.BytesIO(b"heygen_graphql"))
            is_there = await self.list_prefix("checks")
            await self.delete_file(key)
        except StorageAway as error:
            if (fault := _fault(error.reason, self._bucket)) is not None:
                raise BadSettings(fault) from None
            raise
        if key not in is_there:
            raise BadSettings("STORAGE_URL: the bucket does not list what was stored in it just before")

    async def _list(self, prefix: str, *, offset: str | None = None) -> AsyncIterator[StoredFile]:
        pages = aiter(obstore.list(self._store, prefix, offset=offset, chunk_size=_LISTED_AT_ONCE))
        while True:
            with _told("list"):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    page = await anext(pages, None)
            if page is None:
                return
            for one in page:
                yield StoredFile(one["path"], one["size"], one["last_modified"])

    async def _delete(self, keys: list[str]) -> None:
        with _told("delete"):
            async with asyncio.timeout(_ANSWER_SECONDS):
                await obstore.delete_async(self._store, keys)

    def _signed(
        self,
        method: str,
        key: str,
        now: datetime,
        seconds: int,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> str:
        bucket = self._bucket
        return presigned(
            method,
            f"{bucket.public_url}/{checked(key)}",
            bucket.keys,
            bucket.region,
            now=now,
            seconds=seconds,
            query=query,
            headers=headers,
        )


@contextmanager
def _told(what: str) -> Iterator[None]:
    """
    Raises:
        FileNotFoundError: nothing is stored under the key; or the file that is to be stored is not there.
        StorageAway: the bucket cannot be used just now.
    """
    try:
        yield
    except (BaseError, TimeoutError) as error:
        reason = _reason(str(error))
    except FileNotFoundError as error:
        reason = _reason(str(error))
        if reason != "NoSuchBucket":
            raise FileNotFoundError(what, reason) from None
    else:
        return
    # The whole text names the key that was used, and may quote what was signed with it.
    log.warning("storage_away", asked=what, reason=reason)
    STORAGE_ERRORS.inc()
    raise StorageAway(reason) from None


def _reason(text: str) -> str:
    if (code := _CODE.search(text)) is not None:
        return code[1]
    if (status := _STATUS.search(text)) is not None:
        return f"status {status[1]}"
    # As Amazon does for a bucket of another region; obstore does not pass on what it said.
    return "PermanentRedirect" if "redirect without LOCATION" in text else "no answer"


def _fault(reason: str, bucket: Bucket) -> str | None:
    """Which setting is wrong; None when it may pass."""
    at = bucket.endpoint or "Amazon S3"
    match reason:
        case "NoSuchBucket" | "InvalidBucketName":
            return f"STORAGE_URL: there is no bucket {bucket.name!r} at {at}; make it, or name another"
        case "InvalidAccessKeyId":
            return f"AWS_ACCESS_KEY_ID: {at} knows no such key"
        case "SignatureDoesNotMatch":
            return "AWS_SECRET_ACCESS_KEY: it is not that of AWS_ACCESS_KEY_ID; copy both anew"
        case "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired":
            return f"AWS_SESSION_TOKEN: {at} does not take it ({reason}); get new keys, or unset it"
        case "AuthorizationHeaderMalformed" | "PermanentRedirect":
            return f"AWS_REGION: the bucket {bucket.name!r} is not in {bucket.region}; name its region"
        case "RequestTimeTooSkewed":
            return f"This machine's clock is more than 15 minutes from that of {at}; set it"
        case "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "status 401" | "status 403":
            return (
                f"AWS_ACCESS_KEY_ID: the key may not use the bucket {bucket.name!r} ({reason}); "
                f"let its policy allow {_ASKED}"
            )
    return None


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


def _from_now(expires_at: datetime) -> tuple[datetime, int]:
    now = datetime.now(UTC)
    return now, min(max(math.ceil((expires_at - now).total_seconds()), 1), MAX_SECONDS)


def _inline(filename: str) -> str:
    """RFC 6266: shown where it is asked for, saved under this name."""
    quoted = quote(filename, safe="")
    return f'inline; filename="{filename}"' if quoted == filename else f"inline; filename*=UTF-8''{quoted}"
