"""Background, presenter and captions to I420 frames, touching only what changed.

The background is coded once per scene and the body once per step of a breath; both stay in YUV. A
frame then costs one warp of the head (its mouth and eyes are patches put on it before) and one blend
inside the head's rectangle.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters import drawn_presenter
from heygen_graphql.rendering.presenters.actor import EyeState, MouthState, mouth_state
from heygen_graphql.rendering.presenters.framing import framing
from heygen_graphql.rendering.presenters.motion import Performance, perform
from heygen_graphql.rendering.presenters.planes import (
    Frame,
    Planes,
    Rect,
    blend,
    code_color,
    copy_rect,
    premultiplied,
    to_planes,
    warp,
)
from heygen_graphql.rendering.presenters.rig import PartCache, Rig


@dataclass(frozen=True, slots=True)
class SceneShot:
    """One presenter before one background for `frame_count` frames; arrays hold a row per frame."""

    avatar_id: str
    background_color: str
    """#RRGGBB."""
    start_frame: int
    frame_count: int
    mouth: NDArray[np.float32]
    """(frame_count, 4): openness, spread, tuck, tongue, as `visemes.MouthPose` has them."""
    emphasis: NDArray[np.float32]
    """(frame_count,): the speech's energy, 0 in silence to 1."""
    seed: int


@dataclass(frozen=True, slots=True)
class CaptionStrip:
    """A picture of text shown from `start_frame` up to, not including, `end_frame`; all measures even."""

    start_frame: int
    end_frame: int
    x: int
    y: int
    rgba: NDArray[np.uint8]
    """Straight alpha."""


_CACHE_BYTES_PER_PIXEL, _LEAST_CACHE_BYTES = 28, 48_000_000
"""The parts' cache in proportion to the picture: 58 MB at 1080p, 232 at 2160p."""

_BREATH_STEPS = 12
"""A quarter of a pixel each at 1080p: no step shows."""
_BREATH_HEIGHT = 0.003
"""How far the shoulders rise, as a share of the picture's height."""
_NECK_FOOT = 270.0
"""Art units below the eyes: the head turns about this point."""


class Compositor:
    """Makes the frames of one film at one size; the same shots make the same frames."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        # The encoder wants the cores: a frame's work is too small to share out.
        cv2.setNumThreads(1)
        self._cache = PartCache(max(width * height * _CACHE_BYTES_PER_PIXEL, _LEAST_CACHE_BYTES))
        self._rigs: dict[str, Rig] = {}

    def frames(
        self, shots: Sequence[SceneShot], captions: Iterable[CaptionStrip]
    ) -> Iterator[NDArray[np.uint8]]:
        """One I420 array of (height * 3 / 2, width) per frame, BT.709 in limited range.

        The array is reused: what it holds is good until the next frame is asked for. Captions come
        in the order of their start and never overlap; they are taken from the iterable as needed.

        Raises:
            UnknownAvatar: a shot names a presenter that does not exist.
        """
        performances = _performances(shots)
        strips = iter(captions)
        strip = next(strips, None)
        out = Frame.empty(self._width, self._height)
        for shot in shots:
            canvas = _Canvas(
                self._width, self._height, self._rig(shot.avatar_id), shot.background_color, self._cache
            )
            copy_rect(canvas.base, out, canvas.whole)
            performance = performances[shot.avatar_id]
            shown: _Caption | None = None
            for index in range(shot.frame_count):
                frame = shot.start_frame + index
                while strip is not None and strip.end_frame <= frame:
                    strip = next(strips, None)
                due = strip if strip is not None and strip.start_frame <= frame else None
                is_new_caption = due is not (shown.strip if shown else None)
                gone = shown.rect if shown and is_new_caption else None
                if is_new_caption:
                    shown = _Caption.of(due) if due else None
                canvas.draw(out, _pose(performance, frame, shot.mouth[index]), shown, gone, is_new_caption)
                yield out.buffer

    def _rig(self, avatar_id: str) -> Rig:
        if avatar_id not in self._rigs:
            frame = framing(self._width, self._height)
            # The body goes on a little below the picture, for breath stretches it upwards.
            foot = (self._height * (1 + 2 * _BREATH_HEIGHT) - frame.eye_y) / frame.scale
            self._rigs[avatar_id] = Rig(drawn_presenter(avatar_id), frame.scale, foot, self._cache)
        return self._rigs[avatar_id]


def _performances(shots: Sequence[SceneShot]) -> dict[str, Performance]:
    """Each presenter's movements over the whole film, seeded by the first shot they are in."""
    end = max((shot.start_frame + shot.frame_count for shot in shots), default=0)
    emphases: dict[str, NDArray[np.float32]] = {}
    seeds: dict[str, int] = {}
    for shot in shots:
        emphasis = emphases.setdefault(shot.avatar_id, np.zeros(end, np.float32))
        emphasis[shot.start_frame : shot.start_frame + shot.frame_count] = shot.emphasis
        seeds.setdefault(shot.avatar_id, shot.seed)
    return {avatar_id: perform(emphasis, seeds[avatar_id]) for avatar_id, emphasis in emphases.items()}


@dataclass(frozen=True, slots=True)
class _Pose:
    tilt: float
    shift_x: float
    shift_y: float
    breath: int
    eyes: EyeState
    mouth: MouthState


def _pose(performance: Performance, frame: int, mouth: NDArray[np.float32]) -> _Pose:
    openness, spread, tuck, tongue = mouth.tolist()
    return _Pose(
        tilt=float(performance.tilt[frame]),
        shift_x=float(performance.shift_x[frame]),
        shift_y=float(performance.shift_y[frame]),
        breath=round(float(performance.breath[frame]) * (_BREATH_STEPS - 1)),
        eyes=EyeState(
            int(performance.lids[frame]),
            int(performance.brows[frame]),
            int(performance.gaze_x[frame]),
            int(performance.gaze_y[frame]),
        ),
        mouth=mouth_state(openness, spread, tuck, tongue),
    )


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


class _Canvas:
    """A presenter before a background: what one shot draws on.

    `base` holds background and body without head and captions; pixels that a head or a caption
    leaves are restored from it.
    """

    def __init__(self, width: int, height: int, rig: Rig, color: str, cache: PartCache) -> None:
        self._rig, self._cache, self._color = rig, cache, color
        self._height = height
        self._framing = framing(width, height)
        self.whole = Rect(0, 0, width, height)
        self._background = backdrop(width, height, color)
        self.base = Frame.empty(width, height)
        copy_rect(self._background, self.base, self.whole)
        self._body_rect = self._covered(rig.body.left, rig.body.top, rig.body.planes, rig.body.scale, 4)
        # Tilt and sway carry the head's corners some 12 units; breath and nods less.
        self._head_rect = self._covered(rig.head.left, rig.head.top, rig.head.planes, rig.head.scale, 14)
        self._drawn: _Pose | None = None

    def _covered(self, left: float, top: float, planes: Planes, scale: float, margin: float) -> Rect:
        """The even rectangle of the picture that a sprite may touch."""
        rows, columns = planes.y.shape
        at, whole = self._framing, self.whole
        x0 = at.eye_x + (left - margin) * at.scale
        y0 = at.eye_y + (top - margin) * at.scale
        x1 = at.eye_x + (left + columns / scale + margin) * at.scale
        y1 = at.eye_y + (top + rows / scale + margin) * at.scale
        return Rect(
            max(int(x0) // 2 * 2, 0),
            max(int(y0) // 2 * 2, 0),
            min(int(x1) // 2 * 2 + 2, whole.right),
            min(int(y1) // 2 * 2 + 2, whole.bottom),
        )

    def draw(
        self, out: Frame, pose: _Pose, caption: _Caption | None, gone: Rect | None, is_new_caption: bool
    ) -> None:
        """Bring `out`, which holds this canvas's last frame, to `pose`."""
        last = self._drawn
        moved_body = last is None or last.breath != pose.breath
        if moved_body:
            self._put_body(pose.breath)
            copy_rect(self.base, out, self._body_rect)
        if gone is not None:
            copy_rect(self.base, out, gone)
        is_under_head = caption is not None and caption.rect.meets(self._head_rect)
        was_under_head = gone is not None and gone.meets(self._head_rect)
        redraws_head = moved_body or was_under_head or pose != last
        redraws_caption = caption is not None and (
            moved_body or is_new_caption or (is_under_head and redraws_head)
        )
        if redraws_caption and caption is not None:
            copy_rect(self.base, out, caption.rect)
        if redraws_head or (redraws_caption and is_under_head):
            self._put_head(out, pose, last)
        if redraws_caption and caption is not None:
            blend(out, caption.planes, caption.rect, out)
        self._drawn = pose

    def _put_body(self, breath: int) -> None:
        key = (id(self._rig), self._color, "body", breath)
        body = self._cache.get(key, _BodyPose, lambda: self._breathe(breath))
        rect = self._body_rect
        self.base.y[rect.luma], self.base.u[rect.chroma], self.base.v[rect.chroma] = body.y, body.u, body.v

    def _breathe(self, breath: int) -> "_BodyPose":
        """The body stretched upwards from below the picture: the shoulders rise, the chest hardly moves."""
        rect, sprite, at = self._body_rect, self._rig.body, self._framing
        rise = self._rise(breath)
        foot = at.eye_y + sprite.top * at.scale + sprite.planes.y.shape[0]
        shoulders = at.eye_y + 300.0 * at.scale
        stretch = 1 + rise / (foot - shoulders)
        # A result pixel at y shows the sprite's y' with foot - y = (foot - y') * stretch.
        to_source = np.array(
            [
                [1.0, 0.0, rect.left - at.eye_x - sprite.left * sprite.scale],
                [0.0, 1 / stretch, foot - (foot - rect.top) / stretch - at.eye_y - sprite.top * sprite.scale],
            ]
        )
        body = Frame.empty(*self.whole.size)
        blend(self._background, warp(sprite.planes, to_source, rect.size), rect, body)
        return _BodyPose(
            *(np.ascontiguousarray(p) for p in (body.y[rect.luma], body.u[rect.chroma], body.v[rect.chroma]))
        )

    def _rise(self, breath: int) -> float:
        """Pixels that the shoulders stand above their lowest."""
        return breath / (_BREATH_STEPS - 1) * _BREATH_HEIGHT * self._height

    def _put_head(self, out: Frame, pose: _Pose, last: _Pose | None) -> None:
        sprite, at, rect = self._rig.head, self._framing, self._head_rect
        if last is None or last.eyes != pose.eyes:
            self._rig.eyes(pose.eyes).put_on(sprite.planes)
        if last is None or last.mouth.openness != pose.mouth.openness:
            self._rig.jaw(pose.mouth.openness).put_on(sprite.planes)
        if last is None or last.mouth != pose.mouth:
            self._rig.mouth(pose.mouth).put_on(sprite.planes)
        cos, sin = np.cos(pose.tilt), np.sin(pose.tilt)
        ratio = sprite.scale / at.scale
        pivot_x = at.eye_x + pose.shift_x * at.scale
        pivot_y = at.eye_y + (_NECK_FOOT + pose.shift_y) * at.scale - self._rise(pose.breath)
        # Result pixel -> about the pivot, turned back -> sprite pixel. Pixel centres lie at halves in
        # the art's continuous frame, which is where the last half pixels come from.
        turn = np.array([[cos, sin], [-sin, cos]]) * ratio
        home = np.array([-sprite.left, _NECK_FOOT - sprite.top]) * sprite.scale
        offset = turn @ np.array([rect.left + 0.5 - pivot_x, rect.top + 0.5 - pivot_y]) + home - 0.5
        head = warp(sprite.planes, np.column_stack([turn, offset]), rect.size)
        blend(self.base, head, rect, out)


@dataclass(frozen=True, slots=True)
class _BodyPose:
    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        return self.y.nbytes + self.u.nbytes + self.v.nbytes


def backdrop(width: int, height: int, color: str) -> Frame:
    """The colour, with a soft light behind the presenter; along the picture's edges it is exact."""
    frame = Frame.empty(width, height)
    edge = code_color(color)
    # A light of white, so dark colours keep their hue and white stays white.
    share = 0.13
    light = [e + share * (w - e) for e, w in zip(edge, (235, 128, 128), strict=True)]
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / (width / 2)
    y = (np.arange(height, dtype=np.float32) + 0.5 - height * 0.45) / (height * 0.62)
    noise = np.random.default_rng(0)
    for top in range(0, height, 64):
        rows = slice(top, min(top + 64, height))
        fall = np.clip(1 - (x[None, :] ** 2 + y[rows, None] ** 2), 0, 1) ** 2
        # Dither: eight bits show steps in so slow a ramp.
        grain = noise.uniform(-0.5, 0.5, fall.shape).astype(np.float32) * (fall > 0)
        frame.y[rows] = np.rint(edge[0] + (light[0] - edge[0]) * fall + grain)
        half, half_grain = fall[::2, ::2], grain[::2, ::2]
        half_rows = slice(top // 2, top // 2 + half.shape[0])
        frame.u[half_rows] = np.rint(edge[1] + (light[1] - edge[1]) * half + half_grain)
        frame.v[half_rows] = np.rint(edge[2] + (light[2] - edge[2]) * half + half_grain)
    return frame
