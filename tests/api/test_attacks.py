"""What somebody sends who wants the server to work long for little."""

import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served

BUCKET = 5_000


@pytest.fixture
def sparing(api_settings: Settings) -> Iterator[Api]:
    """A server that reads few new documents, and hardly any more with time."""
    settings = changed(
        api_settings, document_characters_bucket=BUCKET, document_characters_per_second=0.1, redis_url=None
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http)


def document(number: int, fault: str = "") -> str:
    """One of about a thousand characters that costs 1 point at most."""
    padding = f"# {number} {'x' * 1000}"
    return f"{{ __typename {fault} }} {padding}"


@pytest.mark.parametrize("fault", ["", "unknown", "{"], ids=["valid", "invalid", "no GraphQL"])
def test_reading_documents_that_were_never_sent_before_has_an_end(sparing: Api, fault: str) -> None:
    codes = [code_of(sparing.send({"query": document(number, fault)}).response) for number in range(6)]

    assert codes[:4] == [codes[0]] * 4 != ["RATE_LIMITED"] * 4
    assert codes[4:] == ["RATE_LIMITED"] * 2


def test_who_has_had_too_much_read_is_told_when_to_come_again_and_may_send_what_is_known(
    sparing: Api,
) -> None:
    sparing.send({"query": document(0)})
    while code_of((refused := sparing.send({"query": document(time.monotonic_ns())})).response) == "":
        pass

    assert int(refused.response.headers["Retry-After"]) == refused.error["extensions"]["retryAfter"] > 60
    assert "variables" in refused.error["message"]
    assert sparing.send({"query": document(0)}).data == {"__typename": "Query"}


def test_neither_a_hash_nor_an_array_has_more_documents_read(sparing: Api) -> None:
    def named(text: str) -> dict[str, Any]:
        digest = sha256(text.encode()).hexdigest()
        return {"query": text, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}

    answers = sparing.http.post("/graphql", json=[named(document(number)) for number in range(8)]).json()

    assert [bool(one.get("data")) for one in answers] == [True] * 4 + [False] * 4


def test_a_document_longer_than_any_that_is_read_is_refused_at_once(sparing: Api) -> None:
    refused = sparing.send({"query": "{ __typename }" + " " * BUCKET})

    assert refused.code == "QUERY_TOO_COMPLEX"
    assert sparing("{ __typename }").data == {"__typename": "Query"}


@pytest.mark.parametrize(
    "query",
    [
        "{ " + "me { id } " * 100 + "}",
        "{ ... @skip(if: true) { " + "me { id } " * 100 + "} }",
        "{ " + "me { id } " * 20 + "...F } fragment F on Query { " + "me { email } " * 20 + "}",
        "query A { me { id } } fragment F on User { " + "id " * 100 + "}",
    ],
)
def test_one_field_may_not_stand_in_one_place_a_hundred_times(anyone: Api, query: str) -> None:
    refused = anyone(query)

    assert refused.code == "QUERY_TOO_COMPLEX"
    assert "at most 30" in refused.error["message"]


def test_one_field_may_stand_in_many_places(anyone: Api) -> None:
    places = " ".join(
        f"v{number}: video(id: $id) {{ id scenes {{ voice {{ id }} }} }}" for number in range(30)
    )

    assert anyone(f"query ($id: ID!) {{ {places} }}", id="x").response.json()["errors"][0]["extensions"] == {
        "code": "UNAUTHENTICATED"
    }


def code_of(response: httpx.Response) -> str:
    errors = response.json().get("errors")
    return errors[0]["extensions"]["code"] if errors else ""
