from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, served

ESTIMATE = """
query ($input: CreateVideoInput!) {
  estimateVideo(input: $input) { durationSeconds renderSeconds waitSeconds }
}
"""
CREATE = "mutation ($input: CreateVideoInput!) { createVideo(input: $input) { video { id } } }"
CANCEL = "mutation ($id: ID!) { cancelVideo(id: $id) { video { id } } }"


def estimate(api: Api, **input: Any) -> dict[str, float]:
    told: dict[str, float] = api(ESTIMATE, input=input).data["estimateVideo"]
    return told


def test_more_to_say_and_more_to_draw_take_longer(someone: Api) -> None:
    short, long = "Hello there.", "Hello there, and welcome to this rather longer text. " * 5
    one, other = estimate(someone, script=short), estimate(someone, script=long)
    assert 0.5 < one["durationSeconds"] < 4
    assert 10 < other["durationSeconds"] < 30
    assert one["renderSeconds"] < other["renderSeconds"]
    assert estimate(someone, script=long, speed=2)["durationSeconds"] < 0.6 * other["durationSeconds"]
    assert estimate(someone, script=long, quality="ULTRA")["renderSeconds"] > 3 * other["renderSeconds"]
    silence = estimate(someone, scenes=[{"script": short}, {"pauseSeconds": 30}])
    assert silence["durationSeconds"] == pytest.approx(30 + one["durationSeconds"], abs=0.6)


@pytest.fixture
def alone(own_settings: Settings) -> Iterator[Api]:
    """Who waits for nobody else's videos."""
    with served(own_settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http).signed_in()


def test_who_comes_last_waits_for_those_ahead(alone: Api) -> None:
    before = estimate(alone, script="Hello.")["waitSeconds"]
    asked = {"script": "Hello. " * 100, "quality": "HIGH"}
    ids = [alone(CREATE, input=asked).data["createVideo"]["video"]["id"] for _ in range(2)]
    one = estimate(alone, **asked)
    assert one["waitSeconds"] == pytest.approx(before + 2 * one["renderSeconds"], abs=3)
    for video_id in ids:
        alone(CANCEL, id=video_id)
    assert estimate(alone, **asked)["waitSeconds"] == pytest.approx(before)


def test_an_input_that_could_not_be_made_is_told_all_its_faults(someone: Api) -> None:
    input = {"scenes": [{"script": "Hello."}, {"script": " "}], "avatarId": "photo-000000000000"}
    answer = someone(ESTIMATE, input=input)
    assert answer.code == "BAD_USER_INPUT"
    faults = answer.error["extensions"]["userErrors"]
    assert [(fault["code"], fault["field"]) for fault in faults] == [
        ("UNKNOWN_AVATAR", ["avatarId"]),
        ("TOO_SHORT", ["scenes", "1", "script"]),
    ]
    assert all(fault["message"] for fault in faults)


def test_who_has_not_signed_in_is_told_nothing(anyone: Api) -> None:
    assert anyone(ESTIMATE, input={"script": "Hello."}).code == "UNAUTHENTICATED"
