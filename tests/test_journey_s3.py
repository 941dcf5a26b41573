"""The whole trip of pictures and films whose files lie in a bucket, through real servers."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.uploads import COMPLETE_UPLOAD, CREATE_UPLOAD, picture
from tests.client import Client, signed_up
from tests.conftest import StartServer
from tests.media import decode
from tests.servers import S3, wait_until

FILM = "query ($id: ID!) { video(id: $id) { status url thumbnailUrl } }"
ASSET = "query ($id: ID!) { node(id: $id) { ... on Asset { url } } }"
AVATAR = "{ avatars(first: 1) { edges { node { previewUrl } } } }"
DELETE_VIDEO = "mutation ($id: ID!) { deleteVideo(id: $id) { deletedId } }"
DELETE_ASSET = "mutation ($id: ID!) { deleteAsset(id: $id) { deletedId } }"


async def announced(client: Client, content: bytes) -> tuple[str, str, dict[str, str]]:
    request = {"filename": "Grüße.png", "contentType": "image/png", "sizeBytes": len(content)}
    payload = (await client.execute(CREATE_UPLOAD, input=request))["createUpload"]
    return payload["asset"]["id"], payload["uploadUrl"], payload["uploadHeaders"]


async def test_a_picture_becomes_the_background_of_a_film_and_nothing_stays_when_both_are_deleted(
    server: StartServer, postgres_url: str, redis_url: str, s3: S3, bucket: str
) -> None:
    # Given an API and a worker that share a bucket and no disk
    shared = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "a secret that all of the processes share",
        "SWEEP_SECONDS": "0.5",
        **s3.environment(bucket, "some/where"),
    }
    api = server("api", **shared, DATA_DIR="data-of-the-api")
    server("worker", **shared, DATA_DIR="data-of-the-worker")
    async with signed_up(api.url) as client, httpx.AsyncClient(trust_env=False, timeout=60) as stranger:
        # When a picture is sent straight to the bucket
        content = picture()
        asset_id, url, headers = await announced(client, content)
        assert url.startswith(f"{s3.url}/{bucket}/some/where/uploads/")
        assert (await stranger.put(url, content=content, headers=headers)).status_code == 200
        done = (await client.execute(COMPLETE_UPLOAD, id=asset_id))["completeUpload"]
        assert done["userErrors"] == []
        # And other bytes to the same link, which lives on
        assert (await stranger.put(url, content=picture(color="red"), headers=headers)).status_code == 200

        # Then those that were looked at stay
        shown = (await client.execute(ASSET, id=asset_id))["node"]["url"]
        assert shown.startswith(f"{s3.url}/{bucket}/some/where/assets/")
        got = await stranger.get(shown)
        assert (got.content, got.headers["content-type"]) == (content, "image/png")

        # When a film is made before it
        video_id = await client.create_video(
            {"script": "Hello.", "quality": "LOW", "background": {"imageAssetId": asset_id}}
        )
        events = await client.watch_to_end(video_id)

        # Then the bucket itself hands it out, whole and in parts
        assert events[-1]["video"]["status"] == "COMPLETED"
        video = (await client.execute(FILM, id=video_id))["video"]
        assert urlsplit(video["url"]).netloc == urlsplit(s3.url).netloc
        film = await stranger.get(video["url"])
        assert film.headers["content-type"] == "video/mp4"
        assert decode(film.content).video_codec == "h264"
        part = await stranger.get(video["url"], headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")

        # And what is made when it is asked for comes by way of the server
        (edge,) = (await client.execute(AVATAR))["avatars"]["edges"]
        avatar = edge["node"]
        sent_on = await stranger.get(avatar["previewUrl"])
        assert (sent_on.status_code, sent_on.headers["cache-control"][:7]) == (307, "private")
        drawn = await stranger.get(sent_on.headers["location"])
        assert drawn.content.startswith(b"\x89PNG")
        head = await stranger.head(avatar["previewUrl"], follow_redirects=True)
        assert head.headers["content-length"] == str(len(drawn.content))

        # When both are deleted, nothing of them stays
        await client.execute(DELETE_VIDEO, id=video_id)
        await client.execute(DELETE_ASSET, id=asset_id)

        def is_empty() -> bool:
            return {key.split("/")[2] for key in s3.keys_in(bucket)} == {"avatars"}

        await asyncio.to_thread(wait_until, is_empty, "removing the files", 30)
        assert s3.uploads_in(bucket) == []


async def test_bytes_in_a_bucket_that_are_not_as_announced_are_refused_and_removed(
    server: StartServer, s3: S3, bucket: str
) -> None:
    one = server("serve", **s3.environment(bucket))
    async with signed_up(one.url) as client, httpx.AsyncClient(trust_env=False) as stranger:
        content = picture()
        asset_id, url, headers = await announced(client, content)
        before = (await client.execute(COMPLETE_UPLOAD, id=asset_id))["completeUpload"]
        # This server of tests holds nobody to the size that was signed.
        await stranger.put(url, content=content + b"more", headers=headers)
        longer = (await client.execute(COMPLETE_UPLOAD, id=asset_id))["completeUpload"]
        for refused, told in ((before, "not arrived"), (longer, f"{len(content) + 4} bytes")):
            (error,) = refused["userErrors"]
            assert (error["code"], error["field"]) == ("INVALID", ["id"])
            assert told in error["message"]
        assert s3.keys_in(bucket) == []

        await stranger.put(url, content=content, headers=headers)
        assert (await client.execute(COMPLETE_UPLOAD, id=asset_id))["completeUpload"]["userErrors"] == []
        assert [key.split("/")[0] for key in s3.keys_in(bucket)] == ["assets"]


def test_a_server_whose_bucket_is_not_there_says_so_and_does_not_start(server: StartServer, s3: S3) -> None:
    with pytest.raises(RuntimeError, match="STORAGE_URL: there is no bucket 'no-such-bucket'"):
        server("serve", **s3.environment("no-such-bucket"))
