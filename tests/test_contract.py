"""The schema that clients are promised, and what tells when it is broken."""

from pathlib import Path

import pytest

from heygen_graphql.schema import sdl
from heygen_graphql.schema.comparing import broken, undescribed
from tests.test_cli import heygen

OLD = """
interface Node { id: ID! }
type Film implements Node { id: ID!  title: String  lines(first: Int = 5): [String!]!  kind: Kind! }
enum Kind { SHORT LONG }
input NewFilm { title: String  length: Int! }
type Query { film(id: ID!): Film }
type Mutation { create(input: NewFilm!): Film! }
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("title: String  lines", "lines", "Film.title was removed"),
        ("[String!]!", "[String!]", "Film.lines changed type"),
        ("[String!]!", "[String]!", "Film.lines changed type"),
        ("lines(first: Int = 5)", "lines", "Film.lines(first:) was removed"),
        ("lines(first: Int = 5)", "lines(first: Int!)", "Film.lines(first:) has changed type"),
        (
            "lines(first: Int = 5)",
            "lines(first: Int, by: ID!)",
            "A required argument Film.lines(by:) was added",
        ),
        ("SHORT LONG", "SHORT", "Kind.LONG was removed"),
        ("Film implements Node", "Film", "Film no longer implements interface Node"),
        ("length: Int!", "length: Float!", "NewFilm.length changed type"),
        ("title: String  length", "title: String!  length", "NewFilm.title changed type"),
        ("length: Int!", "length: Int!  genre: ID!", "A required field NewFilm.genre was added"),
        ("enum Kind { SHORT LONG }", "scalar Kind", "Kind changed from an Enum type to a Scalar type"),
    ],
)
def test_a_change_that_breaks_a_client_is_told(before: str, after: str, told: str) -> None:
    assert before in OLD
    (change,) = broken(OLD, OLD.replace(before, after))
    assert told in change


def test_what_only_adds_or_promises_more_breaks_nobody() -> None:
    richer = (
        OLD.replace("title: String  lines", "title: String!  lines")
        .replace("length: Int!", "length: Int  genre: ID")
        .replace("SHORT LONG", "SHORT LONG ENDLESS")
        .replace("(first: Int = 5)", "(first: Int = 5, by: ID)")
    )
    assert broken(OLD, richer) == []
    assert broken(OLD, OLD) == []


@pytest.mark.parametrize(
    "name",
    [
        "Film",
        "Film.title",
        "Film.lines(first:)",
        "Kind",
        "Kind.LONG",
        "NewFilm",
        "NewFilm.title",
        "Instant",
        "@slow",
        "@slow(by:)",
    ],
)
def test_whatever_has_no_description_is_named(name: str) -> None:
    # Given a schema in which all is described
    described = """
    "A" type Query { "b" film: Film }
    "Film" type Film { "Film.title" title: String  "l" lines("Film.lines(first:)" first: Int): Int }
    "Kind" enum Kind { "s" SHORT  "Kind.LONG" LONG }
    "NewFilm" input NewFilm { "NewFilm.title" title: String }
    "Instant" scalar Instant
    "@slow" directive @slow("@slow(by:)" by: Int) on FIELD_DEFINITION
    """
    assert undescribed(described) == []

    # When of one thing nothing is said, or as good as nothing
    for empty in ("", '""', '"  "'):
        assert undescribed(described.replace(f'"{name}"', empty)) == [name]


def test_a_change_of_the_schema_that_breaks_clients_is_told_where_it_is_made(tmp_path: Path) -> None:
    # Given the schema as clients know it, with a field that the server has not
    known = tmp_path / "schema.graphql"
    known.write_text(sdl().replace("type Video implements Node {", """$&"Gone." director: String""", 1))
    known.write_text(known.read_text().replace("$&", "type Video implements Node { "))

    # When a person asks whether those clients are served, and writes the file anew
    refused = heygen("schema", "--keeps", "schema.graphql", directory=tmp_path)
    written = heygen("schema", "--write", directory=tmp_path)
    kept = heygen("schema", "--keeps", "schema.graphql", "--check", directory=tmp_path)

    # Then each says so
    assert refused.returncode == 1
    assert "clients of schema.graphql would break: Field Video.director was removed" in refused.stderr
    assert written.stdout == "Breaks clients: Field Video.director was removed.\n"
    assert (kept.returncode, kept.stdout, kept.stderr) == (0, "", "")


def test_a_file_that_holds_no_schema_is_refused_and_may_be_written_over(tmp_path: Path) -> None:
    (tmp_path / "schema.graphql").write_text("<<<<<<< HEAD\ntype Query { a: Int }\n")

    refused = heygen("schema", "--keeps", "schema.graphql", directory=tmp_path)
    written = heygen("schema", "--write", directory=tmp_path)

    assert refused.returncode == 1
    assert "schema.graphql holds no GraphQL schema: Syntax Error" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (written.returncode, written.stdout) == (0, "")
