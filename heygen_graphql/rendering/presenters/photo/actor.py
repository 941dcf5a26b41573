"""A photo presenter acting: the portrait brought from pose to pose, drawn anew only where it moves."""

from collections import OrderedDict
from dataclasses import replace
from functools import reduce
from weakref import WeakKeyDictionary

from heygen_graphql.rendering.presenters.actor import Pose
from heygen_graphql.rendering.presenters.photo.rigfile import PhotoRig
from heygen_graphql.rendering.presenters.photo.stage import Stage
from heygen_graphql.rendering.presenters.planes import Frame, Rect, copy_rect

_STAGES_KEPT = 2
_stages: WeakKeyDictionary[PhotoRig, OrderedDict[tuple[int, int, bool], Stage]] = WeakKeyDictionary()
"""Of each open rig the sizes drawn last: scenes of one film share what took long to prepare."""


class PhotoActor:
    """See `actor.Actor`. Actors of one rig, size and way of standing take turns: each brings the portrait to
    its own pose before it draws.

    Before `background` head and shoulders are cut out when the rig can do that cleanly; else, or when there
    is none, the portrait fills the frame.
    """

    def __init__(self, rig: PhotoRig, width: int, height: int, background: Frame | None = None) -> None:
        is_cut_out = background is not None and rig.has_cutout
        self._stage = _stage(rig, width, height, is_cut_out)
        fill = background if background is not None and is_cut_out else self._stage.fill
        self._background = fill
        self._pose: Pose | None = None
        self._whole = Rect(0, 0, width, height)
        self.frame = Frame.empty(width, height)
        copy_rect(fill, self.frame, self._whole)

    def take(self, pose: Pose) -> Rect | None:
        last, self._pose = self._pose, pose
        if pose == last:
            return None
        stage = self._stage
        stage.show(pose.mouth, pose.eyes)
        if last is None:
            stage.draw(pose, stage.covered, self._background, self.frame)
            return self._whole
        areas = self._changed(last, pose)
        for area in areas:
            stage.draw(pose, area, self._background, self.frame)
        return reduce(Rect.joined, areas)

    def _changed(self, last: Pose, pose: Pose) -> list[Rect]:
        """What of the picture is to be drawn anew; at least one rectangle."""
        stage = self._stage
        areas = [stage.mouth_area] if last.mouth != pose.mouth else []
        if last.eyes != pose.eyes:
            areas.append(stage.eyes_area)
        if replace(last, mouth=pose.mouth, eyes=pose.eyes) == pose:
            return areas
        moving = stage.moving if last.breath == pose.breath else stage.moving.joined(stage.breathing)
        return [reduce(Rect.joined, areas, moving)]


def _stage(rig: PhotoRig, width: int, height: int, is_cut_out: bool) -> Stage:
    kept = _stages.setdefault(rig, OrderedDict())
    key = (width, height, is_cut_out)
    if key not in kept:
        kept[key] = Stage(rig, width, height, is_cut_out=is_cut_out)
        if len(kept) > _STAGES_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]
