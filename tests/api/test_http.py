"""GraphQL over HTTP, as clients of every kind speak it (github.com/graphql/graphql-over-http)."""

import json
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import PASSWORD, SIGN_UP, Api, changed, served

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
TYPENAME = {"query": "{ __typename }"}
LOG_OUT = 'mutation { logOut(refreshToken: "x") { userErrors { code } } }'
WATCH = "subscription { videoUpdates { version } }"


def told(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an answer that holds one error and no data."""
    assert response.headers["content-type"].split(";")[0] in (JSON, GRAPHQL)
    body = response.json()
    assert "data" not in body
    (error,) = body["errors"]
    return response.status_code, error["extensions"]["code"], error["message"]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.4, {JSON};q=0.6", JSON),
        (f"{GRAPHQL}; charset=utf-8, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL}; charset=latin1, {JSON};q=0.1", JSON),
        (f"{JSON};q=0, */*;q=0.1", GRAPHQL),
        (f"{GRAPHQL}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL),
        (f"APPLICATION/JSON;Q=1.0,{GRAPHQL};q=nonsense", JSON),
        ("text/html, */*;q=0.8", JSON),
    ],
)
def test_the_answer_takes_the_type_that_the_client_likes_best(
    anyone: Api, accept: str | None, answered: str
) -> None:
    request = anyone.http.build_request("POST", "/graphql", json=TYPENAME)
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    response = anyone.http.send(request)
    assert response.json()["data"] == {"__typename": "Query"}
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert "Accept" in response.headers["vary"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", f"{JSON};q=0", f"{JSON};charset=latin1"])
def test_a_client_that_takes_nothing_of_what_there_is_is_told_what_there_is(anyone: Api, accept: str) -> None:
    status, code, message = told(anyone.http.post("/graphql", json=TYPENAME, headers={"Accept": accept}))
    assert (status, code) == (406, "NOT_ACCEPTABLE")
    assert GRAPHQL in message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{ me "}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ mee }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($id: ID!) { node(id: $id) { id } }"}, "BAD_USER_INPUT"),
        ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { __typename }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "fragment F on Query { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": WATCH}, "BAD_USER_INPUT"),
    ],
)
def test_an_operation_that_is_not_run_is_a_400_or_as_older_clients_want_it_a_200(
    anyone: Api, body: dict[str, str], code: str
) -> None:
    strict = told(anyone.http.post("/graphql", json=body, headers={"Accept": GRAPHQL}))
    older = told(anyone.http.post("/graphql", json=body, headers={"Accept": JSON}))
    assert strict[:2] == (400, code)
    assert older[:2] == (200, code)


def test_an_operation_that_ran_is_a_200_even_when_it_came_to_nothing(anyone: Api) -> None:
    response = anyone.http.post(
        "/graphql", json={"query": "{ videos { totalCount } }"}, headers={"Accept": GRAPHQL}
    )
    assert response.status_code == 200
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'"query"',
        b"null",
        b"[]",
        b"[[]]",
        b"{}",
        b'{"query": 1}',
        b'{"query": ""}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "extensions": "x"}',
        b'{"query": "{ __typename }", "variables": {"a": NaN}}',
        b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
        b'{"query": "{ __typename }", "variables": {"a": "\xff"}}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"query": "{ __typename }", "variables": {"a": %s}}' % (b"9" * 5000),
        b'[{"query": "{ __typename }"}, {"query": "{ __typename }", "variables": 1}]',
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
def test_a_body_that_is_no_request_is_refused(anyone: Api, body: bytes, accept: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": accept}
    status, code, message = told(anyone.http.post("/graphql", content=body, headers=headers))
    assert (status, code) == (400, "BAD_REQUEST")
    assert "Send" in message


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
    ],
)
def test_what_a_page_of_another_site_could_send_unasked_is_refused(
    anyone: Api, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    status, code, message = told(
        anyone.http.post("/graphql", content=json.dumps(TYPENAME).encode(), headers=headers)
    )
    assert (status, code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "Content-Type: application/json" in message


@pytest.mark.parametrize(
    "content_type", ["application/json;charset=UTF-8", 'Application/JSON; charset="utf8"']
)
def test_a_body_may_say_that_it_is_utf_8(anyone: Api, content_type: str) -> None:
    body = json.dumps(TYPENAME).encode()
    response = anyone.http.post("/graphql", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 200


def test_a_compressed_body_is_refused_by_its_name(anyone: Api) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = anyone.http.post("/graphql", content=b"\x1f\x8b", headers=headers)
    assert told(response)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept-encoding"] == "identity"


def test_a_get_may_query_and_do_nothing_else(anyone: Api) -> None:
    query = "query Named($id: ID!) { node(id: $id) { id } }"
    variables = json.dumps({"id": "bm90aGluZw"})
    read = anyone.http.get(
        "/graphql", params={"query": query, "variables": variables, "operationName": "Named"}
    )
    assert read.status_code == 200

    for document, remedy in ((LOG_OUT, "POST"), (WATCH, "websocket")):
        refused = anyone.http.get("/graphql", params={"query": document})
        status, code, message = told(refused)
        assert (status, code, refused.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")
        assert remedy in message

    for parameters in (
        "",
        "query=",
        "query=a&query=b",
        "query=%7Bme%7D&variables=",
        "query=%7Bme%7D&variables=[]",
    ):
        assert told(anyone.http.get(f"/graphql?{parameters}"))[:2] == (400, "BAD_REQUEST")


def test_other_methods_learn_which_there_are(anyone: Api) -> None:
    head = anyone.http.head("/graphql", params=TYPENAME)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith(JSON)
    options = anyone.http.options("/graphql")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        refused = anyone.http.request(method, "/graphql", json=TYPENAME)
        assert told(refused)[:2] == (405, "METHOD_NOT_ALLOWED")
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_page_of_another_site_cannot_query_by_a_link(api_settings: Settings) -> None:
    settings = changed(api_settings, cors_origins=("https://studio.example",))
    with served(settings) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as http:

        def ask(**headers: str) -> httpx.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return http.get("/graphql", params=TYPENAME, headers=named)

        # What a picture, a script or a form of another site makes a browser send
        for site in ("cross-site", "same-site"):
            assert told(ask(Sec_Fetch_Site=site))[:2] == (403, "CROSS_SITE_REQUEST")
        # ... and what its scripts do
        status, _, message = told(ask(Sec_Fetch_Site="cross-site", Origin="https://elsewhere.example"))
        assert (status, "https://elsewhere.example" in message) == (403, True)
        assert told(ask(Origin="null"))[0] == 403
        # Pages of known sites, this server's own, a typed address and programs are served.
        assert ask(Sec_Fetch_Site="cross-site", Origin="https://studio.example").status_code == 200
        for site in ("same-origin", "none"):
            assert ask(Sec_Fetch_Site=site).status_code == 200
        assert ask().status_code == 200


BATCH = [
    {"query": SIGN_UP, "variables": {"email": "ada@batches.example", "password": PASSWORD}},
    {"query": "{ mee }"},
    {"query": "query A { __typename } query B { me { id } }", "operationName": "A"},
    {"query": "{ videos { totalCount } }"},
]


def test_the_operations_of_an_array_run_in_order_and_know_nothing_of_each_other(anyone: Api) -> None:
    response = anyone.http.post("/graphql", json=BATCH, headers={"Accept": GRAPHQL})

    assert response.status_code == 200
    signed_up, unknown, typename, videos = response.json()
    assert signed_up["data"]["signUp"]["session"]["user"]["email"] == "ada@batches.example"
    assert "data" not in unknown
    assert unknown["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert typename["data"] == {"__typename": "Query"}
    # Signing up signed in that operation alone.
    assert videos["data"] is None
    assert videos["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_an_array_of_which_nothing_ran_is_refused(anyone: Api) -> None:
    refused: list[dict[str, Any]] = [{"query": "{ mee }"}, {"query": "{"}]
    strict = anyone.http.post("/graphql", json=refused, headers={"Accept": GRAPHQL})
    older = anyone.http.post("/graphql", json=refused, headers={"Accept": JSON})
    assert (strict.status_code, older.status_code) == (400, 200)
    assert len(strict.json()) == len(older.json()) == 2


def test_an_array_is_bounded_and_may_be_switched_off(api_settings: Settings, anyone: Api) -> None:
    assert len(anyone.http.post("/graphql", json=[TYPENAME] * 10).json()) == 10
    status, code, message = told(anyone.http.post("/graphql", json=[TYPENAME] * 11))
    assert (status, code) == (400, "BAD_REQUEST")
    assert message == "The array holds 11 operations. Send 1 to 10 at once."

    alone = changed(api_settings, max_batch_operations=0)
    with served(alone) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
        assert "switched off" in told(http.post("/graphql", json=[TYPENAME]))[2]


def test_an_array_says_the_longest_of_its_waits(
    api_settings: Settings, sqlite_url: str, redis_url: str
) -> None:
    # Given a server that lets one sign up in a minute, and has points for two
    limits = {"sign_ins_per_minute": 1, "max_operation_cost": 130, "points_bucket": 130}
    settings = changed(api_settings, database_url=sqlite_url, redis_url=redis_url, **limits)
    with served(settings) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
        # When four do at once
        sign_ups = [
            {"query": SIGN_UP, "variables": {"email": f"{n}@batches.example", "password": PASSWORD}}
            for n in range(4)
        ]
        response = http.post("/graphql", json=sign_ups)
    # Then the answer says when the last of them can come back, and what is left
    waits = [
        error["extensions"]["retryAfter"] for answer in response.json() for error in answer.get("errors", ())
    ]
    assert len(waits) >= 2
    assert response.headers["retry-after"] == str(max(waits))
    left = response.json()[-1]["extensions"]["cost"]["remaining"]
    assert response.headers["ratelimit-remaining"] == str(left)


def test_an_array_comes_from_the_cache_only_when_all_of_it_does(ada: Api) -> None:
    known, new = {"query": "query Known { me { id } }"}, {"query": "query New { me { email } }"}

    def ask(*operations: dict[str, str]) -> str:
        return ada.send(list(operations)).response.headers["x-cache"]

    assert ask(known, known) == "MISS"
    assert ask(known, known) == "HIT"
    assert ask(known, new, known) == "MISS"


def test_a_body_is_bounded_announced_or_not(api_settings: Settings, anyone: Api) -> None:
    body = json.dumps(TYPENAME | {"variables": {"x": "y" * 1024 * 1024}}).encode()
    headers = {"Content-Type": "application/json"}

    announced = anyone.http.post("/graphql", content=body, headers=headers)
    chunked = anyone.http.post("/graphql", content=iter([body[:600_000], body[600_000:]]), headers=headers)

    for refused in (announced, chunked):
        status, code, message = told(refused)
        assert (status, code) == (413, "PAYLOAD_TOO_LARGE")
        assert "1,048,576 bytes" in message
    small = changed(api_settings, max_body_bytes=1024)
    with served(small) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
        fits = TYPENAME | {"variables": {"x": "y" * 900}}
        assert http.post("/graphql", json=fits).status_code == 200
        assert told(http.post("/graphql", json=TYPENAME | {"variables": {"x": "y" * 1024}}))[0] == 413


def test_answers_are_not_to_be_framed_sniffed_or_kept(anyone: Api) -> None:
    for response in (
        anyone.http.post("/graphql", json=TYPENAME),
        anyone.http.post("/graphql", content=b"{", headers={"Content-Type": JSON}),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        assert response.headers["cache-control"] == "no-store"
        assert "set-cookie" not in response.headers


def test_a_query_with_a_wrong_credential_is_refused_whole_and_a_mutation_is_not(anyone: Api) -> None:
    wrong = {"Authorization": "Bearer of-nothing"}
    query = {"query": "{ server { version } }"}
    refused = anyone.send(query, Accept="application/graphql-response+json", **wrong)

    assert (refused.response.status_code, refused.response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert refused.code == "UNAUTHENTICATED"
    assert "data" not in refused.response.json()
    refresh = {"query": 'mutation { refreshSession(refreshToken: "x") { userErrors { code } } }'}
    assert anyone.send(refresh, **wrong).data["refreshSession"]["userErrors"]
