"""Any Unicode, size and shape in every argument, and any body: told apart by codes, never by a fault."""

import json
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.api.operations import Place, root_fields
from tests.api.serving import Api
from tests.api.test_fuzzing import HARMLESS_WARNINGS, check_answer_to

pytestmark = HARMLESS_WARNINGS

ANY = settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))

# Half surrogates, controls and private characters are among these; a long one is made by repeating.
TEXTS = st.text(max_size=30) | st.builds(
    lambda text, times: text * times, st.text(min_size=1, max_size=3), st.sampled_from([50, 1_001, 20_000])
)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
JUNK = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "BigInt": st.integers(0, 2**53).map(str),
    "Boolean": st.booleans(),
    "DateTime": st.datetimes().map(lambda instant: f"{instant.isoformat()}Z"),
    "Float": st.floats(-20, 20),
    "HexColor": st.from_regex(r"\A#[0-9a-fA-F]{6}\Z"),
    "ID": TEXTS,
    "Int": st.integers(-5, 120),
    "JSON": JUNK,
    "String": TEXTS,
    "URL": st.from_regex(r"\Ahttps?://[a-z0-9.\[\]:@/%-]{0,40}\Z") | TEXTS,
}
FIELDS = [
    (kind, name) for kind in ("query", "mutation") for name, one in root_fields(kind).items() if one.args
]
BODIES = st.fixed_dictionaries(
    {"query": JUNK}, optional={"variables": JUNK, "operationName": JUNK, "extensions": JUNK}
)
MEDIA_TYPES = (
    "application/json",
    "application/graphql-response+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
)
LEXEMES = (
    *"{}()[]:!$@|=&\"'#",
    *("query", "mutation", "fragment", "on", "me", "id", "...", '"""', "1e999", "\\u0000", "\ufeff"),
)


@pytest.fixture(scope="module")
def caller(stranger: Api) -> Api:
    return stranger.signed_in()


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda part: str(part))
def test_anything_in_a_fields_arguments_is_answered_or_refused_by_a_code(
    caller: Api, kind: str, name: str
) -> None:
    document = Place(kind, name, ()).document()
    arguments = root_fields(kind)[name].args

    @settings(ANY)
    @given(st.fixed_dictionaries({}, optional={one: values(arguments[one].type) for one in arguments}))
    def check(variables: dict[str, Any]) -> None:
        body = {"query": document, "variables": variables}
        # A larger one is refused before it is read.
        assume(len(json.dumps(body)) < 2**20)
        check_answer_to(caller, body)

    check()


@settings(ANY, max_examples=200)
@given(body=JUNK | BODIES)
def test_any_json_is_answered_or_refused_by_a_code(caller: Api, body: Any) -> None:
    assume(len(json.dumps(body)) < 2**20)
    check_answer_to(caller, body)


@settings(ANY, max_examples=200)
@given(body=st.binary(max_size=200), media_type=st.sampled_from(MEDIA_TYPES))
def test_any_bytes_are_refused_by_a_code(caller: Api, body: bytes, media_type: str) -> None:
    response = caller.http.post("/graphql", content=body, headers={"Content-Type": media_type})

    assert 400 <= response.status_code < 500, response.text
    assert all("code" in error["extensions"] for error in response.json()["errors"])


@settings(ANY, max_examples=200)
@given(document=TEXTS | st.lists(st.sampled_from(LEXEMES), max_size=40).map(" ".join))
def test_any_document_is_answered_or_refused_by_a_code(caller: Api, document: str) -> None:
    check_answer_to(caller, {"query": document})


def values(kind: Any) -> st.SearchStrategy[Any]:
    """What fits the type, and now and then what does not."""
    fitting = _fitting(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)
    return st.integers(0, 9).flatmap(lambda die: JUNK if die == 0 else st.none() if die == 1 else fitting)


def _fitting(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLList):
        return st.lists(values(kind.of_type), max_size=4)
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from(sorted(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        required = {
            name: values(one.type) for name, one in kind.fields.items() if is_required_input_field(one)
        }
        optional = {name: values(one.type) for name, one in kind.fields.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    return FITTING[kind.name]
