"""What an operation takes from its caller's bucket, over HTTP and on a websocket."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Answer, Api, changed, served
from tests.servers import Valkey

LIMIT, MAXIMUM = 200, 100
# Slow enough that a test sees no point come back.
PER_SECOND = 0.01
VIDEOS = "query ($n: Int) { videos(first: $n) { edges { node { id } } } }"
CREATE_MANY = """
mutation ($input: CreateVideoInput!) {
  a: createVideo(input: $input) { video { id } }  b: createVideo(input: $input) { video { id } }
  c: createVideo(input: $input) { video { id } }  d: createVideo(input: $input) { video { id } }
  e: createVideo(input: $input) { video { id } }  f: createVideo(input: $input) { video { id } }
  g: createVideo(input: $input) { video { id } }  h: createVideo(input: $input) { video { id } }
  i: createVideo(input: $input) { video { id } }
}
"""


@pytest.fixture
def sparing(api_settings: Settings, valkey: Valkey) -> Iterator[httpx.Client]:
    """A second server of the same accounts, which gives 200 points and lets an operation cost 100."""
    settings = changed(
        api_settings,
        redis_url=valkey.url,
        points_bucket=LIMIT,
        max_operation_cost=MAXIMUM,
        points_per_second=PER_SECOND,
    )
    with (
        served(settings) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
    ):
        yield http


def cost_in(answer: Answer) -> dict[str, Any]:
    cost: dict[str, Any] = answer.response.json()["extensions"]["cost"]
    return cost


def spend(caller: Api) -> None:
    for _ in range(2):
        assert cost_in(caller(VIDEOS, n=99))["requested"] == MAXIMUM


def test_every_answer_says_what_it_cost(sparing: httpx.Client, ada: Api) -> None:
    here = Api(sparing, ada.token)

    answer = here(VIDEOS, n=7)
    again = here("{ rateLimit { limit remaining cost resetAt } }")

    told = cost_in(answer)
    until = datetime.fromisoformat(told.pop("resetAt")) - datetime.now(UTC)
    assert told == {"requested": 8, "remaining": 192, "limit": LIMIT}
    assert timedelta(seconds=790) < until < timedelta(seconds=801)
    headers = answer.response.headers
    assert (headers["ratelimit-limit"], headers["ratelimit-remaining"]) == ("200", "192")
    assert 790 <= int(headers["ratelimit-reset"]) <= 800
    told = again.data["rateLimit"]
    assert (told["limit"], told["remaining"], told["cost"]) == (LIMIT, 191, 1)
    assert datetime.fromisoformat(told["resetAt"]) > datetime.now(UTC)


def test_a_document_that_is_refused_unread_costs_nothing(sparing: httpx.Client, ada: Api) -> None:
    here = Api(sparing, ada.token)

    assert "extensions" not in here("{ nothing }").response.json()
    assert cost_in(here("{ __typename }"))["remaining"] == LIMIT - 1


def test_what_costs_more_than_any_operation_may_is_refused_before_it_does_anything(
    sparing: httpx.Client, ada: Api
) -> None:
    here = Api(sparing, ada.token)

    answer = here.send(
        {"query": CREATE_MANY, "variables": {"input": {"script": "Hi."}}},
        Accept="application/graphql-response+json",
    )

    assert answer.code == "QUERY_TOO_COMPLEX"
    assert "108 points; at most 100" in answer.error["message"]
    assert answer.response.status_code == 400
    assert "data" not in answer.response.json()
    assert cost_in(answer)["requested"] == 108
    assert cost_in(answer)["remaining"] == LIMIT - 1
    assert ada("{ videos { totalCount } }").data["videos"]["totalCount"] == 0


def test_an_empty_bucket_says_when_to_come_back(sparing: httpx.Client, ada: Api, ben: Api) -> None:
    here = Api(sparing, ada.token)
    spend(here)

    answer = here.send({"query": VIDEOS, "variables": {"n": 1}}, Accept="application/graphql-response+json")

    assert answer.code == "RATE_LIMITED"
    assert answer.response.status_code == 429
    seconds = answer.error["extensions"]["retryAfter"]
    assert 190 <= seconds <= 200
    assert answer.response.headers["retry-after"] == str(seconds)
    assert cost_in(answer)["requested"] == 2
    assert cost_in(answer)["remaining"] == 0
    # Nobody else pays for it.
    assert Api(sparing, ben.token)(VIDEOS, n=1).data


def test_an_api_key_draws_from_its_owners_bucket(sparing: httpx.Client, ada: Api) -> None:
    made = ada('mutation { createApiKey(input: { name: "CI" }) { key } }')
    key = {"X-API-Key": made.data["createApiKey"]["key"]}
    spend(Api(sparing, ada.token))

    by_header = Api(sparing).send({"query": "{ me { id } }"}, **key)
    by_bearer = Api(sparing, key["X-API-Key"])("{ me { id } }")

    assert (by_header.code, by_bearer.code) == ("RATE_LIMITED", "RATE_LIMITED")


def test_a_bad_credential_is_no_way_around_the_bucket(sparing: httpx.Client, ada: Api) -> None:
    query = {"query": "{ voices(first: 99) { edges { node { id } } } }"}
    bad: list[dict[str, str]] = [
        {"Authorization": "Bearer nonsense"},
        {"X-API-Key": "hg_nonsense"},
        {"Authorization": "Bearer hg_other", "X-API-Key": "hg_nonsense"},
        {},
    ]

    answers = [Api(sparing).send(query, **headers) for headers in bad]

    told = [cost_in(answer)["remaining"] for answer in answers]
    assert told[0] > told[1]
    assert told[2:] == [told[1]] * 2
    assert {answer.code for answer in answers[2:]} == {"RATE_LIMITED"}
    # Who is signed in at the same address goes on.
    assert Api(sparing, ada.token)("{ me { id } }").data


def test_each_operation_of_a_batch_is_charged_by_itself(sparing: httpx.Client, ada: Api) -> None:
    one = {"query": VIDEOS, "variables": {"n": 59}}

    response = Api(sparing, ada.token).send([one, {"query": "{ nothing }"}, one, one, one]).response

    assert [answer.get("extensions", {}).get("cost", {}).get("remaining") for answer in response.json()] == [
        140,
        None,
        80,
        20,
        20,
    ]
    assert [bool(answer.get("errors")) for answer in response.json()] == [False, True, False, False, True]


async def test_a_subscription_is_charged_when_it_starts(sparing: httpx.Client, ada: Api) -> None:
    query = "subscription ($id: ID!) { videoStatus(id: $id) { video { status } } }"
    created = ada("""mutation { createVideo(input: { script: "Hi." }) { video { id } } }""")
    video_id = created.data["createVideo"]["video"]["id"]
    here = Api(sparing, ada.token)

    async with here.subscribed(query, id=video_id) as watcher:
        first = await watcher.receive()
        ada("mutation ($id: ID!) { cancelVideo(id: $id) { video { id } } }", id=video_id)
        second = await watcher.receive()
    here(VIDEOS, n=99)
    here(VIDEOS, n=80)
    async with here.subscribed(query, id=video_id) as watcher:
        refused = await watcher.receive()

    assert first["payload"]["extensions"]["cost"]["requested"] == 12
    assert first["payload"]["extensions"]["cost"]["remaining"] == LIMIT - 12
    assert "extensions" not in second["payload"]
    assert refused["type"] == "error"
    assert refused["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert refused["payload"][0]["extensions"]["retryAfter"] > 0
