"""Where a portrait lies in the picture."""

from dataclasses import dataclass

import numpy as np

from heygen_graphql.rendering.presenters.framing import framing
from heygen_graphql.rendering.presenters.photo.rigfile import Geometry

_MOST_ENLARGED = 1.2
"""The portrait may lose this much at its edges if the picture is filled better so."""
_LOWEST_EYES = 0.46
"""Of the picture's height: a cut-out whose chest is missing stands this low rather than larger."""
FARTHEST = 14.0
"""Art units: no pose brings a point of the head farther than this from its place."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Picture = portrait * scale + offset, both measured from their corners in pixels."""

    scale: float
    x: float
    y: float


def whole_placement(geometry: Geometry, size: tuple[int, int], width: int, height: int) -> Placement:
    """The whole portrait in the picture, or all but a rim of it; the head is never cut."""
    columns, rows = size
    fitting, covering = sorted((width / columns, height / rows))
    scale = min(covering, fitting * _MOST_ENLARGED)
    head = geometry.chin - geometry.crown
    if (head + 60 * geometry.unit) * scale > height:
        scale = fitting
    x, y = (width - columns * scale) / 2, (height - rows * scale) / 2
    if x < 0:
        x = float(np.clip(width / 2 - geometry.eye_x * scale, width - columns * scale, 0))
    if y < 0:
        # What is too much goes from below rather than from the hair.
        y = max(y, -max(geometry.crown - 30 * geometry.unit, 0) * scale)
    return Placement(scale, x, y)


def cutout_placement(geometry: Geometry, size: tuple[int, int], width: int, height: int) -> Placement:
    """Head and shoulders where drawn presenters stand, and never a cut edge in sight."""
    columns, rows = size
    # Shoulders that the portrait cuts off may be shown if its sides lie outside of the picture, sway and all.
    whole = _standing(geometry, rows - geometry.eye_y, width, height)
    slack = FARTHEST * geometry.unit * whole.scale
    if whole.x <= -slack and whole.x + columns * whole.scale >= width + slack:
        return whole
    return _standing(geometry, geometry.floor - geometry.eye_y, width, height)


def _standing(geometry: Geometry, below: float, width: int, height: int) -> Placement:
    """`below` is how much of the portrait, in its pixels, there is to show below the eyes."""
    at = framing(width, height)
    scale, eye_y = at.scale / geometry.unit, at.eye_y
    if below * scale < height - eye_y:
        # The portrait ends too soon: it stands lower and, as far as the hair has room, larger.
        room = (geometry.eye_y - geometry.crown) * 1.12
        larger = min(height * (1 - _LOWEST_EYES) / below, height / (below + room))
        scale = max(larger, scale)
        eye_y = height - below * scale
    return Placement(scale, at.eye_x - geometry.eye_x * scale, eye_y - geometry.eye_y * scale)
