"""A server on which as many videos wait as it takes in."""

from base64 import b64decode
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from heygen_graphql.tables import VideoStatus
from tests.api.serving import Api, served
from tests.jobs.videos import change, storyboard, wait_for_end
from tests.jobs.workers import workers

CREATE = """
mutation ($key: String) {
  createVideo(input: { script: "Hi.", idempotencyKey: $key }) {
    video { id status }
    userErrors { code message field }
  }
}
"""
CREATE_MANY = """
mutation {
  createVideos(inputs: [{ script: "A." }, { script: "B." }]) {
    results { video { id } userErrors { code } }
  }
}
"""
CANCEL = "mutation ($id: ID!) { cancelVideo(id: $id) { video { status } userErrors { code } } }"
RETRY = "mutation ($id: ID!) { retryVideo(id: $id) { video { status } userErrors { code } } }"


@pytest.fixture
def full(postgres_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Of a server that lets four videos wait, and that nobody renders for."""
    return Settings(
        _env_file=None,
        database_url=postgres_url,
        redis_url=redis_url,
        data_dir=tmp_path / "data",
        secret_key="a secret of more than thirty-two bytes",
        max_waiting_videos=4,
        lease_seconds=3,
        sweep_seconds=0.2,
    )


async def test_a_full_server_refuses_what_is_new_and_renders_what_it_took_in(
    full: Settings, tmp_path: Path
) -> None:
    with served(full) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        ada, ben = Api(http).signed_in(), Api(http).signed_in()

        # Given as many waiting videos as the server takes in, of two people
        canceled = ada(CREATE).data["createVideo"]["video"]["id"]
        two = ada(CREATE, key="two").data["createVideo"]["video"]["id"]
        three = ben(CREATE).data["createVideo"]["video"]["id"]
        results = ben(CREATE_MANY).data["createVideos"]["results"]
        four = results[0]["video"]["id"]

        # When anybody asks for more, they are told to come again
        assert results[1] == {"video": None, "userErrors": [{"code": "LIMIT_EXCEEDED"}]}
        refused = ada(CREATE).data["createVideo"]
        assert refused["video"] is None
        assert refused["userErrors"][0]["code"] == "LIMIT_EXCEEDED"
        assert "Come again" in refused["userErrors"][0]["message"]

        # But what was taken in is not asked for anew
        assert ada(CREATE, key="two").data["createVideo"]["video"]["id"] == two

        # And there is one place again when one is canceled, which somebody else may take first
        assert ada(CANCEL, id=canceled).data["cancelVideo"]["video"]["status"] == "CANCELED"
        five = ben(CREATE).data["createVideo"]["video"]["id"]
        assert ada(RETRY, id=canceled).data["retryVideo"]["userErrors"] == [{"code": "LIMIT_EXCEEDED"}]

        # When a worker comes, all that was taken in is rendered, and more is taken
        database = Database(full.resolved_database_url)
        waiting = [UUID(b64decode(one).decode().partition(":")[2]) for one in (two, three, four, five)]
        for video_id in waiting:
            await change(database, video_id, storyboard=storyboard())
        with workers(full, 1, tmp_path):
            ended = [await wait_for_end(database, video_id) for video_id in waiting]
        await database.close()
        assert {video.status for video in ended} == {VideoStatus.COMPLETED}
        assert ada(RETRY, id=canceled).data["retryVideo"]["video"]["status"] == "PENDING"
