"""Pictures, and their way to the server as a frontend would send them."""

import hashlib
import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image

from tests.api.serving import Api

CREATE_UPLOAD = """
mutation ($input: CreateUploadInput!) {
  createUpload(input: $input) {
    asset { id filename contentType sizeBytes sha256 isComplete url }
    uploadUrl uploadHeaders
    userErrors { code field message }
  }
}
"""
COMPLETE_UPLOAD = """
mutation ($id: ID!) {
  completeUpload(id: $id) {
    asset { id filename contentType sizeBytes sha256 isComplete url createdAt }
    userErrors { code field message }
  }
}
"""


def picture(form: str = "PNG", size: tuple[int, int] = (64, 48), color: str = "#804020") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, form)
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Upload:
    """What createUpload answered."""

    asset_id: str
    url: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """By which a client that knows the server's address reaches it."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}"


def announce(api: Api, content: bytes, content_type: str = "image/png", **changes: Any) -> Upload:
    announced = {"filename": "a picture.png", "contentType": content_type, "sizeBytes": len(content)}
    payload = api(CREATE_UPLOAD, input=announced | changes).data["createUpload"]
    assert payload["userErrors"] == []
    return Upload(payload["asset"]["id"], payload["uploadUrl"], payload["uploadHeaders"])


def put(api: Api, upload: Upload, content: bytes) -> httpx.Response:
    return api.http.put(upload.path, content=content, headers=upload.headers)


def completed(api: Api, asset_id: str) -> dict[str, Any]:
    payload: dict[str, Any] = api(COMPLETE_UPLOAD, id=asset_id).data["completeUpload"]
    return payload


def uploaded(api: Api, content: bytes | None = None, content_type: str = "image/png") -> str:
    """The id of a complete asset."""
    content = picture() if content is None else content
    upload = announce(api, content, content_type, sha256=hashlib.sha256(content).hexdigest())
    assert put(api, upload, content).status_code == 200
    payload = completed(api, upload.asset_id)
    assert payload["userErrors"] == []
    return upload.asset_id
