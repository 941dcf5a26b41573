"""A drawn presenter before a background, drawn anew only where the pose changed.

A still head costs the rectangle of its mouth; a moving one is shown through one slight turn, and its
face, mouth and eyes as patches through the same.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import reduce
from math import cos, floor, sin

import numpy as np

from heygen_graphql.rendering.presenters.actor import BREATH_STEPS, Pose
from heygen_graphql.rendering.presenters.framing import framing
from heygen_graphql.rendering.presenters.planes import Bytes, Frame, Rect, blend, copy_rect, warp
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter
from heygen_graphql.rendering.presenters.rig import PartCache, Patch, Rig, Sprite
from heygen_graphql.rendering.presenters.woven import ALIGNMENT, Affine, Turn

_BREATH_HEIGHT = 0.003
"""How far the shoulders rise, as a share of the picture's height."""
_NECK_FOOT = 270.0
"""Art units below the eyes: the head turns about this point."""
_SHOULDERS = 300.0
"""Art units below the eyes."""


def rig_for(presenter: DrawnPresenter, width: int, height: int, cache: PartCache) -> Rig:
    """The presenter at the size that they have in a picture of `width` x `height` pixels."""
    at = framing(width, height)
    # The body goes on a little below the picture, for breath stretches it upwards.
    foot = (height * (1 + 2 * _BREATH_HEIGHT) - at.eye_y) / at.scale
    return Rig(presenter, at.scale, foot, cache)


class DrawnActor:
    """See `actor.Actor`. `name` tells this presenter before this background from all others in the cache."""

    def __init__(self, rig: Rig, background: Frame, name: Hashable, cache: PartCache) -> None:
        height, width = background.y.shape
        self._rig, self._background, self._name, self._cache = rig, background, name, cache
        self._height: int = height
        self._at = framing(width, height)
        self._whole = Rect(0, 0, width, height)
        self._base = Frame.empty(width, height)
        """Background and body, without the head."""
        self.frame = Frame.empty(width, height)
        for frame in (self._base, self.frame):
            copy_rect(background, frame, self._whole)
        self._body_rect = self._reach(rig.body)
        # Near the head, so that numbers stay small; see `woven`.
        self._corner = (int(self._at.eye_x) // ALIGNMENT * ALIGNMENT, int(self._at.eye_y) // 2 * 2)
        self._head_rect = self._body_rect
        """What the head covered last."""
        self._pose: Pose | None = None

    def take(self, pose: Pose) -> Rect | None:
        last, self._pose = self._pose, pose
        if pose == last:
            return None
        rig, to_sprite = self._rig, self._to_sprite(pose)
        turn = Turn.of(to_sprite, rig.step, self._corner)
        if last is not None and replace(last, eyes=pose.eyes, mouth=pose.mouth) == pose:
            rects = [self._put_inside(patch, turn, to_sprite) for patch in self._patches(pose, last)]
            return reduce(Rect.joined, rects)
        changed = self._head_rect if last is not None else self._whole
        if last is None or last.breath != pose.breath:
            self._put_body(pose.breath)
            changed = changed.joined(self._body_rect)
        copy_rect(self._base, self.frame, changed)
        self._head_rect = _around(rig.bare_head, to_sprite).clipped(self._whole)
        self._put(rig.bare_head, self._head_rect, turn, to_sprite)
        for patch in self._patches(pose, None):
            self._put_inside(patch, turn, to_sprite)
        return changed.joined(self._head_rect)

    def _patches(self, pose: Pose, last: Pose | None) -> list[Patch]:
        """Those that make a face of `last` one of `pose`, or of a bare head; the jaw lies under the mouth."""
        rig, patches = self._rig, []
        # A jaw at rest is in the bare head already.
        if pose.mouth.openness != (last.mouth.openness if last else 0):
            patches.append(rig.jaw(pose.mouth.openness))
        if last is None or last.mouth != pose.mouth:
            patches.append(rig.mouth(pose.mouth))
        if last is None or last.eyes != pose.eyes:
            patches.append(rig.eyes(pose.eyes))
        return patches

    def _put_inside(self, patch: Patch, turn: Turn, to_sprite: Affine) -> Rect:
        (x, y), (width, height) = patch.place, patch.size
        rect = _inside(Rect(x, y, x + width, y + height), to_sprite).clipped(self._whole)
        self._put(patch, rect, turn, to_sprite)
        return rect

    def _put(self, patch: Patch, rect: Rect, turn: Turn, to_sprite: Affine) -> None:
        core = _inside(patch.core, to_sprite).clipped(rect)
        patch.woven.show(turn, patch.place, rect, self._base, self.frame, core)

    def _to_sprite(self, pose: Pose) -> Affine:
        """From the picture's luma pixel centres to those of the head's sprite."""
        sprite, at = self._rig.head, self._at
        step = self._rig.step
        across, down = cos(pose.tilt) * step, sin(pose.tilt) * step
        pivot_x = at.eye_x + pose.shift_x * at.scale
        pivot_y = at.eye_y + (_NECK_FOOT + pose.shift_y) * at.scale - self._rise(pose.breath)
        # About the pivot, turned back. Pixel centres lie at halves in the art's continuous frame, which
        # is where the last half pixels come from.
        turn = Affine(across, down, 0.0, -down, across, 0.0)
        x, y = turn.at(0.5 - pivot_x, 0.5 - pivot_y)
        return turn.moved(
            x - sprite.left * sprite.scale - 0.5, y + (_NECK_FOOT - sprite.top) * sprite.scale - 0.5
        )

    def _rise(self, breath: int) -> float:
        """Pixels that the shoulders stand above their lowest."""
        return breath / (BREATH_STEPS - 1) * _BREATH_HEIGHT * self._height

    def _reach(self, sprite: Sprite) -> Rect:
        """The even rectangle of the picture that a breathing body may touch."""
        rows, columns = sprite.planes.y.shape
        at = self._at
        left = int(at.eye_x + (sprite.left - 4) * at.scale) // 2 * 2
        top = int(at.eye_y + (sprite.top - 4) * at.scale - self._rise(BREATH_STEPS - 1)) // 2 * 2
        right = int(at.eye_x + (sprite.left + 4) * at.scale + columns) // 2 * 2 + 2
        return Rect(left, top, right, top + rows + self._whole.bottom).clipped(self._whole)

    def _put_body(self, breath: int) -> None:
        body = self._cache.get((self._name, "body", breath), _Body, lambda: self._breathe(breath))
        rect = self._body_rect
        self._base.y[rect.luma], self._base.u[rect.chroma], self._base.v[rect.chroma] = body.y, body.u, body.v

    def _breathe(self, breath: int) -> "_Body":
        """The body stretched upwards from below the picture: the shoulders rise, the chest hardly moves."""
        rect, sprite, at = self._body_rect, self._rig.body, self._at
        foot = at.eye_y + sprite.top * at.scale + sprite.planes.y.shape[0]
        stretch = 1 + self._rise(breath) / (foot - at.eye_y - _SHOULDERS * at.scale)
        # A result pixel at y shows the sprite's y' with foot - y = (foot - y') * stretch.
        to_source = np.array(
            [
                [1.0, 0.0, rect.left - at.eye_x - sprite.left * sprite.scale],
                [0.0, 1 / stretch, foot - (foot - rect.top) / stretch - at.eye_y - sprite.top * sprite.scale],
            ]
        )
        blend(self._background, warp(sprite.planes, to_source, rect.size), rect, self._base)
        base = self._base
        return _Body(base.y[rect.luma].copy(), base.u[rect.chroma].copy(), base.v[rect.chroma].copy())


@dataclass(frozen=True, slots=True)
class _Body:
    """The body before the background, at one step of a breath."""

    y: Bytes
    u: Bytes
    v: Bytes

    @property
    def nbytes(self) -> int:
        return self.y.nbytes + self.u.nbytes + self.v.nbytes


def _in_picture(part: Rect, to_sprite: Affine, inset: float) -> list[tuple[float, float]]:
    """Where the corners of a part of the sprite fall, drawn in by `inset`; clockwise from the upper left."""
    left, top = part.left + inset, part.top + inset
    right, bottom = part.right - 1 - inset, part.bottom - 1 - inset
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [to_sprite.inverse(*corner) for corner in corners]


def _around(patch: Patch, to_sprite: Affine) -> Rect:
    """The least even rectangle that holds every pixel that the patch may touch."""
    (x, y), (width, height) = patch.place, patch.size
    xs, ys = zip(*_in_picture(Rect(x, y, x + width, y + height), to_sprite, -5.0), strict=True)
    return Rect(_even(min(xs)), _even(min(ys)), _even(max(xs)) + 2, _even(max(ys)) + 2)


def _inside(part: Rect, to_sprite: Affine) -> Rect:
    """The largest even rectangle whose every sample, of chroma too, lies within the part."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = _in_picture(part, to_sprite, 3.0)
    left, top, right, bottom = max(x0, x3), max(y0, y1), min(x1, x2), min(y2, y3)
    return Rect(-_even(-left), -_even(-top), _even(right), _even(bottom))


def _even(pixels: float) -> int:
    """Rounded down."""
    return floor(pixels) // 2 * 2
