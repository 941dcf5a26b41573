"""What a document and its variables may hold, and how long the worst of them take."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from heygen_graphql.schema import build
from heygen_graphql.schema.documents import MAX_KEPT, MAX_KEPT_LENGTH, MAX_KEPT_LENGTH_EACH, Documents
from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served
from tests.servers import SLACK

# Of a core, for the dearest request that is let in: 0.15 s when nothing else runs.
SECONDS = 0.5
VIDEO = "mutation ($i: CreateVideoInput!) { createVideo(input: $i) { video { id } userErrors { code } } }"

INVALID, UNREADABLE, TOO_COMPLEX = "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "QUERY_TOO_COMPLEX"


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


def fragments(count: int, inside: str) -> str:
    return " ".join(f"fragment F{n} on Query {{ {inside} }}" for n in range(count))


# A document, its variables, and the codes that it is refused with; none when it is answered.
ATTACKS: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "fields that all must be compared": ("{ " + "me { id } " * 195 + "}", {}, {TOO_COMPLEX}),
    "as many fields as may be compared": ("{ " + "me { id email fullName } " * 30 + "}", {}, set()),
    "a flood of __typename": ("{ " + "__typename " * 1_400 + "}", {}, {TOO_COMPLEX}),
    "ten thousand aliases": (
        "{ " + " ".join(f"a{n}: __typename" for n in range(10_000)) + " }",
        {},
        {UNREADABLE},
    ),
    "a directive too many on a field": (
        "{ __typename " + "@skip(if: false) " * 6 + "}",
        {},
        {TOO_COMPLEX},
    ),
    "unknown directives": ("{ __typename " + "@x " * 700 + "}", {}, {TOO_COMPLEX}),
    "directives all over": (
        "{ " + "__typename @skip(if: false) " * 51 + "}",
        {},
        {TOO_COMPLEX},
    ),
    "directives on variables": (
        "query ($a: Int " + "@x " * 60 + ") { videos(first: $a) { totalCount } }",
        {},
        {TOO_COMPLEX},
    ),
    "directives by fragments": (
        "{ " + "...F " * 30 + "} fragment F on Query { me @skip(if: false) { id @skip(if: false) } }",
        {},
        {TOO_COMPLEX},
    ),
    "the same directive twice": (
        "{ __typename @skip(if: false) @skip(if: false) }",
        {},
        {INVALID},
    ),
    "fragments in a star": (
        "{ " + " ".join(f"...F{n}" for n in range(90)) + " } " + fragments(90, "me { id } me { id }"),
        {},
        {TOO_COMPLEX},
    ),
    "fragments that nobody uses": (
        "{ __typename } " + fragments(140, "me { id }"),
        {},
        {INVALID},
    ),
    "many operations": (
        " ".join(f"query Q{n} {{ me {{ id }} }}" for n in range(180)),
        {},
        {"OPERATION_RESOLUTION_FAILURE"},
    ),
    "many variables": (
        "query (" + " ".join(f"$v{n}: Int" for n in range(300)) + ") { videos(first: $v0) { totalCount } }",
        {},
        {INVALID},
    ),
    "one argument often": (
        "{ videos(" + "first: 1 " * 480 + ") { totalCount } }",
        {},
        {INVALID},
    ),
    "lists in lists": ("{ video(id: " + "[" * 700 + "]" * 700 + ") { id } }", {}, {UNREADABLE}),
    "objects in objects": (
        "{ videos(filter: " + "{a: " * 300 + "1" + "}" * 300 + ") { totalCount } }",
        {},
        {UNREADABLE},
    ),
    "types in types": (
        "query ($a: " + "[" * 600 + "Int" + "]" * 600 + ") { me { id } }",
        {},
        {UNREADABLE},
    ),
    "a long integer": (
        "{ videos(first: " + "9" * 900_000 + ") { totalCount } }",
        {},
        {INVALID},
    ),
    "a long name": ("{ " + "a" * 900_000 + " }", {}, {INVALID}),
    "long names": ("{ " + ("a" * 2_000 + " ") * 390 + "}", {}, {TOO_COMPLEX}),
    "a long string": ('{ video(id: "' + "x" * 900_000 + '") { id } }', {}, set()),
    "a long block of lines": ('{ video(id: """' + "\n x" * 200_000 + '""") { id } }', {}, set()),
    "an integer of a variable": (
        "query ($n: Int) { videos(first: $n) { totalCount } }",
        {"n": 10**4_200},
        {"BAD_USER_INPUT"},
    ),
    "a wrong value often": (
        "query ($f: VideoFilter) { videos(filter: $f) { totalCount } }",
        {"f": {"status": ["X"] * 150_000}},
        {"BAD_USER_INPUT"},
    ),
    "variables in variables": (VIDEO, {"i": {"script": "Hi.", "metadata": nested(17)}}, {"BAD_USER_INPUT"}),
    "variables as deep as they may be": (VIDEO, {"i": {"script": "Hi.", "metadata": nested(14)}}, set()),
    "variables that nobody asked for": ("{ __typename }", {f"v{n}": n for n in range(60_000)}, set()),
    "introspection": ("{ " + "__schema { types { name } } " * 30 + "}", {}, {INVALID}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_made_to_be_slow_is_answered_or_refused_at_once(someone: Api, name: str) -> None:
    query, variables, codes = ATTACKS[name]

    began = time.process_time()
    answer = someone(query, **variables)
    seconds = time.process_time() - began

    errors = answer.response.json().get("errors", [])
    assert {error["extensions"]["code"] for error in errors} == codes
    assert all(len(error["message"]) <= 500 for error in errors)
    assert len(answer.response.content) < 30_000
    assert seconds < SECONDS * SLACK


@pytest.fixture(scope="module")
def narrow(api_settings: Settings) -> Iterator[Api]:
    """A server whose every bound has been set low."""
    settings = changed(
        api_settings,
        max_query_depth=3,
        max_query_aliases=1,
        max_query_fields=6,
        max_query_directives=1,
        max_query_tokens=50,
        max_page_size=30,
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http)


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            "{ voices { edges { node { id } } } }",
            TOO_COMPLEX,
            "Fields are nested 4 deep; at most 3 are answered. Ask for what lies deeper by its id, in "
            "another operation.",
        ),
        (
            "{ a: __typename b: __typename }",
            TOO_COMPLEX,
            "The operation has 2 aliases; at most 1 are answered. Ask in several operations.",
        ),
        (
            "{ " + "__typename " * 7 + "}",
            TOO_COMPLEX,
            "The operation has 7 fields; at most 6 are answered. Ask in several operations.",
        ),
        (
            "{ __typename @skip(if: true) ...F @include(if: true) } fragment F on Query { __typename }",
            TOO_COMPLEX,
            "The operation has 2 directives; at most 1 are answered. Ask in several operations.",
        ),
        (
            "{ " + "__typename " * 50 + "}",
            UNREADABLE,
            "Syntax Error: Document contains more than 50 tokens. Parsing aborted.",
        ),
        (
            "{ voices(first: 31) { totalCount } }",
            "BAD_USER_INPUT",
            "`first` is 31; it must be 1 to 30.",
        ),
    ],
)
def test_every_bound_is_a_setting(narrow: Api, query: str, code: str, message: str) -> None:
    answer = narrow(query)

    assert (answer.code, answer.error["message"]) == (code, message)


def test_what_keeps_the_bounds_is_answered(narrow: Api) -> None:
    answer = narrow("{ a: voices(first: 30) { edges { cursor } totalCount @skip(if: true) } __typename }")

    assert len(answer.data["a"]["edges"]) <= 30


def test_a_bucket_that_cannot_hold_the_dearest_operation_is_no_setting() -> None:
    with pytest.raises(ValueError, match="POINTS_BUCKET must not be less than MAX_OPERATION_COST"):
        Settings(_env_file=None, points_bucket=99, max_operation_cost=100)


def test_documents_without_number_fill_no_more_than_a_bounded_memory() -> None:
    documents = Documents.of(Settings(_env_file=None))
    schema = build(documents)._schema

    for number in range(MAX_KEPT + 10):
        documents.verdict(schema, f"{{ __typename }} # {number}")
    many = len(documents._kept)
    for number in range(50):
        documents.verdict(schema, f"{{ __typename }} # {number} ".ljust(MAX_KEPT_LENGTH_EACH, "x"))

    assert many == MAX_KEPT
    assert sum(map(len, documents._kept)) == documents._kept_length <= MAX_KEPT_LENGTH
    assert len(documents._kept) == MAX_KEPT_LENGTH // MAX_KEPT_LENGTH_EACH
    # One that is longer is answered, and puts none of the others out.
    assert not documents.verdict(schema, "{ __typename } # " + "x" * MAX_KEPT_LENGTH).errors
    assert len(documents._kept) == MAX_KEPT_LENGTH // MAX_KEPT_LENGTH_EACH
