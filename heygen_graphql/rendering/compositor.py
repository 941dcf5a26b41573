"""Background, presenter and captions to I420 frames, touching only what changed.

An actor (see `presenters.actor`) keeps the picture of a presenter before a background and says what each
pose changed in it; that rectangle alone is copied, and a caption is blended anew only where it was touched.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.backdrop import lit_backdrop, picture_backdrop
from heygen_graphql.rendering.presenters import drawn_presenter
from heygen_graphql.rendering.presenters.actor import (
    BREATH_STEPS,
    SHIFT_STEP,
    TILT_STEP,
    Actor,
    EyeState,
    Pose,
    mouth_state,
)
from heygen_graphql.rendering.presenters.drawn_actor import DrawnActor, rig_for
from heygen_graphql.rendering.presenters.motion import Performance, perform
from heygen_graphql.rendering.presenters.photo import PhotoActor, PhotoRig, open_rig
from heygen_graphql.rendering.presenters.planes import (
    Frame,
    Planes,
    Rect,
    blend,
    copy_rect,
    premultiplied,
    to_planes,
)
from heygen_graphql.rendering.presenters.rig import PartCache, Rig
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True)
class Look:
    """What stands still in a scene; between equal looks nothing needs to be faded."""

    avatar_id: str
    avatar_rig: Path | None
    """A photo presenter's rig file; None for a drawn presenter."""
    background_color: str
    """#RRGGBB; empty where none was asked for, and a photo then fills the frame."""
    background_image: Path | None
    """Covers the frame, instead of the colour."""


@dataclass(frozen=True, slots=True)
class SceneShot:
    """One scene of `frame_count` frames; arrays hold a row per frame."""

    look: Look
    frame_count: int
    mouth: NDArray[np.float32]
    """(frame_count, 4): openness, spread, tuck, tongue, as `visemes.MouthPose` has them."""
    emphasis: NDArray[np.float32]
    """(frame_count,): the speech's energy, 0 in silence to 1."""
    sentence_ends: tuple[int, ...]
    """Frames at which sentences end."""
    seed: int
    fade_from: Look | None = None
    """The look that the scene fades in from, at rest."""


@dataclass(frozen=True, slots=True)
class CaptionStrip:
    """A picture of text shown from `start_frame` up to, not including, `end_frame`; all measures even."""

    start_frame: int
    end_frame: int
    x: int
    y: int
    rgba: NDArray[np.uint8]
    """Straight alpha."""


FADE_FRAMES = round(0.32 * FRAMES_PER_SECOND)

_CACHE_BYTES_PER_PIXEL, _LEAST_CACHE_BYTES = 60, 80_000_000
"""The parts' cache in proportion to the picture: 124 MB at 1080p, 498 at 2160p."""
_MOST_RIGS, _MOST_BACKGROUNDS = 4, 3
_SMILING_SPREAD = 0.34
"""How far a smile spreads closed lips: one level of the grid."""

_DEFAULT_BACKGROUND = "#E4E2DE"

_Kept = TypeVar("_Kept")


class Compositor:
    """Makes frames at one size, for any number of scenes and films; equal shots make equal frames."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        # The encoder wants the cores: a frame's work is too small to share out.
        cv2.setNumThreads(1)
        self._parts = PartCache(max(width * height * _CACHE_BYTES_PER_PIXEL, _LEAST_CACHE_BYTES))
        self._rigs: _Recent[Rig] = _Recent(_MOST_RIGS)
        self._photos: _Recent[PhotoRig] = _Recent(_MOST_RIGS)
        self._backgrounds: _Recent[Frame] = _Recent(_MOST_BACKGROUNDS)

    def frames(self, shot: SceneShot, captions: Iterable[CaptionStrip]) -> Iterator[NDArray[np.uint8]]:
        """One I420 array of (height * 3 / 2, width) per frame of the scene, BT.709 in limited range.

        The array is reused: what it holds is good until the next frame is asked for. Captions count
        their frames from the scene's start, come in the order of their start and never overlap; they
        are taken from the iterable as needed.

        Raises:
            UnknownAvatar: the look names a presenter that does not exist.
            PictureRefused: the background is no picture that can be used.
            BrokenRig: the photo presenter's file is none.
        """
        performance = perform(shot.emphasis, shot.sentence_ends, shot.seed)
        fade = _Fade(self.still(shot.fade_from), self._size) if shot.fade_from else None
        fade_frames = min(FADE_FRAMES, shot.frame_count)
        actor = self._actor(shot.look)
        out = Frame.empty(*self._size)
        strips = _Strips(captions)
        for index in range(shot.frame_count):
            changed = actor.take(_pose(performance, index, shot.mouth[index]))
            plain = actor.frame
            if fade is not None and index <= fade_frames:
                # The frame after the fade is copied whole as well.
                plain = fade.at(actor.frame, (index + 1) / (fade_frames + 1))
                changed = fade.whole
            if changed is not None:
                copy_rect(plain, out, changed)
            strips.lay(index, plain, changed, out)
            yield out.buffer

    def still(self, look: Look) -> NDArray[np.uint8]:
        """The look at rest, without a caption, in an array of its own."""
        actor = self._actor(look)
        actor.take(Pose())
        return actor.frame.buffer.copy()

    def _actor(self, look: Look) -> Actor:
        if (path := look.avatar_rig) is not None:
            photo = self._photos.get(path, lambda: open_rig(path))
            has_background = look.background_image is not None or look.background_color
            return PhotoActor(photo, *self._size, self._background(look) if has_background else None)
        presenter = drawn_presenter(look.avatar_id)
        rig = self._rigs.get(look.avatar_id, lambda: rig_for(presenter, *self._size, self._parts))
        return DrawnActor(rig, self._background(look), look, self._parts)

    def _background(self, look: Look) -> Frame:
        color, image = look.background_color or _DEFAULT_BACKGROUND, look.background_image
        if image is not None:
            return self._backgrounds.get(image, lambda: picture_backdrop(*self._size, image))
        return self._backgrounds.get(color, lambda: lit_backdrop(*self._size, color))


class _Fade:
    """From a still picture into a moving one."""

    def __init__(self, start: NDArray[np.uint8], size: tuple[int, int]) -> None:
        self._start, self._mixed = start, Frame.empty(*size)
        self.whole = Rect(0, 0, *size)

    def at(self, moving: Frame, share: float) -> Frame:
        cv2.addWeighted(moving.buffer, share, self._start, 1 - share, 0.0, self._mixed.buffer)
        return self._mixed


class _Strips:
    """Lays the caption that is due over each frame, and takes it away."""

    def __init__(self, captions: Iterable[CaptionStrip]) -> None:
        self._coming = iter(captions)
        self._next = next(self._coming, None)
        self._shown: _Caption | None = None

    def lay(self, index: int, plain: Frame, changed: Rect | None, out: Frame) -> None:
        """Bring captions in `out` to frame `index`; outside `changed`, it holds the frame before."""
        while self._next is not None and self._next.end_frame <= index:
            self._next = next(self._coming, None)
        due = self._next if self._next is not None and self._next.start_frame <= index else None
        last = self._shown
        is_new = due is not (last.strip if last else None)
        if is_new:
            if last is not None:
                copy_rect(plain, out, last.rect)
            self._shown = _Caption.of(due) if due else None
        shown = self._shown
        if shown is not None and (is_new or (changed is not None and changed.meets(shown.rect))):
            blend(plain, shown.planes, shown.rect, out)


@dataclass(frozen=True, slots=True)
class _Caption:
    strip: CaptionStrip
    rect: Rect
    planes: Planes

    @classmethod
    def of(cls, strip: CaptionStrip) -> "_Caption":
        height, width = strip.rgba.shape[:2]
        bgra = np.asarray(cv2.cvtColor(strip.rgba, cv2.COLOR_RGBA2BGRA), np.uint8)
        rect = Rect(strip.x, strip.y, strip.x + width, strip.y + height)
        return cls(strip, rect, to_planes(premultiplied(bgra)))


def _pose(performance: Performance, index: int, mouth: NDArray[np.float32]) -> Pose:
    openness, spread, tuck, tongue = mouth.tolist()
    if openness <= 0.0:
        spread = max(spread, _SMILING_SPREAD * float(performance.smile[index]))
    return Pose(
        tilt=_snapped(performance.tilt[index], TILT_STEP),
        shift_x=_snapped(performance.shift_x[index], SHIFT_STEP),
        shift_y=_snapped(performance.shift_y[index], SHIFT_STEP),
        breath=round(float(performance.breath[index]) * (BREATH_STEPS - 1)),
        eyes=EyeState(
            int(performance.lids[index]),
            int(performance.brows[index]),
            int(performance.gaze_x[index]),
            int(performance.gaze_y[index]),
        ),
        mouth=mouth_state(openness, spread, tuck, tongue),
    )


def _snapped(value: float, step: float) -> float:
    return round(float(value) / step) * step


class _Recent(Generic[_Kept]):
    """Keeps the few things asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], _Kept]) -> _Kept:
        if key not in self._kept:
            self._kept[key] = make()
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
