"""What every storage does alike."""

import asyncio
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from heygen_graphql.errors import StorageAway
from heygen_graphql.settings import Settings
from heygen_graphql.storage import BadKey, S3Storage, Storage, open_storage
from heygen_graphql.storage.opening import bucket_of
from heygen_graphql.tables import utc_now
from tests.servers import S3, Line

KEY = "videos/abc/1/video.mp4"


@dataclass
class Place:
    storage: Storage
    go_away: Callable[[], object]
    come_back: Callable[[], object]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        root, elsewhere = tmp_path / "files", tmp_path / "elsewhere"
        storage = open_storage(Settings(storage_url=root.as_uri()))
        yield Place(storage, lambda: root.rename(elsewhere), lambda: elsewhere.rename(root))
        return
    s3: S3 = request.getfixturevalue("s3")
    line = Line(s3.port)
    settings = Settings(
        storage_url=f"s3://{request.getfixturevalue('bucket')}/some/where",
        aws_endpoint_url=line.url,
        aws_access_key_id=s3.KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=s3.KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    yield Place(S3Storage(bucket_of(settings), retry_seconds=0.3), line.cut, line.mend)
    line.cut()


@pytest.fixture
def storage(place: Place) -> Storage:
    return place.storage


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    return path


async def content(storage: Storage, key: str, at: Path) -> bytes:
    await storage.get_file(key, at)
    return taken(at)


def taken(path: Path) -> bytes:
    found = path.read_bytes()
    path.unlink()
    return found


async def test_a_file_is_kept_and_found(storage: Storage, film: Path, tmp_path: Path) -> None:
    before = utc_now() - timedelta(seconds=2)
    await storage.put_file(KEY, film)

    found = await storage.find(KEY)
    assert found is not None
    assert (found.key, found.size_bytes) == (KEY, 4)
    assert before <= found.stored_at <= utc_now() + timedelta(seconds=2)
    assert await content(storage, KEY, tmp_path / "copy") == b"film"
    assert await storage.list_prefix("videos/abc") == [KEY]


async def test_what_is_not_there_is_missed_by_name(storage: Storage, film: Path, tmp_path: Path) -> None:
    await storage.put_file(KEY, film)
    for key in ("videos", "videos/abc", "videos/abc/1/video", f"{KEY}/more", "nothing.mp4"):
        assert await storage.find(key) is None, key
        with pytest.raises(FileNotFoundError):
            await storage.get_file(key, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()
        await storage.delete_file(key) if key == "nothing.mp4" else None
    assert await storage.list_prefix("nothing") == []
    assert await storage.list_folders("nothing", after="", limit=5) == []
    with pytest.raises(FileNotFoundError):
        await storage.put_file(KEY, tmp_path / "copy")
    assert await storage.list_prefix("videos") == [KEY]


async def test_a_file_is_replaced_whole(storage: Storage, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"o" * 1_000_000)
    new.write_bytes(b"n" * 500_000)
    await storage.put_file(KEY, old)
    replacing = asyncio.ensure_future(storage.put_file(KEY, new))
    seen = []
    while not replacing.done():
        seen.append(await content(storage, KEY, tmp_path / "copy"))
    await replacing
    assert set(seen) <= {old.read_bytes(), new.read_bytes()}
    assert await content(storage, KEY, tmp_path / "copy") == new.read_bytes()


async def test_what_was_fetched_outlives_what_is_stored(storage: Storage, film: Path, tmp_path: Path) -> None:
    await storage.put_file(KEY, film)
    await storage.get_file(KEY, tmp_path / "copy")
    await storage.put_file(KEY, io.BytesIO(b"another"))
    await storage.delete_file(KEY)
    assert (tmp_path / "copy").read_bytes() == b"film"


@pytest.mark.parametrize("size", [0, 8 * 1024**2, 20 * 1024**2 + 1])
async def test_a_file_may_have_any_size(storage: Storage, tmp_path: Path, size: int) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(size))
    await storage.put_file(KEY, film)
    found = await storage.find(KEY)
    assert found is not None
    assert found.size_bytes == size
    assert await content(storage, KEY, tmp_path / "copy") == film.read_bytes()


async def test_an_open_file_is_read_from_where_it_stands(storage: Storage, tmp_path: Path) -> None:
    with (tmp_path / "film.mp4").open("w+b") as film:
        film.write(b"head" + b"rest" * 3_000_000)
        film.seek(4)
        await storage.put_file(KEY, film)
    assert await content(storage, KEY, tmp_path / "copy") == b"rest" * 3_000_000


async def test_removing_a_folder_removes_it_alone(storage: Storage, film: Path) -> None:
    for key in (KEY, "videos/abc/1/captions.vtt", "videos/abcd/1/video.mp4", "videos/abc-d/video.mp4"):
        await storage.put_file(key, film)

    await storage.delete_prefix("videos/abc")
    await storage.delete_prefix("videos/abc")

    assert await storage.list_prefix("videos") == ["videos/abc-d/video.mp4", "videos/abcd/1/video.mp4"]


async def test_a_folder_of_many_files_goes_whole(storage: Storage) -> None:
    async def put(number: int) -> None:
        await storage.put_file(f"videos/abc/{number:03}", io.BytesIO(b"-"))

    await asyncio.gather(*(put(number) for number in range(260)))
    assert len(await storage.list_prefix("videos")) == 260
    await storage.delete_prefix("videos/abc")
    assert await storage.list_prefix("videos") == []


async def test_folders_are_listed_from_one_on(storage: Storage, film: Path) -> None:
    for name in "abcd":
        for number in (1, 2):
            await storage.put_file(f"videos/{name}/{number}/video.mp4", film)
    await storage.put_file("videos/no-folder", film)
    assert await storage.list_folders("videos", after="", limit=2) == ["a", "b"]
    assert await storage.list_folders("videos", after="b", limit=2) == ["c", "d"]
    assert await storage.list_folders("videos", after="d", limit=2) == []


async def test_the_older_ones_are_told_apart(storage: Storage, film: Path) -> None:
    await storage.put_file("previews/old.m4a", film)
    await asyncio.sleep(1.1)
    await storage.put_file("previews/new.m4a", film)
    new = await storage.find("previews/new.m4a")
    assert new is not None
    # Amazon tells whole seconds.
    between = new.stored_at - timedelta(seconds=0.5)
    assert await storage.list_older("previews", between) == ["previews/old.m4a"]


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
async def test_no_key_leads_out_of_the_storage(storage: Storage, film: Path, key: str) -> None:
    assert storage.local_path(key) is None
    assert await storage.find(key) is None
    for use in (
        storage.put_file(key, film),
        storage.get_file(key, film.with_name("copy")),
        storage.delete_file(key),
        storage.delete_prefix(key),
        storage.list_prefix(key),
        storage.list_older(key, utc_now()),
        storage.list_folders(key, after="", limit=1),
    ):
        with pytest.raises(BadKey):
            await use


async def test_whoever_is_cancelled_may_tidy_up_at_once(storage: Storage, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(20 * 1024**2))
    putting = asyncio.ensure_future(storage.put_file(KEY, film))
    await asyncio.sleep(0.01)
    putting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await putting

    await storage.delete_prefix("videos/abc")

    await asyncio.sleep(0.5)
    assert await storage.list_prefix("videos") == []


async def test_a_storage_that_is_away_is_told_from_one_without_the_file(
    place: Place, film: Path, tmp_path: Path
) -> None:
    storage = place.storage
    await storage.put_file(KEY, film)
    place.go_away()
    for use in (
        storage.put_file("videos/abc/2/video.mp4", film),
        storage.get_file(KEY, tmp_path / "copy"),
        storage.find(KEY),
        storage.delete_file(KEY),
        storage.delete_prefix("videos/abc"),
        storage.list_prefix("videos"),
        storage.list_older("videos", utc_now()),
        storage.list_folders("videos", after="", limit=1),
        storage.check(),
    ):
        async with asyncio.timeout(10):
            with pytest.raises(StorageAway):
                await use
    assert not (tmp_path / "copy").exists()

    place.come_back()
    assert await storage.list_prefix("videos") == [KEY]
    assert await content(storage, KEY, tmp_path / "copy") == b"film"


async def test_a_storage_is_checked_and_left_as_it_was(storage: Storage) -> None:
    await storage.check()
    assert await storage.list_prefix("checks") == []
