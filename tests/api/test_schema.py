from pathlib import Path

from graphql import GraphQLObjectType, build_schema

from heygen_graphql.schema import sdl

FILE = Path(__file__).parents[2] / "schema.graphql"


def test_the_schema_file_says_what_the_code_says() -> None:
    assert FILE.read_text() == sdl(), "write it anew with: heygen-graphql schema --write"


def test_what_has_a_global_id_is_a_node_and_every_payload_carries_user_errors() -> None:
    schema = build_schema(sdl())
    with_ids = {
        name
        for name, named in schema.type_map.items()
        if isinstance(named, GraphQLObjectType) and "id" in named.fields
    }
    nodes = {one.name for one in schema.get_implementations(schema.type_map["Node"]).objects}  # type: ignore[arg-type]
    assert with_ids == nodes

    assert schema.mutation_type is not None
    for field in schema.mutation_type.fields.values():
        payload = schema.type_map[str(field.type).rstrip("!")]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        # What a batch answers is a list, which can be empty.
        others = {name: str(one.type) for name, one in payload.fields.items() if name != "userErrors"}
        assert not any(type_.endswith("!") for type_ in others.values() if type_ != "[VideoPayload!]!")
