"""The mouth in all its states: the person's own lips, cheeks and chin moved, and what shows between them.

All displacement is told in the face's upright coordinates (`lips.FaceFrame`). The jaw drags the skin
down as one smooth field; each lip adds its own way to that and shares it with the skin as far as the
nose or the chin; the corners go with the jaw's field alone, so that both lips agree there. Of every pixel
of the result it is asked where in the portrait it comes from, seen from above the gap and from below it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.photo.faces import Mesh
from heygen_graphql.rendering.presenters.photo.interior import Interior, Opening
from heygen_graphql.rendering.presenters.photo.lips import COLUMNS, Lips
from heygen_graphql.rendering.presenters.photo.rigfile import whole_blocks
from heygen_graphql.rendering.presenters.photo.sampling import sampled, step
from heygen_graphql.rendering.presenters.pictures import Pixels
from heygen_graphql.rendering.presenters.planes import Rect

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_NOSE_BASE, _CHIN = 2, 152

_WIDEST_GAP = 0.118
"""Of the face's width: some 16 mm, an open vowel in lively speech."""
_GAP_POWER = 0.95
_JAW_SHARE = 0.85
"""How far the chin goes of what the gap opens."""
_UPPER_SHARE = 0.13
"""How much of the gap the upper lip makes by rising."""
_SPREADING, _ROUNDING = 0.07, 0.24
"""How much wider, and narrower, the mouth becomes."""
_CHEEK_REACH, _CHEEK_REACHES = 0.43, (1.65, 2.0)
"""Cheeks are drawn along this far from the mouth's middle, of the face's width; in half widths of the mouth
no less or more than these."""
_HANGING = 0.7
"""How much of the upper lip's way up a rounded mouth takes back."""
_LENS_REACH = 0.94
"""Lips part up to this share of the way to the corners."""
_GRID = 4
"""Pixels a step: displacements are smooth, so they are computed sparsely and enlarged."""
_INVERSIONS = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """What a mouth does: as `visemes.MouthPose`, each number within its range."""

    openness: float
    spread: float
    tuck: float
    tongue: float


class Mouth:
    """Draws mouth shapes for one portrait."""

    def __init__(self, picture: Pixels, mesh: Mesh, lips: Lips) -> None:
        self._picture, self._lips, self._face_width = picture, lips, mesh.width
        half = lips.half_width
        nose, chin = lips.frame.to_face(mesh.points[[_NOSE_BASE, _CHIN], :2])[:, 1]
        self._nose = min(float(nose), -0.25 * half)
        self._chin = max(float(chin), 0.8 * half)
        self._neck = self._chin + 0.85 * half
        self._jaw_half = 0.5 * mesh.width
        self._cheeks = float(np.clip(_CHEEK_REACH * mesh.width / half, *_CHEEK_REACHES))
        self.rect = self._window()
        self._grid = self._face_grid()
        # Ends a pixel or so inside the lips, lest a fringe of teeth sticks to them.
        trim = 0.0 if lips.is_closed else 0.012 * half
        gap = (lips.lower_inner > lips.upper_inner).astype(np.float64)
        self._upper = lips.upper_inner - trim * gap
        self._lower = lips.lower_inner + trim * gap
        self._closing = (self._upper + self._lower) / 2
        self._interior = Interior(picture, lips, mesh)

    def _window(self) -> Rect:
        """What of the picture mouths may change."""
        half, frame = self._lips.half_width, self._lips.frame
        across = max(self._jaw_half, 1.9 * half)
        corners = np.array([[x, y] for x in (-across, across) for y in (self._nose, self._neck)])
        low, high = (f(frame.to_picture(corners), axis=0) for f in (np.min, np.max))
        return whole_blocks(low, high, self._picture.shape)

    def _face_grid(self) -> Floats:
        """(rows, columns, 2): u and v of sparse pixels of the window, and of one more on every side.

        Without those, an enlarged grid would stop short of the window's edges, and a seam would show there.
        """
        columns, rows = (-(-pixels // _GRID) + 2 for pixels in self.rect.size)
        x = self.rect.left + (np.arange(columns) - 0.5) * _GRID - 0.5
        y = self.rect.top + (np.arange(rows) - 0.5) * _GRID - 0.5
        return self._lips.frame.to_face(np.stack(np.meshgrid(x, y), axis=-1))

    def draw(self, shape: Shape) -> Pixels:
        """The window with the mouth in this shape."""
        window = self._picture[self.rect.luma]
        if self._lips.is_closed and shape == Shape(0.0, 0.0, 0.0, 0.0):
            return window.copy()
        lines = self._lines(shape)
        u, v = self._grid[..., 0], self._grid[..., 1]
        source_u = u * self._squeeze(u, v, lines.width)
        x = source_u / self._lips.half_width
        from_above = self._inverted(lambda at: self._drop(lines, x, source_u, at, is_upper=True), v)
        from_below = self._inverted(lambda at: self._drop(lines, x, source_u, at, is_upper=False), v)
        under_upper = v - _at(lines.upper, x)
        under_lower = v - _at(lines.lower, x)
        above, below = self._enlarged(under_upper), self._enlarged(under_lower)
        # Halfway through the gap the sources change: what shows of either lip ends before that.
        is_lower = above + below > 0
        sources = zip(self._sources(source_u, from_above), self._sources(source_u, from_below), strict=True)
        where = [np.where(is_lower, self._enlarged(low), self._enlarged(up)) for up, low in sources]
        result = sampled(self._picture, np.stack(where, axis=-1), smoothly=True)
        if not self._lips.is_closed:
            self._touch(result, x, above, below)
        soft = max(1.2, 0.012 * self._lips.half_width)
        gap = np.clip(above / soft + 0.5, 0, 1) - np.clip(below / soft + 0.5, 0, 1)
        left, top, width, height = cv2.boundingRect((gap > 0.004).astype(np.uint8))
        if width and height:
            part = slice(top, top + height), slice(left, left + width)
            points = np.stack([self._enlarged(u)[part], self._enlarged(v)[part], above[part], -below[part]])
            inside = self._interior.draw(points, lines.opening)
            share = gap[part][..., None]
            result[part] = np.rint(result[part] * (1 - share) + inside * share)
        return result

    def _lines(self, shape: Shape) -> "_Lines":
        half = self._lips.half_width
        x = np.linspace(-1, 1, COLUMNS)
        rounded, spread = max(-shape.spread, 0.0), max(shape.spread, 0.0)
        width = 1 + _SPREADING * spread - _ROUNDING * rounded - 0.04 * shape.openness
        gap = _WIDEST_GAP * self._face_width * shape.openness**_GAP_POWER * (1 - 0.1 * spread)
        drop = gap * _JAW_SHARE
        # A smile's corners are sharp, a rounded mouth's are not.
        smile = np.clip((2 * half / self._face_width - 0.38) / 0.08, 0, 1)
        lens = np.clip(1 - (x / _LENS_REACH) ** 2, 0, None) ** (0.9 - 0.3 * rounded + 0.35 * smile)
        # What the lips leave open in the portrait is closed from both sides.
        parted = self._closing - self._upper
        teeth = np.zeros(COLUMNS)
        roll = np.zeros(COLUMNS)
        opening = gap * lens
        if shape.tuck:
            # The upper teeth rest on the lower lip, which has rolled in under them.
            thickness = np.clip(self._lips.lower_outer - self._lower, 0, None)
            teeth = 0.028 * self._face_width * shape.tuck * lens
            roll = 0.5 * shape.tuck * thickness * np.clip(lens, 0, 1)
            opening = np.maximum(opening * (1 - shape.tuck), teeth)
        # Rounded lips are pushed forward, and the upper one hangs before its teeth.
        raised = (np.minimum(0.5 * opening, parted) + _UPPER_SHARE * opening) * (1 - _HANGING * rounded)
        raised += 0.35 * teeth
        dragged = self._jaw_field(drop, x * half, self._closing) * (1 - np.clip(lens, 0, 1))
        upper = self._closing + dragged - raised
        lower = upper + opening
        return _Lines(
            width,
            drop,
            upper,
            lower,
            upper - self._upper,
            lower - (self._lower + roll),
            Opening(
                gap / (_WIDEST_GAP * self._face_width),
                rounded,
                shape.tuck,
                shape.tongue,
                drop,
                float(lower.max()),
            ),
        )

    def _squeeze(self, u: Floats, v: Floats, width: float) -> Floats:
        """By what u is to be multiplied to come to the portrait's."""
        half = self._lips.half_width
        away = np.abs(u) / half
        across = 1 - step((away - width) / (self._cheeks - width))
        up, down = step(1 - v / self._nose), step((self._chin - v) / (self._chin - 0.35 * half))
        return 1 + (1 / width - 1) * across * np.where(v < 0, up, down)

    def _jaw_field(self, drop: float, u: Floats, v: Floats) -> Floats:
        """How far the skin at (u, v) of the portrait goes down with the jaw."""
        across = 1 - step((np.abs(u) / self._jaw_half - 0.45) / 0.55)
        down = step((v - self._nose) / (self._chin - self._nose))
        return drop * across * down * (1 - step((v - self._chin) / (self._neck - self._chin)))

    def _drop(self, lines: "_Lines", x: Floats, u: Floats, v: Floats, *, is_upper: bool) -> Floats:
        field = self._jaw_field(lines.drop, u, v)
        if is_upper:
            lip, own = self._upper, lines.upper_way
            outer = _at(self._lips.upper_outer, x)
            held = step((v - self._nose) / np.maximum(outer - self._nose, 1e-3))
        else:
            lip, own = self._lower, lines.lower_way
            outer = _at(self._lips.lower_outer, x)
            held = 1 - step((v - outer) / np.maximum(self._chin - outer, 1e-3))
        at_lip = self._jaw_field(lines.drop, u, _at(lip, x))
        inside = np.abs(x) <= 1
        return field + np.where(inside, (_at(own, x) - at_lip) * held, 0)

    def _inverted(self, drop: Callable[[Floats], Floats], v: Floats) -> Floats:
        source = v
        for _ in range(_INVERSIONS):
            source = v - drop(source)
        return source

    def _enlarged(self, sparse: Floats) -> Singles:
        width, height = self.rect.size
        rows, columns = sparse.shape
        whole = cv2.resize(
            sparse.astype(np.float32), (columns * _GRID, rows * _GRID), interpolation=cv2.INTER_LINEAR
        )
        return np.asarray(whole[_GRID : _GRID + height, _GRID : _GRID + width], np.float32)

    def _sources(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """x and y in the portrait."""
        where = self._lips.frame.to_picture(np.stack([u, v], axis=-1))
        return where[..., 0], where[..., 1]

    def _touch(self, result: Pixels, x: Floats, above: Singles, below: Singles) -> None:
        """The shadow where lips that were apart in the portrait meet."""
        reach = 0.020 * self._lips.half_width
        distance = np.maximum(np.abs(above), np.abs(below))
        rows = np.flatnonzero((distance < 3 * reach).any(axis=1))
        if not len(rows):
            return
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        ends = self._enlarged(np.clip((1 - np.abs(x)) / 0.15, 0, 1))[part]
        shade = 1 - 0.42 * np.exp(-((distance[part] / reach) ** 2)) * ends
        result[part] = np.rint(result[part] * shade[..., None])


@dataclass(frozen=True, slots=True)
class _Lines:
    width: float
    """Of the mouth, as a share of the portrait's."""
    drop: float
    """Of the chin, pixels."""
    upper: Floats
    """v of the inner lines in the result, over the columns."""
    lower: Floats
    upper_way: Floats
    """How far each lip's inner line went."""
    lower_way: Floats
    opening: Opening


def _at(line: Floats, x: Floats) -> Floats:
    """The line's value at x in -1..1; beyond the corners theirs."""
    place = np.clip((x + 1) / 2 * (COLUMNS - 1), 0, COLUMNS - 1)
    low = np.minimum(place.astype(np.int64), COLUMNS - 2)
    part = place - low
    value: Floats = line[low] * (1 - part) + line[low + 1] * part
    return value
