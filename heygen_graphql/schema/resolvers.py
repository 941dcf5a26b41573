"""Strawberry's decorators as this schema uses them: always described, and the function's own type kept."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

from heygen_graphql.schema.user_errors import AnswersUserErrors

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def field(description: str) -> Callable[[Resolver], Resolver]:
    return cast(Callable[[Resolver], Resolver], strawberry.field(description=description))


def mutation(description: str) -> Callable[[Resolver], Resolver]:
    """The payload that the function returns must be a `Payload`: it answers `InvalidInput`, too."""
    decorated = strawberry.mutation(description=description, extensions=[AnswersUserErrors()])
    return cast(Callable[[Resolver], Resolver], decorated)


def subscription(description: str) -> Callable[[Resolver], Resolver]:
    return cast(Callable[[Resolver], Resolver], strawberry.subscription(description=description))
