"""A film of what its owner brought along, by the whole server."""

import io
import time
from typing import Any
from urllib.parse import urlsplit

import av
import httpx
import numpy as np
import pytest

from tests.api.serving import Api
from tests.api.uploads import picture, uploaded
from tests.portrait import portrait_of

CREATE_AVATAR = """
mutation ($input: CreatePhotoAvatarInput!) {
  createPhotoAvatar(input: $input) { avatar { id avatarId } userErrors { code } }
}
"""
CREATE_VIDEO = """
mutation ($input: CreateVideoInput!) { createVideo(input: $input) { video { id } userErrors { code } } }
"""
READ = """
query ($id: ID!) {
  video(id: $id) { status url failure { code message isRetryable } avatar { name } scenes { startSeconds } }
}
"""
DELETE_AVATAR = "mutation ($id: ID!) { deleteAvatar(id: $id) { userErrors { code } } }"


def created(api: Api, **input: Any) -> str:
    payload = api(CREATE_VIDEO, input={"quality": "LOW", **input}).data["createVideo"]
    assert payload["userErrors"] == []
    video_id: str = payload["video"]["id"]
    return video_id


def finished(api: Api, video_id: str, seconds: float = 90) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        video: dict[str, Any] = api(READ, id=video_id).data["video"]
        if video["status"] not in ("PENDING", "PROCESSING"):
            return video
        time.sleep(0.2)
    raise TimeoutError(video_id)


def corner(film: bytes, at_seconds: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The mean colour of what stands in the upper left corner half a second after `at_seconds`."""
    with av.open(io.BytesIO(film), "r") as file:
        for frame in file.decode(video=0):
            if frame.time is not None and frame.time >= at_seconds + 0.5:
                pixels = frame.to_ndarray(format="rgb24")
                return np.asarray(pixels[:40, :40].reshape(-1, 3).mean(axis=0), np.float64)
    raise AssertionError("the film is too short")


def test_a_film_shows_the_owners_portrait_and_pictures_and_fails_without_them(http: httpx.Client) -> None:
    api = Api(http).signed_in()
    portrait, wall = uploaded(api, portrait_of("oliver")), uploaded(api, picture(color="#804020"))
    input = {"name": "Grandpa", "imageAssetId": portrait, "consent": True}
    made = api(CREATE_AVATAR, input=input).data["createPhotoAvatar"]
    assert made["userErrors"] == []
    scenes = [
        {"script": "One.", "avatarId": made["avatar"]["avatarId"]},
        {"script": "Two.", "avatarId": "maya", "background": {"imageAssetId": wall}},
        {"script": "Three.", "avatarId": "maya", "background": {"color": "#0000FF"}},
    ]

    video = finished(api, created(api, scenes=scenes, aspectRatio="SQUARE"))

    assert video["status"] == "COMPLETED", video["failure"]
    parts = urlsplit(video["url"])
    film = http.get(f"{parts.path}?{parts.query}").content
    starts = [scene["startSeconds"] for scene in video["scenes"]]
    light, brown, blue = (corner(film, start) for start in starts)
    # The portrait's own quiet backdrop
    assert light.min() > 190
    assert brown == pytest.approx([0x80, 0x40, 0x20], abs=12)
    assert blue[2] > 120
    assert blue[:2].max() < 100

    # One that waits behind another when its presenter is deleted
    ahead = created(api, script="The one ahead.")
    behind = created(api, script="The one behind.", avatarId=made["avatar"]["avatarId"])
    assert api(DELETE_AVATAR, id=made["avatar"]["id"]).data["deleteAvatar"]["userErrors"] == []
    assert finished(api, ahead)["status"] == "COMPLETED"
    video = finished(api, behind)
    assert (video["status"], video["avatar"]) == ("FAILED", {"name": "Grandpa"})
    assert (video["failure"]["code"], video["failure"]["isRetryable"]) == ("MATERIAL_MISSING", False)
