"""Documents that clients name by their SHA-256 instead of sending them.

Automatic persisted queries follow Apollo's protocol: a hash alone is answered when the document is known;
when it is not, the client sends both once (apollographql.com/docs/apollo-server/performance/apq). With a
manifest, no other documents run at all.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from graphql import GraphQLError

from heygen_graphql.errors import BadSettings
from heygen_graphql.outages import SharedRedis
from heygen_graphql.schema.context import Context

MAX_KEPT = 1000
MAX_KEPT_BYTES = 20_000
"""Of one document. With MAX_KEPT, bounds what the memory, and Redis, can be filled with from outside."""
_KEPT_SECONDS = 7 * 24 * 3600
_SHA256 = re.compile("[0-9a-f]{64}")


class DocumentStore(Protocol):
    """Holds no more than MAX_KEPT documents. Whoever reads one compares its hash."""

    async def find(self, digest: str) -> str | None: ...

    async def keep(self, digest: str, document: str) -> None: ...


class LocalDocuments:
    """Forgets what was asked for longest ago."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()

    async def find(self, digest: str) -> str | None:
        if digest in self._kept:
            self._kept.move_to_end(digest)
        return self._kept.get(digest)

    async def keep(self, digest: str, document: str) -> None:
        self._kept[digest] = document
        self._kept.move_to_end(digest)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


class SharedDocuments:
    """In Redis for all processes, and in this one's memory; without Redis, in memory alone.

    Redis holds MAX_KEPT numbered places, and a hash leads to one of them: a newcomer may drive out another
    document, but no number of them fills more.
    """

    def __init__(self, redis: SharedRedis) -> None:
        self._redis = redis
        self._local = LocalDocuments()

    async def find(self, digest: str) -> str | None:
        document = await self._local.find(digest)
        if document is not None:
            return document
        stored = await self._redis.asked(lambda redis: redis.get(_place(digest)))
        document = stored.decode(errors="replace") if isinstance(stored, bytes) else stored
        # Another document may lie in its place.
        if document is None or _digest(document) != digest:
            return None
        await self._local.keep(digest, document)
        return document

    async def keep(self, digest: str, document: str) -> None:
        await self._local.keep(digest, document)
        await self._redis.asked(lambda redis: redis.set(_place(digest), document.encode(), ex=_KEPT_SECONDS))


def _place(digest: str) -> str:
    return f"heygen:document:{int(digest[:12], 16) % MAX_KEPT}"


def shared_documents(redis: SharedRedis | None) -> DocumentStore:
    return LocalDocuments() if redis is None else SharedDocuments(redis)


class Persisted:
    def __init__(
        self,
        store: DocumentStore,
        *,
        admit: Callable[[Context, str], Awaitable[None]],
        is_valid: Callable[[str], bool],
        manifest: Mapping[str, str] | None,
    ) -> None:
        """`admit`: raises a GraphQLError when the caller may not have a document read. `is_valid`: whether it
        may be kept. `manifest`: the only documents that run, by their SHA-256; None lets every one run."""
        self._store = store
        self._admit = admit
        self._is_valid = is_valid
        self._manifest = manifest

    async def resolve(
        self, context: Context, query: str | None, extensions: Mapping[str, object] | None
    ) -> str:
        """The document that an operation means by its text, its hash, or both, which may be read.

        Raises:
            GraphQLError: there is none, or none that may run; it is ready to be shown.
        """
        digest = _named(extensions)
        if query is not None and digest is not None and _digest(query) != digest:
            raise _refused(
                "PERSISTED_QUERY_HASH_MISMATCH",
                "extensions.persistedQuery.sha256Hash is not the SHA-256 of the query. "
                "Hash the query's UTF-8 bytes exactly as they are sent.",
            )
        if self._manifest is not None:
            return self._listed(digest or _digest(query or ""))
        if query is None:
            if digest is None:
                raise _refused("BAD_REQUEST", "There is no query. Send a GraphQL document.")
            found = await self._store.find(digest)
            if found is None:
                # Clients know this very text, and answer by sending the document.
                raise _refused("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
            await self._admit(context, found)
            return found
        await self._admit(context, query)
        if digest is not None and len(query.encode()) <= MAX_KEPT_BYTES and self._is_valid(query):
            await self._store.keep(digest, query)
        return query

    def _listed(self, digest: str) -> str:
        document = (self._manifest or {}).get(digest)
        if document is None:
            raise _refused(
                "PERSISTED_QUERY_NOT_IN_LIST",
                "This server runs only the documents of its manifest, and this is none of them. "
                "Send one that it lists, or have whoever runs the server add this one.",
            )
        return document


def read_manifest(path: Path) -> dict[str, str]:
    """Documents by their SHA-256, from a JSON file: a plain object of them, as Relay's compiler persists,
    or Apollo's persisted query manifest.

    Raises:
        BadSettings: the file cannot be read, or names a document by what is not its hash.
    """
    try:
        told = json.loads(path.read_bytes())
        if isinstance(told, dict) and "operations" in told:
            told = {operation["id"]: operation["body"] for operation in told["operations"]}
        documents = {str(digest).lower(): str(document) for digest, document in told.items()}
    except OSError as error:
        raise BadSettings(
            f"PERSISTED_DOCUMENTS {path} cannot be read: {error.strerror}; name a JSON file"
        ) from error
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise BadSettings(
            f"PERSISTED_DOCUMENTS {path} is no manifest; it needs to be a JSON object of documents by their "
            "SHA-256, or Apollo's persisted query manifest"
        ) from error
    for digest, document in documents.items():
        if _digest(document) != digest:
            raise BadSettings(
                f"PERSISTED_DOCUMENTS {path} names a document {digest!r}, but its SHA-256 is "
                f"{_digest(document)}; have the manifest made anew, with SHA-256 and not MD5"
            )
    return documents


def _named(extensions: Mapping[str, object] | None) -> str | None:
    """The hash that `extensions` name a document by."""
    named = (extensions or {}).get("persistedQuery")
    if named is None:
        return None
    if not isinstance(named, dict) or named.get("version") != 1:
        raise _refused(
            "BAD_REQUEST", "extensions.persistedQuery is of another version. Send {version: 1, sha256Hash}."
        )
    digest = str(named.get("sha256Hash")).lower()
    if not _SHA256.fullmatch(digest):
        raise _refused(
            "BAD_REQUEST", "extensions.persistedQuery.sha256Hash is no SHA-256. Send 64 hexadecimal digits."
        )
    return digest


def _digest(document: str) -> str:
    return sha256(document.encode()).hexdigest()


def _refused(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})
