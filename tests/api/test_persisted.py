"""Documents named by their SHA-256: automatic persisted queries, and manifests."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from heygen_graphql.errors import BadSettings
from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served
from tests.node_programs import run_node
from tests.servers import Valkey

GRAPHQL = "application/graphql-response+json"


def digest_of(document: str) -> str:
    return sha256(document.encode()).hexdigest()


def named(document: str, **others: Any) -> dict[str, Any]:
    """`document` by its hash alone, but for what `others` say."""
    persisted = {"version": 1, "sha256Hash": digest_of(document)}
    return {"extensions": {"persistedQuery": persisted}} | others


def send(http: httpx.Client, body: dict[str, Any]) -> tuple[int, str]:
    """Status, and the code of the only error, or "ok"."""
    response = http.post("/graphql", json=body, headers={"Accept": GRAPHQL})
    answer = response.json()
    if "errors" not in answer:
        return response.status_code, "ok"
    (error,) = answer["errors"]
    return response.status_code, error["extensions"]["code"]


def caller(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, trust_env=False, timeout=30)


def test_a_document_that_was_sent_once_is_named_by_its_hash_from_then_on(anyone: Api) -> None:
    document = "query Kept($id: ID!) { node(id: $id) { id } }"
    values = {"variables": {"id": "x"}}
    # Given a server that has not seen the document
    missed = anyone.http.post("/graphql", json=named(document, **values))
    assert missed.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert send(anyone.http, named(document, **values)) == (400, "PERSISTED_QUERY_NOT_FOUND")
    # When it is sent along with its hash
    assert send(anyone.http, named(document, query=document, **values)) == (200, "ok")
    # Then the hash alone will do, by GET and in capitals, too
    assert send(anyone.http, named(document, **values)) == (200, "ok")
    capitals = {"version": 1, "sha256Hash": digest_of(document).upper()}
    extensions = json.dumps({"persistedQuery": capitals})
    read = anyone.http.get("/graphql", params={"extensions": extensions, "variables": '{"id": "x"}'})
    assert read.json()["data"] == {"node": None}
    array = anyone.http.post("/graphql", json=[named(document, **values), {"query": "{ __typename }"}])
    assert [list(one["data"]) for one in array.json()] == [["node"], ["__typename"]]


def test_what_is_sent_once_without_its_hash_is_not_kept(anyone: Api) -> None:
    document = "query Passing { __typename }"
    assert send(anyone.http, {"query": document}) == (200, "ok")
    assert send(anyone.http, named(document)) == (400, "PERSISTED_QUERY_NOT_FOUND")


def test_nobody_can_put_a_document_in_anothers_place(anyone: Api) -> None:
    wanted, other = "query Wanted { __typename }", "query Other { a: __typename }"
    assert send(anyone.http, named(wanted, query=other)) == (400, "PERSISTED_QUERY_HASH_MISMATCH")
    assert send(anyone.http, named(wanted)) == (400, "PERSISTED_QUERY_NOT_FOUND")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("query Broken {", "GRAPHQL_PARSE_FAILED"),
        ("query Unknown { mee }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + "__typename " * 1001 + " }", "QUERY_TOO_COMPLEX"),
        ("query Long { __typename } #" + "x" * 20_000, "ok"),
    ],
)
def test_what_does_not_validate_or_is_too_long_is_never_kept(anyone: Api, document: str, code: str) -> None:
    assert send(anyone.http, named(document, query=document))[1] == code
    assert send(anyone.http, named(document)) == (400, "PERSISTED_QUERY_NOT_FOUND")


@pytest.mark.parametrize(
    "persisted",
    ["x", 1, [], {"version": 2, "sha256Hash": "0" * 64}, {"version": 1}, {"version": 1, "sha256Hash": "abc"}],
)
def test_a_name_of_another_form_is_refused(anyone: Api, persisted: object) -> None:
    body = {"query": "{ __typename }", "extensions": {"persistedQuery": persisted}}
    assert send(anyone.http, body) == (400, "BAD_REQUEST")


@pytest.fixture
def apart(api_settings: Settings, sqlite_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """A server with a Redis of its own."""
    return changed(api_settings, database_url=sqlite_url, redis_url=redis_url, data_dir=tmp_path / "data")


def test_processes_share_documents_and_go_on_alone_when_redis_dies(apart: Settings, valkey: Valkey) -> None:
    early, late = "query Early { __typename }", "query Late { __typename }"
    with served(apart) as one, served(apart) as another, caller(one) as http, caller(another) as other_http:
        # Given a document that one process was sent
        assert send(http, named(early, query=early)) == (200, "ok")
        # Then another knows it
        assert send(other_http, named(early)) == (200, "ok")
        # When Redis dies
        valkey.kill()
        # Then each keeps what it knows, and learns for itself
        assert send(http, named(early)) == (200, "ok")
        assert send(http, named(late)) == (400, "PERSISTED_QUERY_NOT_FOUND")
        assert send(http, named(late, query=late)) == (200, "ok")
        assert send(http, named(late)) == (200, "ok")
        assert send(other_http, named(late)) == (400, "PERSISTED_QUERY_NOT_FOUND")


def test_redis_holds_a_bounded_number_of_documents_and_is_not_believed(
    apart: Settings, valkey: Valkey
) -> None:
    documents = [f"query Q{n} {{ __typename }}" for n in range(8)]
    with served(apart) as address, caller(address) as http:
        for document in documents:
            assert send(http, named(document, query=document)) == (200, "ok")
        with Redis.from_url(valkey.url) as redis:
            places = list(redis.scan_iter("heygen:document:*"))
            assert 1 <= len(places) <= len(documents)
            assert all(int(place.rpartition(b":")[2]) < 1000 for place in places)
            assert all(redis.ttl(place) > 0 for place in places)
            # When somebody writes another document into each place
            for place in places:
                redis.set(place, 'mutation { logOut(refreshToken: "x") { userErrors { code } } }')
    # Then a process that knows none of them does not take it for what was asked
    with served(apart) as address, caller(address) as http:
        assert send(http, named(documents[0])) == (400, "PERSISTED_QUERY_NOT_FOUND")


LISTED = "query Listed { __typename }"
UNLISTED = "query Unlisted { __typename }"


@pytest.fixture(params=["relay", "apollo"])
def manifest(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    operation = {"id": digest_of(LISTED), "name": "Listed", "type": "query", "body": LISTED}
    forms: dict[str, Any] = {
        "relay": {digest_of(LISTED): LISTED},
        "apollo": {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]},
    }
    path = tmp_path / "persisted.json"
    path.write_text(json.dumps(forms[request.param]))
    return path


def test_with_a_manifest_nothing_else_runs(apart: Settings, manifest: Path) -> None:
    with served(changed(apart, persisted_documents=manifest)) as address, caller(address) as http:
        # What is listed runs by its hash and by its text.
        assert send(http, named(LISTED)) == (200, "ok")
        assert send(http, named(LISTED, query=LISTED)) == (200, "ok")
        assert send(http, {"query": LISTED}) == (200, "ok")
        # Everything else is refused, however it is put.
        for body in (
            named(UNLISTED),
            named(UNLISTED, query=UNLISTED),
            {"query": UNLISTED},
            {"query": f"{LISTED} "},
        ):
            assert send(http, body) == (400, "PERSISTED_QUERY_NOT_IN_LIST")
        assert send(http, named(LISTED, query=UNLISTED)) == (400, "PERSISTED_QUERY_HASH_MISMATCH")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read"),
        ("{", "is no manifest"),
        ("[]", "is no manifest"),
        ('{"operations": [{"id": "x"}]}', "is no manifest"),
        (json.dumps({"0" * 32: LISTED}), "SHA-256 and not MD5"),
    ],
)
def test_a_manifest_that_cannot_be_used_stops_the_start(
    apart: Settings, tmp_path: Path, content: str | None, fault: str
) -> None:
    path = tmp_path / "persisted.json"
    if content is not None:
        path.write_text(content)
    with (
        pytest.raises(BadSettings, match=f"PERSISTED_DOCUMENTS .*{fault}"),
        served(changed(apart, persisted_documents=path)),
    ):
        pass


async def test_with_a_manifest_nothing_else_runs_on_streams_either(apart: Settings, manifest: Path) -> None:
    with served(changed(apart, persisted_documents=manifest)) as address, caller(address) as http:
        for query, told in ((LISTED, '"__typename":"Query"'), (UNLISTED, "PERSISTED_QUERY_NOT_IN_LIST")):
            events = http.post("/graphql", json={"query": query}, headers={"Accept": "text/event-stream"})
            assert told in events.text
            async with Api(http).websocket() as socket:
                await socket.begin()
                await socket.subscribe(query)
                assert told in json.dumps(await socket.receive(), separators=(",", ":"))


def test_apollo_client_sends_a_document_once(address: str) -> None:
    told = json.loads(run_node("persisted.mjs", f"{address}/graphql"))
    assert told["answers"] == [{"node": None}, {"node": None}]
    missed, taught, known = told["sent"]
    assert missed == {"hasQuery": False, "hasHash": True, "status": 400}
    assert taught == {"hasQuery": True, "hasHash": True, "status": 200}
    assert known == {"hasQuery": False, "hasHash": True, "status": 200}
