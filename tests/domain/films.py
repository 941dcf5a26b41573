"""Sixteen films as this project renders them: scripts, voices, and the seconds that each was measured at.

`films.json` was recorded in one process that rendered them one after another, twice; `render_seconds` are
the processor's, the lesser of both rounds, as a machine with one core and nothing else to do would take.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from heygen_graphql.rendering.storyboard import AspectRatio, Quality, Scene, Storyboard
from heygen_graphql.tables import Video, VideoStatus, utc_now
from heygen_graphql.videos.reckoning import Finished


def _finished(film: dict[str, Any]) -> Finished:
    scenes = tuple(
        Scene(one["script"], one["pause_seconds"], one["voice_id"], "maya", "#DFE7EE", one["speed"])
        for one in film["scenes"]
    )
    storyboard = Storyboard(
        scenes, film["language"], Quality(film["quality"]), AspectRatio(film["aspect_ratio"])
    )
    return Finished(storyboard, tuple(one["seconds"] for one in film["scenes"]), film["render_seconds"])


FILMS = tuple(
    _finished(film) for film in json.loads(Path(__file__).with_name("films.json").read_text(encoding="utf-8"))
)


def row_of(film: Finished, owner_id: UUID) -> Video:
    """The film as a render leaves it in the database."""
    storyboard = film.storyboard
    return Video(
        owner_id=owner_id,
        request={},
        storyboard=asdict(storyboard),
        script="",
        voice_id=storyboard.scenes[0].voice_id,
        avatar_id="maya",
        language=storyboard.language,
        quality=storyboard.quality,
        aspect_ratio=storyboard.aspect_ratio,
        caption_style="SIMPLE",
        status=VideoStatus.COMPLETED,
        completed_at=utc_now(),
        files_prefix="videos/x",
        scene_timings=[{"duration_seconds": seconds} for seconds in film.scene_seconds],
        processing_seconds=film.render_seconds,
    )
