"""What websockets and event streams have in common: results over time, to somebody who may lose the right."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from heygen_graphql.ratelimits import address_key
from heygen_graphql.schema.context import Context
from heygen_graphql.schema.following import Asked, Views
from heygen_graphql.schema.transport.bodies import body_of, encoded
from heygen_graphql.schema.transport.persisted import Persisted
from heygen_graphql.schema.transport.requests import Operation
from heygen_graphql.settings import Settings

STALLED_SECONDS = 30.0
"""How long a client that does not read is waited for, with something to send."""


class TooManyConnections(Exception):
    """Its text tells whose they are, and how many may be open."""


class Connections:
    """How many websockets and event streams this process holds open, for whom."""

    def __init__(self, settings: Settings) -> None:
        self._per_user = settings.max_connections_per_user
        self._per_address = settings.max_anonymous_connections_per_address
        self._open: Counter[str | UUID] = Counter()

    @contextmanager
    def of_address(self, address: str) -> Iterator[None]:
        """One more, of somebody who has not signed in (yet).

        Raises:
            TooManyConnections
        """
        with self._counted(address_key(address), self._per_address, "your address without signing in"):
            yield

    @contextmanager
    def of_user(self, user_id: UUID) -> Iterator[None]:
        """
        Raises:
            TooManyConnections
        """
        with self._counted(user_id, self._per_user, "your account"):
            yield

    @contextmanager
    def _counted(self, key: str | UUID, limit: int, whose: str) -> Iterator[None]:
        if self._open[key] >= limit:
            raise TooManyConnections(f"At most {limit} connections of {whose} may be open; close one first.")
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


@dataclass(frozen=True, slots=True)
class Results:
    """Runs operations of any kind, one result after the other."""

    schema: strawberry.Schema
    persisted: Persisted
    views: Views

    async def of(
        self, operation: Operation, context: Context, allowed: Iterable[OperationType] = OperationType
    ) -> AsyncGenerator[ExecutionResult | str, None]:
        """A text is a result as a client reads it; a `PreExecutionError` stands alone.

        The next result is made when it is asked for: a client that reads slowly skips states, and nothing
        piles up for it.
        """
        try:
            query = await self.persisted.resolve(context, operation.query, operation.extensions)
        except GraphQLError as error:
            yield PreExecutionError(data=None, errors=[error])
            return
        with context.ending:
            stream = await self.schema.stream(
                query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                operation_extensions=operation.extensions,
                allowed_operation_types=allowed,
            )
            async with aclosing(stream):
                async for result in stream:
                    # No directive of this schema delivers a result in pieces.
                    assert isinstance(result, ExecutionResult)
                    yield result
            if context.following is None:
                return
            # While it waits for events, a subscription is nothing but this.
            del stream, result
            asked = Asked(query, operation.operation_name, operation.variables)
            async with aclosing(self.views.follow(asked, context, context.following)) as texts:
                async for text in texts:
                    yield text


def payload_of(result: ExecutionResult) -> dict[str, Any]:
    """As a client reads it."""
    return body_of(result, is_executed=not isinstance(result, PreExecutionError))


def text_of(result: ExecutionResult | str) -> str:
    """As a client reads it, in JSON."""
    return result if isinstance(result, str) else encoded(payload_of(result))
