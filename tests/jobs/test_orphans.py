"""What no row tells of goes; whatever is somebody's, or young, stays."""

import io
import os
import time
from pathlib import Path
from uuid import UUID, uuid4

from heygen_graphql.database import Database
from heygen_graphql.events import LocalHub
from heygen_graphql.jobs import orphans
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.jobs.protocol import Equipment
from heygen_graphql.settings import Settings
from heygen_graphql.storage import open_storage
from tests.jobs.conftest import FAKE_CHILD
from tests.jobs.videos import add_video


async def test_files_without_a_row_go_and_those_of_a_video_stay(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    # Given a video's files, and old and young ones of nobody
    storage, work = open_storage(settings), tmp_path / "work"
    place = Workplace(
        settings, database, LocalHub(), storage, work, RenderPool(FAKE_CHILD, Equipment(), work)
    )
    kept: UUID = await add_video(database)
    gone, young = uuid4(), uuid4()
    folders = [f"videos/{kept}/1", f"videos/{gone}/1", f"videos/{young}/1", f"assets/{gone}", "videos/other"]
    for folder in folders:
        await storage.put_file(f"{folder}/file", io.BytesIO(b"-"))
        if str(young) not in folder:
            path = storage.local_path(f"{folder}/file")
            assert path is not None
            os.utime(path, (time.time() - 7200,) * 2)

    # When sweeps come by, each from a place taken by chance
    for _ in range(20):
        await orphans.sweep_orphans(place)

    # Then only what is old and nobody's has gone
    assert await storage.list_prefix("assets") == []
    assert await storage.list_prefix("videos") == sorted(
        f"videos/{name}/file" for name in (f"{kept}/1", f"{young}/1", "other")
    )
