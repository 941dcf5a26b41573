"""Each document is parsed, measured, validated and planned once, and its verdict remembered.

graphql-core's validation takes longer than most of our operations' execution, and clients send the
same few documents all day.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    get_operation_ast,
    parse,
    validate,
)
from graphql import specified_rules as SPECIFIED_RULES
from strawberry.extensions import SchemaExtension

from heygen_graphql.schema import cost, reads
from heygen_graphql.schema.limits import MAX_VARIABLES_DEPTH, Limits, excess_of, is_too_deep
from heygen_graphql.schema.resolvers import Reads
from heygen_graphql.settings import Settings

MAX_KEPT = 500
MAX_KEPT_LENGTH = 300_000
"""Characters of all documents together, of which the tree takes up to 250 bytes each. With MAX_KEPT,
bounds what the memory can be filled with from outside: to less than 80 MB."""
MAX_KEPT_LENGTH_EACH = 20_000
"""One that is longer is not worth the room of many others."""


@dataclass(frozen=True, slots=True)
class Verdict:
    document: DocumentNode
    errors: tuple[GraphQLError, ...]
    plan: cost.CostPlan
    """What its operations cost; empty when there are errors."""
    reads: frozenset[Reads]
    """What its operations read; as good as anything when there are errors."""


class Documents:
    """The verdicts of one schema. `is_open`: introspection is answered, and errors suggest names that come
    near a wrong one."""

    def __init__(self, *, is_open: bool, limits: Limits) -> None:
        self.is_open = is_open
        self.limits = limits
        self._kept: OrderedDict[str, Verdict] = OrderedDict()
        self._kept_length = 0

    @classmethod
    def of(cls, settings: Settings) -> "Documents":
        return cls(is_open=settings.debug, limits=Limits.of(settings))

    def is_known(self, text: str) -> bool:
        """Whether a verdict on `text` is remembered."""
        return text in self._kept

    def verdict(self, schema: GraphQLSchema, text: str) -> Verdict:
        """
        Raises:
            GraphQLSyntaxError: `text` is no GraphQL, or has more tokens than `limits` says.
        """
        verdict = self._kept.get(text)
        if verdict is not None:
            self._kept.move_to_end(text)
            return verdict
        document = parse(text, max_tokens=self.limits.tokens)
        verdict = self._looked_at(schema, document)
        if len(text) <= MAX_KEPT_LENGTH_EACH:
            self._keep(text, verdict)
        return verdict

    def _keep(self, text: str, verdict: Verdict) -> None:
        self._kept[text] = verdict
        self._kept_length += len(text)
        while len(self._kept) > MAX_KEPT or self._kept_length > MAX_KEPT_LENGTH:
            forgotten, _ = self._kept.popitem(last=False)
            self._kept_length -= len(forgotten)

    def _looked_at(self, schema: GraphQLSchema, document: DocumentNode) -> Verdict:
        errors = tuple(self._faults(schema, document))
        if errors:
            return Verdict(document, errors, cost.CostPlan({}), frozenset({Reads.ANYTHING}))
        return Verdict(document, errors, cost.plan(schema, document), reads.of(schema, document))

    def _faults(self, schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
        # The measures come first: validation itself is slow on the documents that they refuse.
        excess = excess_of(document, self.limits)
        if excess is not None:
            return [GraphQLError(excess, extensions={"code": "QUERY_TOO_COMPLEX"})]
        rules = SPECIFIED_RULES if self.is_open else (*SPECIFIED_RULES, NoSchemaIntrospectionCustomRule)
        errors = validate(schema, document, rules, max_errors=10, hide_suggestions=not self.is_open)
        for error in errors:
            error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
        return errors


class RemembersDocuments(SchemaExtension):
    """Puts the remembered verdict where Strawberry would parse and validate."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._errors: tuple[GraphQLError, ...] = ()

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.parse_options["max_tokens"] = self._documents.limits.tokens
        # Strawberry parses what is left unparsed here, and reports its syntax error in its own way.
        with suppress(GraphQLSyntaxError):
            verdict = self._documents.verdict(context.schema._schema, context.query or "")
            context.graphql_document, self._errors = verdict.document, verdict.errors
            if context.context is not None:
                context.context.verdict = verdict
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        # A list of its own: what is shown of an error is written into this list (`Schema.process_errors`).
        context.pre_execution_errors = list(self._errors) or self._faults_of_request()
        yield

    def _faults_of_request(self) -> list[GraphQLError]:
        if self._is_ambiguous():
            message = "The document has several operations. Name the one to run in operationName."
            return [GraphQLError(message, extensions={"code": "OPERATION_RESOLUTION_FAILURE"})]
        if self._is_subscription_without_stream():
            message = "Subscribe on a websocket (graphql-transport-ws), or with Accept: text/event-stream."
        elif is_too_deep(self.execution_context.variables or {}):
            message = (
                f"The variables are nested too deep; at most {MAX_VARIABLES_DEPTH} levels are read. "
                "Send what is deeper as text."
            )
        else:
            return []
        return [GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})]

    def _is_ambiguous(self) -> bool:
        """Strawberry would run the first of several operations (against GraphQL, section 6.1)."""
        context = self.execution_context
        document, name = context.graphql_document, context._provided_operation_name
        return document is not None and get_operation_ast(document, name) is None

    def _is_subscription_without_stream(self) -> bool:
        context = self.execution_context
        document = context.graphql_document
        if document is None or context.context is None or context.context.is_streamed:
            return False
        operation = get_operation_ast(document, context.operation_name)
        return operation is not None and operation.operation is OperationType.SUBSCRIPTION
