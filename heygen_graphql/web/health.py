"""Whether the server works, and if not, which part of it."""

import asyncio
from collections.abc import Awaitable

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from heygen_graphql.database import Database
from heygen_graphql.tables import utc_now

_CHECK_SECONDS = 2.0

log = structlog.stdlib.get_logger(__name__)


def alive() -> dict[str, str]:
    return {"status": "ok", "time": utc_now().isoformat()}


class Health:
    def __init__(self, database: Database, redis: Redis | None) -> None:
        """`redis`: what queue and cache live in; None where both are parts of this process."""
        self._database = database
        self._redis = redis

    async def detailed(self) -> tuple[bool, dict[str, object]]:
        """Whether all is well, and what to tell. What exactly is wrong is for the log alone."""
        database, redis = await asyncio.gather(
            _is_well("database", self._read_database()), _is_well("redis", self._ping_redis())
        )
        parts = {"database": database, "queue": redis, "cache": redis}
        is_well = all(parts.values())
        return is_well, {
            "status": "ok" if is_well else "unhealthy",
            "time": utc_now().isoformat(),
            "checks": {name: "ok" if is_ok else "unreachable" for name, is_ok in parts.items()},
        }

    async def _read_database(self) -> None:
        async with self._database.reading() as session:
            await session.execute(text("SELECT 1"))

    async def _ping_redis(self) -> None:
        if self._redis is not None:
            await self._redis.ping()


async def _is_well(part: str, check: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check
    except (SQLAlchemyError, RedisError, OSError, TimeoutError) as error:
        log.warning("health_check_failed", part=part, error=str(error))
        return False
    return True
