"""Sprites laid out so that a slight turn costs little.

What a warp costs is reckoning where each pixel comes from. A woven sprite holds at every place the four
pixels that four neighbours of the result will ask for, so that one sum places four: its channel c is the
sprite moved c steps to the left, a step being the sprite's pixels per result pixel. Turned by the 0.02
radians that heads turn, the outer two of the four are taken 0.03 pixels beside their place, as much as
OpenCV's own grid of 1/32 leaves open.

A weave is four times as large as its sprite, and what it costs in the end is reading it from memory. So
chroma, whose sharpness nobody sees, is woven at the picture's own resolution whatever the sprite's.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from heygen_graphql.rendering.presenters.planes import Bytes, Frame, Planes, Rect, blend

GROUP = 4
"""Pixels of the result that are placed at once."""
ALIGNMENT = 2 * GROUP
"""Luma pixels: a group of chroma."""
# OpenCV places this many groups at once with AVX-512, half as many with AVX2; groups left over at the end
# of a row, and all of a batch that looks beyond the source's border, one by one: thirteen cost as much as
# eighty. So rows are made of whole batches, and weaves have margins to look at.
_LANES = 16
LEAD = GROUP - 1 + ALIGNMENT
"""Steps of margin on the left."""

# OpenCV reckons places in 32-bit floats. With so few binary digits every sum is exact, so a window of a
# picture, warped by itself, has the very pixels that it has in the whole.
_GRAIN = 4096


@dataclass(frozen=True, slots=True)
class Affine:
    """A result's pixel (x, y) lies at (xx * x + xy * y + x0, yx * x + yy * y + y0) in its source.

    Plain numbers: for six of them, arrays would take longer than all the sums.
    """

    xx: float
    xy: float
    x0: float
    yx: float
    yy: float
    y0: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.xx * x + self.xy * y + self.x0, self.yx * x + self.yy * y + self.y0

    def inverse(self, x: float, y: float) -> tuple[float, float]:
        """The result's place of a source's."""
        determinant = self.xx * self.yy - self.xy * self.yx
        x, y = x - self.x0, y - self.y0
        return (self.yy * x - self.xy * y) / determinant, (self.xx * y - self.yx * x) / determinant

    def moved(self, x0: float, y0: float) -> "Affine":
        return Affine(self.xx, self.xy, x0, self.yx, self.yy, y0)


@dataclass(frozen=True, slots=True)
class Turn:
    """How a picture looks into a sprite: maps from groups of pixels, counted from `corner`."""

    luma: Affine
    chroma: Affine
    corner: tuple[int, int]

    @classmethod
    def of(cls, to_source: Affine, step: int, corner: tuple[int, int]) -> "Turn":
        """`to_source` is for luma pixel centres; `corner` lies on multiples of ALIGNMENT.

        Chroma is sited as in `planes.warp`.
        """
        luma = to_source.moved(*to_source.at(*corner))
        # Chroma (i, j) lies at luma (2i, 2j + 0.5); the weave's, in the middle of 2 x 2 of `step` pixels.
        x, y = luma.at(0, 0.5)
        halved = Affine(luma.xx / step, luma.xy / step, 0.0, luma.yx / step, luma.yy / step, 0.0)
        size, middle = 2 * step, step - 0.5
        chroma = halved.moved((x - middle) / size, (y - middle) / size)
        return cls(_for_groups(luma, step), _for_groups(chroma, 1), corner)


def _for_groups(to_source: Affine, step: int) -> Affine:
    across = (GROUP - 1) / 2
    # The group's middle is put in its true place; its first channel lies that much to the left.
    x, y = to_source.at(across, 0)
    x += step * (LEAD - across)
    numbers = (to_source.xx * GROUP, to_source.xy, x, to_source.yx * GROUP, to_source.yy, y)
    return Affine(*(round(number * _GRAIN) / _GRAIN for number in numbers))


@dataclass(frozen=True, slots=True)
class Woven:
    """A layer, woven. `alpha` and `alpha_half` are None where all of it is opaque."""

    y: Bytes
    u: Bytes
    v: Bytes
    alpha: Bytes | None
    alpha_half: Bytes | None
    step: int

    @classmethod
    def of(cls, planes: Planes, step: int) -> "Woven":
        """Width and height of the layer are multiples of 2 * `step`."""
        is_opaque = int(planes.alpha.min(initial=255)) == 255
        return cls(
            _woven(planes.y, step),
            _woven(_shrunk(planes.u, step), 1),
            _woven(_shrunk(planes.v, step), 1),
            None if is_opaque else _woven(planes.alpha, step),
            None if is_opaque else _woven(_shrunk(planes.alpha_half, step), 1),
            step,
        )

    @property
    def nbytes(self) -> int:
        planes = (self.y, self.u, self.v, self.alpha, self.alpha_half)
        return sum(plane.nbytes for plane in planes if plane is not None)

    def show(
        self, turn: Turn, place: tuple[int, int], rect: Rect, under: Frame, target: Frame, core: Rect
    ) -> None:
        """Lay the layer over `under` inside `rect`; the sum goes to `target`.

        `place` is the layer's corner in the sprite that `turn` looks into, in multiples of 2 * `step`.
        `core` is a part of `rect` through which nothing shines: alpha is not looked at there.
        """
        view = _View(turn, place, self.step)
        y, u, v = view.luma(self.y, rect), view.chroma(self.u, rect), view.chroma(self.v, rect)
        if self.alpha is None or self.alpha_half is None:
            target.y[rect.luma], target.u[rect.chroma], target.v[rect.chroma] = y, u, v
            return
        if core.right > core.left and core.bottom > core.top:
            inside = core.moved(-rect.left, -rect.top)
            target.y[core.luma] = y[inside.luma]
            target.u[core.chroma], target.v[core.chroma] = u[inside.chroma], v[inside.chroma]
            rims = _rims(rect, core)
        else:
            rims = [rect]
        for rim in rims:
            alpha, alpha_half = view.luma(self.alpha, rim), view.chroma(self.alpha_half, rim)
            inside = rim.moved(-rect.left, -rect.top)
            layer = Planes(y[inside.luma], u[inside.chroma], v[inside.chroma], alpha, alpha_half)
            blend(under, layer, rim, target)


@dataclass(frozen=True, slots=True)
class _View:
    """Rectangles of the picture, seen in the planes of a layer at `place` in the turned sprite."""

    turn: Turn
    place: tuple[int, int]
    step: int

    def luma(self, plane: Bytes, rect: Rect) -> Bytes:
        return self._seen(plane, self.turn.luma, rect, 1, 1)

    def chroma(self, plane: Bytes, rect: Rect) -> Bytes:
        return self._seen(plane, self.turn.chroma, rect, 2, 2 * self.step)

    def _seen(self, plane: Bytes, turn: Affine, rect: Rect, size: int, place_size: int) -> Bytes:
        corner, place = self.turn.corner, self.place
        left, top = rect.left // ALIGNMENT * ALIGNMENT, rect.top
        groups = -(-(rect.right - left) // (size * GROUP * _LANES)) * _LANES
        height = (rect.bottom - top) // size
        x, y = turn.at((left - corner[0]) // (size * GROUP), (top - corner[1]) // size)
        x, y = x - place[0] // place_size, y - place[1] // place_size
        seen = cv2.warpAffine(
            plane,
            np.array(((turn.xx, turn.xy, x), (turn.yx, turn.yy, y))),
            (groups, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        )
        skipped = (rect.left - left) // size
        row = np.asarray(seen, np.uint8).reshape(height, groups * GROUP)
        return row[:, skipped : skipped + rect.size[0] // size]


def _widened(start: int, end: int, limit: int, least: int) -> int:
    return end if end == start else max(end, min(start + least, limit))


def _rims(whole: Rect, core: Rect) -> list[Rect]:
    """What is left of `whole` around `core`; those beside it are no narrower than a batch is wide."""
    batch = GROUP * _LANES
    rims = (
        Rect(whole.left, whole.top, whole.right, core.top),
        Rect(whole.left, core.top, _widened(whole.left, core.left, core.right, batch), core.bottom),
        Rect(-_widened(-whole.right, -core.right, -core.left, batch), core.top, whole.right, core.bottom),
        Rect(whole.left, core.bottom, whole.right, whole.bottom),
    )
    return [rim for rim in rims if rim.right > rim.left and rim.bottom > rim.top]


def _shrunk(plane: Bytes, step: int) -> Bytes:
    rows, columns = plane.shape
    size = (columns // step, rows // step)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8) if step > 1 else plane


def _woven(plane: Bytes, step: int) -> Bytes:
    batch = step * GROUP * _LANES
    lead, width = step * LEAD, plane.shape[1] + step * ALIGNMENT
    tail = -width % batch + step * ALIGNMENT
    padded = cv2.copyMakeBorder(plane, 0, 0, lead, tail + step * (GROUP - 1), cv2.BORDER_CONSTANT, value=0)
    columns = lead + plane.shape[1] + tail
    moved = [padded[:, step * channel : step * channel + columns] for channel in range(GROUP)]
    return np.asarray(cv2.merge(moved), np.uint8)
