"""Presenters made of portraits. The portraits are pictures of this project's own drawn presenters."""

import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from heygen_graphql.settings import Settings
from tests.api.serving import Api
from tests.api.uploads import announce, picture, uploaded
from tests.portrait import portrait_of

CREATE = """
mutation ($input: CreatePhotoAvatarInput!) {
  createPhotoAvatar(input: $input) {
    avatar { id avatarId name kind previewUrl owner { id } }
    userErrors { code field message }
  }
}
"""
DELETE = "mutation ($id: ID!) { deleteAvatar(id: $id) { deletedId userErrors { code field } } }"
LIST = """
query ($first: Int, $after: String) {
  avatars(first: $first, after: $after) {
    totalCount pageInfo { endCursor }
    edges { node { avatarId kind owner { id } } }
  }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Avatar { avatarId name kind } } }"
VIDEO = """
  userErrors { code field }
  video { id avatar { name kind } scenes { avatar { avatarId } background { color image { id } } } }
"""
CREATE_VIDEO = f"mutation ($input: CreateVideoInput!) {{ createVideo(input: $input) {{ {VIDEO} }} }}"
READ_VIDEO = "query ($id: ID!) { video(id: $id) { avatar { avatarId name kind previewUrl } } }"
ME = "{ me { id } }"


@pytest.fixture(scope="module")
def oliver() -> bytes:
    return portrait_of("oliver")


def create(api: Api, asset_id: str, **changes: Any) -> dict[str, Any]:
    input = {"name": "Grandpa", "imageAssetId": asset_id, "consent": True} | changes
    payload: dict[str, Any] = api(CREATE, input=input).data["createPhotoAvatar"]
    return payload


def created(api: Api, image: bytes) -> dict[str, Any]:
    payload = create(api, uploaded(api, image))
    assert payload["userErrors"] == []
    avatar: dict[str, Any] = payload["avatar"]
    return avatar


def faults(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    assert payload["avatar"] is None
    assert all(error["message"] for error in payload["userErrors"])
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


def own(api: Api) -> list[str]:
    edges = api(LIST, first=100).data["avatars"]["edges"]
    return [edge["node"]["avatarId"] for edge in edges if edge["node"]["owner"] is not None]


def files(settings: Settings) -> set[Path]:
    return set((settings.data_dir / "files" / "photo-avatars").glob("*/*"))


def test_a_portrait_becomes_an_avatar_of_its_owners_alone(
    ada: Api, ben: Api, anyone: Api, api_settings: Settings, oliver: bytes
) -> None:
    before = files(api_settings)
    avatar = created(ada, oliver)

    assert avatar["avatarId"].startswith("photo-")
    assert (avatar["name"], avatar["kind"]) == ("Grandpa", "PHOTO")
    assert avatar["owner"] == ada(ME).data["me"]
    assert sorted(path.name for path in files(api_settings) - before) == ["preview.png", "rig"]
    preview = ada.http.get(urlsplit(avatar["previewUrl"]).path + "?" + urlsplit(avatar["previewUrl"]).query)
    assert preview.headers["content-type"] == "image/png"
    shown = Image.open(io.BytesIO(preview.content))
    assert shown.width == shown.height > 200

    assert own(ada) == [avatar["avatarId"]]
    assert ada(NODE, id=avatar["id"]).data["node"]["name"] == "Grandpa"
    answer = ada(CREATE_VIDEO, input={"script": "Hello.", "avatarId": avatar["avatarId"]}).data["createVideo"]
    assert answer["userErrors"] == []
    assert answer["video"]["avatar"] == {"name": "Grandpa", "kind": "PHOTO"}

    assert own(ben) == own(anyone) == []
    assert ben(NODE, id=avatar["id"]).data["node"] is None
    assert ben(DELETE, id=avatar["id"]).data["deleteAvatar"]["userErrors"][0]["code"] == "NOT_FOUND"
    for input in ({"avatarId": avatar["avatarId"]}, {"avatarId": "photo-000000000000"}):
        refused = ben(CREATE_VIDEO, input=input | {"script": "Hello."}).data["createVideo"]
        assert refused["userErrors"] == [{"code": "UNKNOWN_AVATAR", "field": ["avatarId"]}]
    assert own(ada) == [avatar["avatarId"]]


def test_a_portrait_fills_the_frame_unless_something_is_asked_for_behind_it(ada: Api, oliver: bytes) -> None:
    avatar_id, image = created(ada, oliver)["avatarId"], uploaded(ada)
    scenes = [
        {"script": "One."},
        {"script": "Two.", "background": {"color": "#102030"}},
        {"script": "Three.", "background": {"imageAssetId": image}},
        {"script": "Four.", "avatarId": "maya"},
    ]
    payload = ada(CREATE_VIDEO, input={"avatarId": avatar_id, "scenes": scenes}).data["createVideo"]
    assert [(scene["avatar"]["avatarId"], scene["background"]) for scene in payload["video"]["scenes"]] == [
        (avatar_id, {"color": None, "image": None}),
        (avatar_id, {"color": "#102030", "image": None}),
        (avatar_id, {"color": None, "image": {"id": image}}),
        ("maya", {"color": "#DFE7EE", "image": None}),
    ]


def test_a_deleted_avatar_is_gone_for_new_videos_and_named_by_old_ones(
    ada: Api, api_settings: Settings, oliver: bytes
) -> None:
    before = files(api_settings)
    avatar = created(ada, oliver)
    video = ada(CREATE_VIDEO, input={"script": "Hello.", "avatarId": avatar["avatarId"]})
    video_id = video.data["createVideo"]["video"]["id"]

    deleted = ada(DELETE, id=avatar["id"]).data["deleteAvatar"]

    assert deleted == {"deletedId": avatar["id"], "userErrors": []}
    assert files(api_settings) == before
    assert own(ada) == []
    assert ada(NODE, id=avatar["id"]).data["node"] is None
    refused = ada(CREATE_VIDEO, input={"script": "Hello.", "avatarId": avatar["avatarId"]})
    assert refused.data["createVideo"]["userErrors"][0]["code"] == "UNKNOWN_AVATAR"
    shown = ada(READ_VIDEO, id=video_id).data["video"]["avatar"]
    assert (shown["name"], shown["kind"]) == ("Grandpa", "PHOTO")
    preview = urlsplit(shown["previewUrl"])
    assert ada.http.get(f"{preview.path}?{preview.query}").status_code == 404
    assert ada(DELETE, id=avatar["id"]).data["deleteAvatar"]["userErrors"][0]["code"] == "NOT_FOUND"


def test_every_fault_of_a_photo_avatar_is_told_at_once(ada: Api, ben: Api) -> None:
    others = uploaded(ben)
    assert faults(create(ada, others, name=" ", consent=False)) == [
        ("TOO_SHORT", ["name"]),
        ("CONSENT_REQUIRED", ["consent"]),
        ("NOT_FOUND", ["imageAssetId"]),
    ]
    assert faults(create(ada, "nonsense", name="a" * 101)) == [
        ("TOO_LONG", ["name"]),
        ("NOT_FOUND", ["imageAssetId"]),
    ]
    incomplete = announce(ada, picture()).asset_id
    assert faults(create(ada, incomplete)) == [("INVALID", ["imageAssetId"])]


def test_a_picture_without_one_face_is_refused_with_the_reason(ada: Api, api_settings: Settings) -> None:
    before = files(api_settings)
    field = ["imageAssetId"]
    assert faults(create(ada, uploaded(ada, picture(size=(800, 800))))) == [("NO_FACE_FOUND", field)]
    two = uploaded(ada, portrait_of("maya", "oliver"))
    assert faults(create(ada, two)) == [("SEVERAL_FACES_FOUND", field)]
    small = io.BytesIO()
    Image.open(io.BytesIO(portrait_of("oliver"))).resize((300, 300)).save(small, "PNG")
    assert faults(create(ada, uploaded(ada, small.getvalue()))) == [("INVALID", field)]
    assert files(api_settings) == before
    assert own(ada) == []


def test_nobody_deletes_a_built_in_avatar(ada: Api) -> None:
    (edge,) = ada("{ avatars(first: 1) { edges { node { id owner { id } } } } }").data["avatars"]["edges"]
    assert edge["node"]["owner"] is None
    payload = ada(DELETE, id=edge["node"]["id"]).data["deleteAvatar"]
    assert payload == {"deletedId": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}


def test_own_avatars_come_after_the_built_in_ones_on_every_page(ada: Api, oliver: bytes) -> None:
    built_in = ada(LIST).data["avatars"]["totalCount"]
    first, second = (created(ada, oliver)["avatarId"] for _ in range(2))
    page = ada(LIST, first=built_in).data["avatars"]
    assert page["totalCount"] == built_in + 2
    assert {edge["node"]["kind"] for edge in page["edges"]} == {"DRAWN"}
    rest = ada(LIST, after=page["pageInfo"]["endCursor"]).data["avatars"]["edges"]
    assert [edge["node"]["avatarId"] for edge in rest] == [first, second]
