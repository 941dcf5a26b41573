"""Operations made from the schema itself: what is added to the schema is walked without being named here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    build_schema,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from heygen_graphql.schema import sdl

SCHEMA = build_schema(sdl())

# What makes an input of its type acceptable besides the fields that it requires.
FITTING_INPUTS: dict[str, dict[str, Any]] = {
    "CreateVideoInput": {"script": "Hello."},
    "SceneInput": {"script": "Hello."},
    "UpdateVideoInput": {"title": "New"},
    "UpdateUserInput": {"fullName": "New"},
    "UpdateWebhookInput": {"isActive": True},
}
# What a required value may be, by its name where its type alone does not tell.
FITTING_NAMES: dict[str, Any] = {
    "contentType": "image/png",
    "email": "new@example.com",
    "events": ["VIDEO_COMPLETED"],
    "script": "Hello.",
    "sizeBytes": "100",
    "url": "https://example.com/hook",
    "variables": {"name": "World"},
}
FITTING_SCALARS: dict[str, Any] = {
    "Boolean": True,
    "DateTime": "2040-01-01T00:00:00Z",
    "Float": 1.0,
    "HexColor": "#102030",
    "ID": "bm90aGluZw==",
    "Int": 1,
    "JSON": {},
    "String": "something long enough",
    "URL": "https://example.com/",
}

UNBOUNDED: dict[str, Any] = {
    "document_characters_bucket": 10**9,
    "max_operation_cost": 10**9,
    "max_query_aliases": 10**6,
    "max_query_depth": 50,
    "max_query_fields": 10**6,
    "max_query_tokens": 10**6,
    "points_bucket": 10**9,
    "sign_ins_per_account_per_minute": 10**6,
    "sign_ins_per_minute": 10**6,
    "uploads_per_minute": 10**6,
    "videos_per_minute": 10**6,
    "webhook_calls_per_minute": 10**6,
}
"""Settings of a server whose limits are not what is tried."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An argument, or a field deep in one, that can name an object of somebody's."""

    operation: str
    """query, mutation or subscription"""
    field: str
    path: Path
    """From the argument's name inwards."""

    def __str__(self) -> str:
        return f"{self.operation} {self.field}({'.'.join(self.path)})"

    def document(self, kind: str | None = None) -> str:
        """Asks for all there is to know of the answer; `kind` where the answer may be of several types."""
        field = _root(self.operation).fields[self.field]
        declared = ", ".join(f"${name}: {argument.type}" for name, argument in field.args.items())
        passed = ", ".join(f"{name}: ${name}" for name in field.args)
        head = f"{self.operation} ({declared})"
        return f"{head} {{ {self.field}({passed}) {selection(field.type, kind)} }}"

    @property
    def needs_another_id(self) -> bool:
        """Whether it lies beside an argument that names the object to be worked with."""
        arguments = _root(self.operation).fields[self.field].args
        return self.path != ("id",) and "id" in arguments

    def variables(self, value: Any, own_id: str | None = None) -> dict[str, Any]:
        """What a caller would send, with `value` at this place and `own_id` for the other object."""
        arguments = _root(self.operation).fields[self.field].args
        filled = {
            name: _fitting(name, argument.type)
            for name, argument in arguments.items()
            if is_required_argument(argument) or name == self.path[0]
        }
        if own_id is not None:
            filled["id"] = own_id
        name = self.path[0]
        filled[name] = _with(arguments[name].type, filled[name], self.path[1:], value)
        return filled


def places(operation: str, names: frozenset[str]) -> Iterator[Place]:
    """Where the operations of this kind take an ID, or a string of one of these names."""
    for name, field in _root(operation).fields.items():
        for path in _places_in(field.args, names, ()):
            yield Place(operation, name, path)


def root_fields(operation: str) -> dict[str, GraphQLField]:
    return dict(_root(operation).fields)


def selection(answer: GraphQLOutputType, kind: str | None = None, depth: int = 5) -> str:
    """Every field that needs no argument, as deep as a type does not come again; `kind` is what to ask for
    where the answer may be of several types."""
    return _selection(get_named_type(answer), kind, depth, frozenset())


def _selection(named: Any, kind: str | None, depth: int, above: frozenset[str]) -> str:
    if not is_composite_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType):
        if kind is None:
            return "{ __typename id }"
        inside = _selection(SCHEMA.type_map[kind], None, depth, above)
        return f"{{ __typename id ... on {kind} {inside} }}"
    assert isinstance(named, GraphQLObjectType)
    chosen = ["__typename"]
    for name, field in named.fields.items():
        inner = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if not is_composite_type(inner):
            chosen.append(name)
        elif depth > 1 and inner.name not in above:
            chosen.append(f"{name} {_selection(inner, kind, depth - 1, above | {named.name})}")
    return f"{{ {' '.join(chosen)} }}"


def _root(operation: str) -> GraphQLObjectType:
    root = {
        "query": SCHEMA.query_type,
        "mutation": SCHEMA.mutation_type,
        "subscription": SCHEMA.subscription_type,
    }[operation]
    assert root is not None
    return root


def _places_in(
    fields: dict[str, GraphQLArgument] | dict[str, GraphQLInputField], names: frozenset[str], path: Path
) -> Iterator[Path]:
    for name, field in fields.items():
        named = get_named_type(field.type)
        if named.name == "ID" or (named.name == "String" and name in names):
            yield (*path, name)
        elif isinstance(named, GraphQLInputObjectType):
            yield from _places_in(named.fields, names, (*path, name))


def _fitting(name: str, kind: GraphQLInputType) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _fitting(name, kind.of_type)
    if name in FITTING_NAMES:
        return FITTING_NAMES[name]
    if isinstance(kind, GraphQLList):
        return [_fitting(name, kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        required = {
            inner: _fitting(inner, field.type)
            for inner, field in kind.fields.items()
            if is_required_input_field(field)
        }
        return required | FITTING_INPUTS.get(kind.name, {})
    return FITTING_SCALARS[kind.name]


def _with(kind: GraphQLInputType, filled: Any, path: Path, value: Any) -> Any:
    """`filled` with `value` at the path inside it; a list gets it in its only item."""
    if isinstance(kind, GraphQLNonNull):
        return _with(kind.of_type, filled, path, value)
    if isinstance(kind, GraphQLList):
        return [_with(kind.of_type, filled[0], path, value)]
    if not path:
        return value
    assert isinstance(kind, GraphQLInputObjectType)
    name, inner = path[0], kind.fields[path[0]].type
    changed = {**filled, name: _with(inner, filled.get(name, _fitting(name, inner)), path[1:], value)}
    if name == "scenes":
        # The short way to say one scene and the long one exclude each other.
        changed.pop("script", None)
    return changed
