"""How long somebody who is connected may stay."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context as Variables
from uuid import UUID

import structlog

from heygen_graphql import accounts
from heygen_graphql.accounts import Viewer
from heygen_graphql.database import Database, is_passing_fault
from heygen_graphql.errors import Unauthenticated
from heygen_graphql.schema.context import Context
from heygen_graphql.tables import utc_now

REAUTHENTICATE_SECONDS = 5.0
"""How long somebody may go on watching whose session has ended or whose account was deactivated."""

log = structlog.stdlib.get_logger(__name__)


class Rights:
    """Of all connections of this process, looked at together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[UUID, set[asyncio.Event]] = {}
        """By session or key: what is set when that may not hold any more."""
        self._looking: asyncio.Task[None] | None = None

    async def until_refused(self, context: Context, viewer: Viewer) -> str:
        """Wait as long as the viewer may stay; why not any longer.

        An expiry is kept to the moment. What ends from outside (a session, a key, an account) is found out
        within REAUTHENTICATE_SECONDS.
        """
        with self._holding(viewer) as doubted:
            while True:
                try:
                    async with asyncio.timeout(_left_seconds(viewer)):
                        await doubted.wait()
                except TimeoutError:
                    return "what you signed in with has expired"
                doubted.clear()
                try:
                    await context.authenticate()
                except Unauthenticated as error:
                    return str(error)
                except Exception as error:
                    if not is_passing_fault(error):
                        raise
                    # Nobody is sent away because the database is; the next look doubts them again.
                    log.warning("viewer_not_looked_up", error=str(error))

    @contextmanager
    def _holding(self, viewer: Viewer) -> Iterator[asyncio.Event]:
        doubted, right = asyncio.Event(), viewer.right_id
        self._held.setdefault(right, set()).add(doubted)
        if self._looking is None:
            # What it logs is not of the request that happens to come first.
            self._looking = asyncio.create_task(self._look_for_ever(), name="rights", context=Variables())
        try:
            yield doubted
        finally:
            self._held[right].discard(doubted)
            if not self._held[right]:
                del self._held[right]
            if not self._held:
                self._looking.cancel()
                self._looking = None

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(REAUTHENTICATE_SECONDS)
            rights = list(self._held)
            try:
                standing = await accounts.standing(self._database, rights)
            except Exception as error:
                # While the database is away there is nothing to be seen either; and everybody's rights depend
                # on this task.
                if is_passing_fault(error):
                    log.warning("viewers_not_looked_up", error=str(error))
                else:
                    log.exception("rights_not_looked_at")
                continue
            for right in rights:
                if right not in standing:
                    for doubted in self._held.get(right, ()):
                        doubted.set()


def _left_seconds(viewer: Viewer) -> float | None:
    """None where there is no end."""
    return None if viewer.expires_at is None else max(0.0, (viewer.expires_at - utc_now()).total_seconds())
