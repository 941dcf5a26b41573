"""What makes deliveries happen, in every process of the server; any number may run at once.

The database says what is due. A driver that dies leaves leases that run out; one whose database goes away
waits for it to come back.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import structlog

from heygen_graphql.database import Bounds, Database, is_passing_fault
from heygen_graphql.observability import WEBHOOK_DELIVERIES, bound_ids, tracing
from heygen_graphql.settings import Settings
from heygen_graphql.tables import WebhookDeliveryStatus
from heygen_graphql.webhooks import deliveries, signing
from heygen_graphql.webhooks.deliveries import Claim
from heygen_graphql.webhooks.fanning import fan_out, forget_told
from heygen_graphql.webhooks.sending import Sender
from heygen_graphql.webhooks.targets import Targets

_POLL_SECONDS = 1.0
_AWAY_SECONDS = 2.0
_FORGET_SECONDS = 600.0
_GRACE_SECONDS = 1.0
"""What is being sent when the process stops has this long to end."""
_SLACK_SECONDS = 5.0
"""What an attempt may take beside its limit, to read a little of the answer and to be written down."""
_CONNECTIONS = 2

_OUTCOMES = {
    WebhookDeliveryStatus.DELIVERED: "delivered",
    WebhookDeliveryStatus.PENDING: "retried",
    WebhookDeliveryStatus.FAILED: "failed",
}

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def driving(settings: Settings, database_url: str, targets: Targets) -> AsyncIterator["Driver"]:
    """Deliver until the block ends; then what is being sent is handed back."""
    # Connections of its own: a burst of deliveries takes none from those who wait for an answer.
    database = Database(database_url, Bounds.of(settings, pool_size=_CONNECTIONS))
    sender = Sender(
        targets, timeout_seconds=settings.webhook_timeout_seconds, ca_file=settings.webhook_ca_file
    )
    driver = Driver(settings, database, sender)
    task = asyncio.create_task(driver.run(), name="webhooks")
    try:
        yield driver
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await driver.stop()
        await database.close()


class Driver:
    def __init__(self, settings: Settings, database: Database, sender: Sender) -> None:
        self._gaps = settings.webhook_retry_seconds
        self._lease_seconds = settings.webhook_timeout_seconds + _SLACK_SECONDS
        self._days = settings.webhook_delivery_days
        self._database = database
        self._sender = sender
        self._sending: dict[asyncio.Task[None], Claim] = {}
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        # Not all processes of a server that was started anew at the same moment.
        self._forget_at = time.monotonic() + random.uniform(0, _FORGET_SECONDS)

    def wake(self) -> None:
        """Say that there may be something to deliver. May be called from any thread."""
        # The loop may have closed meanwhile.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        is_away = False
        while True:
            wait_seconds = _POLL_SECONDS * random.uniform(0.75, 1.5)
            self._woken.clear()
            try:
                if await self._deliver():
                    wait_seconds = 0.0
                await self._keep_house()
                is_away = False
            except Exception as error:
                wait_seconds = _AWAY_SECONDS
                if not is_passing_fault(error):
                    _log.exception("webhooks_failed")
                elif not is_away:
                    # Once for an outage, however many times it is tried.
                    _log.warning("webhooks_put_off", error=str(error))
                is_away = True
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._woken.wait()

    async def stop(self) -> None:
        """Let what is nearly there end, and hand the rest back."""
        if not self._sending:
            return
        await asyncio.wait(self._sending, timeout=_GRACE_SECONDS)
        left = dict(self._sending)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            await deliveries.give_back(self._database, list(left.values()))
        except Exception as error:
            # Their leases run out by themselves.
            if not is_passing_fault(error):
                raise
            _log.warning("webhooks_not_handed_back", error=str(error))

    async def _deliver(self) -> bool:
        """Whether there may be more to do at once."""
        has_more = await fan_out(self._database)
        claims = await deliveries.claim(
            self._database,
            [claim.due for claim in self._sending.values()],
            max_attempts=len(self._gaps) + 1,
            lease_seconds=self._lease_seconds,
        )
        for claim in claims:
            task = asyncio.create_task(self._traced_attempt(claim), name=f"webhook {claim.due.id}")
            self._sending[task] = claim
            task.add_done_callback(self._forget)
        return has_more

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._woken.set()

    async def _traced_attempt(self, claim: Claim) -> None:
        due = claim.due
        with (
            bound_ids(request_id=claim.request_id, user_id=due.owner_id, delivery_id=due.id),
            tracing.continued(claim.trace_parent),
            tracing.span("webhook delivery", "CLIENT", heygen__attempt=claim.attempt) as span,
        ):
            await self._attempt(claim, span)

    async def _attempt(self, claim: Claim, span: tracing.Span) -> None:
        try:
            headers = signing.headers(claim.message_id, datetime.now(UTC), claim.body, claim.secrets)
            trace_parent = tracing.current()
            if trace_parent is not None:
                headers = {**headers, tracing.HEADER: trace_parent}
            outcome = await self._sender.post(claim.url, headers, claim.body.encode())
            if outcome.status is not None:
                span.note(http__response__status_code=outcome.status)
            if outcome.failure is not None:
                span.fail(outcome.failure)
            status = await deliveries.record(self._database, claim, outcome, self._gaps)
        except Exception as error:
            # Its lease runs out, and it is tried again.
            if not is_passing_fault(error):
                _log.exception("webhook_attempt_failed")
            else:
                _log.warning("webhook_attempt_not_recorded", error=str(error))
            return
        if status is not None:
            WEBHOOK_DELIVERIES.labels(_OUTCOMES[status]).inc()

    async def _keep_house(self) -> None:
        now = time.monotonic()
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_SECONDS
            await deliveries.forget_old(self._database, days=self._days)
            await forget_told(self._database, days=self._days)
