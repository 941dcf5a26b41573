from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from heygen_graphql.storage import Links

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = "videos/abc/1/video.mp4"


@pytest.fixture
def links() -> Links:
    return Links(b"k" * 32)


def parts_of(link: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(link)
    assert parts.path.startswith("/media/")
    return parts.path.removeprefix("/media/"), {name: one for name, (one,) in parse_qs(parts.query).items()}


@pytest.mark.parametrize("filename", [None, "Ada & Sons: 100 % “good”.mp4"])
def test_a_link_holds_until_it_expires(links: Links, filename: str | None) -> None:
    key, query = parts_of(links.sign(KEY, NOW + timedelta(minutes=5), filename=filename))
    assert key == KEY
    assert query.get("filename") == filename
    assert links.verify(key, now=NOW, **query)
    assert links.verify(key, now=NOW + timedelta(seconds=298), **query)
    assert not links.verify(key, now=NOW + timedelta(minutes=5), **query)


def test_an_altered_link_is_refused(links: Links) -> None:
    _, query = parts_of(links.sign(KEY, NOW + timedelta(minutes=5), filename="film.mp4"))
    expires, signature, filename = query["expires"], query["signature"], query["filename"]
    later = str(int(expires) + 1)
    assert links.verify(KEY, expires, signature, NOW, filename=filename)
    for altered in (
        links.verify("videos/abd/1/video.mp4", expires, signature, NOW, filename=filename),
        links.verify(KEY, later, signature, NOW, filename=filename),
        links.verify(KEY, "0" + expires, signature, NOW, filename=filename),
        links.verify(KEY, "x", signature, NOW, filename=filename),
        links.verify(KEY, expires, signature, NOW, filename="virus.exe"),
        links.verify(KEY, expires, signature, NOW),
        links.verify(KEY, expires, signature.upper(), NOW, filename=filename),
        links.verify(KEY, expires, signature[:-1], NOW, filename=filename),
        links.verify(KEY, expires, "", NOW, filename=filename),
        links.verify(KEY, expires, "é", NOW, filename=filename),
        Links(b"K" * 32).verify(KEY, expires, signature, NOW, filename=filename),
    ):
        assert not altered


def test_parts_of_a_link_cannot_change_places(links: Links) -> None:
    _, query = parts_of(links.sign("a", NOW + timedelta(minutes=5)))
    assert not links.verify("a" + query["expires"], "", query["signature"], NOW)
