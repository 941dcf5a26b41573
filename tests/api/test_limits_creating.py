"""Calls that lead to a render, or to work like one: so many a minute for each user."""

from collections.abc import Iterator

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served
from tests.servers import Valkey

ALLOWED = 2
TEMPLATE = """
mutation {
  createTemplate(input: { name: "Greeting", video: { script: "Hello {{ name }}." } }) { template { id } }
}
"""
CREATE = 'mutation { createVideo(input: { script: "Hi." }) { video { id } userErrors { code } } }'
# Each may fail: a call that is let in counts, whatever comes of it.
CREATING = {
    "createVideo": CREATE,
    "createVideo, invalid": 'mutation { createVideo(input: { script: "" }) { userErrors { code } } }',
    "createVideos": 'mutation { createVideos(inputs: [{ script: "A." }, { script: "B." }, { script: "C." }]) '
    "{ results { video { id } } userErrors { code } } }",
    "retryVideo": 'mutation { retryVideo(id: "x") { userErrors { code } } }',
    "updateVideo": 'mutation { updateVideo(id: "x", input: { script: "B." }) { userErrors { code } } }',
    "createVideoFromTemplate": "mutation ($template: ID!) { createVideoFromTemplate(id: $template, "
    'input: { variables: { name: "Ada" } }) { video { id } userErrors { code } } }',
    "createVideosFromTemplate": "mutation ($template: ID!) { createVideosFromTemplate(id: $template, "
    'inputs: [{ variables: { name: "Ada" } }, { variables: { name: "Ben" } }, { variables: {} }]) '
    "{ results { video { id } } userErrors { code } } }",
    "createPhotoAvatar": 'mutation { createPhotoAvatar(input: { name: "", imageAssetId: "x", '
    "consent: false }) { userErrors { code } } }",
    "previewSpeech": 'mutation { previewSpeech(input: { script: "" }) { userErrors { code } } }',
}


@pytest.fixture(scope="module")
def strict(api_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of the same accounts that lets each user create twice a minute."""
    valkey = Valkey(tmp_path_factory.mktemp("strict"))
    settings = changed(api_settings, redis_url=valkey.url, videos_per_minute=ALLOWED)
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield http
    valkey.kill()


@pytest.mark.parametrize("name", CREATING)
def test_one_creating_call_too_many_is_told_when_to_come_back(
    strict: httpx.Client, ada: Api, name: str
) -> None:
    here = Api(strict, ada.token)
    template = ada(TEMPLATE).data["createTemplate"]["template"]["id"]
    variables = {"template": template} if "$template" in CREATING[name] else {}

    for _ in range(ALLOWED):
        assert here(CREATING[name], **variables).data
    answer = here(CREATING[name], **variables)

    assert answer.code == "RATE_LIMITED"
    assert "More than 2 creating calls in a minute" in answer.error["message"]
    seconds = answer.error["extensions"]["retryAfter"]
    assert 50 <= seconds <= 60
    assert answer.response.headers["retry-after"] == str(seconds)
    # It is the same allowance for all of them ...
    assert here(CREATE).code == "RATE_LIMITED"
    # ... and none for what creates nothing.
    assert here("{ videos { totalCount } }").data


def test_aliases_are_calls_of_their_own(strict: httpx.Client, ada: Api) -> None:
    many = " ".join(f'a{n}: createVideo(input: {{ script: "Hi." }}) {{ video {{ id }} }}' for n in range(5))

    answer = Api(strict, ada.token)(f"mutation {{ {many} }}").response.json()

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["RATE_LIMITED"]
    assert ada("{ videos { totalCount } }").data["videos"]["totalCount"] == ALLOWED


def test_a_change_that_renders_nothing_is_no_creating_call(strict: httpx.Client, ada: Api) -> None:
    here = Api(strict, ada.token)
    video_id = here(CREATE).data["createVideo"]["video"]["id"]
    rename = 'mutation ($id: ID!) { updateVideo(id: $id, input: { title: "B" }) { video { title } } }'

    for _ in range(ALLOWED + 1):
        assert here(rename, id=video_id).data["updateVideo"]["video"] == {"title": "B"}
