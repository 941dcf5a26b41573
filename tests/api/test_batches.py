"""Many videos by one call."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served

CREATE_VIDEOS = """
mutation ($inputs: [CreateVideoInput!]!) {
  createVideos(inputs: $inputs) {
    results { video { id script queuePosition } userErrors { code field message } }
    userErrors { code field message }
  }
}
"""
CREATE = """
mutation ($input: CreateVideoInput!) {
  createVideo(input: $input) { video { id } userErrors { code field } }
}
"""
VIDEOS = "{ videos(first: 100) { totalCount edges { node { id script } } } }"
RETRY = "mutation ($id: ID!) { retryVideo(id: $id) { video { id } userErrors { code field } } }"


@pytest.fixture
def narrow(api_settings: Settings) -> Iterator[Api]:
    """Somebody at a server that has little room."""
    settings = changed(
        api_settings, videos_per_minute=3, max_waiting_videos_per_user=4, monthly_seconds_per_user=10_000
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http).signed_in()


def batch(api: Api, *inputs: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = api(CREATE_VIDEOS, inputs=inputs).data["createVideos"]
    return payload


def faults(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"] or ())) for error in result["userErrors"]]


def test_each_input_of_a_batch_stands_or_falls_alone_and_answers_at_its_place(ada: Api) -> None:
    payload = batch(
        ada,
        {"script": "One."},
        {"scenes": [{"script": "Fine."}, {"script": " ", "avatarId": "nobody"}], "speed": 9},
        {"script": "Three."},
        {"script": "Four.", "idempotencyKey": ""},
    )
    one, two, three, four = payload["results"]
    assert payload["userErrors"] == []
    assert [result["video"] and result["video"]["script"] for result in payload["results"]] == [
        "One.",
        None,
        "Three.",
        None,
    ]
    assert set(faults(two)) == {
        ("INVALID", "speed"),
        ("TOO_SHORT", "scenes.1.script"),
        ("UNKNOWN_AVATAR", "scenes.1.avatarId"),
    }
    assert faults(four) == [("INVALID", "idempotencyKey")]
    assert (faults(one), faults(three)) == ([], [])
    assert ada(VIDEOS).data["videos"]["totalCount"] == 2


def test_a_hundred_are_taken_and_stand_in_line_in_their_order(ada: Api) -> None:
    inputs = [{"script": f"Number {number}."} for number in range(100)]
    results = batch(ada, *inputs)["results"]
    places = [result["video"]["queuePosition"] for result in results]
    assert places == sorted(places)
    listed = [edge["node"]["script"] for edge in ada(VIDEOS).data["videos"]["edges"]]
    assert listed[::-1] == [input["script"] for input in inputs]


@pytest.mark.parametrize(("count", "code"), [(0, "TOO_SHORT"), (101, "TOO_LONG")])
def test_none_and_more_than_a_hundred_are_refused_whole(ada: Api, count: int, code: str) -> None:
    payload = batch(ada, *({"script": "Hi."} for _ in range(count)))
    assert payload["results"] == []
    assert faults(payload) == [(code, "inputs")]
    assert ada(VIDEOS).data["videos"]["totalCount"] == 0


def test_a_key_is_one_video_within_a_batch_beside_it_and_while_it_is_under_way(ada: Api) -> None:
    inputs = [
        {"script": f"Number {number % 3}.", "idempotencyKey": f"key {number % 3}"} for number in range(6)
    ]
    answers: list[list[str]] = []

    def ask() -> None:
        answers.append([result["video"]["id"] for result in batch(ada, *inputs)["results"]])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 6
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][:3] == answers[0][3:]
    assert ada(VIDEOS).data["videos"]["totalCount"] == 3
    alone = ada(CREATE, input=inputs[0]).data["createVideo"]
    assert alone["video"]["id"] == answers[0][0]
    reused = batch(ada, {"script": "Another.", "idempotencyKey": "key 0"})["results"]
    assert [faults(result) for result in reused] == [[("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]]


def test_a_body_in_another_order_is_the_same_and_one_with_another_word_is_not(ada: Api) -> None:
    first = ada(
        CREATE,
        input={
            "script": "Hi.",
            "speed": 1,
            "title": None,
            "metadata": {"a": 1, "b": 2},
            "idempotencyKey": "k",
        },
    ).data["createVideo"]["video"]["id"]
    again = ada.send(
        {
            "query": CREATE,
            "variables": {
                "input": {"idempotencyKey": "k", "metadata": {"b": 2, "a": 1}, "speed": 1.0, "script": "Hi."}
            },
        }
    ).data["createVideo"]["video"]["id"]
    assert again == first
    payload = ada(CREATE, input={"script": "Hi.", "idempotencyKey": "k"}).data["createVideo"]
    assert faults(payload) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]


def test_a_batch_is_one_call_whose_videos_count_against_the_room_there_is(narrow: Api) -> None:
    keyed = [{"script": f"Number {number}.", "idempotencyKey": f"{number}"} for number in range(6)]
    results = batch(narrow, *keyed)["results"]
    assert [faults(result) for result in results] == [[]] * 4 + [[("LIMIT_EXCEEDED", "")]] * 2
    # The same call again is answered all the same, and is the second of three
    again = batch(narrow, *keyed)["results"]
    assert [result["video"] and result["video"]["id"] for result in again] == [
        result["video"] and result["video"]["id"] for result in results
    ]
    narrow(CREATE, input={"script": "Third."})
    limited = narrow(CREATE, input=keyed[0])
    assert limited.code == "RATE_LIMITED"
    assert limited.error["extensions"]["retryAfter"] > 0


def test_who_has_not_signed_in_makes_nothing(anyone: Api) -> None:
    assert anyone(CREATE_VIDEOS, inputs=[{"script": "Hi."}]).code == "UNAUTHENTICATED"
