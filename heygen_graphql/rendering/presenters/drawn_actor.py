"""A drawn presenter before a background, drawn anew only where the pose changed.

A still head costs the rectangle of its mouth; a moving one is shown through one slight turn, and its
face, mouth and eyes as patches through the same.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import reduce
from math import floor

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.actor import BREATH_STEPS, Pose
from heygen_graphql.rendering.presenters.framing import framing
from heygen_graphql.rendering.presenters.planes import Bytes, Frame, Rect, blend, copy_rect, warp
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter
from heygen_graphql.rendering.presenters.rig import PartCache, Patch, Rig, Sprite
from heygen_graphql.rendering.presenters.woven import ALIGNMENT, Turn

Affine = NDArray[np.float64]
"""2x3."""

_BREATH_HEIGHT = 0.003
"""How far the shoulders rise, as a share of the picture's height."""
_NECK_FOOT = 270.0
"""Art units below the eyes: the head turns about this point."""
_SHOULDERS = 300.0
"""Art units below the eyes."""


def open_rig(presenter: DrawnPresenter, width: int, height: int, cache: PartCache) -> Rig:
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
        rows, columns = rig.head.planes.y.shape
        self._head = Patch((0, 0), (columns, rows), rig.woven_head)
        self._head_rect = self._body_rect
        """What the head covered last."""
        self._pose: Pose | None = None

    def take(self, pose: Pose) -> Rect | None:
        last, self._pose = self._pose, pose
        if pose == last:
            return None
        to_sprite = self._to_sprite(pose)
        turn = Turn.of(_seen_from(to_sprite, self._corner), self._rig.step, self._corner)
        if last is not None and replace(last, eyes=pose.eyes, mouth=pose.mouth) == pose:
            rects = [self._put(patch, turn, to_sprite) for patch in self._patches(pose, last)]
            return reduce(Rect.joined, rects)
        changed = self._head_rect if last is not None else self._whole
        if last is None or last.breath != pose.breath:
            self._put_body(pose.breath)
            changed = changed.joined(self._body_rect)
        copy_rect(self._base, self.frame, changed)
        self._head_rect = _around(self._head, to_sprite, self._whole)
        self._head.woven.show(turn, self._head.place, self._head_rect, self._base, self.frame)
        for patch in self._patches(pose, None):
            self._put(patch, turn, to_sprite)
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

    def _put(self, patch: Patch, turn: Turn, to_sprite: Affine) -> Rect:
        rect = _inside(patch, to_sprite).clipped(self._whole)
        patch.woven.show(turn, patch.place, rect, self._base, self.frame)
        return rect

    def _to_sprite(self, pose: Pose) -> Affine:
        """From the picture's luma pixel centres to those of the head's sprite."""
        sprite, at = self._rig.head, self._at
        cos, sin = np.cos(pose.tilt), np.sin(pose.tilt)
        turn = np.array([[cos, sin], [-sin, cos]]) * self._rig.step
        pivot_x = at.eye_x + pose.shift_x * at.scale
        pivot_y = at.eye_y + (_NECK_FOOT + pose.shift_y) * at.scale - self._rise(pose.breath)
        # About the pivot, turned back. Pixel centres lie at halves in the art's continuous frame, which
        # is where the last half pixels come from.
        home = np.array([-sprite.left, _NECK_FOOT - sprite.top]) * sprite.scale
        return np.column_stack([turn, turn @ (0.5 - pivot_x, 0.5 - pivot_y) + home - 0.5])

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


def _seen_from(to_source: Affine, corner: tuple[int, int]) -> Affine:
    """The same map, for pixels counted from `corner`."""
    return np.column_stack([to_source[:, :2], to_source @ (*corner, 1.0)])


def _in_picture(patch: Patch, to_sprite: Affine, inset: float) -> tuple[Affine, Affine]:
    """Where the patch's corners fall, drawn in by `inset` sprite pixels: x and y of the four, clockwise."""
    (x, y), (width, height) = patch.place, patch.size
    left, top, right, bottom = x + inset, y + inset, x + width - 1 - inset, y + height - 1 - inset
    corners = np.array([[left, right, right, left], [top, top, bottom, bottom]])
    xs, ys = np.linalg.solve(to_sprite[:, :2], corners - to_sprite[:, 2:])
    return xs, ys


def _around(patch: Patch, to_sprite: Affine, whole: Rect) -> Rect:
    """The least even rectangle that holds every pixel that the patch may touch."""
    xs, ys = _in_picture(patch, to_sprite, -2.0)
    return Rect(
        floor(xs.min()) // 2 * 2,
        floor(ys.min()) // 2 * 2,
        floor(xs.max()) // 2 * 2 + 2,
        floor(ys.max()) // 2 * 2 + 2,
    ).clipped(whole)


def _inside(patch: Patch, to_sprite: Affine) -> Rect:
    """The largest even rectangle whose every sample, of chroma too, lies within the patch."""
    xs, ys = _in_picture(patch, to_sprite, 3.0)
    left, right = max(xs[0], xs[3]), min(xs[1], xs[2])
    top, bottom = max(ys[0], ys[1]), min(ys[2], ys[3])
    return Rect(
        -(floor(-left) // 2 * 2), -(floor(-top) // 2 * 2), floor(right) // 2 * 2, floor(bottom) // 2 * 2
    )
