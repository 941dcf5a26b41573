"""What a bucket does besides: links of its own, retries, and words about settings."""

import asyncio
import io
import re
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from heygen_graphql.errors import BadSettings, StorageAway
from heygen_graphql.settings import Settings
from heygen_graphql.storage import S3Storage, open_storage, ready_storage
from heygen_graphql.storage.opening import bucket_of
from heygen_graphql.storage.signing import Keys, presigned
from tests.servers import S3, Line, free_port

KEY = "videos/abc/1/video.mp4"
SECRET = "the-secret-that-nobody-may-see"


def settings_for(bucket: str, endpoint: str | None = None, **more: str | None) -> Settings:
    return Settings.model_validate(
        {
            "storage_url": f"s3://{bucket}/some/where",
            "aws_endpoint_url": endpoint,
            "aws_access_key_id": "AKIDTESTS",
            "aws_secret_access_key": SECRET,
            **more,
        }
    )


@pytest.fixture
def storage(s3: S3, bucket: str) -> S3Storage:
    return S3Storage(bucket_of(settings_for(bucket, s3.url)))


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def asked(url: str) -> dict[str, str]:
    return {name: one for name, (one,) in parse_qs(urlsplit(url).query).items()}


def test_amazons_own_example_is_signed_as_amazon_signs_it() -> None:
    # Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", the example.
    url = presigned(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        "us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
        seconds=86400,
    )
    assert url.endswith("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


@pytest.mark.parametrize("session_token", [None, "a token/with+signs="])
@pytest.mark.parametrize("endpoint", [None, "http://minio.internal:9000"])
def test_links_are_signed_as_amazons_client_signs_them(
    endpoint: str | None, session_token: str | None
) -> None:
    more = {} if session_token is None else {"aws_session_token": session_token}
    settings = settings_for("films", endpoint, aws_region="eu-west-1", **more)
    storage = S3Storage(bucket_of(settings))
    read = storage.link(KEY, soon(), filename="Ada & Söhne: 100 % “good”.mp4")
    sent = storage.upload_link(KEY, soon(), content_type="image/png", size_bytes=1234)
    for method, ours, headers in (
        ("GET", read, {}),
        ("PUT", sent, {"content-type": "image/png", "content-length": "1234"}),
    ):
        assert asked(_by_amazons_client(method, ours, headers, session_token)) == asked(ours)


def _by_amazons_client(method: str, ours: str, headers: dict[str, str], session_token: str | None) -> str:
    """The same link at the same moment, signed by boto."""
    parts, query = urlsplit(ours), asked(ours)
    bare = {name: one for name, one in query.items() if not name.startswith("X-Amz-")}
    request = AWSRequest(
        method, f"{parts.scheme}://{parts.netloc}{parts.path}?{urlencode(bare, quote_via=quote)}", headers
    )
    request.context["timestamp"] = query["X-Amz-Date"]
    signer = S3SigV4QueryAuth(
        Credentials("AKIDTESTS", SECRET, session_token), "s3", "eu-west-1", int(query["X-Amz-Expires"])
    )
    # In `add_auth` without the first line, which asks the clock.
    signer._modify_request_before_signing(request)
    signed = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(signed, request))
    return str(request.url)


@pytest.mark.parametrize(
    ("settings", "before_the_key"),
    [
        ({}, "https://films.s3.eu-west-1.amazonaws.com/some/where"),
        ({"storage_url": "s3://my.films"}, "https://s3.eu-west-1.amazonaws.com/my.films"),
        ({"aws_endpoint_url": "http://minio:9000/"}, "http://minio:9000/films/some/where"),
        (
            {"aws_endpoint_url": "http://minio:9000", "storage_public_url": "https://files.example.com"},
            "https://files.example.com/films/some/where",
        ),
    ],
)
def test_links_lead_to_where_clients_reach_the_bucket(settings: dict[str, str], before_the_key: str) -> None:
    storage = open_storage(settings_for("films", aws_region="eu-west-1", **settings))
    for link in (
        storage.link(KEY, soon()),
        storage.upload_link(KEY, soon(), content_type="image/png", size_bytes=1),
    ):
        assert link is not None
        assert link.startswith(f"{before_the_key}/{KEY}?X-Amz-Algorithm=") or "?response-" in link
        assert link.startswith(f"{before_the_key}/{KEY}?")


async def test_a_link_hands_out_the_file_by_its_name_and_type(storage: S3Storage) -> None:
    await storage.put_file(KEY, io.BytesIO(b"0123456789"))
    link = storage.link(KEY, soon(), filename="Ada & Söhne.mp4")

    async with httpx.AsyncClient() as client:
        whole = await client.get(link)
        part = await client.get(link, headers={"Range": "bytes=2-4"})
        head = await client.head(storage.link(KEY, soon(), method="HEAD", filename="a.mp4"))

    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-disposition"] == "inline; filename*=UTF-8''Ada%20%26%20S%C3%B6hne.mp4"
    assert re.fullmatch(r"private, max-age=(29\d|300)", whole.headers["cache-control"])
    assert (part.status_code, part.content) == (206, b"234")
    assert (head.status_code, head.headers["content-length"]) == (200, "10")


@pytest.mark.parametrize(("minutes", "seconds"), [(-5, 1), (5, 300), (60 * 24 * 30, 7 * 24 * 3600)])
def test_a_link_lives_until_it_was_said_to_end(storage: S3Storage, minutes: int, seconds: int) -> None:
    link = storage.link(KEY, datetime.now(UTC) + timedelta(minutes=minutes))
    assert asked(link)["X-Amz-Expires"] == str(seconds)


async def test_what_breaks_off_leaves_no_parts(storage: S3Storage, s3: S3, bucket: str) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 10 * 1024**2:
                raise OSError("the disk is broken")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is broken"):
        await storage.put_file(KEY, Breaking(bytes(30 * 1024**2)))
    assert (s3.keys_in(bucket), s3.uploads_in(bucket)) == ([], [])


async def test_a_short_absence_is_not_noticed(s3: S3, bucket: str) -> None:
    line = Line(s3.port)
    storage = S3Storage(bucket_of(settings_for(bucket, line.url)))
    await storage.put_file(KEY, io.BytesIO(b"film"))
    line.cut()
    asking = asyncio.ensure_future(storage.find(KEY))
    await asyncio.sleep(0.3)
    line.mend()
    assert await asking is not None
    line.cut()


async def test_one_that_is_away_at_the_start_is_waited_for() -> None:
    storage = await ready_storage(settings_for("films", f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(StorageAway):
        await storage.find(KEY)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"storage_url": "s3://no-such-bucket-anywhere"}, "STORAGE_URL.*no-such-bucket-anywhere"),
        ({"storage_url": "s3://UPPER"}, "STORAGE_URL.*no bucket's name"),
        ({"storage_url": "s3://127.0.0.1:9000/films"}, "STORAGE_URL.*AWS_ENDPOINT_URL"),
        ({"storage_url": "s3://films/a b"}, "STORAGE_URL.*prefix"),
        ({"storage_url": "gs://films"}, "STORAGE_URL"),
        ({"storage_url": "files"}, "STORAGE_URL"),
        ({"storage_url": "file://files"}, "STORAGE_URL"),
        ({"storage_url": "file:///proc/nowhere"}, "STORAGE_URL.*/proc/nowhere"),
        ({"aws_access_key_id": None}, "AWS_ACCESS_KEY_ID"),
        ({"aws_secret_access_key": None}, "AWS_SECRET_ACCESS_KEY"),
    ],
)
async def test_settings_that_cannot_be_are_refused_by_name(
    s3: S3, settings: dict[str, str], told: str
) -> None:
    with pytest.raises(BadSettings, match=told) as refused:
        await ready_storage(settings_for("films", s3.url, **settings))
    assert SECRET not in str(refused.value)


async def test_refused_keys_are_told_and_not_shown(
    s3: S3, storage: S3Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    with s3.guarded():
        with pytest.raises(BadSettings, match="AWS_ACCESS_KEY_ID") as refused:
            await storage.check()
        # Somebody changed the keys while we run: it is an absence, not a loss.
        with pytest.raises(StorageAway) as away:
            await storage.put_file(KEY, io.BytesIO(b"film"))
        with pytest.raises(StorageAway):
            await storage.find(KEY)
    shown = "".join(traceback.format_exception(refused.value) + traceback.format_exception(away.value))
    for text in (shown, *capsys.readouterr()):
        assert "AKIDTESTS" not in text
        assert SECRET not in text
    assert SECRET not in repr((storage._bucket, settings_for("films")))


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        (403, "AccessDenied", "AWS_ACCESS_KEY_ID.*s3:ListBucket"),
        (403, "RequestTimeTooSkewed", "clock"),
        (400, "ExpiredToken", "AWS_SESSION_TOKEN"),
        (400, "AuthorizationHeaderMalformed", "AWS_REGION"),
        (301, "PermanentRedirect", "AWS_REGION"),
    ],
)
async def test_what_amazon_refuses_is_told_as_the_setting_to_mend(status: int, code: str, told: str) -> None:
    body = (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><AWSAccessKeyId>AKIDTESTS</AWSAccessKeyId></Error>"
    )
    async with refusing(status, body) as url:
        with pytest.raises(BadSettings, match=told) as refused:
            await S3Storage(bucket_of(settings_for("films", url))).check()
    assert "AKIDTESTS" not in "".join(traceback.format_exception(refused.value))


async def test_a_server_that_is_overworked_is_away() -> None:
    body = "<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>"
    async with refusing(503, body) as url:
        storage = S3Storage(bucket_of(settings_for("films", url)), retry_seconds=0.5)
        with pytest.raises(StorageAway) as away:
            await storage.list_prefix("videos")
    assert away.value.reason == "SlowDown"


@asynccontextmanager
async def refusing(status: int, body: str) -> AsyncIterator[str]:
    """The address of a server that answers everything so, as Amazon's documentation of errors has it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
