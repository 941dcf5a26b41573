"""What happens around each operation."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from heygen_graphql.errors import Unavailable
from heygen_graphql.observability import GRAPHQL_OPERATIONS, tracing
from heygen_graphql.schema.context import Context

_OURS = frozenset(("INTERNAL_SERVER_ERROR", Unavailable.code))
_INVALID = "invalid"


class Counted(SchemaExtension):
    """Counts operations for /metrics as they end, each a span; a subscription is one, whoever ends it."""

    def on_operation(self) -> Iterator[None]:
        is_run = True
        with tracing.span("graphql") as span:
            try:
                yield
            except (CannotGetOperationTypeError, InvalidOperationTypeError):
                is_run = False
                raise
            finally:
                kind, name = self._kind_and_name()
                outcome = self._outcome() if is_run else "refused"
                GRAPHQL_OPERATIONS.labels(operation=name, kind=kind, outcome=outcome).inc()
                span.rename(f"{kind} {name}")
                span.note(graphql__operation__type=kind, heygen__outcome=outcome)
                if outcome == "failed":
                    span.fail(outcome)

    def _outcome(self) -> str:
        result = self.execution_context.result
        # Who leaves before the first event has been refused nothing.
        errors = None if result is None else result.errors
        if not errors:
            return "ok"
        return "failed" if any((one.extensions or {}).get("code") in _OURS for one in errors) else "refused"

    def _kind_and_name(self) -> tuple[str, str]:
        execution = self.execution_context
        context: Context | None = execution.context
        verdict = None if context is None else context.verdict
        if verdict is None or verdict.errors:
            return _INVALID, _INVALID
        operation = get_operation_ast(verdict.document, execution._provided_operation_name)
        if operation is None:
            return _INVALID, _INVALID
        return operation.operation.value, _root_field(verdict.document, operation)


def _root_field(document: DocumentNode, operation: OperationDefinitionNode) -> str:
    """The field of the schema's root that an operation of a valid document asks for, or "several".

    Names that clients give their operations would be as many as somebody likes.
    """
    fragments = {
        definition.name.value: definition.selection_set
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    found: set[str] = set()

    def look(selections: SelectionSetNode) -> None:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                found.add(selection.name.value)
            elif isinstance(selection, FragmentSpreadNode):
                # Each is looked into once, however often it is spread.
                inner = fragments.pop(selection.name.value, None)
                if inner is not None:
                    look(inner)
            elif isinstance(selection, InlineFragmentNode):
                look(selection.selection_set)

    look(operation.selection_set)
    return found.pop() if len(found) == 1 else "several"
