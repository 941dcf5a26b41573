import hashlib
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served
from tests.api.uploads import (
    COMPLETE_UPLOAD,
    CREATE_UPLOAD,
    Upload,
    announce,
    completed,
    picture,
    put,
    uploaded,
)
from tests.servers import wait_until

DELETE = "mutation ($id: ID!) { deleteAsset(id: $id) { deletedId userErrors { code field } } }"
LIST = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  assets(first: $first, after: $after, last: $last, before: $before) {
    totalCount
    edges { cursor node { id sha256 } }
    pageInfo { hasNextPage hasPreviousPage endCursor startCursor }
  }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Asset { filename isComplete sha256 url } } }"


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    assert all(error["message"] for error in payload["userErrors"])
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


def listed(api: Api, **arguments: Any) -> list[str]:
    edges = api(LIST, **arguments).data["assets"]["edges"]
    return [edge["node"]["id"] for edge in edges]


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def stored(settings: Settings, upload: Upload) -> list[Path]:
    """What lies in storage and in the scratch folder of the server, of this upload or of any that is half."""
    asset_id = urlsplit(upload.url).path.rpartition("/")[2]
    return [
        *(settings.data_dir / "files" / "assets" / asset_id).glob("**/*"),
        *(settings.data_dir / "uploads").glob("**/*"),
    ]


@pytest.mark.parametrize(
    ("form", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_a_picture_goes_in_and_comes_out_as_it_was(ada: Api, form: str, content_type: str) -> None:
    content = picture(form)
    announced = {"filename": "Grüße.bin", "contentType": content_type, "sizeBytes": str(len(content))}
    created = ada(CREATE_UPLOAD, input=announced).data["createUpload"]
    assert created["uploadHeaders"] == {"Content-Type": content_type}
    asset = created["asset"]
    assert (asset["isComplete"], asset["sha256"]) == (False, "")
    assert ada.http.get(path_of(asset["url"])).status_code == 404
    upload = Upload(asset["id"], created["uploadUrl"], created["uploadHeaders"])

    assert put(ada, upload, content).status_code == 200
    assert listed(ada) == []
    asset = completed(ada, upload.asset_id)["asset"]

    assert (asset["isComplete"], asset["sizeBytes"]) == (True, len(content))
    assert asset["sha256"] == hashlib.sha256(content).hexdigest()
    got = ada.http.get(path_of(asset["url"]))
    assert (got.content, got.headers["content-type"]) == (content, content_type)
    assert "Gr%C3%BC%C3%9Fe.bin" in got.headers["content-disposition"]
    assert listed(ada) == [upload.asset_id]
    # Safe to repeat
    assert completed(ada, upload.asset_id)["asset"]["sha256"] == asset["sha256"]


@pytest.mark.parametrize(
    ("input", "expected"),
    [
        ({"contentType": "image/gif"}, ("UNSUPPORTED_MEDIA", ["contentType"])),
        ({"contentType": "text/html"}, ("UNSUPPORTED_MEDIA", ["contentType"])),
        ({"sizeBytes": 20 * 1024**2 + 1}, ("FILE_TOO_LARGE", ["sizeBytes"])),
        ({"sizeBytes": 0}, ("TOO_SHORT", ["sizeBytes"])),
        ({"filename": "  "}, ("TOO_SHORT", ["filename"])),
        ({"filename": "a" * 256}, ("TOO_LONG", ["filename"])),
        ({"filename": "a\0.png"}, ("INVALID", ["filename"])),
        ({"sha256": "abc"}, ("INVALID", ["sha256"])),
    ],
)
def test_each_fault_of_an_upload_names_its_field(
    someone: Api, input: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    announced = {"filename": "a.png", "contentType": "image/png", "sizeBytes": 100}
    payload = someone(CREATE_UPLOAD, input=announced | input).data["createUpload"]
    assert codes(payload) == [expected]
    assert (payload["asset"], payload["uploadUrl"], payload["uploadHeaders"]) == (None, None, None)


@pytest.mark.parametrize("size", [True, 1.5, "12x", 2**63, None])
def test_a_size_that_is_no_integer_is_refused(someone: Api, size: object) -> None:
    announced = {"filename": "a.png", "contentType": "image/png", "sizeBytes": size}
    assert someone(CREATE_UPLOAD, input=announced).code == "BAD_USER_INPUT"


def test_bytes_sent_again_replace_the_first_ones_until_the_upload_is_complete(
    ada: Api, api_settings: Settings
) -> None:
    first, second = (picture(color=color).ljust(1000) for color in ("red", "blue"))
    upload = announce(ada, first)
    assert put(ada, upload, first).status_code == 200
    assert put(ada, upload, second).status_code == 200
    asset = completed(ada, upload.asset_id)["asset"]
    assert asset["sha256"] == hashlib.sha256(second).hexdigest()

    refused = put(ada, upload, first)
    assert (refused.status_code, "complete" in refused.json()["message"]) == (409, True)
    assert ada.http.get(path_of(asset["url"])).content == second
    assert len(stored(api_settings, upload)) == 1


def test_bytes_that_are_not_as_announced_are_not_kept(ada: Api, api_settings: Settings) -> None:
    content = picture()
    upload = announce(ada, content, sha256=hashlib.sha256(content).hexdigest())

    def chunks(body: bytes) -> Iterator[bytes]:
        yield from (body[:10], body[10:])

    def send(body: bytes | Iterator[bytes], **headers: str) -> int:
        answer = ada.http.put(upload.path, content=body, headers={**upload.headers, **headers})
        return answer.status_code

    assert send(content + b"x") == 413
    assert send(content[:-1]) == 400
    # Without a length announced
    assert send(chunks(content + b"x")) == 413
    assert send(chunks(content[:-1])) == 400
    assert send(content[:-1] + b"x") == 422
    assert send(content, **{"Content-Type": "image/jpeg"}) == 415
    assert stored(api_settings, upload) == []
    assert codes(completed(ada, upload.asset_id)) == [("INVALID", ["id"])]
    assert send(chunks(content)) == 200
    assert completed(ada, upload.asset_id)["userErrors"] == []


def test_bytes_that_break_off_leave_nothing_behind(ada: Api, api_settings: Settings, address: str) -> None:
    content = picture("JPEG", (2000, 2000))
    upload = announce(ada, content, "image/jpeg")
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        head = f"PUT {upload.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content[: len(content) // 2])
    # Whoever asks next is served, and finds that nothing came.
    assert codes(completed(ada, upload.asset_id)) == [("INVALID", ["id"])]
    wait_until(lambda: stored(api_settings, upload) == [], "dropping what broke off")
    assert put(ada, upload, content).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<script>alert(1)</script>", "image/png"),
        (picture("GIF"), "image/png"),
        (picture("JPEG"), "image/png"),
        (picture("PNG")[:-30], "image/png"),
        (picture("JPEG", (300, 300))[:-100], "image/jpeg"),
        (b"RIFF\x10\0\0\0WEBPVP8 \0\0\0\0", "image/webp"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_and_may_be_sent_anew(
    ada: Api, content: bytes, content_type: str
) -> None:
    upload = announce(ada, content, content_type)
    assert put(ada, upload, content).status_code == 200
    assert codes(completed(ada, upload.asset_id)) == [("UNSUPPORTED_MEDIA", ["id"])]
    assert listed(ada) == []
    assert ada(NODE, id=upload.asset_id).data["node"]["isComplete"] is False
    assert put(ada, upload, content).status_code == 200


def test_a_picture_of_too_many_pixels_is_refused_whatever_its_bytes(ada: Api) -> None:
    file = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(file, "PNG")
    bomb = file.getvalue()
    assert len(bomb) < 100_000
    upload = announce(ada, bomb)
    assert put(ada, upload, bomb).status_code == 200
    assert codes(completed(ada, upload.asset_id)) == [("FILE_TOO_LARGE", ["id"])]


def test_no_other_link_takes_bytes(ada: Api) -> None:
    content = picture()
    upload, other = announce(ada, content), announce(ada, content)
    asset = completed(ada, uploaded(ada))["asset"]
    for path in (
        urlsplit(upload.url).path,
        upload.path.replace(urlsplit(upload.url).path, urlsplit(other.url).path),
        upload.path.replace("signature=", "signature=0"),
        "/media/uploads/x?expires=9999999999&signature=x",
    ):
        assert ada.http.put(path, content=content).status_code == 403
    # A link to read takes nothing in, and one to write gives nothing out.
    assert ada.http.put(path_of(asset["url"]), content=content).status_code == 405
    assert ada.http.get(upload.path).status_code == 404
    assert completed(ada, upload.asset_id)["asset"] is None


def test_what_is_deleted_is_gone_for_everybody(ada: Api, api_settings: Settings) -> None:
    content = picture()
    upload = announce(ada, content)
    put(ada, upload, content)
    asset = completed(ada, upload.asset_id)["asset"]
    assert ada(DELETE, id=upload.asset_id).data["deleteAsset"] == {
        "deletedId": upload.asset_id,
        "userErrors": [],
    }
    assert ada(NODE, id=upload.asset_id).data["node"] is None
    assert listed(ada) == []
    assert ada.http.get(path_of(asset["url"])).status_code == 404
    assert put(ada, upload, content).status_code == 404
    assert stored(api_settings, upload) == []
    for query, name in ((DELETE, "deleteAsset"), (COMPLETE_UPLOAD, "completeUpload")):
        assert ada(query, id=upload.asset_id).data[name]["userErrors"][0]["code"] == "NOT_FOUND"


def test_another_users_asset_answers_as_one_that_does_not_exist(ada: Api, ben: Api) -> None:
    mine = uploaded(ada)
    unknown = mine[:-6] + "AAAAAA"
    for asset_id in (mine, unknown):
        assert ben(NODE, id=asset_id).data["node"] is None
        assert codes(completed(ben, asset_id)) == [("NOT_FOUND", ["id"])]
        deleted = ben(DELETE, id=asset_id).data["deleteAsset"]
        assert deleted == {"deletedId": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}
    assert listed(ben) == []
    assert listed(ada) == [mine]


def test_who_has_not_signed_in_uploads_and_sees_nothing(anyone: Api) -> None:
    announced = {"filename": "a.png", "contentType": "image/png", "sizeBytes": 100}
    assert anyone(CREATE_UPLOAD, input=announced).code == "UNAUTHENTICATED"
    assert anyone(LIST).code == "UNAUTHENTICATED"


def test_assets_are_paged_newest_first_in_both_directions(ada: Api) -> None:
    first, second, third = (uploaded(ada, picture(color=color)) for color in ("red", "green", "blue"))
    page = ada(LIST, first=2).data["assets"]
    assert [edge["node"]["id"] for edge in page["edges"]] == [third, second]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    assert listed(ada, first=2, after=page["pageInfo"]["endCursor"]) == [first]
    assert listed(ada, last=1) == [first]
    assert listed(ada, last=2, before=page["edges"][1]["cursor"]) == [third]
    assert ada(LIST, after="x").code == "BAD_USER_INPUT"


def test_the_settings_bound_how_much_and_how_often(api_settings: Settings) -> None:
    bounded = changed(api_settings, max_upload_bytes=2000, uploads_per_minute=2)
    with served(bounded) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        api = Api(http).signed_in()
        announced = {"filename": "a.png", "contentType": "image/png", "sizeBytes": 2001}
        payload = api(CREATE_UPLOAD, input=announced).data["createUpload"]
        assert codes(payload) == [("FILE_TOO_LARGE", ["sizeBytes"])]
        assert "2,000" in payload["userErrors"][0]["message"]
        asset_id = uploaded(api)
        assert api(CREATE_UPLOAD, input=announced).code == "RATE_LIMITED"
        assert completed(api, asset_id)["asset"]["isComplete"]
        assert api(COMPLETE_UPLOAD, id=asset_id).code == "RATE_LIMITED"
