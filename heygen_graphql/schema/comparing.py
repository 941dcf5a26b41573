"""What a client would notice when one schema takes another's place, and what a reader would miss in it."""

from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    find_breaking_changes,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)


class NotASchema(ValueError):
    """A text that is no schema in the schema definition language, and why."""


def broken(old: str, new: str) -> list[str]:
    """Why operations written for the old schema may fail with the new one.

    What has gone or is of another type or kind; an output that may be null now; an input that is required
    now; an interface that is no longer implemented. Both are texts in the schema definition language.

    Raises:
        NotASchema: the old one.
    """
    try:
        before = build_schema(old)
    except (GraphQLError, TypeError) as error:
        raise NotASchema(str(error)) from error
    changes = find_breaking_changes(before, build_schema(new))
    return sorted(change.description.rstrip(".") for change in changes)


def undescribed(text: str) -> list[str]:
    """The types, fields, arguments, enum values, inputs and directives of which the schema says nothing."""
    return [name for name, description in _named(text) if not (description or "").strip()]


def _named(text: str) -> Iterator[tuple[str, str | None]]:
    schema = build_schema(text)
    for directive in schema.directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description
            for name, argument in directive.args.items():
                yield f"@{directive.name}({name}:)", argument.description
    for type_name, named in schema.type_map.items():
        if is_introspection_type(named) or is_specified_scalar_type(named):
            continue
        yield type_name, named.description
        if isinstance(named, GraphQLEnumType):
            for name, value in named.values.items():
                yield f"{type_name}.{name}", value.description
        elif isinstance(named, GraphQLInputObjectType):
            for name, input_field in named.fields.items():
                yield f"{type_name}.{name}", input_field.description
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in named.fields.items():
                yield f"{type_name}.{field_name}", field.description
                for name, argument in field.args.items():
                    yield f"{type_name}.{field_name}({name}:)", argument.description
