import re
import socket
from pathlib import Path

import httpx
import pytest
from graphql import get_introspection_query
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from heygen_graphql.settings import Settings
from heygen_graphql.web import graphiql_page
from tests.api.serving import changed, served

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_health_says_that_the_server_answers(http: httpx.Client) -> None:
    answer = http.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert re.match(r"\d{4}-\d\d-\d\dT", answer.json()["time"])


def test_metrics_count_requests_by_route_and_never_by_path(http: httpx.Client) -> None:
    http.get("/health")
    http.get("/media/some/secret/path")
    http.get("/no/such/path")
    http.post("/graphql", json={"query": "{ __typename }"})
    http.request("PROPFIND", "/health")

    metrics = http.get("/metrics").text

    assert 'http_requests_total{endpoint="/health",method="GET",status="200"}' in metrics
    assert 'http_requests_total{endpoint="/media/{key:path}",method="GET",status="403"}' in metrics
    assert 'http_requests_total{endpoint="/graphql",method="POST",status="200"}' in metrics
    assert 'http_requests_total{endpoint="unmatched",method="GET",status="404"}' in metrics
    assert 'method="OTHER"' in metrics
    assert 'http_request_duration_seconds_bucket{endpoint="/health",le="0.005",method="GET"}' in metrics
    assert "secret" not in metrics
    assert "PROPFIND" not in metrics


def test_every_answer_carries_its_requests_id(http: httpx.Client) -> None:
    assert http.get("/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = http.get("/health", headers={"X-Request-ID": "not\tgood"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert http.get("/nowhere").headers["x-request-id"] != made


def test_only_known_hosts_and_origins_are_served(http: httpx.Client) -> None:
    asked = {"query": "{ __typename }"}
    assert http.post("/graphql", json=asked, headers={"Host": "elsewhere.example"}).status_code == 400
    assert http.post("/graphql", json=asked, headers={"Host": "[::1]:8000"}).status_code == 200
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    known = http.options("/graphql", headers=preflight | {"Origin": "https://studio.example"})
    unknown = http.options("/graphql", headers=preflight | {"Origin": "https://elsewhere.example"})
    assert known.headers["access-control-allow-origin"] == "https://studio.example"
    assert "access-control-allow-origin" not in unknown.headers
    preflight = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    upload = http.options("/media/uploads/x", headers=preflight | {"Origin": "https://studio.example"})
    assert (upload.status_code, upload.headers["access-control-allow-origin"]) == (
        200,
        "https://studio.example",
    )
    assert "PUT" in upload.headers["access-control-allow-methods"]


def test_pages_of_known_origins_may_send_keys_and_read_what_is_left(http: httpx.Client) -> None:
    # Given a page that will send an API key, and whatever Apollo Client adds
    asked = "authorization,content-type,x-api-key,apollo-require-preflight,x-apollo-operation-name"
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked}
    origin = {"Origin": "https://studio.example"}
    allowed = http.options("/graphql", headers=preflight | origin)
    assert allowed.status_code == 200
    assert set(asked.split(",")) <= set(allowed.headers["access-control-allow-headers"].lower().split(", "))
    assert int(allowed.headers["access-control-max-age"]) >= 600
    # When it asks
    answer = http.post("/graphql", json={"query": "{ __typename }"}, headers=origin)
    # Then it may read what the answer says about itself
    exposed = set(answer.headers["access-control-expose-headers"].lower().split(", "))
    assert exposed >= {
        *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
        *("retry-after", "x-cache", "x-request-id"),
    }
    assert exposed >= {name for name in answer.headers if name.startswith(("ratelimit", "x-cache"))}
    # ... and no browser sends or keeps a cookie for it.
    for response in (allowed, answer):
        assert response.headers["access-control-allow-origin"] == "https://studio.example"
        assert "access-control-allow-credentials" not in response.headers
        assert "Origin" in response.headers["vary"]
    # A refusal can be read, too, or the page could not say why.
    refused = http.post("/graphql", content=b"{", headers=origin | {"Content-Type": "application/json"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (
        400,
        "https://studio.example",
    )


@pytest.mark.parametrize(
    "path", ["/health", "/graphql?query={__typename}", "/media/no", "/nowhere", "/graphiql/main.js"]
)
def test_no_answer_may_be_framed_or_taken_for_another_type(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "api:8000", "elsewhere.example"])
def test_machines_ask_for_health_and_metrics_by_any_host_and_for_nothing_else(
    http: httpx.Client, host: str
) -> None:
    for path in ("/health", "/health/ready", "/metrics"):
        assert http.get(path, headers={"Host": host}).status_code == 200
    for path in ("/graphql?query={__typename}", "/health/detailed", "/health/", "/metrics/", "/media/no"):
        answer = http.get(path, headers={"Host": host})
        assert (answer.status_code, answer.text) == (400, "Invalid host header")


def test_only_known_hosts_get_a_websocket(http: httpx.Client) -> None:
    def begin(host: str) -> None:
        listener = socket.create_connection((http.base_url.host, http.base_url.port))
        protocols = [Subprotocol("graphql-transport-ws")]
        with connect(f"ws://{host}/graphql", sock=listener, subprotocols=protocols, proxy=None):
            pass

    begin("localhost")
    with pytest.raises(InvalidStatus) as refusal:
        begin("elsewhere.example")
    assert refusal.value.response.status_code == 400


def test_long_answers_are_compressed(http: httpx.Client) -> None:
    query = "{ voices(first: 100) { edges { node { id name language } } } }"
    answer = http.post("/graphql", json={"query": query}, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert {"Accept", "Accept-Encoding"} <= set(answer.headers["vary"].split(", "))
    assert len(answer.json()["data"]["voices"]["edges"]) == 100
    plain = http.post("/graphql", json={"query": query}, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    short = http.post("/graphql", json={"query": "{ __typename }"}, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers


def test_a_browser_gets_graphiql_in_debug_and_all_of_it_from_here(http: httpx.Client) -> None:
    assert (graphiql_page.ASSETS / "main.js").is_file(), "build it with: make web"

    page = http.get("/graphql", headers=BROWSER)

    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert sorted(loaded) == ["/graphiql/main.css", "/graphiql/main.js"]
    for path in [*loaded, "/graphiql/graphql.worker.js"]:
        assert http.get(path).status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    # Whoever is no browser gets the API.
    answer = http.get("/graphql", params={"query": "{ __typename }"}).json()
    assert answer["data"] == {"__typename": "Query"}


def test_graphiql_can_read_the_schema_in_debug(http: httpx.Client) -> None:
    # The very query that it sends when it opens, and as it sends it
    query = get_introspection_query(schema_description=True, input_value_deprecation=True)
    headers = {"Accept": "application/graphql-response+json, application/json;q=0.9"}
    answer = http.post("/graphql", json={"query": query}, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["data"]["__schema"]["queryType"]["name"] == "Query"


def test_outside_of_debug_there_is_no_page_to_look_at(settings: Settings, tmp_path: Path) -> None:
    quiet = changed(settings, debug=False, data_dir=tmp_path / "data")
    with served(quiet) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        page = http.get("/graphql", headers=BROWSER)
        assert (page.status_code, page.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
        assert http.get("/graphiql/main.js").status_code == 404
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert http.get(path).status_code == 404
