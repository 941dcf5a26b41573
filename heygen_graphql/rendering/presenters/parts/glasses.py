"""Glasses: two rims, a bridge, and as much of the lenses as their reflections show."""

from dataclasses import dataclass

from heygen_graphql.rendering.presenters.face import Face
from heygen_graphql.rendering.presenters.marks import Ink, Mark, Run, Shape, Wire, Within
from heygen_graphql.rendering.presenters.svg import mix


@dataclass(frozen=True, slots=True)
class Glasses:
    center_x: float
    """Of a lens, from the face's middle."""
    y: float
    lens: Run
    """A lens about its centre: the wearer's left one, from the nose clockwise as the viewer sees it."""
    color: str
    light: str
    thickness: float
    temple_x: float
    """Where the arms vanish behind the hair or ears."""


def _lens(face: Face, glasses: Glasses, side: int) -> Run:
    return tuple(face.run([(side * (glasses.center_x + x), glasses.y + y) for x, y in glasses.lens]))


def glasses(face: Face, worn: Glasses) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    dark = mix(worn.color, "#000000", 0.45)
    for side in (-1, 1):
        lens = _lens(face, worn, side)
        left, right = min(x for x, _ in lens), max(x for x, _ in lens)
        top, foot = min(y for _, y in lens), max(y for _, y in lens)
        wide, high = right - left, foot - top
        streak: Run = (
            (left + wide * 0.10, foot),
            (left + wide * 0.48, top),
            (left + wide * 0.70, top),
            (left + wide * 0.32, foot),
        )
        glint: Run = (
            (left + wide * 0.38, foot),
            (left + wide * 0.76, top),
            (left + wide * 0.81, top),
            (left + wide * 0.43, foot),
        )
        marks += [
            Shape((lens,), "#dfeaf5", opacity=0.05),
            Within(
                (lens,),
                (
                    Shape(
                        (streak[:2], streak[2:]),
                        ((left, top), (left, foot), ((0, "#ffffff", 0.20), (1, "#ffffff", 0.02))),
                    ),
                    Shape(
                        (glint[:2], glint[2:]),
                        ((left, top), (left, foot), ((0, "#ffffff", 0.16), (1, "#ffffff", 0.02))),
                    ),
                    # The rim's own thickness, seen from within.
                    Wire(lens, worn.thickness * 2.2, dark, 0.35, is_closed=True),
                ),
            ),
            Wire(lens, worn.thickness, worn.color, is_closed=True),
            Wire(
                tuple((x - worn.thickness * 0.14, y - worn.thickness * 0.2) for x, y in lens),
                worn.thickness * 0.26,
                worn.light,
                0.6 if side < 0 else 0.4,
                is_closed=True,
            ),
        ]
        # From the rim's outer upper corner to the temple.
        hinge = max(lens, key=lambda point: side * point[0])
        start = (hinge[0] - side * 1.0, hinge[1] - high * 0.22)
        arm: Run = (start, (side * worn.temple_x, start[1] - 3))
        marks += [
            Wire(arm, worn.thickness * 1.15, worn.color),
            Wire(
                tuple((x, y - worn.thickness * 0.3) for x, y in arm), worn.thickness * 0.25, worn.light, 0.5
            ),
        ]
    inner = [min(_lens(face, worn, side), key=lambda point: abs(point[0] - face.turn)) for side in (-1, 1)]
    (ax, ay), (bx, by) = inner
    bridge: Run = ((ax, ay - 6), ((ax + bx) / 2, min(ay, by) - 13), (bx, by - 6))
    marks += [
        Ink(bridge, worn.thickness * 1.1, worn.color, start=worn.thickness * 1.3, end=worn.thickness * 1.3),
        Wire(tuple((x, y - worn.thickness * 0.3) for x, y in bridge), worn.thickness * 0.25, worn.light, 0.7),
    ]
    return tuple(marks)


def glasses_shade(face: Face, worn: Glasses) -> tuple[Mark, ...]:
    """What the rims keep from the light: it lies on the skin, below the eyes."""
    return tuple(
        Wire(
            tuple((x + 3, y + 7) for x, y in _lens(face, worn, side)),
            worn.thickness * 1.5,
            face.skin.deep,
            0.26,
            2.2,
            is_closed=True,
        )
        for side in (-1, 1)
    )
