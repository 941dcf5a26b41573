"""What somebody sends who wants the server to work long for little."""

import asyncio
import socket
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served

BUCKET = 5_000
CREATE = 'mutation { createVideo(input: { script: "Hello." }) { video { id } } }'


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


async def test_watchers_of_one_person_share_what_they_may_take_and_skip_what_they_cannot_pay(
    api_settings: Settings, ada: Api
) -> None:
    # Given a server whose watchers may take four of these events at once
    settings = changed(api_settings, max_operation_cost=60, points_bucket=150, points_per_second=8)
    owners = " ".join(f"v{number}: owner {{ id }}" for number in range(29))
    watch = f"subscription ($id: ID!) {{ videoStatus(id: $id) {{ video {{ title {owners} }} }} }}"
    video_id = ada(CREATE).data["createVideo"]["video"]["id"]
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        async with Api(http, ada.token).subscribed(watch, id=video_id) as watcher:
            assert (await watcher.next())["videoStatus"]["video"]["title"] is None
            # When the video changes all the time, at another server
            titles: list[int] = []
            changing = asyncio.create_task(asyncio.to_thread(_change_often, ada, video_id, 8))
            while not titles or titles[-1] != 7:
                titles.append(int((await watcher.next())["videoStatus"]["video"]["title"]))
            await changing
    # Then some changes are not told, none out of order, and the last one always
    assert titles == sorted(set(titles))
    assert len(titles) < 7


def _change_often(api: Api, video_id: str, times: int) -> None:
    change = "mutation ($id: ID!, $t: String) { updateVideo(id: $id, input: { title: $t }) { video { id } } }"
    for title in range(times):
        assert api(change, id=video_id, t=str(title)).data
        time.sleep(0.3)


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"X-More: and more\r\n"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-More: ", b"and more"),
        (b"GET /health?", b"more&"),
        (
            b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n",
            b"X-More: and more\r\n",
        ),
    ],
    ids=["header fields", "one field", "the address", "trailers"],
)
def test_a_head_without_an_end_is_cut_off(address: str, begin: bytes, more: bytes) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(begin)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(more * (20_000_000 // len(more)))

    assert httpx.get(f"{address}/health", trust_env=False).status_code == 200
