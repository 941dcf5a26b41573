"""Sprites laid out so that a slight turn costs little.

What a warp costs is reckoning where each pixel comes from. A woven sprite holds at every place the four
pixels that four neighbours of the result will ask for, so that one sum places four: its channel c is the
sprite moved c steps to the left, a step being the sprite's pixels per result pixel. Turned by the 0.02
radians that heads turn, the outer two of the four are taken 0.03 pixels beside their place, as much as
OpenCV's own grid of 1/32 leaves open.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.planes import Bytes, Frame, Planes, Rect, blend

GROUP = 4
"""Pixels of the result that are placed at once."""
ALIGNMENT = 2 * GROUP
"""Luma pixels: a group of chroma."""

# OpenCV reckons places in 32-bit floats. With so few binary digits every sum is exact, so a window of a
# picture, warped by itself, has the very pixels that it has in the whole.
_GRAIN = 4096


@dataclass(frozen=True, slots=True)
class Turn:
    """How a picture looks into a sprite: 2x3 maps from groups of pixels, counted from `corner`."""

    luma: NDArray[np.float64]
    chroma: NDArray[np.float64]
    corner: tuple[int, int]

    @classmethod
    def of(cls, to_source: NDArray[np.float64], step: int, corner: tuple[int, int]) -> "Turn":
        """`to_source` is a 2x3 affine from luma pixel centres, counted from `corner`, to the sprite's.

        `corner` lies on multiples of ALIGNMENT. Chroma is sited as in `planes.warp`.
        """
        linear, offset = to_source[:, :2], to_source[:, 2]
        half = (linear @ (0.0, 0.5) + offset - 0.5) / 2
        return cls(_for_groups(linear, offset, step), _for_groups(linear, half, step), corner)


def _for_groups(linear: NDArray[np.float64], offset: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    across = (GROUP - 1) / 2
    # The group's middle is put in its true place; its first channel lies that much to the left, and the
    # weave begins (GROUP - 1) steps left of the sprite.
    start = linear[:, 0] * across + offset + (step * (GROUP - 1 - across), 0.0)
    return np.rint(np.column_stack([linear[:, 0] * GROUP, linear[:, 1], start]) * _GRAIN) / _GRAIN


@dataclass(frozen=True, slots=True)
class Woven:
    """A layer, woven. `alpha` and `alpha_half` are None where all of it is opaque."""

    y: Bytes
    u: Bytes
    v: Bytes
    alpha: Bytes | None
    alpha_half: Bytes | None

    @classmethod
    def of(cls, planes: Planes, step: int) -> "Woven":
        is_opaque = int(planes.alpha.min(initial=255)) == 255
        return cls(
            _woven(planes.y, step),
            _woven(planes.u, step),
            _woven(planes.v, step),
            None if is_opaque else _woven(planes.alpha, step),
            None if is_opaque else _woven(planes.alpha_half, step),
        )

    @property
    def nbytes(self) -> int:
        planes = (self.y, self.u, self.v, self.alpha, self.alpha_half)
        return sum(plane.nbytes for plane in planes if plane is not None)

    def show(self, turn: Turn, place: tuple[int, int], rect: Rect, under: Frame, target: Frame) -> None:
        """Lay the layer over `under` inside `rect`; the sum goes to `target`.

        `place` is the layer's corner in the sprite that `turn` looks into, even in both numbers.
        """
        left, right = rect.left // ALIGNMENT * ALIGNMENT, -(-rect.right // ALIGNMENT) * ALIGNMENT
        wide = Rect(left, rect.top, right, rect.bottom)
        within = Rect(rect.left - left, 0, rect.right - left, rect.bottom - rect.top)
        luma = _matrix(turn.luma, turn.corner, place, wide)
        halves = [tuple(number // 2 for number in pair) for pair in (turn.corner, place)]
        half = Rect(left // 2, rect.top // 2, right // 2, rect.bottom // 2)
        chroma = _matrix(turn.chroma, halves[0], halves[1], half)
        y = _sampled(self.y, luma, wide)[within.luma]
        u = _sampled(self.u, chroma, half)[within.chroma]
        v = _sampled(self.v, chroma, half)[within.chroma]
        if self.alpha is None or self.alpha_half is None:
            target.y[rect.luma], target.u[rect.chroma], target.v[rect.chroma] = y, u, v
        else:
            alpha = _sampled(self.alpha, luma, wide)[within.luma]
            alpha_half = _sampled(self.alpha_half, chroma, half)[within.chroma]
            blend(under, Planes(y, u, v, alpha, alpha_half), rect, target)


def _woven(plane: Bytes, step: int) -> Bytes:
    margin = step * (GROUP - 1)
    padded = cv2.copyMakeBorder(plane, 0, 0, margin, margin, cv2.BORDER_CONSTANT, value=0)
    width = plane.shape[1] + margin
    moved = [padded[:, step * channel : step * channel + width] for channel in range(GROUP)]
    return np.asarray(cv2.merge(moved), np.uint8)


def _matrix(
    turn: NDArray[np.float64], corner: tuple[int, ...], place: tuple[int, ...], rect: Rect
) -> NDArray[np.float64]:
    matrix = turn.copy()
    matrix[:, 2] += turn[:, 0] * ((rect.left - corner[0]) // GROUP) + turn[:, 1] * (rect.top - corner[1])
    matrix[:, 2] -= place
    return matrix


def _sampled(plane: Bytes, matrix: NDArray[np.float64], rect: Rect) -> Bytes:
    width, height = rect.size
    groups = cv2.warpAffine(
        plane,
        matrix,
        (width // GROUP, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return np.asarray(groups, np.uint8).reshape(height, width)
