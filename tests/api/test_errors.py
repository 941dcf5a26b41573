import json
import re
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from heygen_graphql.database import Database
from heygen_graphql.schema import ids
from heygen_graphql.schema.shown_errors import MAX_LOGGED
from heygen_graphql.settings import Settings
from tests.api.serving import PASSWORD, SIGN_UP, Api, changed, served, sign_up
from tests.api.test_subscriptions import STATUS
from tests.api.test_videos import CREATE
from tests.conftest import StartServer
from tests.servers import SLACK


def test_a_document_that_is_no_graphql_or_does_not_fit_the_schema_says_why(anyone: Api) -> None:
    broken = anyone("{ me ")
    assert broken.code == "GRAPHQL_PARSE_FAILED"
    assert "Syntax Error" in broken.error["message"]
    assert broken.error["locations"]
    unknown = anyone("{ mee { id } }")
    assert unknown.code == "GRAPHQL_VALIDATION_FAILED"
    assert unknown.error["message"] == "Cannot query field 'mee' on type 'Query'."


@pytest.mark.parametrize(
    "body",
    [
        {"query": "query ($id: ID!) { node(id: $id) { id } }"},
        {"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": {"id": {"a": 1}}},
        {
            "query": "query ($q: VideoFilter) { videos(filter: $q) { totalCount } }",
            "variables": {"q": {"status": ["COMPLETE"]}},
        },
        {
            "query": "query ($q: VideoFilter) { videos(filter: $q) { totalCount } }",
            "variables": {"q": {"createdAfter": "0001-01-01T00:00:00+14:00"}},
        },
    ],
)
def test_variables_that_do_not_fit_are_bad_input_and_nothing_is_suggested(
    someone: Api, body: dict[str, object]
) -> None:
    answer = someone.send(body)
    assert answer.code == "BAD_USER_INPUT"
    assert "Did you mean" not in answer.response.text
    assert "COMPLETED" not in answer.response.text


def test_introspection_is_closed_outside_of_debug(anyone: Api) -> None:
    response = anyone.http.post("/graphql", json={"query": "{ __schema { types { name } } }"})
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {
        "GRAPHQL_VALIDATION_FAILED"
    }
    assert "data" not in response.json()
    assert anyone("{ __typename }").data == {"__typename": "Query"}


def bomb(fragments: int) -> str:
    """Fragments that each spread the next one twice."""
    parts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(fragments)]
    return "{ ...F0 } " + " ".join(parts) + f" fragment F{fragments} on Query {{ __typename }}"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ videos { edges { node { owner " * 4 + "{ id }" + " } } } }" * 4, "QUERY_TOO_COMPLEX"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }", "QUERY_TOO_COMPLEX"),
        ("{ " + "__typename " * 1001 + " }", "QUERY_TOO_COMPLEX"),
        ("{ " + "__typename " * 1501 + " }", "GRAPHQL_PARSE_FAILED"),
        ("{ " * 400 + "}" * 400, "GRAPHQL_PARSE_FAILED"),
        (bomb(100), "QUERY_TOO_COMPLEX"),
        ("{ __typename } fragment F on Query { " + "me { id } " * 201 + "}", "QUERY_TOO_COMPLEX"),
    ],
)
def test_a_document_that_asks_too_much_is_refused_before_it_costs_anything(
    anyone: Api, query: str, code: str
) -> None:
    answer = anyone(query)
    assert answer.code == code
    assert answer.response.elapsed.total_seconds() < 1 * SLACK


def test_fragments_that_spread_each_other_are_refused(anyone: Api) -> None:
    query = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A } "
    assert anyone(query).code == "GRAPHQL_VALIDATION_FAILED"
    assert anyone("{ ...Nowhere }").code == "GRAPHQL_VALIDATION_FAILED"


def test_a_subscription_that_is_not_on_a_websocket_is_told_where_it_belongs(someone: Api) -> None:
    answer = someone("subscription { videoUpdates { version } }")
    assert answer.code == "BAD_USER_INPUT"
    assert "websocket" in answer.error["message"]


def test_too_many_tries_are_told_when_to_come_back(
    api_settings: Settings, sqlite_url: str, redis_url: str
) -> None:
    # Given a server that lets two sign in and one video be asked for in a minute
    limits = {"sign_ins_per_minute": 2, "videos_per_minute": 1}
    settings = changed(api_settings, database_url=sqlite_url, redis_url=redis_url, **limits)
    with served(settings) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
        anyone = Api(http)
        email = "ada@limits.example"
        answers = [anyone(SIGN_UP, email=f"{n}{email}", password=PASSWORD) for n in range(5)]
        refused = next(answer for answer in answers if "errors" in answer.response.json())
        assert refused.code == "RATE_LIMITED"
        seconds = refused.error["extensions"]["retryAfter"]
        assert 1 <= seconds <= 60
        assert refused.response.headers["retry-after"] == str(seconds)

        token = answers[0].data["signUp"]["session"]["accessToken"]
        ada = Api(http, token)
        answers = [ada.send({"query": CREATE, "variables": {"input": {"script": "Hi."}}}) for _ in range(3)]
        refused = next(answer for answer in answers if "errors" in answer.response.json())
        assert refused.code == "RATE_LIMITED"
        # Reading goes on.
        assert ada("{ me { videosCount } }").data["me"]["videosCount"] >= 1


async def test_a_bug_shows_nothing_but_a_number_that_the_log_has_too(
    api_settings: Settings, sqlite_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    # Given a server whose database has lost a table
    settings = changed(api_settings, database_url=sqlite_url)
    with served(settings) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
        ada = Api(http, sign_up(Api(http))["accessToken"])
        async with ada.websocket() as websocket:
            await websocket.begin({"Authorization": f"Bearer {ada.token}"})
            database = Database(sqlite_url)
            async with database.transaction() as session:
                await session.execute(text("ALTER TABLE sessions RENAME TO lost"))
            await database.close()
            # When it is needed, by a query and by a subscription
            answer = ada.send({"query": "{ videos { totalCount } }"}, **{"X-Request-ID": "find-me-by-this"})
            await websocket.subscribe(STATUS, id="any")
            message = await websocket.receive()
        # Then nothing of its insides is shown
        assert answer.code == "INTERNAL_SERVER_ERROR"
        assert answer.error["message"] == "Unexpected error find-me-by-this"
        assert answer.error["extensions"]["requestId"] == "find-me-by-this"
        assert answer.response.headers["x-request-id"] == "find-me-by-this"
        assert message["type"] == "error"
        (error,) = message["payload"]
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert re.fullmatch("Unexpected error [0-9a-f]{32}", error["message"])
        assert "sessions" not in json.dumps(error)
    logged = capfd.readouterr()
    assert "find-me-by-this" in logged.out + logged.err
    assert "no such table" in logged.out + logged.err


async def test_a_document_that_fails_everywhere_writes_little_into_the_log(
    server: StartServer, sqlite_url: str
) -> None:
    # Given a server whose database has lost a table
    one = server("serve", DATABASE_URL=sqlite_url, SWEEP_SECONDS="3600")
    with httpx.Client(base_url=one.url, trust_env=False, timeout=30) as http:
        ada = Api(http, sign_up(Api(http))["accessToken"])
        database = Database(sqlite_url)
        async with database.transaction() as session:
            await session.execute(text("ALTER TABLE assets RENAME TO lost"))
        await database.close()
        written = one.log.stat().st_size
        # When thirty fields of 16 KB ask for it
        asset_id = ids.encode("Asset", uuid4())
        asked = " ".join(f'a{n}: node(id: "{asset_id}") {{ id }} # {"x" * 500}\n' for n in range(30))
        answer = ada(f"{{ {asked} }}")
    # Then the client is told of each by the same number, and the log has the first of them
    errors = answer.response.json()["errors"]
    assert [error["path"] for error in errors] == [[f"a{n}"] for n in range(30)]
    assert {error["extensions"]["code"] for error in errors} == {"INTERNAL_SERVER_ERROR"}
    assert len({error["message"] for error in errors}) == 1
    logged = one.log.read_text()[written:]
    assert logged.count("unexpected_error ") == MAX_LOGGED
    assert re.search("unexpected_errors_more .*count=27", logged)
    assert len(logged) < 60_000


def test_a_literal_that_is_wrong_does_not_come_back_whole(anyone: Api) -> None:
    answer = anyone("{ voices(first: " + "9" * 10_000 + ") { totalCount } }")

    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert answer.error["message"].startswith("Expected value of type 'Int'; found: 999")
    assert len(answer.error["message"]) == 500
