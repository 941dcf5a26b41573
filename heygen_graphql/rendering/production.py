"""A storyboard becomes a film: spoken, drawn and encoded, assembled, measured.

Nothing here grows with the film's length but a few numbers a frame: speech waits on disk, and a
frame is drawn, encoded and forgotten.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering import inspection, loudness, timeline
from heygen_graphql.rendering.captions import CaptionPainter, cues, to_srt, to_vtt
from heygen_graphql.rendering.compositor import CaptionStrip, Compositor, Look, SceneShot
from heygen_graphql.rendering.encoder import encode
from heygen_graphql.rendering.film import RenderedVideo, SceneTiming, TranscriptWord
from heygen_graphql.rendering.fonts import Typeface
from heygen_graphql.rendering.presenters import avatar
from heygen_graphql.rendering.speech import Speaker, Speech, TimedPhoneme, TimedWord
from heygen_graphql.rendering.storyboard import (
    FRAMES_PER_SECOND,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
    CaptionStyle,
    Scene,
    Stage,
    Storyboard,
)
from heygen_graphql.rendering.thumbnail import save_thumbnail
from heygen_graphql.rendering.timeline import Placement
from heygen_graphql.rendering.visemes import mouth_track

_PROGRESS_INTERVAL_SECONDS = 0.05

# Seconds of work for a second of film on one core, the second and third for each megapixel of the
# picture (measured by benchmarks/rendering.py). Only their proportion matters: it makes the
# progress advance evenly.
_SPEAKING_COST = 0.02
_DRAWING_COST = 0.15
_ASSEMBLING_COST = 0.018

_BYTES_PER_SAMPLE = 2
_SILENCE = Speech(np.zeros(0, np.float32), (), ())

_Item = TypeVar("_Item")


def _ignore(stage: Stage, fraction: float) -> None:
    """Takes a render's progress and does nothing with it."""


def render(
    storyboard: Storyboard, directory: Path, *, on_progress: Callable[[Stage, float], None] = _ignore
) -> RenderedVideo:
    """Make the film of `storyboard`: video.mp4, thumbnail.jpg, captions.vtt and captions.srt in `directory`.

    The files appear under these names only when all of them are done and the film has passed its
    inspection. Until then they are in a folder of their own inside `directory`, which is removed
    whatever happens; a killed process leaves it behind, and nothing else.

    `on_progress` is told the stage and how much of the whole render is done, 0 to 1 and never
    falling, at most 20 times a second.

    Raises:
        RenderError: see `errors`.
        OSError: `directory` cannot be written to, or the disk is full.
    """
    for scene in storyboard.scenes:
        # An unknown presenter is found before minutes are spent on speaking.
        avatar(scene.avatar_id)
    progress = _Progress(storyboard.size, on_progress)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".render-") as workshop:
        return _make(storyboard, Path(workshop), directory, progress)


@dataclass(frozen=True, slots=True)
class _Recording:
    """Everything that the voices decide."""

    sound: Path
    """16-bit mono samples of the whole film, silence included."""
    words: tuple[tuple[TimedWord, ...], ...]
    """Those of each scene, in seconds from the start of the film."""
    placements: tuple[Placement, ...]
    shots: tuple[SceneShot, ...]
    speech_seconds: float

    @property
    def frame_count(self) -> int:
        return sum(shot.frame_count for shot in self.shots)


def _make(storyboard: Storyboard, workshop: Path, directory: Path, progress: _Progress) -> RenderedVideo:
    width, height = storyboard.size
    recording = _speak(storyboard, workshop / "sound.raw", progress)
    duration_seconds = recording.frame_count / FRAMES_PER_SECOND

    typeface = Typeface(storyboard.language)
    painter = CaptionPainter(width, height, typeface)
    shown = cues(
        recording.words,
        width=painter.width,
        maximum_width=painter.maximum_width,
        film_seconds=duration_seconds,
    )
    burned = shown if storyboard.caption_style is not CaptionStyle.NONE else []

    compositor = Compositor(width, height)
    pictures = _pictures(compositor, recording.shots, painter.strips(burned))
    encode(
        workshop / "video.mp4",
        size=(width, height),
        frames=progress.through(Stage.DRAWING, pictures, recording.frame_count),
        sound=_blocks(recording.sound),
        cues=shown,
        language=storyboard.language,
        title=storyboard.title,
    )

    progress.report(Stage.ASSEMBLING, 0.0)
    save_thumbnail(workshop / "thumbnail.jpg", compositor.still(recording.shots[0].look))
    (workshop / "captions.vtt").write_text(to_vtt(shown), encoding="utf-8")
    (workshop / "captions.srt").write_text(to_srt(shown), encoding="utf-8")
    missing_glyphs = sum(typeface.missing(line) for cue in burned for line in cue.lines)
    report = inspection.inspect(workshop / "video.mp4", missing_glyphs=missing_glyphs)
    inspection.check(report, speech_seconds=recording.speech_seconds)
    with (workshop / "video.mp4").open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    files = {
        name: directory / name for name in ("thumbnail.jpg", "captions.vtt", "captions.srt", "video.mp4")
    }
    for name, place in files.items():
        (workshop / name).replace(place)
    progress.report(Stage.ASSEMBLING, 1.0)
    return RenderedVideo(
        video=files["video.mp4"],
        thumbnail=files["thumbnail.jpg"],
        vtt=files["captions.vtt"],
        srt=files["captions.srt"],
        width=width,
        height=height,
        duration_seconds=duration_seconds,
        file_size_bytes=files["video.mp4"].stat().st_size,
        sha256=sha256,
        transcript=tuple(_transcript(recording.words)),
        scenes=tuple(
            SceneTiming(place.start / SAMPLE_RATE, (place.end - place.start) / SAMPLE_RATE)
            for place in recording.placements
        ),
        report=report,
    )


def _speak(storyboard: Storyboard, sound: Path, progress: _Progress) -> _Recording:
    scenes = storyboard.scenes
    words: list[tuple[TimedWord, ...]] = []
    placements: list[Placement] = []
    shots: list[SceneShot] = []
    position = 0
    with Speaker() as speaker, sound.open("wb") as spool:
        for index, scene in enumerate(progress.through(Stage.SPEAKING, scenes, len(scenes))):
            speech = _SILENCE
            if scene.script is not None:
                speech = speaker.speak(
                    scene.script, scene.voice_id, speed=scene.speed, pitch_semitones=scene.pitch_semitones
                )
            samples = loudness.level(speech.samples)
            placement = timeline.place(scenes, index, position, len(samples))
            # What is skipped reads as zeros, which is silence.
            spool.seek(placement.speech_start * _BYTES_PER_SAMPLE)
            spool.write(np.rint(samples * 32767).astype(np.int16).tobytes())
            position = placement.end
            placements.append(placement)
            words.append(_in_film_time(speech.words, placement))
            if placement.frame_count:
                shots.append(_shot(scene, speech, samples, placement, index))
        spool.truncate(position * _BYTES_PER_SAMPLE)
    speech_seconds = sum(placement.speech_count for placement in placements) / SAMPLE_RATE
    return _Recording(sound, tuple(words), tuple(placements), tuple(shots), speech_seconds)


def _in_film_time(words: Sequence[TimedWord], placement: Placement) -> tuple[TimedWord, ...]:
    offset = placement.speech_start / SAMPLE_RATE
    return tuple(
        replace(
            word,
            start_seconds=round(word.start_seconds + offset, 3),
            end_seconds=round(word.end_seconds + offset, 3),
        )
        for word in words
    )


def _transcript(scenes: Sequence[Sequence[TimedWord]]) -> Iterator[TranscriptWord]:
    for index, words in enumerate(scenes):
        for word in words:
            yield TranscriptWord(word.text, word.start_seconds, word.end_seconds, scene_index=index)


def _shot(
    scene: Scene, speech: Speech, samples: NDArray[np.float32], placement: Placement, index: int
) -> SceneShot:
    # The scene's first frame may begin a part of a frame before its sound does.
    offset = placement.speech_start / SAMPLE_RATE - placement.start_frame / FRAMES_PER_SECOND
    phonemes = [
        TimedPhoneme(sound.symbol, sound.start_seconds + offset, sound.end_seconds + offset)
        for sound in speech.phonemes
    ]
    return SceneShot(
        look=Look(scene.avatar_id, None, scene.background_color, None),
        frame_count=placement.frame_count,
        mouth=mouth_track(phonemes, placement.frame_count),
        emphasis=timeline.emphasis(samples, placement),
        sentence_ends=(),
        seed=index,
    )


def _blocks(sound: Path) -> Iterator[NDArray[np.int16]]:
    """The samples of one frame at a time."""
    with sound.open("rb") as file:
        while block := file.read(SAMPLES_PER_FRAME * _BYTES_PER_SAMPLE):
            yield np.frombuffer(block, np.int16)


def _pictures(
    compositor: Compositor, shots: Sequence[SceneShot], strips: Iterator[CaptionStrip]
) -> Iterator[NDArray[np.uint8]]:
    """The film's frames; captions are cut where scenes are, and told in their frames."""
    strip, start = next(strips, None), 0
    before: Look | None = None
    for shot in shots:
        end = start + shot.frame_count
        captions = []
        while strip is not None and strip.start_frame < end:
            first, last = max(strip.start_frame, start) - start, min(strip.end_frame, end) - start
            captions.append(replace(strip, start_frame=first, end_frame=last))
            if strip.end_frame > end:
                break
            strip = next(strips, None)
        fade_from = before if before != shot.look else None
        yield from compositor.frames(replace(shot, fade_from=fade_from), captions)
        start, before = end, shot.look


class _Progress:
    """Turns work done into a fraction of the whole render, and tells it now and then."""

    def __init__(self, size: tuple[int, int], tell: Callable[[Stage, float], None]) -> None:
        megapixels = size[0] * size[1] / 1e6
        costs = {
            Stage.SPEAKING: _SPEAKING_COST,
            Stage.DRAWING: _DRAWING_COST * megapixels,
            Stage.ASSEMBLING: _ASSEMBLING_COST * megapixels,
        }
        total = sum(costs.values())
        self._shares = {stage: cost / total for stage, cost in costs.items()}
        self._starts = dict(zip(costs, accumulate(self._shares.values(), initial=0.0), strict=False))
        self._tell = tell
        self._told_stage: Stage | None = None
        self._told_at = 0.0

    def report(self, stage: Stage, share_done: float) -> None:
        now = time.monotonic()
        is_news = stage is not self._told_stage or share_done >= 1
        if is_news or now - self._told_at >= _PROGRESS_INTERVAL_SECONDS:
            self._told_stage, self._told_at = stage, now
            self._tell(stage, round(self._starts[stage] + self._shares[stage] * share_done, 4))

    def through(self, stage: Stage, items: Iterable[_Item], count: int) -> Iterator[_Item]:
        """The same items, each counted as done when the next is asked for."""
        self.report(stage, 0.0)
        for done, item in enumerate(items, start=1):
            yield item
            self.report(stage, done / count)
