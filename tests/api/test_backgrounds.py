from typing import Any

import pytest

from tests.api.serving import Api
from tests.api.uploads import announce, picture, uploaded

SCENES = """
  userErrors { code field }
  video { id version scenes { background { color image { id contentType } } } }
"""
CREATE = f"mutation ($input: CreateVideoInput!) {{ createVideo(input: $input) {{ {SCENES} }} }}"
UPDATE = f"""
mutation ($id: ID!, $input: UpdateVideoInput!) {{ updateVideo(id: $id, input: $input) {{ {SCENES} }} }}
"""
READ = "query ($id: ID!) { video(id: $id) { title scenes { background { color image { id } } } } }"
DELETE = "mutation ($id: ID!) { deleteAsset(id: $id) { deletedId } }"


def backgrounds(payload: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """Each scene's colour and its image's id."""
    assert payload["userErrors"] == []
    found = [scene["background"] for scene in payload["video"]["scenes"]]
    return [(one["color"], one["image"] and one["image"]["id"]) for one in found]


def faults(payload: dict[str, Any]) -> list[tuple[str, str]]:
    assert payload["video"] is None
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


def test_a_scene_has_its_own_background_or_the_videos(ada: Api) -> None:
    beach, forest = uploaded(ada), uploaded(ada, picture("JPEG"), "image/jpeg")
    scenes = [
        {"script": "One."},
        {"script": "Two.", "background": {"imageAssetId": forest}},
        {"pauseSeconds": 1, "background": {"color": "#102030"}},
    ]
    payload = ada(CREATE, input={"scenes": scenes, "background": {"imageAssetId": beach}}).data
    assert backgrounds(payload["createVideo"]) == [(None, beach), (None, forest), ("#102030", None)]


def test_one_background_replaces_another_of_whichever_kind(ada: Api) -> None:
    image = uploaded(ada)
    created = ada(CREATE, input={"script": "Hello."}).data["createVideo"]
    assert backgrounds(created) == [("#DFE7EE", None)]
    video_id = created["video"]["id"]

    def updated(**background: str) -> list[tuple[str | None, str | None]]:
        payload: dict[str, Any] = ada(UPDATE, id=video_id, input={"background": background}).data
        return backgrounds(payload["updateVideo"])

    assert updated(imageAssetId=image) == [(None, image)]
    assert updated(color="#123456") == [("#123456", None)]


def test_a_background_that_cannot_be_names_its_field(ada: Api, ben: Api) -> None:
    mine, others = uploaded(ada), uploaded(ben)
    incomplete = announce(ada, picture()).asset_id

    def refused(**background: str) -> list[tuple[str, str]]:
        scenes = [{"script": "One."}, {"script": "Two.", "background": background}]
        return faults(ada(CREATE, input={"scenes": scenes}).data["createVideo"])

    field = "scenes.1.background.imageAssetId"
    assert refused(imageAssetId=incomplete) == [("INVALID", field)]
    for asset_id in (others, mine[:-6] + "AAAAAA", "nonsense", "\0", ""):
        assert refused(imageAssetId=asset_id) == [("NOT_FOUND", field)]
    assert refused(imageAssetId=mine, color="#123456") == [("INVALID", "scenes.1.background")]
    video = ada(CREATE, input={"script": "Hi.", "speed": 9, "background": {"imageAssetId": others}})
    assert faults(video.data["createVideo"]) == [
        ("NOT_FOUND", "background.imageAssetId"),
        ("INVALID", "speed"),
    ]


@pytest.mark.parametrize("background", [{}, {"color": None}, {"color": None, "imageAssetId": None}])
def test_a_background_that_names_nothing_is_refused_and_null_is_none(
    ada: Api, background: dict[str, None]
) -> None:
    scenes = [{"script": "One.", "background": background}, {"script": "Two.", "background": None}]
    refused = ada(CREATE, input={"scenes": scenes, "background": background, "speed": 9}).data["createVideo"]
    assert faults(refused) == [
        ("INVALID", "background"),
        ("INVALID", "speed"),
        ("INVALID", "scenes.0.background"),
    ]

    created = ada(CREATE, input={"script": "Hi.", "background": {"color": "#102030"}}).data["createVideo"]
    video_id = created["video"]["id"]
    changed = ada(UPDATE, id=video_id, input={"background": background}).data["updateVideo"]
    assert faults(changed) == [("INVALID", "background")]
    removed = ada(UPDATE, id=video_id, input={"background": None}).data["updateVideo"]
    assert backgrounds(removed) == [("#DFE7EE", None)]


def test_a_video_whose_background_is_deleted_can_still_be_read_and_called_otherwise(ada: Api) -> None:
    image = uploaded(ada)
    input = {"script": "Hello.", "background": {"imageAssetId": image}}
    video_id = ada(CREATE, input=input).data["createVideo"]["video"]["id"]
    ada(DELETE, id=image)

    assert ada(UPDATE, id=video_id, input={"title": "Other"}).data["updateVideo"]["userErrors"] == []
    video = ada(READ, id=video_id).data["video"]
    assert video == {"title": "Other", "scenes": [{"background": {"color": None, "image": None}}]}
    payload = ada(UPDATE, id=video_id, input={"script": "Good bye."}).data["updateVideo"]
    assert faults(payload) == [("NOT_FOUND", "background.imageAssetId")]


@pytest.mark.parametrize("input", [{"title": "a" * 201}, {"metadata": {"a": "x" * 5000}}])
def test_a_label_that_cannot_be_is_refused_on_its_own(ada: Api, input: dict[str, Any]) -> None:
    video_id = ada(CREATE, input={"script": "Hello."}).data["createVideo"]["video"]["id"]
    payload = ada(UPDATE, id=video_id, input=input).data["updateVideo"]
    assert faults(payload) == [("TOO_LONG", next(iter(input)))]
