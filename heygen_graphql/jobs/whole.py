"""A film made by one worker: rendered, or joined from scenes that are there, and stored."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from heygen_graphql.database import is_passing_fault
from heygen_graphql.jobs import claiming, ending, materials, segments
from heygen_graphql.jobs.child import Limits, Listener
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.materials import MaterialMissing
from heygen_graphql.jobs.pace import Pace
from heygen_graphql.jobs.protocol import (
    CONTENT_TYPES,
    RENDER_CRASHED,
    RENDER_FAILED,
    Failure,
    Progress,
    Rendered,
)
from heygen_graphql.jobs.workplace import Workplace, insist
from heygen_graphql.observability import tracing
from heygen_graphql.rendering.segments import file_name
from heygen_graphql.rendering.storyboard import Stage, Storyboard

T = TypeVar("T")

TICK_SECONDS = 0.26
"""How often an attempt looks at its row: at most four writes a second, and a cancel is heeded at once."""

_RENDERING_SHARE = 0.98
"""Of the progress; the rest is for publishing, so that 1 means that the video is there."""

_MAY_COME_OF_SEGMENTS = frozenset({RENDER_CRASHED, RENDER_FAILED, "ENCODING_FAILED", "UNFIT_OUTPUT"})
"""After these the next attempt does without the segments that this one began with: one of them may be bad."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Meter:
    """How far an attempt is, and what of it the row shows."""

    begins_at: float = 0.0
    """The progress that was made before."""
    progress: Progress | None = None
    shown: Progress | None = None
    seconds_left: float | None = None
    kept_at: float = field(default_factory=time.monotonic)
    _pace: Pace = field(default_factory=Pace)

    def note_child(self, progress: Progress) -> None:
        fraction = self.begins_at + progress.fraction * (_RENDERING_SHARE - self.begins_at)
        self.progress = Progress(progress.stage, fraction)
        # Speaking and opening the presenters go at a pace of their own, which says nothing of the rest.
        if progress.stage != Stage.SPEAKING:
            self.seconds_left = self._pace.seconds_left(progress.fraction, time.monotonic())

    def note_publishing(self) -> None:
        self.progress = Progress(Stage.PUBLISHING, _RENDERING_SHARE)
        self.seconds_left = None


def storyboard_of(claim: Claim) -> Storyboard:
    return Storyboard.from_json(json.dumps(claim.storyboard))


async def make(
    place: Workplace,
    claim: Claim,
    directory: Path,
    *,
    meter: Meter | None = None,
    made: frozenset[str] = frozenset(),
) -> None:
    """Render the video to its end, whatever that is.

    Scenes that are stored, or in the directory, are not rendered again. `made` are the keys of those that
    were rendered since the video was claimed.
    """
    meter = meter or Meter()
    async with ending.seen_to(place, claim):
        end = await while_it_stands(
            _produce(place, claim, meter, directory, made), lambda: tick(place, claim, meter)
        )
        await ending.record(place, claim, end)


async def _produce(
    place: Workplace, claim: Claim, meter: Meter, directory: Path, made: frozenset[str]
) -> Rendered | Failure | None:
    """None when the claim fell before there was anything to publish."""
    storyboard = storyboard_of(claim)
    film, parts, scenes = folders(directory)
    try:
        paths = await insist(lambda: materials.fetch(place.storage, storyboard, parts))
    except MaterialMissing as missing:
        return missing.failure
    earlier = await insist(lambda: segments.fetch(place.storage, claim.video_id, scenes))
    names_made = frozenset(map(file_name, made))

    # A process that was suspended learns here, before its next tick, that the video may be gone: what it
    # stored now would be nobody's, should it die before it tidies up.
    async def may_store() -> bool:
        return await insist(lambda: claiming.still_stands(place.database, claim))

    async with segments.stored_on_the_way(
        place.storage, claim.video_id, scenes, may_store=may_store
    ) as on_segment:
        with tracing.span("join" if made else "render") as span:
            end = await place.pool.render(
                storyboard.to_json(),
                film,
                segments=scenes,
                materials=paths,
                limits=Limits.of(place.settings),
                listener=Listener(meter.note_child, on_segment),
            )
            if isinstance(end, Failure):
                span.fail(end.code)
    if isinstance(end, Failure) and end.code in _MAY_COME_OF_SEGMENTS:
        await insist(lambda: segments.forget(place.storage, claim.video_id, earlier - names_made))
    if isinstance(end, Rendered):
        if not await may_store():
            return None
        meter.note_publishing()
        with tracing.span("upload", heygen__bytes=end.file_size_bytes):
            for name in CONTENT_TYPES:
                await insist(partial(place.storage.put_file, f"{claim.files_prefix}/{name}", film / name))
        # Before the end is recorded, while they cannot be another attempt's.
        of_no_use = earlier - set(end.segments)
        await insist(lambda: segments.forget(place.storage, claim.video_id, of_no_use))
        return _with_what_was_made(end, names_made)
    assert isinstance(end, Failure)
    return end


def _with_what_was_made(film: Rendered, names: frozenset[str]) -> Rendered:
    """`reused` says that a scene was there before the attempt, not merely before the film was joined."""
    if not names:
        return film
    return replace(
        film,
        scenes=[
            scene | {"reused": bool(scene["reused"]) and name not in names}
            for scene, name in zip(film.scenes, film.segments, strict=True)
        ],
    )


def folders(directory: Path) -> tuple[Path, Path, Path]:
    """Of an attempt: for the film, for the materials and for the segments."""
    film, parts, scenes = (directory / name for name in ("film", "materials", "segments"))
    for folder in (film, parts, scenes):
        folder.mkdir(exist_ok=True)
    return film, parts, scenes


async def while_it_stands(work: Coroutine[Any, Any, T], tick: Callable[[], Awaitable[bool]]) -> T | None:
    """Do the work, with a tick now and then that says whether its claim stands; None when it fell."""
    task = asyncio.create_task(work)
    try:
        while True:
            await asyncio.wait({task}, timeout=TICK_SECONDS)
            if task.done():
                return task.result()
            if not await tick():
                return None
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            # Seen, or asyncio would report it as forgotten: when the claim fell, how the work ended is moot.
            task.exception()


async def tick(place: Workplace, claim: Claim, meter: Meter) -> bool:
    """Renew the lease and show the progress; whether the claim stands.

    Taken to stand while the database cannot tell.
    """
    lease_seconds = place.settings.lease_seconds
    progress = meter.progress if meter.progress != meter.shown else None
    try:
        async with asyncio.timeout(lease_seconds):
            if progress is None and time.monotonic() - meter.kept_at < lease_seconds / 3:
                return await claiming.still_stands(place.database, claim)
            change = await claiming.keep(
                place.database,
                claim,
                progress,
                seconds_left=meter.seconds_left,
                lease_seconds=lease_seconds,
            )
    except Exception as error:
        if not is_passing_fault(error):
            raise
        # Rendering goes on: should another worker take the video over, the fence keeps us apart.
        _log.warning("database_away", error=str(error))
        return True
    if change is None:
        return False
    meter.kept_at = time.monotonic()
    if progress is not None:
        meter.shown = progress
        await place.hub.publish(change)
    return True
