"""A photo presenter at one picture size: the portrait as it is sampled, and the patches put on it."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import cv2
import numpy as np

from heygen_graphql.rendering.presenters.actor import EyeState, MouthState, Pose
from heygen_graphql.rendering.presenters.photo.fields import GRID, fields, reach
from heygen_graphql.rendering.presenters.photo.matte import cleaned
from heygen_graphql.rendering.presenters.photo.placement import cutout_placement, whole_placement
from heygen_graphql.rendering.presenters.photo.rigfile import BLOCK, PhotoRig
from heygen_graphql.rendering.presenters.photo.states import kept_eyes, kept_mouth
from heygen_graphql.rendering.presenters.photo.weave import MARGIN, Weave
from heygen_graphql.rendering.presenters.pictures import Pixels
from heygen_graphql.rendering.presenters.planes import (
    Bytes,
    Frame,
    Rect,
    premultiplied,
    to_planes,
)
from heygen_graphql.rendering.presenters.rig import PartCache

Window = tuple[int, int, int, int]

_OVERSAMPLING = 1.5
"""Sampling at a moving phase softens a picture by turns; a larger one to sample from hides that."""
_PLAIN_ABOVE = 1600
"""Rows of the picture above which a pixel is too small for it to show."""
_FILL_LIGHT = 0.5
_BAND = 4 * GRID
_PATCH_BYTES_PER_PIXEL, _LEAST_PATCH_BYTES, _MOST_PATCH_BYTES = 100, 60_000_000, 260_000_000


@dataclass(frozen=True, slots=True)
class _Patch:
    """What a part of the sprite becomes; the rectangle is in its pixels."""

    rect: Rect
    weave: Weave

    @property
    def nbytes(self) -> int:
        return self.weave.nbytes


class Stage:
    """Draws one portrait at one size, whole or cut out."""

    def __init__(self, rig: PhotoRig, width: int, height: int, *, is_cut_out: bool) -> None:
        self._rig, self._is_cut_out, self._size = rig, is_cut_out, (width, height)
        geometry, portrait = rig.geometry, (rig.width, rig.height)
        self._at = (
            cutout_placement(geometry, portrait, width, height)
            if is_cut_out
            else whole_placement(geometry, portrait, width, height)
        )
        scale = self._at.scale
        larger = 1.0 if height > _PLAIN_ABOVE else min(max(1 / scale, 1.0), _OVERSAMPLING)
        # A block of the portrait becomes an even number of the sprite's pixels, so patches fit exactly.
        blocks = ceil(scale * larger * BLOCK / 2 - 0.01)
        self._ratio = max(blocks, 1) * 2 / BLOCK
        """Sprite pixels a pixel of the portrait."""
        whole = (0, 0, *portrait)
        self._weave = self._woven(rig.portrait, whole)
        limit = max(width * height * _PATCH_BYTES_PER_PIXEL, _LEAST_PATCH_BYTES)
        self._patches = PartCache(min(limit, _MOST_PATCH_BYTES))
        self._plain = {window: self._cut(window) for window in (geometry.mouth, geometry.eyes)}
        self._mouth, self._eyes = MouthState(), EyeState()
        self._put(self._patch(self._mouth, geometry.mouth))
        self._fields = fields(rig, self._at, self._ratio, self._size, is_cut_out=is_cut_out)
        self.covered = self._in_picture(whole, 0)
        self.moving, self.breathing = (
            area.clipped(self.covered) for area in (self._fields.moving, self._fields.breathing)
        )
        """What of the picture the head's motion, and a breath, may change."""
        margin = reach(rig, scale) + 2
        self.mouth_area = self._in_picture(geometry.mouth, margin)
        self.eyes_area = self._in_picture(geometry.eyes, margin)

    @cached_property
    def fill(self) -> Frame:
        """The portrait blurred and darkened, as large as the picture: for what it does not cover."""
        width, height = self._size
        columns, rows = self._rig.width, self._rig.height
        scale = max(width / columns, height / rows)
        kept_x, kept_y = min(round(width / scale), columns), min(round(height / scale), rows)
        left, top = (columns - kept_x) // 2, (rows - kept_y) // 2
        part = self._rig.portrait[top : top + kept_y, left : left + kept_x]
        small = cv2.resize(part, (max(width // 16, 2), max(height // 16, 2)), interpolation=cv2.INTER_AREA)
        soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), max(height / 290, 1.0)) * _FILL_LIGHT
        # Enlarged as floats, and with grain: eight bits would show steps in so soft a picture.
        large = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
        grain = np.random.default_rng(0).uniform(-0.5, 0.5, (height, width, 1)).astype(np.float32)
        rgb = np.clip(np.rint(large + grain), 0, 255).astype(np.uint8)
        planes = to_planes(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA), np.uint8))
        frame = Frame.empty(width, height)
        frame.y[:], frame.u[:], frame.v[:] = planes.y, planes.u, planes.v
        return frame

    def show(self, mouth: MouthState, eyes: EyeState) -> None:
        """Put both on the portrait, so that `draw` shows them."""
        mouth, eyes = kept_mouth(mouth), kept_eyes(eyes)
        if mouth != self._mouth:
            self._put(self._patch(mouth, self._rig.geometry.mouth))
        if eyes != self._eyes:
            self._put(self._patch(eyes, self._rig.geometry.eyes))
        self._mouth, self._eyes = mouth, eyes

    def draw(self, pose: Pose, rect: Rect, background: Frame, target: Frame) -> None:
        """Draw the picture in `rect`."""
        grid = self._fields.at(pose)
        # In bands, whose maps stay in the processor's cache: a whole picture's would not.
        for top in range(rect.top, rect.bottom, _BAND):
            band = Rect(rect.left, top, rect.right, min(top + _BAND, rect.bottom))
            self._weave.show(grid, band, background, target)

    def _in_picture(self, window: Window, margin: float) -> Rect:
        """The even rectangle of the picture that a part of the portrait may touch."""
        left, top, right, bottom = window
        at = self._at
        return Rect(
            int((left * at.scale + at.x - margin) // 2) * 2,
            int((top * at.scale + at.y - margin) // 2) * 2,
            int(-(-(right * at.scale + at.x + margin) // 2)) * 2,
            int(-(-(bottom * at.scale + at.y + margin) // 2)) * 2,
        ).clipped(Rect(0, 0, *self._size))

    def _bgra(self, rgb: Pixels, window: Window) -> Bytes:
        """A part of the portrait, in whatever state; premultiplied where it is cut out."""
        if not self._is_cut_out:
            return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA), np.uint8)
        left, top, right, bottom = window
        alpha = self._rig.matte[top:bottom, left:right]
        bgra = np.asarray(cv2.cvtColor(cleaned(rgb, alpha), cv2.COLOR_RGB2BGRA), np.uint8)
        bgra[..., 3] = alpha
        return premultiplied(bgra)

    def _resized(self, bgra: Bytes, size: tuple[int, int]) -> Bytes:
        # Cubic's overshoot would lift premultiplied colours above their alpha.
        larger = cv2.INTER_LINEAR if self._is_cut_out else cv2.INTER_CUBIC
        how = cv2.INTER_AREA if self._ratio < 1 else larger
        return np.asarray(cv2.resize(bgra, size, interpolation=how), np.uint8)

    def _patch(self, state: MouthState | EyeState, window: Window) -> _Patch:
        return self._patches.get(state, _Patch, lambda: self._made_patch(state, window))

    def _cut(self, window: Window) -> _Patch:
        """The portrait's own pixels there."""
        rect = _without_margins(self._inner(window))
        return _Patch(rect, self._weave.part(rect))

    def _inner(self, window: Window) -> Rect:
        """The rectangle of the sprite that shows a window of the portrait, which is of whole blocks."""
        left, top, right, bottom = (round(edge * self._ratio) for edge in window)
        return Rect(left, top, right, bottom)

    def _made_patch(self, state: MouthState | EyeState, window: Window) -> _Patch:
        pixels = self._rig.mouth(state) if isinstance(state, MouthState) else self._rig.eyes(state)
        if pixels is None:
            return self._plain[window]
        whole = self._inner(window)
        woven = self._woven(pixels, window)
        rect = _without_margins(whole)
        left, top = rect.left - whole.left, rect.top - whole.top
        width, height = rect.size
        return _Patch(rect, woven.part(Rect(left, top, left + width, top + height)))

    def _woven(self, rgb: Pixels, window: Window) -> Weave:
        planes = to_planes(self._resized(self._bgra(rgb, window), self._inner(window).size))
        return Weave.of(planes, self._ratio / self._at.scale, is_cut_out=self._is_cut_out)

    def _put(self, patch: _Patch) -> None:
        self._weave.put(patch.rect, patch.weave)


def _without_margins(rect: Rect) -> Rect:
    """A weave's outermost columns want pixels beyond it; patches show nothing new there."""
    return Rect(rect.left + MARGIN, rect.top, rect.right - MARGIN, rect.bottom)
