"""A storyboard becomes a film: scenes rendered one by one, joined, measured.

Nothing here grows with the film's length but what its words and cues take: a scene's sound and pictures
are in its segment on disk, and a frame is drawn, encoded and forgotten.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeVar

from heygen_graphql.rendering import inspection
from heygen_graphql.rendering.assembly import Part, join
from heygen_graphql.rendering.captions import Cue, CueWord, to_srt, to_vtt
from heygen_graphql.rendering.film import RenderedVideo, SceneTiming, TranscriptWord
from heygen_graphql.rendering.presenters import avatar
from heygen_graphql.rendering.segments import file_name, segment_keys
from heygen_graphql.rendering.segments.crew import Crew
from heygen_graphql.rendering.segments.file import SceneFacts, read_facts
from heygen_graphql.rendering.segments.plan import ScenePlan, expected_seconds, scene_plans
from heygen_graphql.rendering.segments.scene import SceneOrder, SceneRenderer
from heygen_graphql.rendering.speech import TimedWord, Voices, check_text
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, Stage, Storyboard
from heygen_graphql.rendering.thumbnail import save_thumbnail

_PROGRESS_INTERVAL_SECONDS = 0.05

# Seconds of work for a second of film on one core, the second and third for each megapixel of the
# picture (measured by benchmarks/rendering.py). Only their proportion matters: it makes the
# progress advance evenly.
_SPEAKING_COST = 0.02
_DRAWING_COST = 0.15
_ASSEMBLING_COST = 0.01
# Of assembling, what joining takes; the rest is inspection.
_JOINING_SHARE = 0.7

# More gain nothing, since a frame waits for those that it is predicted from, and cost memory.
_MOST_THREADS = 8

NO_MATERIALS: Mapping[str, Path] = MappingProxyType({})

Tell = Callable[[Stage, float], None]
_Timed = TypeVar("_Timed", Cue, CueWord, TimedWord)


def _ignore(stage: Stage, fraction: float) -> None:
    """Takes a render's progress and does nothing with it."""


def _ignore_segment(name: str) -> None:
    """Takes a new segment's name and does nothing with it."""


def render(
    storyboard: Storyboard,
    directory: Path,
    *,
    materials: Mapping[str, Path] = NO_MATERIALS,
    segments: Path | None = None,
    processes: int = 1,
    on_progress: Tell = _ignore,
) -> RenderedVideo:
    """One film in a `Studio` of its own; see `Studio.render`."""
    with Studio(processes=processes) as studio:
        return studio.render(
            storyboard, directory, materials=materials, segments=segments, on_progress=on_progress
        )


class Studio:
    """What is loaded once and serves many films: speech engines, presenters, fonts.

    Films are rendered one at a time. Leave its `with` block, or call `close`, to end what it has started.
    """

    def __init__(
        self,
        *,
        voices: Voices | None = None,
        fonts_dir: Path | None = None,
        processes: int = 1,
        cores: int | None = None,
    ) -> None:
        """With `processes` above 1, a film's scenes are rendered in that many at once, none in this one.

        `cores` says how many may be kept busy; all that there are when it does not.
        """
        self._voices = voices or Voices()
        self._fonts_dir = fonts_dir
        self._processes = processes
        self._cores = cores or _cores()
        self._renderer = SceneRenderer(self._voices, fonts_dir)
        self._crew = Crew(processes, self._voices, fonts_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Safe to repeat; rendering afterwards loads everything again."""
        self._renderer.close()
        self._crew.close()

    def segment_keys(self, storyboard: Storyboard) -> tuple[str, ...]:
        """A key for each scene: `segments.segment_keys` with this studio's voices and fonts."""
        return segment_keys(storyboard, voices=self._voices, fonts_dir=self._fonts_dir)

    def render(
        self,
        storyboard: Storyboard,
        directory: Path,
        *,
        materials: Mapping[str, Path] = NO_MATERIALS,
        segments: Path | None = None,
        on_progress: Tell = _ignore,
        on_segment: Callable[[str], None] = _ignore_segment,
    ) -> RenderedVideo:
        """Make the film of `storyboard`: video.mp4, thumbnail.jpg, captions.vtt, captions.srt in `directory`.

        The files appear under these names only when all of them are done and the film has passed its
        inspection. Until then they are in a folder of their own inside `directory`, which is removed
        whatever happens; a killed process leaves it behind, and nothing else.

        `materials` says where each of `storyboard.materials` lies. `segments` is a folder of segments:
        a scene whose segment lies there whole is not rendered, the segment of any other is put there, and
        `on_segment` told its file's name. They stay there when the film fails, for the next attempt.

        `on_progress` is told the stage and how much of the whole render is done, 0 to 1 and neither ever
        falling, at most 20 times a second. DRAWING begins with the first picture; later scenes may
        be spoken meanwhile. It is called, as `on_segment` is, in this thread.

        Raises:
            RenderError: see `errors`.
            OSError: a folder cannot be written to, or the disk is full.
            ValueError: a material is missing.
        """
        self._check(storyboard, materials)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".render-") as folder:
            workshop = Path(folder)
            if segments is None:
                segments = workshop / "segments"
            segments.mkdir(parents=True, exist_ok=True)
            scenes = self._scenes(storyboard, segments, materials, on_progress, on_segment)
            return _assemble(storyboard, scenes, segments, workshop, directory)

    def render_segments(
        self,
        storyboard: Storyboard,
        keys: Collection[str],
        segments: Path,
        *,
        materials: Mapping[str, Path] = NO_MATERIALS,
        on_progress: Tell = _ignore,
        on_segment: Callable[[str], None] = _ignore_segment,
    ) -> None:
        """Put the segments with these keys into the folder, one after the other, and make no film.

        Everything else is as `render` has it; the progress is that of these scenes.

        Raises:
            RenderError: see `errors`.
            OSError: the folder cannot be written to, or the disk is full.
            ValueError: a material is missing, or no scene of the storyboard has one of the keys.
        """
        self._check(storyboard, materials)
        plans = dict(zip(self.segment_keys(storyboard), scene_plans(storyboard), strict=True))
        if unknown := set(keys) - plans.keys():
            raise ValueError(f"No scene of the storyboard has the key {min(unknown)}.")
        orders = self._orders({key: plans[key] for key in keys}, segments, materials, at_once=self._processes)
        progress = _Progress(storyboard, [order.plan for order in orders], on_progress, is_joined=False)
        for number, order in enumerate(orders):
            self._renderer.render(order, partial(progress.scene, number))
            on_segment(file_name(order.key))

    def _check(self, storyboard: Storyboard, materials: Mapping[str, Path]) -> None:
        """What can be known to fail is found before minutes are spent."""
        if missing := storyboard.materials - materials.keys():
            raise ValueError(f"The storyboard needs the material {min(missing)!r}.")
        for scene in storyboard.scenes:
            if scene.avatar_rig is None:
                avatar(scene.avatar_id)
            if scene.script is not None:
                check_text(scene.script, self._voices.get(scene.voice_id))

    def _scenes(
        self,
        storyboard: Storyboard,
        segments: Path,
        materials: Mapping[str, Path],
        on_progress: Tell,
        on_segment: Callable[[str], None],
    ) -> _Scenes:
        keys = self.segment_keys(storyboard)
        plans = dict(zip(keys, scene_plans(storyboard), strict=True))
        facts = {
            key: kept for key in plans if (kept := read_facts(segments / file_name(key), key)) is not None
        }
        reused = tuple(key in facts for key in keys)
        missing = [key for key in plans if key not in facts]
        if self._processes > 1:
            # So that no process is left with the longest scene when the others have nothing to do.
            missing.sort(key=lambda key: expected_seconds(plans[key].scene), reverse=True)
        at_once = min(self._processes, len(missing)) or 1
        orders = self._orders({key: plans[key] for key in missing}, segments, materials, at_once=at_once)
        progress = _Progress(storyboard, [order.plan for order in orders], on_progress)
        # Closed at once and not when it is collected: other scenes are at work when `on_segment` fails.
        with closing(self._rendered(orders, progress.scene)) as rendered:
            for made in rendered:
                facts[made.key] = made
                on_segment(file_name(made.key))
        return _Scenes(tuple(facts[key] for key in keys), reused, progress)

    def _orders(
        self, plans: Mapping[str, ScenePlan], segments: Path, materials: Mapping[str, Path], *, at_once: int
    ) -> list[SceneOrder]:
        return [
            SceneOrder(
                plan=plan,
                key=key,
                target=segments / file_name(key),
                materials=dict(materials),
                threads=min(max(self._cores // at_once, 1), _MOST_THREADS),
            )
            for key, plan in plans.items()
        ]

    def _rendered(
        self, orders: Sequence[SceneOrder], tell: Callable[[int, Stage, float], None]
    ) -> Generator[SceneFacts, None, None]:
        if self._processes > 1:
            yield from self._crew.render(orders, tell)
            return
        for number, order in enumerate(orders):
            yield self._renderer.render(order, partial(tell, number))


@dataclass(frozen=True, slots=True)
class _Scenes:
    """Those of a film, in their order, with a segment for each."""

    facts: tuple[SceneFacts, ...]
    reused: tuple[bool, ...]
    progress: _Progress

    @property
    def start_frames(self) -> tuple[int, ...]:
        """Of each scene, and at last where the film ends."""
        return tuple(accumulate((scene.frame_count for scene in self.facts), initial=0))


def _assemble(
    storyboard: Storyboard, scenes: _Scenes, segments: Path, workshop: Path, directory: Path
) -> RenderedVideo:
    width, height = storyboard.size
    frame_count = scenes.start_frames[-1]
    progress = scenes.progress
    progress.assembling(0.0)
    shown = list(_cues(scenes))
    video = workshop / "video.mp4"
    join(
        video,
        [Part(segments / file_name(scene.key), scene.frame_count) for scene in scenes.facts],
        cues=shown,
        language=storyboard.language,
        title=storyboard.title,
        on_joined=lambda frames: progress.assembling(_JOINING_SHARE * frames / frame_count),
    )
    report = inspection.inspect(video, scenes.facts)
    inspection.check(report, speech_seconds=sum(scene.speech_seconds for scene in scenes.facts))
    save_thumbnail(workshop / "thumbnail.jpg", video)
    (workshop / "captions.vtt").write_text(to_vtt(shown), encoding="utf-8")
    (workshop / "captions.srt").write_text(to_srt(shown), encoding="utf-8")
    with video.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    files = {
        name: directory / name for name in ("thumbnail.jpg", "captions.vtt", "captions.srt", "video.mp4")
    }
    for name, place in files.items():
        (workshop / name).replace(place)
    progress.assembling(1.0)
    return RenderedVideo(
        video=files["video.mp4"],
        thumbnail=files["thumbnail.jpg"],
        vtt=files["captions.vtt"],
        srt=files["captions.srt"],
        width=width,
        height=height,
        duration_seconds=frame_count / FRAMES_PER_SECOND,
        file_size_bytes=files["video.mp4"].stat().st_size,
        sha256=sha256,
        transcript=tuple(_transcript(scenes)),
        scenes=tuple(
            SceneTiming(start / FRAMES_PER_SECOND, (end - start) / FRAMES_PER_SECOND, is_reused)
            for (start, end), is_reused in zip(pairwise(scenes.start_frames), scenes.reused, strict=True)
        ),
        report=report,
    )


def _cues(scenes: _Scenes) -> Iterator[Cue]:
    for scene, start in zip(scenes.facts, scenes.start_frames, strict=False):
        offset = start / FRAMES_PER_SECOND
        for cue in scene.cues:
            words = tuple(_later(word, offset) for word in cue.words)
            yield replace(_later(cue, offset), words=words)


def _transcript(scenes: _Scenes) -> Iterator[TranscriptWord]:
    for index, (scene, start) in enumerate(zip(scenes.facts, scenes.start_frames, strict=False)):
        for word in scene.words:
            moved = _later(word, start / FRAMES_PER_SECOND)
            yield TranscriptWord(moved.text, moved.start_seconds, moved.end_seconds, scene_index=index)


def _later(timed: _Timed, offset: float) -> _Timed:
    return replace(
        timed,
        start_seconds=round(timed.start_seconds + offset, 3),
        end_seconds=round(timed.end_seconds + offset, 3),
    )


def _cores() -> int:
    # Those that this process may use, which in a container may be fewer than there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Progress:
    """Turns work done into a fraction of the whole render, and tells it now and then.

    Scenes that need not be rendered are no work, and several may be at work at once.
    """

    def __init__(
        self, storyboard: Storyboard, to_render: Sequence[ScenePlan], tell: Tell, *, is_joined: bool = True
    ) -> None:
        width, height = storyboard.size
        megapixels = width * height / 1e6
        seconds = [expected_seconds(plan.scene) for plan in to_render]
        self._speaking = [each * _SPEAKING_COST for each in seconds]
        self._drawing = [each * _DRAWING_COST * megapixels for each in seconds]
        joined = storyboard.scenes if is_joined else ()
        self._assembling = sum(map(expected_seconds, joined)) * _ASSEMBLING_COST * megapixels
        self._done = [0.0] * len(seconds)
        self._total = sum(self._speaking) + sum(self._drawing) + self._assembling
        self._stage = Stage.SPEAKING
        self._tell = tell
        self._told_stage: Stage | None = None
        self._told_at = 0.0

    def scene(self, number: int, stage: Stage, share: float) -> None:
        """Of the scenes to be rendered, this one's stage is done to this share."""
        if stage is Stage.SPEAKING:
            self._done[number] = self._speaking[number] * share
        else:
            self._stage = Stage.DRAWING
            self._done[number] = self._speaking[number] + self._drawing[number] * share
        if self._is_due():
            self._report(sum(self._done) / self._total)

    def assembling(self, share: float) -> None:
        self._stage = Stage.ASSEMBLING
        if self._is_due() or share >= 1:
            self._report(1 - self._assembling * (1 - share) / self._total)

    def _is_due(self) -> bool:
        is_news = self._stage is not self._told_stage
        return is_news or time.monotonic() - self._told_at >= _PROGRESS_INTERVAL_SECONDS

    def _report(self, fraction: float) -> None:
        self._told_stage, self._told_at = self._stage, time.monotonic()
        self._tell(self._stage, round(fraction, 4))
