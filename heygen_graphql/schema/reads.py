"""What the answers to a document's operations are made from, as their fields say it (`resolvers.Reads`)."""

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_abstract_type,
    visit,
)

from heygen_graphql.schema.resolvers import Reads, reads_of


def of(schema: GraphQLSchema, document: DocumentNode) -> frozenset[Reads]:
    """Of all operations of a valid document together, skipped fields included."""
    types = TypeInfo(schema)
    reader = _Reader(schema, types)
    visit(document, TypeInfoVisitor(types, reader))
    return frozenset(reader.found)


class _Reader(Visitor):
    def __init__(self, schema: GraphQLSchema, types: TypeInfo) -> None:
        super().__init__()
        self._schema = schema
        self._types = types
        self.found: set[Reads] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value != "__typename":
            self.found.update(reads_of(field) for field in self._fields(node.name.value))

    def _fields(self, name: str) -> list[GraphQLField]:
        """Of an interface: those of all types that it may stand for."""
        parent, field = self._types.get_parent_type(), self._types.get_field_def()
        if parent is not None and is_abstract_type(parent):
            return [one.fields[name] for one in self._schema.get_possible_types(parent)]
        return [] if field is None else [field]
