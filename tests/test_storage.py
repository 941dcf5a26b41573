from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from heygen_graphql.errors import BadSettings
from heygen_graphql.storage import BadKey, Links, Storage
from heygen_graphql.tables import utc_now

NOW = utc_now()
KEY = "videos/abc/1/video.mp4"


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.open((tmp_path / "files").as_uri())


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    return path


async def test_a_file_is_kept_and_found(storage: Storage, film: Path, tmp_path: Path) -> None:
    await storage.put_file(KEY, film)
    path = storage.local_path(KEY)
    assert path == (tmp_path / "files" / KEY).resolve()
    assert path.read_bytes() == b"film"
    assert await storage.list_prefix("videos/abc") == [KEY]


async def test_removing_a_folder_removes_it_alone(storage: Storage, film: Path, tmp_path: Path) -> None:
    for key in (KEY, "videos/abc/1/captions.vtt", "videos/abcd/1/video.mp4"):
        await storage.put_file(key, film)
    # And the part of a file that a crash left
    (tmp_path / "files" / "videos/abc/1/video.mp4#1").write_bytes(b"fi")

    await storage.delete_prefix("videos/abc")
    await storage.delete_prefix("videos/abc")

    assert await storage.list_prefix("videos") == ["videos/abcd/1/video.mp4"]
    assert not (tmp_path / "files" / "videos" / "abc").exists()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        ".",
        "..",
        "../film.mp4",
        "videos/../../film.mp4",
        "videos/./abc",
        "/etc/passwd",
        "videos//abc",
        "videos/abc/",
        "videos\\..\\film.mp4",
        "videos/%2e%2e/film.mp4",
        "videos/abc\0",
        "videos/.hidden",
        "vidéos/abc",
    ],
)
async def test_no_key_leads_out_of_the_folder(storage: Storage, film: Path, key: str) -> None:
    assert storage.local_path(key) is None
    for use in (
        storage.put_file(key, film),
        storage.delete_prefix(key),
        storage.list_prefix(key),
    ):
        with pytest.raises(BadKey):
            await use


async def test_a_link_in_the_folder_does_not_lead_out_of_it(
    storage: Storage, film: Path, tmp_path: Path
) -> None:
    (tmp_path / "files" / "film.mp4").symlink_to(film)
    assert storage.local_path("film.mp4") is None


def test_what_is_no_file_has_no_path(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "files" / "videos").mkdir()
    assert storage.local_path("videos") is None
    assert storage.local_path("videos/abc") is None


@pytest.mark.parametrize("url", ["s3://bucket/videos", "bucket", "file:///proc/nowhere"])
def test_a_storage_that_cannot_be_is_refused_by_name(url: str) -> None:
    with pytest.raises(BadSettings, match="STORAGE_URL"):
        Storage.open(url)


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
