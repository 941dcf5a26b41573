"""Files behind signed links: each is put where a render would put it, its link made as the API makes it."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from heygen_graphql.settings import Settings
from heygen_graphql.storage import Links
from heygen_graphql.tables import utc_now

KEY = "videos/a-video/1/video.mp4"
CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def film(settings: Settings) -> Path:
    path = settings.data_dir / "files" / KEY
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    return path


def link(settings: Settings, key: str = KEY, *, seconds: int = 60, filename: str | None = None) -> str:
    return Links(settings.signing_key).sign(key, utc_now() + timedelta(seconds=seconds), filename=filename)


def test_a_link_gives_the_file_with_what_a_browser_needs_to_know(
    http: httpx.Client, settings: Settings, film: Path
) -> None:
    answer = http.get(link(settings, filename="Grüße an alle.mp4"), headers={"Accept-Encoding": "gzip"})

    assert (answer.status_code, answer.content) == (200, CONTENT)
    headers = answer.headers
    assert headers["content-type"] == "video/mp4"
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["content-disposition"] == "inline; filename*=utf-8''Gr%C3%BC%C3%9Fe%20an%20alle.mp4"
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"].startswith("private, max-age=")
    assert "content-encoding" not in headers


def test_head_tells_the_same_without_the_file(http: httpx.Client, settings: Settings, film: Path) -> None:
    address = link(settings)
    got, head = http.get(address), http.head(address)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "accept-ranges", "content-disposition"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("asked", "told", "part"),
    [
        ("bytes=0-3", "bytes 0-3/256000", CONTENT[:4]),
        ("bytes=255998-", "bytes 255998-255999/256000", CONTENT[-2:]),
        ("bytes=-5", "bytes 255995-255999/256000", CONTENT[-5:]),
        ("bytes=255990-999999", "bytes 255990-255999/256000", CONTENT[-10:]),
    ],
)
def test_a_part_is_given_when_a_part_is_asked_for(
    http: httpx.Client, settings: Settings, film: Path, asked: str, told: str, part: bytes
) -> None:
    answer = http.get(link(settings), headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"], answer.content) == (206, told, part)


def test_a_part_beyond_the_end_is_told_where_the_end_is(
    http: httpx.Client, settings: Settings, film: Path
) -> None:
    answer = http.get(link(settings), headers={"Range": "bytes=256000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */256000")


def test_a_file_that_the_caller_has_is_not_sent_again(
    http: httpx.Client, settings: Settings, film: Path
) -> None:
    tag = http.get(link(settings)).headers["etag"]
    for header in (tag, f'"another", W/{tag}', "*"):
        again = http.get(link(settings), headers={"If-None-Match": header})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert http.get(link(settings), headers={"If-None-Match": '"another"'}).status_code == 200
    # A part of another state of the file would not fit: all of it is sent.
    stale = http.get(link(settings), headers={"Range": "bytes=0-3", "If-Range": '"another"'})
    assert (stale.status_code, len(stale.content)) == (200, len(CONTENT))
    film.write_bytes(CONTENT[:1000])
    assert http.get(link(settings), headers={"If-None-Match": tag}).status_code == 200


def test_any_other_link_is_refused_without_a_word(http: httpx.Client, settings: Settings, film: Path) -> None:
    good = httpx.URL(link(settings, filename="a.mp4"))
    parts = dict(good.params)
    stranger = Links(b"another server's secret, just as long").sign(KEY, utc_now() + timedelta(seconds=60))
    altered = [
        good.path,
        f"{good.path}?{urlencode(parts | {'signature': '0' * 64})}",
        f"{good.path}?{urlencode(parts | {'signature': 'ü'})}",
        f"{good.path}?{urlencode(parts | {'expires': str(int(parts['expires']) + 1)})}",
        f"{good.path}?{urlencode(parts | {'expires': 'never'})}",
        f"{good.path}?{urlencode(parts | {'filename': 'b.mp4'})}",
        f"{good.path}?{urlencode({name: parts[name] for name in ('expires', 'signature')})}",
        str(good).replace("a-video", "b-video"),
        str(good).replace("/media/videos", "/media/../videos"),
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/media/",
        link(settings, seconds=-1),
        stranger,
    ]
    for address in altered:
        answer = http.get(address)
        assert (answer.status_code, answer.content) in {(403, b""), (404, b'{"detail":"Not Found"}')}, address
        assert answer.status_code == 403 or not answer.request.url.path.startswith("/media/")


def test_a_good_link_to_a_file_that_is_gone_is_a_miss(http: httpx.Client, settings: Settings) -> None:
    assert http.get(link(settings, "videos/gone/1/video.mp4")).status_code == 404
    assert http.get(link(settings, "avatars/0.0.0/nobody.png")).status_code == 404
    assert http.get(link(settings, "../heygen.db")).status_code == 404


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("captions.vtt", "text/vtt; charset=utf-8"),
        ("captions.srt", "application/x-subrip; charset=utf-8"),
        ("thumbnail.jpg", "image/jpeg"),
    ],
)
def test_each_file_has_its_type(
    http: httpx.Client, settings: Settings, film: Path, name: str, content_type: str
) -> None:
    film.with_name(name).write_text("WEBVTT\n" * 1000)
    answer = http.get(link(settings, KEY.replace("video.mp4", name)))
    assert answer.headers["content-type"] == content_type
    assert "content-encoding" not in answer.headers


def test_an_avatars_picture_is_drawn_when_it_is_first_asked_for(http: httpx.Client) -> None:
    query = "{ avatars { edges { node { previewUrl } } } }"
    edges = http.post("/graphql", json={"query": query}).json()["data"]["avatars"]["edges"]
    address = edges[0]["node"]["previewUrl"]
    first, second = http.get(address), http.get(address)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/png")
    assert first.content.startswith(b"\x89PNG")
    assert second.headers["etag"] == first.headers["etag"]
