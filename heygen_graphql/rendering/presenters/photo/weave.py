"""The portrait laid out so that a smooth motion of all of it costs little.

What sampling costs is reckoning where each pixel comes from. A weave holds at every place the four pixels
that four neighbours of the picture will ask for, so one sum places four: its channel c is the sprite moved
by c - 1.5 of the picture's pixels. Within four pixels a head's motion differs by some hundredths of one.
"""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.photo.fields import GRID, Singles
from heygen_graphql.rendering.presenters.photo.sampling import sampled
from heygen_graphql.rendering.presenters.planes import Bytes, Frame, Planes, Rect, blend

_GROUP = 4
_ALIGNED = 2 * _GROUP
"""Luma pixels: a group of chroma."""
MARGIN = 8
"""Columns of a sprite at whose weave neighbours beyond them have a say: a group's reach, in chroma too."""


@dataclass(frozen=True, slots=True)
class Weave:
    y: Bytes
    u: Bytes
    v: Bytes
    alpha: Bytes | None
    alpha_half: Bytes | None
    """None for a portrait without a hole."""
    pixel: float
    """A pixel of the picture in the sprite's pixels."""

    @classmethod
    def of(cls, planes: Planes, pixel: float, *, is_cut_out: bool) -> "Weave":
        y, u, v = (_woven(plane, pixel, is_cut_out=is_cut_out) for plane in (planes.y, planes.u, planes.v))
        if not is_cut_out:
            return cls(y, u, v, None, None, pixel)
        alpha, alpha_half = (
            _woven(plane, pixel, is_cut_out=True) for plane in (planes.alpha, planes.alpha_half)
        )
        return cls(y, u, v, alpha, alpha_half, pixel)

    @property
    def nbytes(self) -> int:
        planes = (self.y, self.u, self.v, self.alpha, self.alpha_half)
        return sum(plane.nbytes for plane in planes if plane is not None)

    def part(self, rect: Rect) -> "Weave":
        """A copy of the weave of a part of the sprite."""
        y, u, v = self.y[rect.luma].copy(), self.u[rect.chroma].copy(), self.v[rect.chroma].copy()
        if self.alpha is None or self.alpha_half is None:
            return Weave(y, u, v, None, None, self.pixel)
        return Weave(y, u, v, self.alpha[rect.luma].copy(), self.alpha_half[rect.chroma].copy(), self.pixel)

    def put(self, rect: Rect, part: "Weave") -> None:
        """Replace what is woven of a part of the sprite; a cut-out's outline stays."""
        self.y[rect.luma], self.u[rect.chroma], self.v[rect.chroma] = part.y, part.u, part.v

    def show(self, grid: Singles, rect: Rect, background: Frame, target: Frame) -> None:
        """Draw the picture in `rect` as the field `grid` (see `fields.Fields.at`) has it."""
        wide = Rect(
            rect.left // _ALIGNED * _ALIGNED, rect.top, -(-rect.right // _ALIGNED) * _ALIGNED, rect.bottom
        )
        luma, chroma = _places(grid, wide, self.pixel)
        skip = rect.left - wide.left
        width = rect.right - rect.left
        y = _shown(self.y, luma, skip, width)
        u, v = (_shown(plane, chroma, skip // 2, width // 2) for plane in (self.u, self.v))
        if self.alpha is None or self.alpha_half is None:
            target.y[rect.luma], target.u[rect.chroma], target.v[rect.chroma] = y, u, v
            return
        alpha = _shown(self.alpha, luma, skip, width)
        alpha_half = _shown(self.alpha_half, chroma, skip // 2, width // 2)
        blend(background, Planes(y, u, v, alpha, alpha_half), rect, target)


def _woven(plane: Bytes, pixel: float, *, is_cut_out: bool) -> Bytes:
    reach = ceil((_GROUP - 1) / 2 * pixel) + 2
    channels = []
    for channel in range(_GROUP):
        away = np.abs(np.arange(-reach, reach + 1) - (channel - (_GROUP - 1) / 2) * pixel)
        # Cubic's overshoot would lift premultiplied colours above their alpha.
        kernel = np.clip(1 - away, 0, 1) if is_cut_out else _cubic(away)
        # A filter along the rows: a tenth of what a warp takes to do the same.
        channels.append(cv2.filter2D(plane, -1, kernel.reshape(1, -1), borderType=cv2.BORDER_REPLICATE))
    return np.asarray(cv2.merge(channels), np.uint8)


def _cubic(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' convolution kernel (1981) with a = -0.75, the sharpness that OpenCV enlarges with."""
    a = -0.75
    near = (a + 2) * away**3 - (a + 3) * away**2 + 1
    far = a * (away**3 - 5 * away**2 + 8 * away - 4)
    return np.where(away <= 1, near, np.where(away < 2, far, 0.0))


def _places(grid: Singles, rect: Rect, pixel: float) -> tuple[Singles, Singles]:
    """(rows, groups, 2) each: where the middles of luma's and chroma's groups come from.

    The sprite's chroma lies in the middle of 2x2 luma samples, the picture's level with the left ones (see
    `planes.warp`).
    """
    width, height = rect.size
    # The grid's points lie half a step before each cell's corner; see `fields`.
    left, top = rect.left // GRID, rect.top // GRID
    part = grid[top : -(-rect.bottom // GRID) + 2, left : -(-rect.right // GRID) + 2]
    columns, rows = part.shape[1] * GRID, part.shape[0] * GRID
    x, y = rect.left - left * GRID + GRID, rect.top - top * GRID + GRID
    luma = cv2.resize(part, (columns // _GROUP, rows), interpolation=cv2.INTER_LINEAR)
    luma = luma[y : y + height, x // _GROUP : (x + width) // _GROUP]
    half = (part - np.array([0.5 * pixel + 0.5, 0.5], np.float32)) * np.float32(0.5)
    chroma = cv2.resize(half, (columns // _ALIGNED, rows // 2), interpolation=cv2.INTER_LINEAR)
    chroma = chroma[y // 2 : (y + height) // 2, x // _ALIGNED : (x + width) // _ALIGNED]
    return np.asarray(luma, np.float32), np.asarray(chroma, np.float32)


def _shown(plane: Bytes, where: Singles, skip: int, width: int) -> Bytes:
    rows, groups = where.shape[:2]
    return sampled(plane, where).reshape(rows, groups * _GROUP)[:, skip : skip + width]
