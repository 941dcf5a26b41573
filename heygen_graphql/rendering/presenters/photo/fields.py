"""How a portrait moves: one smooth field, of which every pose is a weighted sum.

The head moves as a whole, the neck blends, the shoulders follow the breath alone, and everything stands
still where the portrait ends. Fields are kept on a sparse grid and enlarged for each frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.actor import BREATH_STEPS, Pose
from heygen_graphql.rendering.presenters.photo.placement import FARTHEST, Placement
from heygen_graphql.rendering.presenters.photo.rigfile import PhotoRig
from heygen_graphql.rendering.presenters.photo.sampling import step
from heygen_graphql.rendering.presenters.planes import Rect

Singles = NDArray[np.float32]

GRID = 16
"""Pixels of the picture a step."""
_HEAD_SHARE = 0.8
"""A portrait's head moves a little less than a drawn one: what is around it moves along."""
_BREATH_UNITS = 2.2
"""How far the shoulders rise; art units, as are all measures below, from the eyes down."""
_NECK_FOOT = 270.0
_HEAD_ENDS = (150.0, 350.0)
_CHEST_ENDS = (300.0, 760.0)
_RIM = 34.0
"""Over this width the field fades towards the portrait's edges."""
_WORKED_SIDE = 240
_CLEARANCE, _SOFTNESS = 45.0, 90.0
"""Where the person's outline is known: how far around it all moves along, and how far motion takes to end."""
_LEAST_WEIGHT = 2e-3


@dataclass(frozen=True, slots=True)
class Fields:
    """Arrays over the grid; x and y are in pixels of the sprite that is sampled."""

    still: Singles
    """(rows, columns, 2): where each point of the picture comes from at rest."""
    right: Singles
    """(rows, columns, 2) each: how that changes by a unit's shift to the right, downwards, by a radian's
    tilt and by a whole breath."""
    down: Singles
    tilt: Singles
    breath: Singles
    moving: Rect
    """What of the picture the head's motion may change."""
    breathing: Rect

    def at(self, pose: Pose) -> Singles:
        """(rows, columns, 2): where each point of the picture comes from in this pose."""
        where = self.still + self.breath * np.float32(pose.breath / (BREATH_STEPS - 1))
        if pose.shift_x:
            where += self.right * np.float32(pose.shift_x)
        if pose.shift_y:
            where += self.down * np.float32(pose.shift_y)
        if pose.tilt:
            where += self.tilt * np.float32(pose.tilt)
        return where


def reach(rig: PhotoRig, scale: float) -> float:
    """Pixels of the picture that a point of the head may move by."""
    return (_HEAD_SHARE * FARTHEST + _BREATH_UNITS) * rig.geometry.unit * scale


def fields(rig: PhotoRig, at: Placement, ratio: float, size: tuple[int, int], *, is_cut_out: bool) -> Fields:
    """`ratio` is the sprite's pixels a pixel of the portrait."""
    width, height = size
    # One step beyond the picture on every side, so that any part of it can be enlarged.
    columns, rows = -(-width // GRID) + 2, -(-height // GRID) + 2
    x = (np.arange(columns) - 0.5) * GRID
    y = (np.arange(rows) - 0.5) * GRID
    points = np.stack(np.meshgrid((x - at.x) / at.scale, (y - at.y) / at.scale), axis=-1)
    geometry = rig.geometry
    face = (points - (geometry.eye_x, geometry.eye_y)) / geometry.unit
    head, body = _weights(rig, points, face, at.scale, is_cut_out=is_cut_out)
    # From art units to the sprite's pixels, against the motion: the sprite is asked where a point was.
    units = -geometry.unit * ratio
    zero = np.zeros_like(head)
    share = head * _HEAD_SHARE
    tilt = np.stack([-(face[..., 1] - _NECK_FOOT) * share, face[..., 0] * share], axis=-1)
    breath = np.stack([zero, -_BREATH_UNITS * body], axis=-1)
    return Fields(
        still=(points * ratio - 0.5).astype(np.float32),
        right=(np.stack([share, zero], axis=-1) * units).astype(np.float32),
        down=(np.stack([zero, share], axis=-1) * units).astype(np.float32),
        tilt=(tilt * units).astype(np.float32),
        breath=(breath * units).astype(np.float32),
        moving=_touched(head, size),
        breathing=_touched(body, size),
    )


def _weights(
    rig: PhotoRig, points: NDArray[np.float64], face: NDArray[np.float64], scale: float, *, is_cut_out: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much of the head's motion and of the breath each point follows, 0 to 1."""
    x, y = face[..., 0], face[..., 1]
    down_head = 1 - step((y - _HEAD_ENDS[0]) / (_HEAD_ENDS[1] - _HEAD_ENDS[0]))
    down_chest = 1 - step((y - _CHEST_ENDS[0]) / (_CHEST_ENDS[1] - _CHEST_ENDS[0]))
    if is_cut_out:
        head, body = down_head, down_chest
    elif rig.has_matte:
        near = _near_person(rig, points)
        head, body = near * down_head, near * down_chest
    else:
        around = 1 - step((np.hypot(x / 190, (y + 20) / 265) - 1) / 0.55)
        wide = np.clip((y - 170) / 160, 0, 1) * (1 - step((np.abs(x) - 420) / 340))
        body = np.maximum(around, wide) * down_chest
        head = around * down_head
    # Nothing moves at the portrait's edges, nor beyond them.
    edges = np.minimum(points, np.array([rig.width, rig.height]) - points).min(axis=-1)
    if is_cut_out:
        edges = rig.height - points[..., 1]
    # Between the grid's points weights are mixtures: a whole cell before the edge is still.
    inside = step((edges - GRID / scale) / (_RIM * rig.geometry.unit))
    return _settled(head * inside), _settled(body * inside)


def _settled(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the motion that nobody sees: outside of what moves, frames must be the same in every pose."""
    return np.where(weight > _LEAST_WEIGHT, weight, 0.0)


def _near_person(rig: PhotoRig, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 on the person, and falling to 0 around them: what is behind them is drawn out softly."""
    scale = min(_WORKED_SIDE / max(rig.width, rig.height), 1.0)
    size = (max(round(rig.width * scale), 2), max(round(rig.height * scale), 2))
    small = cv2.resize(rig.matte, size, interpolation=cv2.INTER_AREA)
    # Continued beyond the portrait, lest its edge should count as the person's.
    unit = rig.geometry.unit * scale
    margin = int(_SOFTNESS * unit) + 2
    small = cv2.copyMakeBorder(small, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    reach = max(int(_CLEARANCE * unit), 1)
    grown = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    soft = cv2.GaussianBlur(grown.astype(np.float32) / 255, (0, 0), _SOFTNESS * unit / 2.5)
    places = (points * scale + margin - 0.5).astype(np.float32)
    weight = cv2.remap(
        soft, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(weight, np.float64)


def _touched(weight: NDArray[np.float64], size: tuple[int, int]) -> Rect:
    """The even rectangle of the picture within which the weight is not nothing."""
    left, top, columns, rows = cv2.boundingRect((weight > 0).astype(np.uint8))
    return Rect((left - 2) * GRID, (top - 2) * GRID, (left + columns) * GRID, (top + rows) * GRID).clipped(
        Rect(0, 0, *size)
    )
