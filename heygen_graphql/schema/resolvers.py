"""Strawberry's decorators as this schema uses them: always described, and the function's own type kept."""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, cast

import strawberry
from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from heygen_graphql.schema.user_errors import AnswersUserErrors

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


class Reads(Enum):
    """What a field's value is made from; `answers` keeps what changes only when it is told of the change."""

    OWN_ROWS = "rows of the viewer's own, which the data version tells of, and the server's settings"
    VOICES = "as OWN_ROWS, and the catalogue of voices"
    ANYTHING = "other people's rows, the clock, files, or what else may change in silence"


_READS = "reads"
CHANGES_UNSEEN = {_READS: Reads.ANYTHING}
"""The `metadata` of a field with no function whose column the data version does not tell of."""


def field(description: str, *, reads: Reads = Reads.ANYTHING) -> Callable[[Resolver], Resolver]:
    """An answer with the field is kept and given again only if `reads` says that this can do no harm."""
    decorated = strawberry.field(description=description, metadata={_READS: reads})
    return cast(Callable[[Resolver], Resolver], decorated)


def reads_of(field: GraphQLField) -> Reads:
    """A field with no function is read from its object, and what that reads its own field has said."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryField):
        return Reads.ANYTHING
    plain = Reads.OWN_ROWS if definition.base_resolver is None else Reads.ANYTHING
    reads: Reads = definition.metadata.get(_READS, plain)
    return reads


def mutation(description: str) -> Callable[[Resolver], Resolver]:
    """The payload that the function returns must be a `Payload`: it answers `InvalidInput`, too."""
    decorated = strawberry.mutation(description=description, extensions=[AnswersUserErrors()])
    return cast(Callable[[Resolver], Resolver], decorated)


def subscription(description: str) -> Callable[[Resolver], Resolver]:
    return cast(Callable[[Resolver], Resolver], strawberry.subscription(description=description))
