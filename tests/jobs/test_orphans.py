"""What no row tells of goes; whatever is somebody's, or young, stays."""

import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from heygen_graphql.database import Database
from heygen_graphql.events import LocalHub
from heygen_graphql.jobs import orphans
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.jobs.protocol import Equipment
from heygen_graphql.settings import Settings
from heygen_graphql.storage import open_storage
from heygen_graphql.tables import VideoStatus, utc_now
from tests.jobs.conftest import FAKE_CHILD
from tests.jobs.videos import add_video


async def test_files_without_a_row_go_and_those_of_a_video_stay(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    # Given a video's files, and old and young ones of nobody
    place = workplace(settings, database, tmp_path)
    storage = place.storage
    kept: UUID = await add_video(database)
    gone, young = uuid4(), uuid4()
    folders = [f"videos/{kept}/1", f"videos/{gone}/1", f"videos/{young}/1", f"assets/{gone}", "videos/other"]
    for folder in folders:
        await storage.put_file(f"{folder}/file", io.BytesIO(b"-"))
        if str(young) not in folder:
            path = storage.local_path(f"{folder}/file")
            assert path is not None
            os.utime(path, (time.time() - 7200,) * 2)

    # When a sweep comes by
    await orphans.sweep_orphans(place)

    # Then only what is old and nobody's has gone
    assert await storage.list_prefix("assets") == []
    assert await storage.list_prefix("videos") == sorted(
        f"videos/{name}/file" for name in (f"{kept}/1", f"{young}/1", "other")
    )


async def test_of_a_video_that_has_ended_nothing_stays_but_its_film(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    # Given videos that ended some time ago, and what earlier attempts left of each
    place = workplace(settings, database, tmp_path)
    ago = utc_now() - timedelta(hours=2)
    film: dict[str, Any] = {
        "status": VideoStatus.COMPLETED,
        "completed_at": ago,
        "files_prefix": "videos/x/2",
    }
    endings: list[dict[str, Any]] = [
        film,
        {"status": VideoStatus.FAILED, "failure_code": "RENDER_CRASHED"},
        {"status": VideoStatus.CANCELED},
    ]
    made, failed, canceled = [
        await add_video(database, fence=2, updated_at=ago, **ending) for ending in endings
    ]
    young = await add_video(database, fence=2, **endings[1])
    for video_id in (made, failed, canceled, young):
        for fence in (1, 2):
            await place.storage.put_file(f"videos/{video_id}/{fence}/file", io.BytesIO(b"-"))

    # When a sweep comes by
    await orphans.sweep_orphans(place)

    # Then
    assert await place.storage.list_prefix("videos") == sorted(
        (f"videos/{made}/2/file", f"videos/{young}/1/file", f"videos/{young}/2/file")
    )


def workplace(settings: Settings, database: Database, folder: Path) -> Workplace:
    work = folder / "work"
    pool = RenderPool(FAKE_CHILD, Equipment(), work)
    return Workplace(settings, database, LocalHub(), open_storage(settings), work, pool)
