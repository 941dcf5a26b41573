"""What a render may take of the machine, and whom the kernel takes when there is no memory left."""

import os
from pathlib import Path
from typing import Any

import pytest

from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from heygen_graphql.tables import VideoStatus
from tests.jobs.serving import children, server
from tests.jobs.videos import SLOW, add_video, is_drawing, wait_for, wait_for_end

MEBIBYTE = 1024**2
LIMIT = {"render_max_memory_bytes": 256 * MEBIBYTE}


def oom_score_adj(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


@pytest.mark.parametrize("where", ["grow_bytes", "grow_apart_bytes"])
async def test_a_render_that_takes_too_much_memory_is_killed_with_what_it_started_and_not_repeated(
    settings: Settings, sqlite: Database, where: str
) -> None:
    # Given a render that takes more memory than it may, itself or by what it has started
    async with server(settings.model_copy(update=LIMIT), sqlite) as queue:
        video_id = await add_video(sqlite, {**SLOW, where: 300 * MEBIBYTE})
        await queue.hint(video_id)

        # Then its video has failed with a reason of its own, and its owner may try again
        video = await wait_for_end(sqlite, video_id)
        assert (video.status, video.failure_code) == (VideoStatus.FAILED, "RENDER_OUT_OF_MEMORY")
        assert (video.attempt, video.failure_is_retryable) == (1, True)
        assert "more memory than the server allows" in (video.failure_message or "")
        assert children() == []


async def test_memory_that_processes_share_counts_once(settings: Settings, sqlite: Database) -> None:
    plan: dict[str, Any] = {"grow_bytes": 150 * MEBIBYTE, "fork": True, "steps": 4, "step_seconds": 0.5}
    async with server(settings.model_copy(update=LIMIT), sqlite) as queue:
        video_id = await add_video(sqlite, plan)
        await queue.hint(video_id)
        assert (await wait_for_end(sqlite, video_id)).status is VideoStatus.COMPLETED


async def test_when_memory_runs_out_the_kernel_takes_a_render_before_the_server(
    settings: Settings, sqlite: Database
) -> None:
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, SLOW)
        await queue.hint(video_id)
        await wait_for(sqlite, video_id, is_drawing)
        (child,) = children()
        assert oom_score_adj(child.pid) == 1000
        assert oom_score_adj(os.getpid()) < 1000


@pytest.mark.parametrize(("processes", "scenes"), [(1, 8), (4, 2), (64, 1)])
def test_the_cores_are_divided_among_all_renders_of_a_worker(
    tmp_path: Path, processes: int, scenes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    remote = Settings(_env_file=None, redis_url="redis://elsewhere", worker_processes=processes)
    assert remote.scenes_at_once == scenes
