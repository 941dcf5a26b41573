"""One scene rendered: spoken, timed, captioned, drawn, encoded and sealed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering import loudness, timeline
from heygen_graphql.rendering.captions import CaptionPainter, Cue, cues
from heygen_graphql.rendering.compositor import Compositor, Look, SceneShot
from heygen_graphql.rendering.encoder import encode_scene
from heygen_graphql.rendering.fonts import Typeface
from heygen_graphql.rendering.heap import give_back, set_large_blocks_apart
from heygen_graphql.rendering.segments.black import BlackCount, is_dark
from heygen_graphql.rendering.segments.file import SceneFacts, seal
from heygen_graphql.rendering.segments.plan import SceneLook, ScenePlan
from heygen_graphql.rendering.speech import Speaker, Speech, TimedPhoneme, TimedWord, Voices
from heygen_graphql.rendering.storyboard import SAMPLE_RATE, SAMPLES_PER_FRAME, CaptionStyle, Stage
from heygen_graphql.rendering.visemes import mouth_track

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class SceneOrder:
    """A scene to be rendered into `target`, whose folder exists."""

    plan: ScenePlan
    key: str
    target: Path
    materials: Mapping[str, Path]
    threads: int
    """That the encoder may run."""

    @property
    def unfinished(self) -> Path:
        """Where the segment is while it is not whole; what is there afterwards, a killed process left."""
        return self.target.with_name(f".{self.target.name}.part")


@dataclass(frozen=True, slots=True)
class SceneProgress:
    stage: Stage
    """SPEAKING or DRAWING."""
    share: float
    """Of that stage, 0 to 1."""


@dataclass(frozen=True, slots=True)
class SceneFailure:
    """An exception on its way to another process.

    Sent as it is, it would be built from its `args`, which is not what every class takes.
    """

    kind: type[Exception]
    args: tuple[object, ...]
    facts: dict[str, object]

    def exception(self) -> Exception:
        error = self.kind.__new__(self.kind, *self.args)
        error.__dict__.update(self.facts)
        return error


Tell = Callable[[Stage, float], None]
"""Takes a scene's stage, SPEAKING or DRAWING, and how much of that is done, 0 to 1."""


class SceneRenderer:
    """Keeps what is costly to load: engines of speech, fonts, presenters. One scene at a time."""

    def __init__(self, voices: Voices, fonts_dir: Path | None) -> None:
        set_large_blocks_apart()
        self._speaker = Speaker(voices)
        self._fonts_dir = fonts_dir
        self._compositor: tuple[tuple[int, int], Compositor] | None = None
        self._typeface: tuple[str, Typeface] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._speaker.close()

    def render(self, order: SceneOrder, tell: Tell) -> SceneFacts:
        """Make the segment. `target` appears when it is whole; a process that is killed leaves no half one.

        Raises:
            RenderError: see `errors`.
            OSError: `target` cannot be written to, or the disk is full.
        """
        try:
            facts = self._make(order, order.unfinished, tell)
            seal(order.unfinished, facts)
            order.unfinished.replace(order.target)
        finally:
            order.unfinished.unlink(missing_ok=True)
            give_back()
        return facts

    def _make(self, order: SceneOrder, file: Path, tell: Tell) -> SceneFacts:
        plan, scene = order.plan, order.plan.scene
        width, height = plan.size
        tell(Stage.SPEAKING, 0.0)
        take = self._speak(plan)
        give_back()
        tell(Stage.SPEAKING, 1.0)

        typeface = self._typeface_for(plan.language)
        painter = CaptionPainter(width, height, typeface)
        shown = cues(
            take.words,
            width=painter.width,
            maximum_width=painter.maximum_width,
            frame_count=take.frame_count,
            language=plan.language,
        )
        black = BlackCount()
        pictures = black.through(self._pictures(order, take, painter, shown), height)
        encode_scene(
            file,
            size=plan.size,
            frames=_told(pictures, take.frame_count, tell),
            sound=take.sound,
            threads=order.threads,
        )
        burned = shown if plan.caption_style is not CaptionStyle.NONE else []
        may_be_black = False
        if black.frames:
            image = order.materials[scene.background_image] if scene.background_image is not None else None
            # A photo that fills the picture is a background nobody knows of here, and may be any.
            may_be_black = scene.avatar_rig is not None or is_dark(scene.background_color, image)
        return SceneFacts(
            key=order.key,
            frame_count=take.frame_count,
            speech_seconds=take.speech_seconds,
            words=take.words,
            cues=tuple(shown),
            missing_glyphs=sum(typeface.missing(line) for cue in burned for line in cue.lines),
            black_frames=0 if may_be_black else black.frames,
            may_be_black=may_be_black,
        )

    def _speak(self, plan: ScenePlan) -> "_Take":
        scene = plan.scene
        if scene.script is None:
            frame_count = timeline.silent_frames(scene.pause_seconds)
            return _Take(np.zeros(frame_count * SAMPLES_PER_FRAME, np.int16), 0.0, (), ())
        speech = self._speaker.speak(
            scene.script, scene.voice_id, speed=scene.speed, pitch_semitones=scene.pitch_semitones
        )
        start, count = plan.margins.before, len(speech.samples)
        frame_count = timeline.spoken_frames(plan.margins, count)
        sound = np.zeros(frame_count * SAMPLES_PER_FRAME, np.int16)
        sound[start : start + count] = np.rint(loudness.level(speech.samples) * 32767)
        offset = start / SAMPLE_RATE
        return _Take(sound, count / SAMPLE_RATE, _words(speech, offset), _phonemes(speech, offset))

    def _pictures(
        self, order: SceneOrder, take: "_Take", painter: CaptionPainter, shown: Iterable[Cue]
    ) -> Iterator[NDArray[np.uint8]]:
        plan = order.plan
        shot = SceneShot(
            look=_look(plan.look, order.materials),
            frame_count=take.frame_count,
            mouth=mouth_track(take.phonemes, take.frame_count),
            emphasis=timeline.emphasis(take.sound),
            sentence_ends=timeline.sentence_ends(take.words, language=plan.language),
            seed=plan.seed,
            fade_from=_look(plan.fade_from, order.materials) if plan.fade_from is not None else None,
        )
        return self._compositor_for(plan.size).frames(shot, painter.strips(shown, plan.caption_style))

    def _compositor_for(self, size: tuple[int, int]) -> Compositor:
        if self._compositor is None or self._compositor[0] != size:
            self._compositor = (size, Compositor(*size))
        return self._compositor[1]

    def _typeface_for(self, language: str) -> Typeface:
        if self._typeface is None or self._typeface[0] != language:
            self._typeface = (language, Typeface(language, self._fonts_dir))
        return self._typeface[1]


@dataclass(frozen=True, slots=True)
class _Take:
    """What the voice decides; times are in seconds from the scene's start."""

    sound: NDArray[np.int16]
    speech_seconds: float
    words: tuple[TimedWord, ...]
    phonemes: tuple[TimedPhoneme, ...]

    @property
    def frame_count(self) -> int:
        return len(self.sound) // SAMPLES_PER_FRAME


def _look(look: SceneLook, materials: Mapping[str, Path]) -> Look:
    return Look(
        avatar_id=look.avatar_id,
        avatar_rig=materials[look.avatar_rig] if look.avatar_rig is not None else None,
        background_color=look.background_color,
        background_image=materials[look.background_image] if look.background_image is not None else None,
    )


def _words(speech: Speech, offset: float) -> tuple[TimedWord, ...]:
    return tuple(
        TimedWord(
            word.text,
            round(word.start_seconds + offset, 3),
            round(word.end_seconds + offset, 3),
            word.is_joined,
        )
        for word in speech.words
    )


def _phonemes(speech: Speech, offset: float) -> tuple[TimedPhoneme, ...]:
    return tuple(
        TimedPhoneme(sound.symbol, sound.start_seconds + offset, sound.end_seconds + offset)
        for sound in speech.phonemes
    )


def _told(items: Iterable[_Item], count: int, tell: Tell) -> Iterator[_Item]:
    """The same items, each counted as drawn when the next is asked for."""
    for done, item in enumerate(items, start=1):
        yield item
        tell(Stage.DRAWING, done / count)
