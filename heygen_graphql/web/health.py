"""Whether the server lives, may take traffic, and if not well, which part of it ails."""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from alembic.script import ScriptDirectory
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from heygen_graphql import accounts
from heygen_graphql.accounts import Credentials, Tokens
from heygen_graphql.database import Database, alembic_config
from heygen_graphql.errors import HeygenError
from heygen_graphql.presence import seen_lately
from heygen_graphql.storage import Storage
from heygen_graphql.tables import utc_now
from heygen_graphql.videos import Quotas
from heygen_graphql.web.kept import Kept
from heygen_graphql.web.stock import Stock, take_stock

_CHECK_SECONDS = 2.0
_KEPT_SECONDS = 1.0
"""How old an answer may be that strangers get: however many ask, the parts are asked once a second."""
_STOCK_SECONDS = 5.0
_FAULTS = (SQLAlchemyError, RedisError, HeygenError, OSError, TimeoutError)
# What proxies add of themselves. A request that carries one was not sent from where it came from.
_FORWARDING = ("forwarded", "via", "x-real-ip")

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part. What exactly is wrong with it is for the log alone."""

    status: str
    latency_ms: float
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return self.status == "ok"

    def told(self) -> dict[str, object]:
        return {"status": self.status, "latency_ms": round(self.latency_ms, 1), **self.facts}


def alive() -> dict[str, str]:
    return {"status": "ok", "time": utc_now().isoformat()}


class Health:
    def __init__(
        self,
        database: Database,
        redis: Redis | None,
        storage: Storage,
        tokens: Tokens,
        quotas: Quotas,
    ) -> None:
        """`redis`: what queue and cache live in; None where they and the worker are parts of this process."""
        self._database = database
        self._redis = redis
        self._storage = storage
        self._tokens = tokens
        self._quotas = quotas
        self._outdated: frozenset[str | None] | None = None
        self._is_stopping = False
        self._readiness = Kept(self._find_readiness, _KEPT_SECONDS)
        self._findings = Kept(self._examine, _KEPT_SECONDS)
        self._stock = Kept(self._find_stock, _STOCK_SECONDS)

    def stop_taking_traffic(self) -> None:
        """From now on the server is not ready: it is about to end."""
        self._is_stopping = True

    async def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether requests should be sent here. Without Redis they may: the server does without it."""
        reason = "stopping" if self._is_stopping else await self._readiness.get()
        told = {"status": "ready" if reason is None else "not ready", "time": utc_now().isoformat()}
        return reason is None, told if reason is None else told | {"reason": reason}

    async def detailed(self, request: Request, credentials: Credentials) -> tuple[bool, dict[str, object]]:
        """Whether all is well; which part is not, for those alone who run the server."""
        may_see = is_local(request) or await self._is_superuser(credentials)
        findings = await (self._examine() if may_see else self._findings.get())
        is_well = all(finding.is_well for finding in findings.values())
        told: dict[str, object] = {
            "status": "ok" if is_well else "unhealthy",
            "time": utc_now().isoformat(),
        }
        if may_see:
            told["checks"] = {name: finding.told() for name, finding in findings.items()}
        return is_well, told

    async def stock(self) -> Stock | None:
        """What the database counts, at most some seconds old; None while it does not answer."""
        return await self._stock.get()

    async def _find_stock(self) -> Stock | None:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                return await take_stock(self._database, self._quotas)
        except _FAULTS as error:
            log.warning("stock_not_taken", error=str(error))
            return None

    async def _find_readiness(self) -> str | None:
        """Why the server is not ready."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                is_outdated = await self._revision() in await self._outdated_revisions()
        except _FAULTS as error:
            log.warning("not_ready", error=str(error))
            return "the database cannot be reached"
        return "the database needs: heygen-graphql migrate" if is_outdated else None

    async def _revision(self) -> str | None:
        async with self._database.reading() as session:
            found: str | None = await session.scalar(text("SELECT version_num FROM alembic_version"))
            return found

    async def _outdated_revisions(self) -> frozenset[str | None]:
        """Those before this version's. One that is not known here is a later version's, which while it is
        rolled out leaves everything in place that this one needs."""
        if self._outdated is None:
            self._outdated = await asyncio.to_thread(_revisions_before_newest, self._database.url)
        return self._outdated

    async def _is_superuser(self, credentials: Credentials) -> bool:
        if not credentials.are_given:
            return False
        with suppress(*_FAULTS):
            async with asyncio.timeout(_CHECK_SECONDS):
                viewer = await accounts.authenticate(self._database, self._tokens, credentials)
            return viewer.user.is_superuser
        return False

    async def _examine(self) -> dict[str, Finding]:
        parts: dict[str, Callable[[], Awaitable[Finding | None]]] = {
            "database": self._ask_database,
            "queue": self._ping_redis,
            "cache": self._ping_redis,
            "storage": self._look_into_storage,
            "workers": self._count_workers,
        }
        found = await asyncio.gather(*(_finding(part, check) for part, check in parts.items()))
        return dict(zip(parts, found, strict=True))

    async def _ask_database(self) -> None:
        await self._revision()

    async def _ping_redis(self) -> None:
        if self._redis is not None:
            await self._redis.ping()

    async def _look_into_storage(self) -> None:
        await self._storage.find("health/none")

    async def _count_workers(self) -> Finding | None:
        if self._redis is None:
            return None
        seen = await seen_lately(self._database)
        facts: dict[str, object] = {"seen": seen.processes, "renders_at_once": seen.renders_at_once}
        return Finding("ok" if seen.processes else "none seen", 0.0, facts)


def is_local(request: Request) -> bool:
    """Whether the request was sent on this machine: by the address of who is connected, which nobody can
    write into a header, and not by a proxy for somebody else."""
    if request.client is None or _was_forwarded(request.headers.keys()):
        return False
    with suppress(ValueError):
        address = ipaddress.ip_address(request.client.host)
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    return False


def _was_forwarded(names: Iterable[str]) -> bool:
    return any(name.startswith("x-forwarded") or name in _FORWARDING for name in names)


async def _finding(part: str, check: Callable[[], Awaitable[Finding | None]]) -> Finding:
    began = time.perf_counter()
    status, facts = "ok", {}
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            found = await check()
        if found is not None:
            status, facts = found.status, found.facts
    except _FAULTS as error:
        log.warning("health_check_failed", part=part, error=str(error))
        status = "unreachable"
    except Exception:
        # The others' findings are wanted all the more.
        log.exception("health_check_broke", part=part)
        status = "broken"
    return Finding(status, (time.perf_counter() - began) * 1000, facts)


def _revisions_before_newest(url: str) -> frozenset[str | None]:
    directory = ScriptDirectory.from_config(alembic_config(url))
    known = {script.revision for script in directory.walk_revisions()}
    return frozenset((known - set(directory.get_heads())) | {None})
