"""Taking from the caller's bucket what an operation costs, before anything of it is executed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from math import ceil

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from heygen_graphql.errors import (
    DocumentTooLong,
    OutOfPoints,
    QueryTooComplex,
    TooManyDocuments,
    Unauthenticated,
)
from heygen_graphql.ratelimits import Bucket, address_key
from heygen_graphql.schema import cost
from heygen_graphql.schema.context import Context
from heygen_graphql.schema.cost import Charge
from heygen_graphql.schema.shown_errors import shown


class Charged(SchemaExtension):
    """Refuses what costs too much, or more than its caller has left; tells the cost with every answer.

    A subscription is charged once, at its start, and tells it with its first answer.
    """

    def __init__(self) -> None:
        self._told: dict[str, object] = {}

    async def on_validate(self) -> AsyncIterator[None]:
        execution = self.execution_context
        context: Context | None = execution.context
        if context is not None and context.verdict is not None and not execution.pre_execution_errors:
            try:
                await self._charge(context, context.verdict.plan)
            # Also what nobody foresaw, like a database that is away: raised from here, it would end a
            # websocket with all its other operations.
            except Exception as error:
                execution.pre_execution_errors = [GraphQLError(str(error), original_error=error)]
        yield

    def get_results(self) -> dict[str, object]:
        told: dict[str, object] = {"cost": self._told} if self._told else {}
        if self._told and self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            self._told = {}
        return told

    async def _charge(self, context: Context, plan: cost.CostPlan) -> None:
        execution, settings = self.execution_context, context.services.settings
        requested = cost.of(plan, execution.operation_name, execution.variables or {}, settings.max_page_size)
        is_excessive = requested > settings.max_operation_cost
        # Being refused costs a point as well: finding out costs the server something.
        taken = cost.MIN_COST if is_excessive else requested
        payer, refusal = await _payer(context)
        bucket = await context.services.limits.take(
            payer, taken, settings.points_bucket, settings.points_per_second
        )
        context.charged = Charge(requested, bucket)
        self._told = {
            "requested": requested,
            "remaining": bucket.remaining,
            "limit": bucket.limit,
            "resetAt": bucket.reset_at.isoformat().replace("+00:00", "Z"),
        }
        if context.response is not None:
            context.response.headers.update(_headers(bucket))
        if bucket.retry_after:
            raise OutOfPoints(requested, bucket.remaining, bucket.retry_after)
        if is_excessive:
            raise QueryTooComplex(requested, settings.max_operation_cost)
        # A client that sends an old token finds out at once, not when it first asks for what needs one; but
        # what gets it a new one may carry the old.
        if refusal is not None and execution.operation_type is OperationType.QUERY:
            raise refusal


async def pay_to_read(context: Context, document: str) -> None:
    """Take the characters of a document that nobody here has read yet from the caller's bucket for those:
    finding out what it costs costs something, even when it is refused.

    Raises:
        GraphQLError: they are not there, or it is too long for any bucket; ready to be shown.
    """
    settings = context.services.settings
    length, most = len(document), settings.document_characters_bucket
    try:
        if length > most:
            raise DocumentTooLong(length, most)
        payer, _ = await _payer(context)
        key = f"documents of {payer}"
        limits = context.services.limits
        bucket = await limits.take(key, length, most, settings.document_characters_per_second)
        if bucket.retry_after:
            raise TooManyDocuments(length, bucket.remaining, bucket.retry_after)
    except Exception as error:
        # Also what nobody foresaw: see above.
        unseen = GraphQLError(str(error), original_error=error)
        raise shown([unseen], context, with_suggestions=False)[0] from error


async def _payer(context: Context) -> tuple[str, Unauthenticated | None]:
    """Whose bucket it is: the account's, be it by a session or a key, or else the address's.

    What signs nobody in, a forged or expired credential included, is the address's to pay; what is wrong
    with it comes along.
    """
    refusal = None
    if context.credentials.are_given:
        try:
            return f"user:{(await context.viewer()).user.id}", None
        except Unauthenticated as error:
            refusal = error
    return f"address:{address_key(context.client_address)}", refusal


def _headers(bucket: Bucket) -> dict[str, str]:
    """As the IETF's draft has them (draft-ietf-httpapi-ratelimit-headers-07); the reset is in seconds."""
    seconds = (bucket.reset_at - datetime.now(UTC)).total_seconds()
    return {
        "RateLimit-Limit": str(bucket.limit),
        "RateLimit-Remaining": str(bucket.remaining),
        "RateLimit-Reset": str(max(0, ceil(seconds))),
    }
