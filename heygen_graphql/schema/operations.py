"""What happens around each operation."""

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from heygen_graphql.observability import GRAPHQL_OPERATIONS


class Counted(SchemaExtension):
    """Counts operations for /metrics as they end; a subscription counts once."""

    def on_operation(self) -> Iterator[None]:
        yield
        result = self.execution_context.result
        outcome = "error" if result is None or result.errors else "ok"
        GRAPHQL_OPERATIONS.labels(kind=self._kind(), outcome=outcome).inc()

    def _kind(self) -> str:
        try:
            return self.execution_context.operation_type.value
        except RuntimeError:
            # The document could not be parsed, or has no operation of the name that was given.
            return "invalid"
