import re
import time
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, parse, validate

from heygen_graphql.errors import BadRequest
from heygen_graphql.schema import build, cost, weights
from heygen_graphql.schema.documents import Documents
from heygen_graphql.settings import Settings

SCHEMA = build(Documents.of(Settings(_env_file=None)))._schema
DOCUMENTED = Path(__file__).parents[2] / "docs" / "decisions.md"

# Ten documents of a real frontend, their variables, and their costs as docs/decisions.md shows them.
REALISTIC: dict[str, tuple[str, dict[str, Any], int]] = {
    "who is signed in": ("{ me { id email fullName } }", {}, 1),
    "a progress bar's poll": (
        "query ($id: ID!) { video(id: $id) { status stage progress secondsLeft } }",
        {},
        1,
    ),
    "a list of 20 with pictures": (
        "{ videos { edges { node { id title status progress thumbnailUrl } } pageInfo { endCursor } } }",
        {},
        41,
    ),
    "a list of 100 with the count": (
        "query ($n: Int) { videos(first: $n) { totalCount edges { node { id title status } } } }",
        {"n": 100},
        106,
    ),
    "a list of 50 with scenes, voices and avatars": (
        "{ videos(first: 50) { edges { node { id scenes { script voice { name } avatar { name } } } } } }",
        {},
        801,
    ),
    "a video's page with its transcript": (
        "query ($id: ID!) { video(id: $id) { title url captionsUrl scenes { script voice { name } } "
        "transcript { text startSeconds endSeconds } qualityReport { loudnessLufs } } }",
        {},
        114,
    ),
    "what can be chosen": (
        "{ voices(first: 100) { edges { node { voiceId name sampleUrl } } } "
        "avatars(first: 100) { edges { node { avatarId name previewUrl } } } server { qualities } }",
        {},
        403,
    ),
    "a sign-in": (
        "mutation ($i: LogInInput!) { logIn(input: $i) { "
        "session { accessToken user { id } } userErrors { message } } }",
        {},
        53,
    ),
    "a new video": (
        "mutation ($i: CreateVideoInput!) { createVideo(input: $i) { "
        "video { id status } userErrors { message } } }",
        {},
        12,
    ),
    "watching a video": (
        "subscription ($id: ID!) { videoStatus(id: $id) { video { status progress } } }",
        {},
        12,
    ),
}


def cost_of(query: str, **variables: object) -> int:
    document = parse(query)
    assert validate(SCHEMA, document) == []
    return cost.of(cost.plan(SCHEMA, document), None, variables)


@pytest.mark.parametrize("name", REALISTIC)
def test_realistic_documents_cost_what_the_documentation_says(name: str) -> None:
    query, variables, points = REALISTIC[name]

    assert cost_of(query, **variables) == points
    assert f"| {name} | {points} |" in DOCUMENTED.read_text()


@pytest.mark.parametrize(
    ("query", "variables", "points"),
    [
        ("{ __typename }", {}, 1),
        # The size of a page: as a variable, by default, both ways, clumsily or not at all.
        ("query ($n: Int) { videos(first: $n) { edges { node { id } } } }", {"n": 7}, 8),
        ("query ($n: Int) { videos(first: $n) { edges { node { id } } } }", {"n": 7.0}, 8),
        ("query ($n: Int) { videos(first: $n) { edges { node { id } } } }", {"n": None}, 21),
        ("query ($n: Int) { videos(first: $n) { edges { node { id } } } }", {"n": "7"}, 21),
        ("query ($n: Int) { videos(first: $n) { edges { node { id } } } }", {"n": True}, 21),
        ("query ($n: Int) { videos(first: $n) { edges { node { id } } } }", {"n": -7}, 1),
        ("query ($n: Int = 7) { videos(first: $n) { edges { node { id } } } }", {}, 8),
        ("query ($n: Int = 7) { videos(first: $n) { edges { node { id } } } }", {"n": 9}, 10),
        ("{ videos(last: 30) { edges { node { id } } } }", {}, 31),
        ("{ videos { edges { cursor } pageInfo { endCursor } } }", {}, 1),
        ("{ videos { totalCount } }", {}, 6),
        # What is inside counts once for each entry.
        ("{ videos(first: 10) { edges { node { owner { id } } } } }", {}, 21),
        (
            "{ videos(first: 10) { edges { node { "
            "owner { videos(first: 5) { edges { node { id } } } } } } } }",
            {},
            281,
        ),
        # Aliases count each time; of a scalar, too.
        ("{ a: me { id } b: me { id } }", {}, 2),
        ("{ me { a: email b: email } }", {}, 3),
        # So do fragments, also those of a connection.
        ("{ ...F ...F } fragment F on Query { me { id } }", {}, 2),
        (
            "query ($n: Int) { videos(first: $n) { ...C } } "
            "fragment C on VideoConnection { edges { ...E } totalCount } "
            "fragment E on VideoEdge { node { id owner { id } } }",
            {"n": 50},
            106,
        ),
        # Directives with variables and without.
        ("query ($w: Boolean!) { me { id } videos @include(if: $w) { totalCount } }", {"w": False}, 1),
        ("query ($w: Boolean!) { me { id } videos @include(if: $w) { totalCount } }", {"w": True}, 7),
        ("query ($w: Boolean!) { me { id } ... @skip(if: $w) { server { version } } }", {"w": True}, 1),
        (
            "query ($w: Boolean = true) { me { id } ...F @skip(if: $w) } "
            "fragment F on Query { server { version } }",
            {},
            1,
        ),
        ("{ me { id } videos @skip(if: true) { totalCount } }", {}, 1),
        # An interface costs what its dearest type does.
        ('{ node(id: "x") { id ... on Video { owner { id } voice { id } } ... on Asset { url } } }', {}, 3),
        ('{ node(id: "x") { ... on Node { id ...V } } } fragment V on Video { owner { id } }', {}, 2),
        # Lists by their arguments.
        ('{ nodes(ids: ["a", "b", "c"]) { id ... on Video { owner { id } } } }', {}, 6),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 40}, 40),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": "a"}, 1),
        # Introspection, as deep as it may go.
        ("{ __schema { types { fields { type { fields { name } } } } } }", {}, 100),
    ],
)
def test_a_cost_follows_from_the_document_and_its_variables(
    query: str, variables: dict[str, object], points: int
) -> None:
    assert cost_of(query, **variables) == points


def test_each_operation_of_a_document_has_a_cost_of_its_own() -> None:
    document = parse("query A { me { id } } query B { a: me { id } b: me { id } }")
    plan = cost.plan(SCHEMA, document)

    assert [cost.of(plan, name, {}) for name in ("A", "B", "C")] == [1, 2, 1]


def test_a_page_above_the_settings_bound_is_refused_by_name() -> None:
    plan = cost.plan(SCHEMA, parse("query ($n: Int) { videos(last: $n) { edges { node { id } } } }"))

    assert cost.of(plan, None, {"n": 30}, max_page_size=30) == 31
    with pytest.raises(BadRequest, match=re.escape("`last` is 31; it must be 1 to 30.")):
        cost.of(plan, None, {"n": 31}, max_page_size=30)


def test_fragments_that_spread_each_other_twice_are_added_up_once_each() -> None:
    # Given 2^60 ways through the fragments, and a variable at their end
    parts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)]
    last = "fragment F60 on Query { videos(first: $n) { edges { node { id } } } }"
    document = parse(f"query ($n: Int) {{ ...F0 }} {' '.join(parts)} {last}")

    plan = cost.plan(SCHEMA, document)

    assert cost.of(plan, None, {"n": 9}) == 10 * 2**60


def test_a_plan_is_evaluated_in_microseconds() -> None:
    query, _, _ = REALISTIC["a list of 100 with the count"]
    plan = cost.plan(SCHEMA, parse(query))
    began = time.perf_counter()
    for size in range(1_000):
        cost.of(plan, None, {"n": size % 100})

    assert time.perf_counter() - began < 0.1


def test_whatever_has_a_weight_is_in_the_schema_and_every_list_has_a_length() -> None:
    fields = {
        f"{name}.{field}": one
        for name, named in SCHEMA.type_map.items()
        if isinstance(named, GraphQLObjectType) and not name.startswith("__")
        for field, one in named.fields.items()
    }
    weighed = {*weights.OWN, *weights.LENGTHS, *weights.FOR_EACH}
    assert sorted(weighed - set(fields)) == []
    assert sorted(set(weights.TYPES) - set(SCHEMA.type_map)) == []
    assert all(argument in fields[name].args for name, argument in weights.FOR_EACH.items())

    lists = {
        name
        for name, field in fields.items()
        if "[" in str(field.type) and isinstance(get_named_type(field.type), GraphQLObjectType)
    }
    paged = {name for name in lists if name.endswith("Connection.edges")}
    errors = {name for name in lists if name.endswith(".userErrors")}
    assert sorted(lists - paged - errors - {*weights.LENGTHS, *weights.FOR_EACH}) == []
