"""The GraphQL API: a module a noun, and here what puts them together."""

from collections.abc import Iterable

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from heygen_graphql.schema.answers import KeepsAnswers
from heygen_graphql.schema.api_keys import ApiKeyMutations
from heygen_graphql.schema.asset_mutations import AssetMutations
from heygen_graphql.schema.charges import Charged
from heygen_graphql.schema.context import Context, Services
from heygen_graphql.schema.documents import Documents, RemembersDocuments
from heygen_graphql.schema.operations import Counted
from heygen_graphql.schema.queries import Query
from heygen_graphql.schema.scalars import SCALARS
from heygen_graphql.schema.sessions import SessionMutations
from heygen_graphql.schema.shown_errors import shown
from heygen_graphql.schema.speeches import SpeechMutations
from heygen_graphql.schema.subscriptions import Subscription
from heygen_graphql.schema.templates import TemplateMutations
from heygen_graphql.schema.users import UserMutations
from heygen_graphql.schema.video_mutations import VideoMutations
from heygen_graphql.schema.webhooks import WebhookMutations
from heygen_graphql.settings import Settings

__all__ = ["Context", "Services", "build", "sdl"]


@strawberry.type(
    description="What can be changed. Faults that the caller can mend come back in `userErrors`, all at once."
)
class Mutation(
    SessionMutations,
    UserMutations,
    ApiKeyMutations,
    VideoMutations,
    AssetMutations,
    SpeechMutations,
    TemplateMutations,
    WebhookMutations,
):
    """Every room's mutations, put together."""


class _Schema(strawberry.Schema):
    """Shows errors as `shown_errors` says; Strawberry calls this once for each result of any operation."""

    is_open: bool = False

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = execution_context.context if execution_context else None
        # In place: what Strawberry answers with is this very list.
        errors[:] = shown(errors, context, with_suggestions=self.is_open)


def build(documents: Documents) -> strawberry.Schema:
    """`documents`: remembers verdicts for this schema alone."""
    schema = _Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[Counted, lambda: RemembersDocuments(documents), Charged, KeepsAnswers],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    schema.is_open = documents.is_open
    _leave_out_null_defaults(schema._schema)
    return schema


def _leave_out_null_defaults(schema: GraphQLSchema) -> None:
    """What may be left out has no default in the schema: Strawberry would print `= null` for each."""
    for named in schema.type_map.values():
        inputs: Iterable[GraphQLArgument | GraphQLInputField] = ()
        if isinstance(named, GraphQLInputObjectType):
            inputs = named.fields.values()
        elif isinstance(named, GraphQLObjectType):
            inputs = (argument for field in named.fields.values() for argument in field.args.values())
        for one in inputs:
            if one.default_value is None:
                one.default_value = Undefined


def sdl() -> str:
    """The schema in the schema definition language, as schema.graphql holds it."""
    # The same whatever the environment says: these are the settings' defaults.
    documents = Documents.of(Settings.model_construct())
    return build(documents).as_str().rstrip("\n") + "\n"
