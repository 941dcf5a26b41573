"""A presenter at one size, in movable parts: body, head, and the patches that eyes and mouth put on the head.

Parts are drawn when first asked for and kept in a bounded cache, so that a long film needs no more
memory than a short one.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters import presenter as drawn
from heygen_graphql.rendering.presenters.actor import (
    BROW_LEVELS,
    LID_LEVELS,
    OPENNESS_LEVELS,
    SPREAD_LEVELS,
    TONGUE_LEVELS,
    TUCK_LEVELS,
    EyeState,
    MouthState,
    mouth_state,
)
from heygen_graphql.rendering.presenters.eyes import Gaze
from heygen_graphql.rendering.presenters.mouth import JAW_DROP, MouthShape
from heygen_graphql.rendering.presenters.planes import Bytes, Planes, Rect, laid_over, to_planes
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter
from heygen_graphql.rendering.presenters.raster import rasterise
from heygen_graphql.rendering.presenters.svg import Drawing
from heygen_graphql.rendering.presenters.woven import Woven

__all__ = [
    "BROW_LEVELS",
    "LID_LEVELS",
    "OPENNESS_LEVELS",
    "EyeState",
    "MouthState",
    "PartCache",
    "Patch",
    "Rig",
    "Sprite",
    "mouth_state",
]


@dataclass(frozen=True, slots=True)
class Sprite:
    """A layer and where it lies: `left`, `top` are art units, `scale` is the sprite's pixels per art unit."""

    planes: Planes
    left: float
    top: float
    scale: float


@dataclass(frozen=True, slots=True)
class Patch:
    """What a window of the head sprite becomes; `place` is its even corner in sprite pixels."""

    place: tuple[int, int]
    size: tuple[int, int]
    """Width and height."""
    woven: Woven
    core: Rect
    """A part through which nothing shines, in sprite pixels."""

    @property
    def nbytes(self) -> int:
        return self.woven.nbytes


@dataclass(frozen=True, slots=True)
class _Ground:
    """What lies under and over the movable features in a rectangle of the head sprite."""

    rect: Rect
    under: Bytes
    over: Bytes


@dataclass(frozen=True, slots=True)
class _Picture:
    bgra: Bytes

    @property
    def nbytes(self) -> int:
        return self.bgra.nbytes


class Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


Part = TypeVar("Part", bound=Sized)


class PartCache:
    """Least recently used parts go first once `limit_bytes` is passed."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._held = limit_bytes, 0
        self._parts: OrderedDict[Hashable, Sized] = OrderedDict()

    def get(self, key: Hashable, kind: type[Part], make: Callable[[], Part]) -> Part:
        """The part called `key`; `make` draws it when it is not held."""
        held = self._parts.get(key)
        if isinstance(held, kind):
            self._parts.move_to_end(key)
            return held
        part = make()
        self._parts[key] = part
        self._held += part.nbytes
        while self._held > self._limit and len(self._parts) > 1:
            _, dropped = self._parts.popitem(last=False)
            self._held -= dropped.nbytes
        return part


_HEAD_WINDOW = (-236.0, -330.0, 472.0, 678.0)
"""Left, top, width, height in art units."""
_EYES_WINDOW = (-124.0, -92.0, 248.0, 132.0)
_JAW_WINDOW = (-124.0, 92.0, 248.0, 172.0)
_MOUTH_WINDOW = (-70.0, 94.0, 154.0, 112.0)
"""Inside the jaw's: mouths are many, so they are drawn in as little room as the widest needs."""
_BODY_LEFT, _BODY_TOP, _BODY_WIDTH = -484.0, 90.0, 968.0

# Bilinear sampling at a moving phase softens and sharpens a picture in turn: seen as shimmer in lashes
# and hair. Drawn twice as large and sampled down, every phase is equally sharp. Above 1080p a pixel is
# too small for this to show, and memory matters more.
_OVERSAMPLED_BELOW = 1.5
# Skin, eyes and mouths are drawn smaller than the sprite, yet about as large as the picture shows
# them: drawing costs by area, and their states are many.
_SOFT_SHARE, _SOFT_SHARE_PLAIN = 0.6, 0.85
_GAZE_STEP = 2.4
"""Art units per level of gaze."""


class Rig:
    """One drawn presenter at `scale` pixels per art unit; its body reaches `foot` units below the eyes."""

    def __init__(self, presenter: DrawnPresenter, scale: float, foot: float, cache: PartCache) -> None:
        self._presenter, self._cache = presenter, cache
        self._name = (presenter.avatar_id, scale)
        is_oversampled = scale < _OVERSAMPLED_BELOW
        self.step = 2 if is_oversampled else 1
        """Pixels of the head's sprite to one of the picture."""
        head_scale = scale * self.step
        self._soft_share = _SOFT_SHARE if is_oversampled else _SOFT_SHARE_PLAIN
        left, top, width, height = _HEAD_WINDOW
        self._grain = 2 * self.step
        """All places and sizes in the head's sprite are multiples of it: a pixel of the picture's chroma."""
        size = _rounded(width * head_scale, self._grain), _rounded(height * head_scale, self._grain)
        self._scale = head_scale
        under = rasterise(drawn.back_hair(presenter), left, top, *size, head_scale)
        under = laid_over(under, self._softly(drawn.skin(presenter), left, top, size))
        if presenter.beard:
            under = laid_over(under, rasterise(drawn.beard(presenter), left, top, *size, head_scale))
        over = rasterise(drawn.front_hair(presenter), left, top, *size, head_scale)
        # Every pixel of the sprite is warped in every frame: empty margins would cost as much as hair.
        used = _used(
            cv2.max(under[..., 3], over[..., 3]),
            [self._window(_EYES_WINDOW, left, top), self._window(_JAW_WINDOW, left, top)],
            self._grain,
        )
        under, over = under[used.luma], over[used.luma]
        self.head = Sprite(
            to_planes(laid_over(under, over)),
            left + used.left / head_scale,
            top + used.top / head_scale,
            head_scale,
        )
        head = self.head.planes
        core = _opaque_core(head.alpha, self._grain)
        self.bare_head = Patch((0, 0), head.y.shape[::-1], Woven.of(head, self.step), core)
        """All of the head, without mouth and open eyes: those are patches."""
        self._eyes_ground = self._ground(_EYES_WINDOW, under, over)
        self._jaw_ground = self._ground(_JAW_WINDOW, under, over)
        body = rasterise(
            drawn.body(presenter),
            _BODY_LEFT,
            _BODY_TOP,
            _rounded(_BODY_WIDTH * scale, 2),
            _rounded((foot - _BODY_TOP) * scale, 2),
            scale,
        )
        self.body = Sprite(to_planes(body), _BODY_LEFT, _BODY_TOP, scale)

    def eyes(self, state: EyeState) -> Patch:
        return self._cache.get((self._name, state), Patch, lambda: self._draw_eyes(state))

    def jaw(self, openness: int) -> Patch:
        """Cheeks and chin for a level of openness, without the mouth."""
        return self._cache.get((self._name, "jaw", openness), Patch, lambda: self._draw_jaw(openness))

    def mouth(self, state: MouthState) -> Patch:
        """The mouth and the skin around it; it belongs on the jaw of its openness."""
        return self._cache.get((self._name, state), Patch, lambda: self._draw_mouth(state))

    def _draw_eyes(self, state: EyeState) -> Patch:
        ground = self._eyes_ground
        gaze = Gaze(
            closed=state.lids / (LID_LEVELS - 1), x=state.gaze_x * _GAZE_STEP, y=state.gaze_y * _GAZE_STEP
        )
        raised = state.brows / (BROW_LEVELS - 1)
        # Brows and eyes move apart from each other: each is drawn once per state of its own.
        brows = self._cache.get(
            (self._name, "brows", state.brows),
            _Picture,
            lambda: _Picture(self._drawn_on(ground.rect, drawn.brows(self._presenter, raised))),
        )
        eyes = self._cache.get(
            (self._name, "eyes", gaze),
            _Picture,
            lambda: _Picture(self._drawn_on(ground.rect, drawn.eyes(self._presenter, gaze))),
        )
        return self._patch(ground, laid_over(laid_over(ground.under, brows.bgra), eyes.bgra))

    def _draw_jaw(self, openness: int) -> Patch:
        return self._patch(self._jaw_ground, self._skin(openness).bgra)

    def _draw_mouth(self, state: MouthState) -> Patch:
        shape = MouthShape(
            state.openness / (OPENNESS_LEVELS - 1),
            state.spread / (SPREAD_LEVELS - 1) * 2 - 1,
            state.tuck / (TUCK_LEVELS - 1),
            state.tongue / (TONGUE_LEVELS - 1),
        )
        rect = self._window(_MOUTH_WINDOW, self.head.left, self.head.top)
        jaw = self._jaw_ground.rect
        within = (
            slice(rect.top - jaw.top, rect.bottom - jaw.top),
            slice(rect.left - jaw.left, rect.right - jaw.left),
        )
        ground = _Ground(rect, self._skin(state.openness).bgra[within], self._jaw_ground.over[within])
        mouth = self._drawn_on(rect, drawn.mouth(self._presenter, shape))
        return self._patch(ground, laid_over(ground.under, mouth))

    def _patch(self, ground: _Ground, bgra: Bytes) -> Patch:
        planes = to_planes(laid_over(bgra, ground.over))
        place = (ground.rect.left, ground.rect.top)
        core = _opaque_core(planes.alpha, self._grain).moved(*place)
        return Patch(place, ground.rect.size, Woven.of(planes, self.step), core)

    def _skin(self, openness: int) -> _Picture:
        """The lower face at a level of openness, without mouth and front hair."""
        return self._cache.get(
            (self._name, "skin", openness),
            _Picture,
            lambda: _Picture(
                self._with_dropped_jaw(self._jaw_ground.under, openness / (OPENNESS_LEVELS - 1))
            ),
        )

    def _drawn_on(self, rect: Rect, drawing: Drawing) -> Bytes:
        """The drawing's part in a rectangle of the head sprite."""
        left, top = self.head.left + rect.left / self._scale, self.head.top + rect.top / self._scale
        return self._softly(drawing, left, top, rect.size)

    def _softly(self, drawing: Drawing, left: float, top: float, size: tuple[int, int]) -> Bytes:
        """Drawn small and enlarged to `size`."""
        share = self._soft_share
        small = rasterise(
            drawing, left, top, round(size[0] * share), round(size[1] * share), self._scale * share
        )
        # Linear, not cubic: cubic's overshoot would lift premultiplied colours above their alpha.
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)

    def _ground(self, window: tuple[float, float, float, float], under: Bytes, over: Bytes) -> _Ground:
        rect = self._window(window, self.head.left, self.head.top)
        return _Ground(rect, under[rect.luma].copy(), over[rect.luma].copy())

    def _window(self, window: tuple[float, float, float, float], from_left: float, from_top: float) -> Rect:
        """The window, given in art units, in pixels of a sprite whose corner is at the given art units."""
        left, top, width, height = window
        x, y, wide, high = (
            _rounded(units * self._scale, self._grain)
            for units in (left - from_left, top - from_top, width, height)
        )
        return Rect(x, y, x + wide, y + high)

    def _with_dropped_jaw(self, skin: Bytes, openness: float) -> Bytes:
        """The lower face pulled down: most at the chin, nothing at the window's border."""
        left, top, width, height = _JAW_WINDOW
        rows, columns = skin.shape[:2]
        x = np.linspace(left, left + width, columns)
        y = np.linspace(top, top + height, rows)
        across = _smooth((110 - np.abs(x - self._presenter.face.turn * 0.5)) / 62)
        down = _smooth((y - 118) / 46) * _smooth((262 - y) / 52)
        drop = JAW_DROP * openness * self._scale * np.outer(down, across)
        grid_y, grid_x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        warped = cv2.remap(
            skin,
            grid_x,
            (grid_y - drop).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(warped, np.uint8)


def _smooth(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Perlin's smoothstep."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def _used(alpha: cv2.typing.MatLike, windows: Sequence[Rect], grain: int) -> Rect:
    """The least rectangle of multiples of `grain` that holds every pixel that shows, and the windows."""
    x, y, width, height = cv2.boundingRect(np.asarray(alpha, np.uint8))
    return Rect(
        min(x // grain * grain, *(window.left for window in windows)),
        min(y // grain * grain, *(window.top for window in windows)),
        max(-(-(x + width) // grain) * grain, *(window.right for window in windows)),
        max(-(-(y + height) // grain) * grain, *(window.bottom for window in windows)),
    )


def _opaque_core(alpha: Bytes, grain: int) -> Rect:
    """A large rectangle of opaque pixels only, in multiples of `grain`: the largest of a coarse grid's."""
    cell = 4 * grain
    rows, columns = alpha.shape[0] // cell, alpha.shape[1] // cell
    cells = alpha[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell).min(axis=(1, 3)) == 255
    best, most = Rect(0, 0, 0, 0), 0
    for top in range(rows):
        is_opaque = np.ones(columns, bool)
        for bottom in range(top, rows):
            is_opaque &= cells[bottom]
            edges = np.flatnonzero(np.diff(np.concatenate(([False], is_opaque, [False])).astype(np.int8)))
            for left, right in edges.reshape(-1, 2).tolist():
                area = (right - left) * (bottom + 1 - top)
                if area > most:
                    best, most = Rect(left * cell, top * cell, right * cell, (bottom + 1) * cell), area
    return best


def _rounded(length: float, grain: int) -> int:
    return round(length / grain) * grain
