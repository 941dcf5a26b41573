from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from heygen_graphql.schema import sdl

FILE = Path(__file__).parents[2] / "schema.graphql"


def described(schema: GraphQLSchema) -> dict[str, str | None]:
    """Everything that has a name in the schema, and what is said of it."""
    found: dict[str, str | None] = {}
    for name, named in schema.type_map.items():
        if is_introspection_type(named) or is_specified_scalar_type(named):
            continue
        found[name] = named.description
        if isinstance(named, GraphQLEnumType):
            found |= {f"{name}.{value}": one.description for value, one in named.values.items()}
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in named.fields.items():
                found[f"{name}.{field_name}"] = field.description
                for argument_name, argument in field.args.items():
                    found[f"{name}.{field_name}({argument_name}:)"] = argument.description
        elif isinstance(named, GraphQLInputObjectType):
            found |= {f"{name}.{field}": one.description for field, one in named.fields.items()}
    return found


def test_the_schema_file_says_what_the_code_says() -> None:
    assert FILE.read_text() == sdl(), "write it anew with: heygen-graphql schema --write"


def test_everything_in_the_schema_is_described() -> None:
    found = described(build_schema(sdl()))
    assert len(found) > 200
    assert [name for name, description in found.items() if not description] == []


def test_what_has_a_global_id_is_a_node_and_every_payload_carries_user_errors() -> None:
    schema = build_schema(sdl())
    with_ids = {
        name
        for name, named in schema.type_map.items()
        if isinstance(named, GraphQLObjectType) and "id" in named.fields
    }
    nodes = {one.name for one in schema.get_implementations(schema.type_map["Node"]).objects}  # type: ignore[arg-type]
    assert with_ids == nodes == {"User", "Video", "Voice", "Avatar", "Asset"}

    assert schema.mutation_type is not None
    for field in schema.mutation_type.fields.values():
        payload = schema.type_map[str(field.type).rstrip("!")]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        assert all(
            not str(one.type).endswith("!") for name, one in payload.fields.items() if name != "userErrors"
        )
