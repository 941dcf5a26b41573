"""Blinks, glances and raised brows, by moving the portrait's own skin.

An upper lid comes down over the eye as skin does: what lies between brow and lashes is drawn out
evenly, the lashes keep their shape and ride on its edge, and the eye below stays as it is.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.photo.faces import Mesh
from heygen_graphql.rendering.presenters.photo.lips import FaceFrame
from heygen_graphql.rendering.presenters.photo.rigfile import whole_blocks
from heygen_graphql.rendering.presenters.photo.sampling import sampled, step
from heygen_graphql.rendering.presenters.pictures import Pixels
from heygen_graphql.rendering.presenters.planes import Rect

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_RIGHT_BROW, _LEFT_BROW = (46, 53, 52, 65, 55), (285, 295, 282, 283, 276)
"""The mesh's lower edge of each brow, from the picture's left to its right."""
_COLUMNS = 65
_BRIDGE, _UNDER_RIGHT, _UNDER_LEFT = (9, 5), (230, 205), (450, 425)
"""Lines of the mesh that glasses cross: down the nose, and from under each eye down the cheek."""
_RIM = 0.28
"""Bare faces measured 0.02 to 0.24, a horn-rimmed one 0.6 to 0.8."""
_MEETS_AT = 0.90
"""Lids meet this far down: the lower one rises a little."""
_LOWER_RISE, _LOWER_SLACK = 0.10, 0.06
_LID_REACH = 1.5
"""How far from the eye's middle the skin still comes down with its lid, in half widths of the eye."""
_LASHES = 0.16
"""Of the eye's height: the strip above the lid's edge that is moved unstretched."""
_LEAST_LID = 0.45
"""Of the eye's height: less skin than this above it would be drawn out too thin; then the brow gives some."""
_BROW_RAISE, _BROW_REACH = 0.020, 0.10
"""How far a brow goes up, and how far beyond its ends skin goes along."""
_GAZE_STEP = 0.003
"""All three of the face's width."""


@dataclass(frozen=True, slots=True)
class _Eye:
    """Lines as v over `_COLUMNS` even steps of u from `centre` - `half` to `centre` + `half`."""

    centre: float
    half: float
    upper: Floats
    lower: Floats
    brow: Floats
    """Where the skin that the lid may take begins."""
    height: float

    @classmethod
    def of(cls, frame: FaceFrame, ring: Floats, brow: Floats) -> "_Eye":
        points = frame.to_face(ring)
        lower, upper = points[:9], np.vstack([points[:1], points[9:], points[8:9]])
        if lower[0, 0] > lower[-1, 0]:
            lower, upper = lower[::-1], upper[::-1]
        centre, half = (lower[0, 0] + lower[-1, 0]) / 2, (lower[-1, 0] - lower[0, 0]) / 2
        u = centre + np.linspace(-half, half, _COLUMNS)
        lid, floor = (
            _smooth(np.interp(u, np.maximum.accumulate(line[:, 0]), line[:, 1])) for line in (upper, lower)
        )
        floor = np.maximum(floor, lid)
        height = float((floor - lid).max())
        edge = np.interp(u, *frame.to_face(brow).T)
        return cls(
            float(centre), float(half), lid, floor, np.minimum(edge, lid - _LEAST_LID * height), height
        )


@dataclass(frozen=True, slots=True)
class _Field:
    """An eye's lines at every pixel of a part of the window."""

    part: tuple[slice, slice]
    x: Singles
    """-1 to 1 from corner to corner."""
    is_near: NDArray[np.bool_]
    upper: Singles
    lower: Singles
    brow: Singles
    soft_gap: Singles
    """How far the eye is open, spread out beyond its corners."""


class Eyes:
    """Draws both eyes and brows of one portrait in their states."""

    def __init__(self, picture: Pixels, mesh: Mesh, frame: FaceFrame) -> None:
        self._picture, self._face_width, self._frame = picture, mesh.width, frame
        points = mesh.points[:, :2]
        self._eyes = tuple(
            _Eye.of(frame, ring, points[list(brow)])
            for ring, brow in ((mesh.right_eye, _RIGHT_BROW), (mesh.left_eye, _LEFT_BROW))
        )
        brows = np.vstack([frame.to_face(points[list(brow)]) for brow in (_RIGHT_BROW, _LEFT_BROW)])
        brows = brows[brows[:, 0].argsort()]
        self._brow_u, self._brow_v = brows.T
        self._forehead = 0.16 * mesh.width
        self.has_glasses = _has_glasses(picture, mesh)
        self.rect = self._window()
        x = np.arange(self.rect.left, self.rect.right)
        y = np.arange(self.rect.top, self.rect.bottom)
        uv = frame.to_face(np.stack(np.meshgrid(x, y), axis=-1).astype(np.float64))
        self._u, self._v = uv[..., 0].astype(np.float32), uv[..., 1].astype(np.float32)
        self._raising = self._brow_weight().astype(np.float32)
        self._fields = tuple(self._field(eye) for eye in self._eyes)

    def _field(self, eye: _Eye) -> "_Field":
        near = np.abs(self._u - eye.centre) < _LID_REACH * eye.half
        near &= (self._v > eye.brow.min() - 2) & (self._v < eye.lower.max() + eye.height)
        left, top, width, height = cv2.boundingRect(near.astype(np.uint8))
        part = slice(top, top + height), slice(left, left + width)
        x = (self._u[part] - eye.centre) / eye.half
        upper, lower, brow = (_at(line, x).astype(np.float32) for line in (eye.upper, eye.lower, eye.brow))
        wide = np.linspace(-_LID_REACH, _LID_REACH, 2 * _COLUMNS)
        gap = np.where(np.abs(wide) < 1, _at(eye.lower, wide) - _at(eye.upper, wide), 0)
        soft = cv2.GaussianBlur(gap.reshape(1, -1), (0, 0), 0.2 * _COLUMNS / _LID_REACH).reshape(-1)
        soft_gap = np.interp(x.ravel(), wide, soft * np.cos(wide / _LID_REACH * np.pi / 2) ** 0.5).reshape(
            x.shape
        )
        return _Field(part, x, np.abs(x) < 1.0, upper, lower, brow, soft_gap.astype(np.float32))

    def _window(self) -> Rect:
        right, left = self._eyes
        beside = _BROW_REACH * self._face_width
        low_u = min(right.centre - _LID_REACH * right.half, float(self._brow_u[0]) - beside)
        high_u = max(left.centre + _LID_REACH * left.half, float(self._brow_u[-1]) + beside)
        low_v = float(self._brow_v.min()) - self._forehead * 1.15
        high_v = max(float(eye.lower.max() + 0.8 * eye.height) for eye in self._eyes)
        corners = np.array([[u, v] for u in (low_u, high_u) for v in (low_v, high_v)])
        low, high = (f(self._frame.to_picture(corners), axis=0) for f in (np.min, np.max))
        return whole_blocks(low, high, self._picture.shape)

    def _brow_weight(self) -> Floats:
        """How much of a brow's way each pixel goes: all at the brow, none at lids and hairline."""
        line = np.interp(self._u, self._brow_u, self._brow_v)
        below = np.full_like(self._u, 0.08 * self._face_width)
        for eye in self._eyes:
            x = (self._u - eye.centre) / eye.half
            room = _at(eye.upper, x) - 0.12 * eye.height - line
            below = np.where(np.abs(x) < 1.5, np.minimum(below, np.maximum(room, 1.0)), below)
        weight = np.where(
            self._v < line, step(1 - (line - self._v) / self._forehead), step(1 - (self._v - line) / below)
        )
        outer = np.minimum(self._u - self._brow_u[0], self._brow_u[-1] - self._u)
        weight *= step(1 + outer / (_BROW_REACH * self._face_width))
        return np.asarray(weight, np.float64)

    def draw(self, closed: float, raised: float, gaze_x: int = 0, gaze_y: int = 0) -> Pixels:
        """The window: lids closed and brows raised 0 to 1, the gaze in steps to the right and down."""
        if not (closed or raised or gaze_x or gaze_y):
            return self._picture[self.rect.luma].copy()
        source_u = self._u.copy()
        source_v = self._v + _BROW_RAISE * self._face_width * raised * self._raising
        if self.has_glasses:
            # The rim would go up along with the brows.
            source_v = self._v.copy()
        shade = np.ones_like(source_v)
        lid_v, lids = source_v.copy(), np.zeros_like(source_v)
        for eye, field in zip(self._eyes, self._fields, strict=True):
            u, v = source_u[field.part], source_v[field.part].copy()
            gap = field.lower - field.upper
            edge = field.upper + closed * _MEETS_AT * gap
            if closed:
                top = field.upper if self.has_glasses else field.brow
                # The edge is as soft as the pixels are.
                lid = np.clip(edge + 1.5 - v, 0, 1) * (v > top)
                if self.has_glasses:
                    lid *= field.is_near
                    skin = _mirrored(field, edge, v)
                    lash = np.exp(-(((v - edge) / (0.07 * eye.height)) ** 2))
                    # Lids lie deeper behind the lenses than the cheek does.
                    dim = 0.14 + 0.5 * lash * (1 - field.x**2)
                    shade[field.part] -= lid * dim
                else:
                    skin = _drawn_out(field, edge, v, closed, _LASHES * eye.height)
                lid_v[field.part] = np.where(lid > 0, skin, lid_v[field.part])
                lids[field.part] = np.maximum(lids[field.part], lid)
                # The lower lid comes up a little, from somewhat below its line: a sliver of white would stay.
                rise = _LOWER_RISE * closed * gap
                share = np.clip(1 - np.abs(v - field.lower) / (0.6 * eye.height), 0, 1)
                share *= 1 + _LOWER_SLACK / _LOWER_RISE
                rising = field.is_near & (v > field.lower - rise)
                source_v[field.part] = np.where(rising, v + rise * share, v)
                # The lid's edge throws a shadow on the eye.
                shadow = 0.30 * closed * np.exp(-np.maximum(v - edge, 0) / (0.12 * eye.height))
                is_eye = field.is_near & (v > edge) & (v < field.lower)
                shade[field.part] -= np.where(is_eye, shadow, 0)
            if gaze_x or gaze_y:
                free = np.minimum(v - field.upper, field.lower - v) / (0.30 * eye.height)
                free = np.clip(free, 0, 1) * np.clip((1 - np.abs(field.x)) / 0.35, 0, 1)
                step = _GAZE_STEP * self._face_width * free
                source_u[field.part], source_v[field.part] = u - gaze_x * step, v - gaze_y * step
        moved = self._sampled(source_u, source_v)
        if not closed:
            return moved
        share = lids[..., None]
        mixed = moved * (1 - share) + self._sampled(source_u, lid_v) * share
        shaded: Pixels = np.rint(mixed * shade[..., None]).astype(np.uint8)
        return shaded

    def _sampled(self, u: Singles, v: Singles) -> Pixels:
        where = self._frame.to_picture(np.stack([u, v], axis=-1))
        return sampled(self._picture, where, smoothly=True)


def _drawn_out(field: "_Field", edge: Singles, v: Singles, closed: float, lashes: float) -> Singles:
    """Where a lid's skin comes from: drawn out between brow and lashes, while lashes only move.

    Away from its edge the lid comes down along a smoother and wider line, or the crease above it would be
    torn at the corners of the eye.
    """
    room = np.maximum(edge - field.brow, 1e-3)
    place = (v - field.brow) / room
    exact = closed * _MEETS_AT * (field.lower - field.upper)
    way = closed * _MEETS_AT * field.soft_gap
    way = way + (exact - way) * step((place - 0.35) / 0.55)
    drawn = np.clip(place / np.clip(1 - lashes / room, 0.5, 1), 0, 1)
    return np.asarray(v - way * drawn, np.float32)


def _mirrored(field: "_Field", edge: Singles, v: Singles) -> Singles:
    """Behind glasses a rim may lie where the lid's skin would come from: the skin below the eye serves."""
    below: Singles = field.lower + 0.12 * (field.lower - field.upper) + 0.9 * (edge - v)
    return below


def _has_glasses(picture: Pixels, mesh: Mesh) -> bool:
    """Whether something hard-edged lies across the nose's bridge, or under both eyes."""
    bridge, right, left = (_steepest(picture, mesh, *line) for line in (_BRIDGE, _UNDER_RIGHT, _UNDER_LEFT))
    return bool((bridge > _RIM and max(right, left) > _RIM) or min(right, left) > _RIM)


def _steepest(picture: Pixels, mesh: Mesh, start: int, end: int) -> float:
    """The greatest step of brightness along a line of the mesh, as a share of its mean."""
    first, last = mesh.points[start, :2], mesh.points[end, :2]
    along = (last - first) / np.hypot(*(last - first))
    across = np.array([-along[1], along[0]]) * np.linspace(-0.02, 0.02, 7)[:, None] * mesh.width
    points = first + np.linspace(0, 1, 60)[:, None, None] * (last - first) + across
    profile = cv2.GaussianBlur(sampled(picture, points).mean(axis=(1, 2)).reshape(-1, 1), (1, 5), 1).reshape(
        -1
    )
    return float(np.abs(profile[4:] - profile[:-4]).max() / (profile.mean() + 10))


def _at(line: Floats, x: NDArray[np.floating[Any]]) -> Floats:
    """The line's value at x in -1..1; beyond the corners theirs."""
    flat = np.interp(x.ravel(), np.linspace(-1, 1, _COLUMNS), line)
    value: Floats = flat.reshape(x.shape)
    return value


def _smooth(line: Floats) -> Floats:
    padded = np.pad(line, 6, mode="reflect", reflect_type="odd")
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 2.5) ** 2)
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), mode="valid"), np.float64)
