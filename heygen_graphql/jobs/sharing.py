"""A part in a video that several workers render: scene after scene, until none is left to be had."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import structlog

from heygen_graphql.database import is_passing_fault
from heygen_graphql.errors import StorageAway
from heygen_graphql.jobs import claiming, ending, materials, scenes, segments
from heygen_graphql.jobs.broker import Queue
from heygen_graphql.jobs.child import Limits, Listener
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.materials import MaterialMissing
from heygen_graphql.jobs.pace import Pace
from heygen_graphql.jobs.protocol import FAILED_WITHIN, RENDER_CRASHED, Failure, Progress, SegmentStored
from heygen_graphql.jobs.scenes import Joining, Planned, SceneClaim
from heygen_graphql.jobs.whole import folders, storyboard_of, while_it_stands
from heygen_graphql.jobs.workplace import Workplace, insist
from heygen_graphql.observability import LEASES_LOST, tracing
from heygen_graphql.rendering import UnknownVoice
from heygen_graphql.rendering.segments import expected_seconds, file_name, segment_keys
from heygen_graphql.rendering.storyboard import Stage, Storyboard
from heygen_graphql.videos.catalogue import voices_of

_LEAVING_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Part:
    """One worker's part in a video."""

    claim: Claim
    directory: Path
    id: UUID = field(default_factory=uuid4)
    ends_at: float | None = None
    """On the monotonic clock: after this no further scene is begun."""
    progress: dict[str, float] = field(default_factory=dict)
    """Of the scenes that are at work, by their keys."""
    stage: Stage = Stage.SPEAKING
    joining: Joining | None = None
    seconds_left: float | None = None
    shown: dict[str, float] = field(default_factory=dict)
    kept_at: float = field(default_factory=time.monotonic)
    pace: Pace = field(default_factory=Pace)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the last scene may be noted: then the claim falls, and it is this part that made it fall."""

    disturbed_at: float | None = None
    """When the database was last found to be away."""

    def is_calm(self, lease_seconds: float) -> bool:
        """Whether others have had the time to renew their leases since the database was away."""
        return self.disturbed_at is None or time.monotonic() - self.disturbed_at > lease_seconds

    @property
    def is_over(self) -> bool:
        return self.ends_at is not None and time.monotonic() > self.ends_at


async def missing(place: Workplace, claim: Claim) -> list[Planned]:
    """The scenes that are not stored yet; none where the render itself will tell why there can be none."""
    storyboard = storyboard_of(claim)
    try:
        keys = await _keys(place, storyboard)
    except UnknownVoice:
        return []
    stored = await insist(lambda: segments.names(place.storage, claim.video_id))
    return [
        Planned(key, position, expected_seconds(storyboard.scenes[position]))
        for key, position in {key: keys.index(key) for key in keys}.items()
        if file_name(key) not in stored
    ]


async def _keys(place: Workplace, storyboard: Storyboard) -> tuple[str, ...]:
    """
    Raises:
        UnknownVoice: a scene is spoken by a voice that this worker does not have.
    """
    settings = place.settings
    return await asyncio.to_thread(
        segment_keys, storyboard, voices=voices_of(settings), fonts_dir=settings.fonts_dir
    )


async def _can_render(place: Workplace, storyboard: Storyboard, scene: SceneClaim) -> bool:
    """Whether this worker makes the same of the scene as the one that planned it.

    Another version of the renderer, of a voice's file or of a font makes another segment.
    """
    try:
        return scene.key in await _keys(place, storyboard)
    except UnknownVoice:
        return False


async def take_part(
    place: Workplace, part: Part, queue: Queue, first: SceneClaim | None = None
) -> Joining | None:
    """Render scenes of the video, `first` before others; the right to join them when the last is among them.

    Whatever breaks it off, the scenes are free for others at once, and so is the video when there are none.
    """
    try:
        end = await while_it_stands(_render(place, part, queue, first), lambda: _tick(place, part))
    except asyncio.CancelledError:
        await _leave(place, part, queue)
        raise
    except StorageAway:
        await _leave(place, part, queue)
        return None
    except Exception:
        _log.exception("attempt_failed")
        end = FAILED_WITHIN
    if isinstance(end, Failure):
        await ending.record(place, part.claim, end)
        return None
    if end is None:
        if place.closing.is_set():
            await _leave(place, part, queue)
        elif not await insist(lambda: claiming.is_wanted(place.database, part.claim.video_id)):
            await ending.tidy(place, part.claim)
    return end


async def _leave(place: Workplace, part: Part, queue: Queue) -> None:
    """Let others have what this part of the video had; the video itself when there are no others."""
    if part.joining is not None:
        await ending.give_back(place, part.joining.claim)
        return
    try:
        async with asyncio.timeout(_LEAVING_SECONDS):
            goes_on = await scenes.give_back(place.database, part.claim, part.id)
    except Exception:
        # Their lease runs out by itself, a little later.
        _log.warning("scenes_not_given_back", exc_info=True)
        return
    if not goes_on:
        await ending.give_back(place, part.claim)
    await queue.hint(part.claim.video_id)


async def _render(
    place: Workplace, part: Part, queue: Queue, first: SceneClaim | None
) -> Joining | Failure | None:
    """As many scenes at once as this worker can, until one of them decides what becomes of the video."""
    storyboard = storyboard_of(part.claim)
    _film, parts, _segments = folders(part.directory)
    if first is not None and not await _can_render(place, storyboard, first):
        _log.warning("scene_of_another_renderer", scene=first.position)
        place.strangers.add(part.claim.video_id)
        await _leave(place, part, queue)
        return None
    try:
        paths = await insist(lambda: materials.fetch(place.storage, storyboard, parts))
    except MaterialMissing as missing:
        return missing.failure
    text = storyboard.to_json()
    lanes = [first, *[None] * (place.settings.scenes_at_once - 1)]
    working = {asyncio.create_task(_lane(place, part, text, paths, scene)) for scene in lanes}
    try:
        while working:
            done, working = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for lane in done:
                if (end := lane.result()) is not None:
                    return end
        return None
    finally:
        for lane in working:
            lane.cancel()
        if working:
            await asyncio.wait(working)


async def _lane(
    place: Workplace, part: Part, storyboard: str, paths: dict[str, str], scene: SceneClaim | None
) -> Joining | Failure | None:
    """One scene after the other."""
    while not (part.is_over or place.closing.is_set()):
        scene = scene or await insist(lambda: _claimed(place, part))
        if scene is None:
            return None
        with tracing.span("scene", heygen__scene=scene.position):
            end = await _render_scene(place, part, storyboard, paths, scene)
        if end is not None:
            return end
        scene = None
    return None


async def _claimed(place: Workplace, part: Part) -> SceneClaim | None:
    return await scenes.claim_one(
        place.database,
        part.claim,
        part.id,
        lease_seconds=place.settings.lease_seconds,
        max_losses=place.settings.render_max_losses,
        may_take_over=part.is_calm(place.settings.lease_seconds),
    )


async def _render_scene(
    place: Workplace, part: Part, storyboard: str, paths: dict[str, str], scene: SceneClaim
) -> Joining | Failure | None:
    film, _parts, folder = folders(part.directory)

    def note(progress: Progress) -> None:
        part.progress[scene.key] = progress.fraction
        if progress.stage == Stage.DRAWING:
            part.stage = Stage.DRAWING

    def ignore(_segment: SegmentStored) -> None:
        """Its end tells the same."""

    if scene.is_taken_over:
        LEASES_LOST.labels("scene").inc()
    part.progress[scene.key] = 0.0
    end = await place.pool.render(
        storyboard,
        film,
        segments=folder,
        materials=paths,
        limits=Limits.of(place.settings),
        listener=Listener(note, ignore),
        only=[scene.key],
    )
    if isinstance(end, Failure):
        del part.progress[scene.key]
        max_failures = place.settings.render_max_failures
        is_another_chance = end.code == RENDER_CRASHED and await insist(
            lambda: scenes.note_crash(place.database, scene, max_failures=max_failures)
        )
        return None if is_another_chance else end
    # Unless the video is gone: what was stored now would be nobody's.
    if await insist(lambda: claiming.still_stands(place.database, part.claim)):
        await insist(lambda: segments.store(place.storage, part.claim.video_id, folder, file_name(scene.key)))
        _log.info("scene_stored", scene=scene.position)
    return await _finish(place, part, scene)


async def _finish(place: Workplace, part: Part, scene: SceneClaim) -> Joining | None:
    async def note() -> None:
        async with part.looking:
            part.joining = await insist(
                lambda: scenes.finish(place.database, scene, lease_seconds=place.settings.lease_seconds)
            )
        part.progress.pop(scene.key, None)

    noting = asyncio.create_task(note())
    try:
        await asyncio.shield(noting)
    except asyncio.CancelledError:
        # Whoever gives back must know what there is to be given back.
        await asyncio.wait({noting}, timeout=_LEAVING_SECONDS)
        raise
    return part.joining


async def _tick(place: Workplace, part: Part) -> bool:
    """Renew the leases and show the progress; whether the claim stands, as far as the database can tell."""
    async with part.looking:
        if part.joining is not None:
            return True
        try:
            async with asyncio.timeout(place.settings.lease_seconds):
                return await _keep(place, part)
        except Exception as error:
            if not is_passing_fault(error):
                raise
            _log.warning("database_away", error=str(error))
            part.disturbed_at = time.monotonic()
            return True


async def _keep(place: Workplace, part: Part) -> bool:
    lease_seconds = place.settings.lease_seconds
    progress = dict(part.progress)
    if progress == part.shown and time.monotonic() - part.kept_at < lease_seconds / 3:
        return await claiming.still_stands(place.database, part.claim)
    kept = await scenes.keep(
        place.database,
        part.claim,
        part.id,
        progress,
        stage=part.stage,
        seconds_left=part.seconds_left,
        lease_seconds=lease_seconds,
    )
    if kept is None:
        return False
    part.kept_at, part.shown = time.monotonic(), progress
    if part.stage is Stage.DRAWING:
        part.seconds_left = part.pace.seconds_left(kept.fraction, part.kept_at)
    if kept.change is not None:
        await place.hub.publish(kept.change)
    return True
