"""Scenes that are not rendered again, seen through the API, with the renderer itself."""

from pathlib import Path

from tests.client import Client, signed_up
from tests.conftest import StartServer
from tests.servers import wait_until, wait_until_gone

UPDATE_VIDEO = """
mutation ($id: ID!, $input: UpdateVideoInput!) {
  updateVideo(id: $id, input: $input) { video { status } userErrors { code field message } }
}
"""
SCENES = """
query ($id: ID!) { video(id: $id) { status duration: durationSeconds scenes { script reused } } }
"""
SCRIPTS = ["One is a beginning.", "Two is company.", "Three is a crowd."]


def scenes(scripts: list[str]) -> dict[str, object]:
    return {"scenes": [{"script": script} for script in scripts]}


def segments(data: Path) -> set[Path]:
    return set(data.glob("files/videos/*/segments/*"))


async def reused(client: Client, video_id: str) -> list[bool]:
    events = await client.watch_to_end(video_id)
    assert events[-1]["video"]["status"] == "COMPLETED"
    video = (await client.execute(SCENES, id=video_id))["video"]
    return [scene["reused"] for scene in video["scenes"]]


async def test_a_changed_scene_is_rendered_alone(server: StartServer, tmp_path: Path) -> None:
    one = server("serve", VIDEOS_PER_MINUTE="1000")
    async with signed_up(one.url) as client:
        # Given a finished video of three scenes
        video_id = await client.create_video({**scenes(SCRIPTS), "quality": "LOW"})
        assert await reused(client, video_id) == [False, False, False]
        before = segments(tmp_path / "data")
        assert len(before) == 3

        # When the second one is changed
        changed = scenes([SCRIPTS[0], "Two are better than one.", SCRIPTS[2]])
        payload = (await client.execute(UPDATE_VIDEO, id=video_id, input=changed))["updateVideo"]
        assert payload["userErrors"] == []

        # Then it alone is rendered, and the segment that it takes the place of is removed
        assert await reused(client, video_id) == [True, False, True]
        after = segments(tmp_path / "data")
        assert (len(after), len(after & before)) == (3, 2)


async def test_a_server_killed_between_two_scenes_does_not_begin_with_the_first_again(
    server: StartServer, tmp_path: Path
) -> None:
    # Given a server that has finished the first of three scenes, one at a time
    one = server("serve", RENDER_PROCESSES="1")
    async with signed_up(one.url) as client:
        video_id = await client.create_video({**scenes([script * 2 for script in SCRIPTS]), "quality": "LOW"})
        wait_until(lambda: segments(tmp_path / "data") != set(), "the first scene", seconds=60)

        # When it is killed, and started again
        wait_until_gone(one.kill_alone())
        one.start()

        # Then it goes on from there
        first, *_, last = await reused(client, video_id)
        assert (first, last) == (True, False)
