"""Where the lips of a portrait part: the mesh says roughly, the picture says exactly.

The mesh is off by some hundredths of the mouth's width, which would cut a lip in two. So the line
between the lips is looked for in the picture, in a strip along the mouth: as the region of teeth and
dark between red lips when the mouth is open, and as the darkest way from corner to corner when it is not.
"""

from dataclasses import dataclass
from math import cos, sin
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.photo.faces import Mesh
from heygen_graphql.rendering.presenters.photo.sampling import sampled
from heygen_graphql.rendering.presenters.pictures import Pixels

Floats = NDArray[np.float64]
Coordinates = TypeVar("Coordinates", NDArray[np.float32], NDArray[np.float64])
"""(..., 2)."""

_UPPER_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
_UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_LOWER_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
"""The mesh's rings, each from the person's right corner of the mouth to the left."""
_CORNERS = (61, 291)
_EYES = (33, 263)

COLUMNS = 129
"""Samples along the mouth, from corner to corner."""
_ROWS, _ROWS_REACH = 113, 0.7
"""The strip's samples across the mouth, and how far they reach up and down, in half widths."""
_CLOSED_BELOW = 0.055
"""A gap thinner than this share of the mouth's width is a shadow between closed lips."""
_THIN_TEETH, _TEETH_SHARE = 0.03, 0.3
"""Unless teeth show in it: they would stick to one of the lips."""
_FURTHEST_FROM_MESH = 0.26
_LEAST_REDNESS = 0.06
"""Lips that are no redder than the skin, in log(R/G), cannot be told from teeth by it."""


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """Upright coordinates of the face: u along the eyes to the picture's right, v down, in pixels."""

    x: float
    y: float
    angle: float

    def to_face(self, points: Coordinates) -> Coordinates:
        across, down = cos(self.angle), sin(self.angle)
        moved = points - np.array((self.x, self.y), points.dtype)
        return np.stack(
            [moved[..., 0] * across + moved[..., 1] * down, moved[..., 1] * across - moved[..., 0] * down],
            axis=-1,
        )

    def to_picture(self, points: Coordinates) -> Coordinates:
        across, down = cos(self.angle), sin(self.angle)
        return np.stack(
            [
                points[..., 0] * across - points[..., 1] * down + self.x,
                points[..., 0] * down + points[..., 1] * across + self.y,
            ],
            axis=-1,
        )


@dataclass(frozen=True, slots=True)
class Lips:
    """The lips' four lines as v over `COLUMNS` even steps of u from -half_width to +half_width.

    The frame's origin lies midway between the corners of the mouth.
    """

    frame: FaceFrame
    half_width: float
    upper_outer: Floats
    upper_inner: Floats
    """Where the upper lip ends; equal to `lower_inner` when the lips touch."""
    lower_inner: Floats
    lower_outer: Floats
    teeth_share: float
    """How much of the gap between the lips is bright, 0 to 1."""

    @property
    def is_closed(self) -> bool:
        return not np.any(self.lower_inner > self.upper_inner)

    @property
    def gap(self) -> float:
        """The mean opening over the middle half, as a share of the mouth's width."""
        middle = slice(COLUMNS // 4, -(COLUMNS // 4))
        return float(np.mean((self.lower_inner - self.upper_inner)[middle])) / (2 * self.half_width)


def find_lips(picture: Pixels, mesh: Mesh) -> Lips:
    points = mesh.points[:, :2]
    right, left = (points[corner] for corner in _CORNERS)
    along = points[_EYES[1]] - points[_EYES[0]]
    middle = (right + left) / 2
    frame = FaceFrame(float(middle[0]), float(middle[1]), float(np.arctan2(along[1], along[0])))
    half_width = float(frame.to_face(left)[0] - frame.to_face(right)[0]) / 2
    rings = [
        _line(frame, half_width, points[list(ring)])
        for ring in (_UPPER_OUTER, _UPPER_INNER, _LOWER_INNER, _LOWER_OUTER)
    ]
    strip = _Strip.of(picture, frame, half_width)
    upper, lower, teeth_share = _parting(strip, *rings)
    gap = lower - upper
    shows_teeth = teeth_share > _TEETH_SHARE and gap.max() > _THIN_TEETH * 2 * half_width
    if np.mean(gap) * 2 < _CLOSED_BELOW * 2 * half_width and not shows_teeth:
        upper = lower = _smooth(_seam(strip, (rings[1] + rings[2]) / 2))
        teeth_share = 0.0
    # The mesh's lips keep at least a thin red on both sides of where they were found to part.
    least = 0.06 * half_width * _lens()
    return Lips(
        frame,
        half_width,
        np.minimum(rings[0], upper - least),
        upper,
        lower,
        np.maximum(rings[3], lower + least),
        teeth_share,
    )


def _lens() -> Floats:
    """1 in the middle of the mouth, 0 at its corners."""
    x = np.linspace(-1, 1, COLUMNS)
    lens: Floats = 1 - x * x
    return lens


def _line(frame: FaceFrame, half_width: float, ring: Floats) -> Floats:
    """v over the columns; u is made to rise, which it may not where a corner is seen from the side."""
    u, v = frame.to_face(ring).T
    line = np.interp(np.linspace(-half_width, half_width, COLUMNS), np.maximum.accumulate(u), v)
    return np.asarray(line, np.float64)


@dataclass(frozen=True, slots=True)
class _Strip:
    """The mouth laid straight: rows are v, columns are u."""

    half_width: float
    redness: Floats
    """log(R / G)."""
    luma: Floats
    """0..1, of the picture's own transfer curve."""

    @classmethod
    def of(cls, picture: Pixels, frame: FaceFrame, half_width: float) -> "_Strip":
        u = np.linspace(-half_width, half_width, COLUMNS)
        v = np.linspace(-_ROWS_REACH, _ROWS_REACH, _ROWS) * half_width
        where = frame.to_picture(np.stack(np.meshgrid(u, v), axis=-1))
        blur = max(half_width / 90, 0.3)
        colors = sampled(np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8), where).astype(
            np.float64
        )
        redness = np.log((colors[..., 0] + 12) / (colors[..., 1] + 12))
        return cls(half_width, redness, colors @ (0.2126, 0.7152, 0.0722) / 255)

    def row(self, v: Floats) -> Floats:
        return (v / self.half_width + _ROWS_REACH) / (2 * _ROWS_REACH) * (_ROWS - 1)

    def v(self, row: Floats) -> Floats:
        return (row / (_ROWS - 1) * 2 - 1) * _ROWS_REACH * self.half_width

    def median(self, values: Floats, top: Floats, bottom: Floats) -> float:
        """Over the middle of the columns, between two lines."""
        rows = np.arange(_ROWS)[:, None]
        inside = (rows > self.row(top)) & (rows < self.row(bottom))
        inside[:, : COLUMNS // 5] = inside[:, -(COLUMNS // 5) :] = False
        return float(np.median(values[inside])) if inside.any() else float(np.median(values))


def _parting(
    strip: _Strip, upper_outer: Floats, upper_inner: Floats, lower_inner: Floats, lower_outer: Floats
) -> tuple[Floats, Floats, float]:
    """The inner lines of both lips by the picture, and how much of the gap is bright."""
    upper = upper_outer * 0.6 + upper_inner * 0.4, upper_outer * 0.3 + upper_inner * 0.7
    lower = lower_inner * 0.6 + lower_outer * 0.4, lower_inner * 0.3 + lower_outer * 0.7
    reds = [strip.median(strip.redness, *between) for between in (upper, lower)]
    lights = [strip.median(strip.luma, *between) for between in (upper, lower)]
    reach = 0.4 * strip.half_width
    skin = max(
        strip.median(strip.redness, upper_outer - reach, upper_outer - reach / 3),
        strip.median(strip.redness, lower_outer + reach / 3, lower_outer + reach),
    )
    red, light = float(np.mean(reds)), min(lights)
    # Teeth are less red than any skin; halfway between lip and skin is safely neither.
    bound = min((red + skin) / 2, red - 0.12)
    is_red_enough = red - skin > -_LEAST_REDNESS
    teeth = _rise(bound - strip.redness, 0.08) * _rise(strip.luma - 0.75 * light, 0.1)
    if not is_red_enough:
        teeth = teeth * _rise(strip.luma - 1.5 * light, 0.1)
    dark = _rise(0.42 * light - strip.luma, 0.05)
    # Skin is no redder than teeth are: only what lies within the mesh's lips may be inside.
    rows = np.arange(_ROWS)[:, None]
    slack = 0.045 * strip.half_width
    fade = 0.06 * _ROWS / (2 * _ROWS_REACH)
    allowed = np.minimum(
        _rise(rows - strip.row(np.maximum(upper_inner - slack, (upper_outer + upper_inner) / 2)), fade),
        _rise(strip.row(np.minimum(lower_inner + slack, (lower_outer + lower_inner) / 2)) - rows, fade),
    )
    inside = np.maximum(teeth, dark) * allowed
    top, bottom = _widest(strip, inside, upper_inner, lower_inner)
    gap = (rows >= top) & (rows < bottom)
    share = float(teeth[gap].mean()) if gap.any() else 0.0
    # Teeth end in scallops, lips do not.
    lines = (_smooth(_smooth(strip.v(edge.astype(np.float64)), 5.0), 5.0) for edge in (top, bottom))
    upper_line, lower_line = lines
    return upper_line, np.maximum(lower_line, upper_line), share


def _rise(value: Floats, width: float) -> Floats:
    return np.clip(value / width + 0.5, 0, 1)


def _widest(strip: _Strip, inside: Floats, upper: Floats, lower: Floats) -> tuple[NDArray[np.int64], ...]:
    """For each column the rows from which to which it is inside, as few steps up and down as pay.

    Viterbi's algorithm, over pairs (top, bottom) on a grid of every second row; the score of a pair is
    the sum of `inside` - 0.5 between them.
    """
    centre = strip.row((upper + lower) / 2)
    reach = _FURTHEST_FROM_MESH / (2 * _ROWS_REACH) * _ROWS
    first, last = int(max(centre.min() - reach, 0)), int(min(centre.max() + reach, _ROWS - 1))
    rows = np.arange(first, last + 1, 2)
    sums = np.vstack([np.zeros(COLUMNS), np.cumsum(inside - 0.5, axis=0)])[rows]
    tops, bottoms = np.meshgrid(rows, rows, indexing="ij")
    forbidden = tops > bottoms
    drift = 0.02 * (
        np.abs((tops + bottoms)[..., None] / 2 - centre)
        + np.maximum(np.abs(tops[..., None] - centre) - reach, 0)
    )
    n = len(rows)
    best = np.full((n, n), -np.inf)
    came = np.zeros((COLUMNS, n, n, 2), np.int8)
    steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    for column in range(COLUMNS):
        score = sums[None, :, column] - sums[:, None, column] - drift[..., column]
        score[forbidden] = -np.inf
        if column == 0:
            # The lips meet at the corner.
            best = np.where(tops == bottoms, score, -np.inf)
            continue
        options = np.stack([_shifted(best, a, b) - 0.35 * (abs(a) + abs(b)) for a, b in steps])
        choice = options.argmax(axis=0)
        came[column] = np.array(steps, np.int8)[choice]
        best = np.take_along_axis(options, choice[None], axis=0)[0] + score
    end = np.where(tops == bottoms, best, -np.inf)
    i, j = np.unravel_index(int(end.argmax()), end.shape)
    top, bottom = np.zeros(COLUMNS, np.int64), np.zeros(COLUMNS, np.int64)
    for column in range(COLUMNS - 1, -1, -1):
        top[column], bottom[column] = rows[i], rows[j]
        a, b = came[column, i, j]
        i, j = i - a, j - b
    return top, bottom


def _shifted(values: Floats, a: int, b: int) -> Floats:
    """`result[i, j] = values[i - a, j - b]`, minus infinity from outside."""
    result = np.full_like(values, -np.inf)
    n = len(values)
    to_i, to_j = slice(max(a, 0), n + min(a, 0)), slice(max(b, 0), n + min(b, 0))
    from_i, from_j = slice(max(-a, 0), n + min(-a, 0)), slice(max(-b, 0), n + min(-b, 0))
    result[to_i, to_j] = values[from_i, from_j]
    return result


def _seam(strip: _Strip, guess: Floats) -> Floats:
    """The darkest way from corner to corner, not far from the mesh's: Viterbi's algorithm again."""
    rows = np.arange(_ROWS)[:, None]
    local = cv2.GaussianBlur(strip.luma, (0, 0), sigmaX=2, sigmaY=_ROWS / 12)
    fine = cv2.GaussianBlur(strip.luma, (0, 0), sigmaX=1.5, sigmaY=1.0)
    valley = (fine - local) / (local.mean() + 0.02)
    away = np.abs(rows - strip.row(guess)) / _ROWS
    cost = valley + 1.2 * away + 14.0 * np.maximum(away - 0.09, 0)
    total = np.empty_like(cost)
    came = np.zeros(cost.shape, np.int8)
    total[:, 0] = cost[:, 0]
    for column in range(1, COLUMNS):
        before = total[:, column - 1]
        padded = np.pad(before, 1, constant_values=np.inf)
        options = np.stack([padded[2:] + 0.06, before, padded[:-2] + 0.06])
        choice = options.argmin(axis=0)
        came[:, column] = 1 - choice
        total[:, column] = np.take_along_axis(options, choice[None], axis=0)[0] + cost[:, column]
    row = int(total[:, -1].argmin())
    path = np.empty(COLUMNS)
    for column in range(COLUMNS - 1, -1, -1):
        path[column] = row
        row += int(came[row, column])
    return strip.v(path)


def _smooth(line: Floats, sigma: float = 3.0) -> Floats:
    """A Gaussian's average along the line, in columns; its ends stay."""
    reach = int(3 * sigma)
    padded = np.pad(line, reach, mode="reflect", reflect_type="odd")
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), mode="valid"), np.float64)
