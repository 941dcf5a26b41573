"""Clothes: torsos, jackets, collars, knits. Light falls from the viewer's upper left, so left is "near".

Everything is measured for one body, 920 art units across the upper arms; `marks.Placed` makes it narrower
or moves it up. Paths are the viewer's right half, from the neck down; `side` is -1 for the left half,
1 for the right.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from heygen_graphql.rendering.presenters.marks import (
    Glow,
    Ink,
    Mark,
    Run,
    Shape,
    Wire,
    Within,
    flipped,
    run,
    turned,
)
from heygen_graphql.rendering.presenters.svg import along, mix


@dataclass(frozen=True, slots=True)
class Cloth:
    light: str
    base: str
    shade: str
    deep: str
    """In folds and under collars."""
    rim: str
    """The far edge's cool light."""


SHOULDER = run("98,298 172,348 282,390 360,430 418,510 450,670 464,900 460,1360")


def sided(points: Run, side: int) -> Run:
    return points if side > 0 else flipped(points)


def torso(cloth: Cloth, neckline: Run) -> tuple[Mark, ...]:
    """A closed garment; `neckline` is its right half, from the neck to the middle."""
    shape = _torso(neckline)
    fill = ((-440.0, 380.0), (400.0, 900.0), ((0, cloth.light), (0.35, cloth.base), (1, cloth.shade)))
    return (
        Shape(shape, fill),
        Within(
            shape,
            (
                *_folds(cloth, -1),
                *_folds(cloth, 1),
                Glow((-150, 600), 170, cloth.light, 0.34, 1.2),
                Glow((170, 620), 130, mix(cloth.base, cloth.light, 0.4), 0.25, 1.2),
                Glow((10, 800), 220, cloth.deep, 0.4, 1.3),
            ),
        ),
    )


def _torso(neckline: Run) -> tuple[Run, ...]:
    outer = (neckline[0], *SHOULDER[1:])
    return flipped(outer), turned(outer), neckline, turned(flipped(neckline))


def within_torso(neckline: Run, marks: Sequence[Mark]) -> Mark:
    return Within(_torso(neckline), tuple(marks))


def panel(cloth: Cloth, edge: Run, side: int, *, band: float = 0.0) -> tuple[Mark, ...]:
    """One half of something worn open, with a band if that has a width; `edge` runs from neck to hem."""
    shape = sided((edge[0], *SHOULDER[1:]), side), sided(turned(edge), side)
    if side < 0:
        fill = ((-400.0, 400.0), (40.0, 760.0), ((0, cloth.light), (0.4, cloth.base), (1, cloth.shade)))
    else:
        near, far = mix(cloth.base, cloth.shade, 0.25), mix(cloth.shade, cloth.deep, 0.5)
        fill = ((80.0, 400.0), (420.0, 760.0), ((0, near), (0.5, cloth.shade), (1, far)))
    front = sided(edge, side)
    seam = sided(tuple((x + band, y) for x, y in edge), side)
    tone = mix(cloth.base, cloth.light, 0.4) if side < 0 else mix(cloth.base, cloth.shade, 0.3)
    banding: tuple[Mark, ...] = (
        Shape((front, turned(seam)), (front[0], front[-1], ((0, tone), (1, mix(tone, cloth.shade, 0.6))))),
        Wire(seam, 2.0, cloth.deep, 0.55, 0.6),
        Wire(tuple((x + side * 3, y) for x, y in seam), 2.0, cloth.light, 0.35, 0.8),
    )
    return (
        Wire(tuple((x - side * 4, y + 5) for x, y in front), 12, cloth.deep, 0.4, 5),
        Shape(shape, fill),
        Within(shape, (*_folds(cloth, side), *(banding if band else ()))),
        Wire(front, 2.0, cloth.light, 0.55 if side < 0 else 0.35, 0.5),
    )


def _folds(cloth: Cloth, side: int) -> tuple[Mark, ...]:
    """Arm against chest, what the armpit pulls, the sleeve's seam, the edge's light."""
    near = side < 0
    light = cloth.light if near else mix(cloth.base, cloth.light, 0.4)
    deep = cloth.deep if near else mix(cloth.deep, "#000000", 0.25)

    def ink(points: str, width: float, color: str, opacity: float, blur: float, belly: float = 0.5) -> Ink:
        return Ink(sided(run(points), side), width, color, opacity, blur, belly=belly)

    return (
        Glow((side * 290, 432), 145 if near else 120, light, 0.5 if near else 0.42, 0.6, side * -23),
        ink("318,562 306,700 319,880 313,1200", 26, deep, 0.72, 11, 0.3),
        ink("344,568 334,704 347,884 340,1200", 17, light, 0.45, 9, 0.3),
        ink("314,574 248,654 150,708", 18, deep, 0.52, 9, 0.3),
        ink("310,614 234,734 106,804", 16, deep, 0.42, 9, 0.3),
        ink("306,554 230,624 150,656", 14, light, 0.40, 8, 0.3),
        ink("392,472 352,542 330,602", 7, deep, 0.5, 3),
        ink("453,694 401,784 374,900", 16, deep, 0.5, 8),
        ink("420,524 445,686 457,900", 10 if near else 8, light if near else cloth.rim, 0.42, 4),
    )


def neck_band(cloth: Cloth, neckline: Run, width: float, rib: float = 6.0) -> tuple[Mark, ...]:
    """A knitted edge of that width along a neckline (the right half, from the neck to the middle)."""
    marks: list[Mark] = []
    for side in (-1, 1):
        outer = sided(neckline, side)
        inner = sided(_inside(neckline, width), side)
        tone = cloth.base if side < 0 else mix(cloth.base, cloth.shade, 0.6)
        marks += [
            Wire(tuple((x + side * 2, y + 5) for x, y in outer), width * 0.5, cloth.deep, 0.45, 4),
            Shape((inner, turned(outer)), tone),
            *ribs(outer, inner, max(round(len(neckline) * 44 / rib), 8), cloth, 2.0),
            Wire(outer, 1.8, cloth.deep, 0.55, 0.5),
            Wire(inner, 2.0, cloth.light if side < 0 else mix(cloth.base, cloth.light, 0.4), 0.7, 0.5),
        ]
    return tuple(marks)


def _inside(neckline: Run, width: float) -> Run:
    """The line that runs `width` nearer the neck; it meets its mirror image on the middle."""
    points = []
    for (ax, ay), (x, y), (bx, by) in zip((neckline[0], *neckline), neckline, neckline[1:], strict=False):
        length = math.hypot(bx - ax, by - ay)
        points.append((x - (by - ay) / length * width, y + (bx - ax) / length * width))
    (ax, ay), (x, y) = neckline[-2:]
    length = math.hypot(x - ax, y - ay)
    dx, dy = (x - ax) / length, (y - ay) / length
    return (*points, (0.0, y + width * dx - width * dy * dy / abs(dx)))


def ribs(first: Run, second: Run, count: int, cloth: Cloth, width: float) -> tuple[Mark, ...]:
    """Short furrows from one edge to the other, each with its light beside it."""
    marks: list[Mark] = []
    for (ax, ay), (bx, by) in zip(along(first, count), along(second, count), strict=True):
        marks.append(Wire(((ax, ay), (bx, by)), width, cloth.deep, 0.34))
        marks.append(Wire(((ax - width, ay), (bx - width, by)), width * 0.7, cloth.light, 0.30))
    return tuple(marks)


def turtleneck(cloth: Cloth, half_width: float, top: float, foot: float) -> tuple[Mark, ...]:
    """A rolled collar about the neck, from `top` (at its sides) to `foot` (in front)."""
    w = half_width
    upper: Run = ((-w, top), (-w * 0.6, top + 17), (0, top + 25), (w * 0.6, top + 17), (w, top))
    right: Run = ((w, top), (w * 1.08, top + 20), (w * 1.10, foot - 52), (w * 1.20, foot - 34))
    lower: Run = (right[-1], (w * 0.7, foot - 8), (0, foot), (-w * 0.7, foot - 8), (-w * 1.20, foot - 34))
    left = turned(flipped(right))
    shape = (upper, right, lower, left)
    fill = (
        (-w, top),
        (w * 1.1, top + 30),
        ((0, cloth.base), (0.28, cloth.light), (0.62, cloth.base), (1, mix(cloth.shade, cloth.deep, 0.4))),
    )
    furrows = ribs(turned(lower), upper, 34, cloth, 2.4)
    return (
        Wire(tuple((x + 2, y + 10) for x, y in lower), 18, cloth.deep, 0.6, 7),
        Shape(shape, fill),
        Within(
            shape,
            (
                *furrows,
                # It bulges where it is folded over, and the chin keeps the light from its upper edge.
                Ink(tuple((x, y - 16) for x, y in lower), 13, cloth.light, 0.28, 5),
                Ink(tuple((x, y - 2) for x, y in lower), 10, cloth.deep, 0.55, 4, 5, 5),
                Ink(tuple((x, y + 3) for x, y in upper), 9, cloth.deep, 0.5, 3, 6, 6),
                Glow((w, (top + foot) / 2), 46, cloth.deep, 0.5, 1.3),
            ),
        ),
        Wire(tuple((x, y + 1.5) for x, y in upper[:4]), 1.6, cloth.light, 0.5, 0.6),
    )


def lapel(
    cloth: Cloth, side: int, *, notch: float = 522.0, reach: float = 206.0, button: float = 912.0
) -> tuple[Mark, ...]:
    """A jacket's lapel: `notch` and `button` are heights, `reach` how far out its point lies."""
    k = reach / 206

    def at(points: str) -> Run:
        # Between the collar and the button the path is stretched to this lapel's own heights.
        return sided(
            tuple(
                (
                    x * k if y > 430 else x,
                    notch + (y - 522) * (button - notch) / 390
                    if y > 522
                    else 306 + (y - 306) * (notch - 306) / 216,
                )
                for x, y in run(points)
            ),
            side,
        )

    shadow = (
        at("118,330 168,422 190,522"),
        at("150,549 160,568"),
        at("120,700 -6,912"),
        at("58,720 106,560 130,430 118,330"),
    )
    leaf = (
        at("104,306 150,347 186,443 206,522"),
        at("206,522 158,533"),
        at("158,533 176,559"),
        at("176,559 110,742 -8,912"),
        at("-8,912 64,720 110,560 130,430 104,306"),
    )
    if side < 0:
        fill = (
            (-200.0, 380.0),
            (-40.0, 760.0),
            ((0, mix(cloth.light, "#ffffff", 0.06)), (0.5, cloth.light), (1, cloth.base)),
        )
    else:
        fill = (
            (90.0, 380.0),
            (190.0, 760.0),
            ((0, mix(cloth.base, cloth.light, 0.5)), (0.5, cloth.base), (1, cloth.shade)),
        )
    edge = mix(cloth.light, "#ffffff", 0.22) if side < 0 else cloth.light
    return (
        Shape(shadow, cloth.deep, opacity=0.5, blur=10),
        Shape(leaf, fill),
        Ink(at("158,533 136,523 122,515"), 2.6, cloth.deep, 0.75, 0.5),
        Ink(at("104,312 128,430 108,560 62,722"), 3.5, edge, 0.5, 1.2),
        Ink(at("176,559 111,740 -10,908"), 3, edge, 0.45 if side < 0 else 0.2, 1),
        Ink(at("206,523 160,534"), 2, edge, 0.4, 0.8),
    )


def collar_leaf(cloth: Cloth, outer: Run, front: Run, roll: Run, side: int) -> tuple[Mark, ...]:
    """Half a shirt's collar.

    The three runs join: `outer` from the neck to the point, `front` from there to the middle, `roll` back
    to the neck.
    """
    leaf = sided(outer, side), sided(front, side), sided(roll, side)
    (x, y), (px, py) = outer[0], outer[-1]
    if side < 0:
        fill = ((-x - 20, y + 20), (-10.0, py), ((0, cloth.light), (0.5, cloth.base), (1, cloth.shade)))
    else:
        near = mix(cloth.base, cloth.shade, 0.4)
        fill = (
            (0.0, y + 90),
            (px + 20, y + 80),
            ((0, cloth.shade), (0.4, near), (1, mix(cloth.shade, cloth.deep, 0.25))),
        )
    # Seen from inside the stitching: a little way in from both edges.
    middle_x = sum(x for x, _ in (*outer, *front)) / (len(outer) + len(front))
    middle_y = sum(y for _, y in (*outer, *front)) / (len(outer) + len(front))
    stitches = tuple(
        (x + (middle_x - x) * 0.12, y + (middle_y - y) * 0.10) for x, y in (*outer[1:], *front[1:])
    )
    return (
        Shape(leaf, fill),
        Wire(sided(stitches, side), 1.2, cloth.deep, 0.4),
        Ink(sided(turned(roll), side), 6, cloth.deep, 0.45, 1.8, 1.5, 2),
        Ink(sided(outer[1:], side), 2.0, mix(cloth.light, "#ffffff", 0.5), 0.5 if side < 0 else 0.2, 0.8),
    )


def buttons(cloth: Cloth, centers: Sequence[tuple[float, float]], radius: float) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for x, y in centers:
        fill = ((x - radius, y - radius), (x + radius, y + radius), ((0, cloth.light), (1, cloth.shade)))
        holes = ((x + dx, y + dy) for dx in (-2.4, 2.4) for dy in (-2.4, 2.4))
        marks += [
            Glow((x + 2, y + 4), radius * 1.7, cloth.deep, 0.7),
            Shape((_circle(x, y, radius),), fill),
            Wire(_circle(x, y, radius * 0.72), 1.2, cloth.deep, 0.5, is_closed=True),
            *(Shape((_circle(*hole, 1.3),), cloth.deep) for hole in holes),
        ]
    return tuple(marks)


def cable(cloth: Cloth, x: float, top: float, foot: float, width: float) -> tuple[Mark, ...]:
    """A knitted cable: cords that cross one over the next, all the same way, between two furrows."""
    marks: list[Mark] = []
    dim = min(max((x + 250) / 700, 0.0), 0.6)
    light, base = mix(cloth.light, cloth.base, dim), mix(cloth.base, cloth.shade, dim)
    for edge in (-0.66, 0.66):
        marks.append(
            Wire(((x + width * edge, top), (x + width * edge, foot)), width * 0.16, cloth.deep, 0.34, 1.8)
        )
    pitch = width * 0.62
    way = 1 if x < 0 else -1
    for row in range(math.ceil((foot - top) / pitch)):
        y = top + row * pitch
        cord = tuple(
            (x + way * width * dx, y + pitch * dy)
            for dx, dy in ((-0.46, -0.75), (-0.38, -0.2), (0.0, 0.35), (0.38, 0.9), (0.46, 1.45))
        )
        marks += [
            Ink(tuple((px + 1.5, py + 3) for px, py in cord), width * 0.56, cloth.deep, 0.42, 2.0),
            Ink(cord, width * 0.50, base, start=width * 0.1, end=width * 0.1),
            Ink(tuple((px - width * 0.05, py - 2.5) for px, py in cord), width * 0.20, light, 0.8, 1.2),
        ]
    return tuple(marks)


def pearls(thread: Run, count: int, radius: float, shade: str) -> tuple[Mark, ...]:
    marks: list[Mark] = [Wire(tuple((x + 2, y + 5) for x, y in thread), radius * 1.3, shade, 0.35, 2.5)]
    for x, y in along(thread, count):
        ring = _circle(x, y, radius)
        marks += [
            Shape(
                (ring,),
                (
                    (x - radius, y - radius),
                    (x + radius, y + radius),
                    ((0, "#ffffff"), (0.5, "#f0e6df"), (1, "#b9a89f")),
                ),
            ),
            Glow((x - radius * 0.3, y - radius * 0.35), radius * 0.5, "#ffffff", 0.9),
        ]
    return tuple(marks)


def hoop(center: tuple[float, float], radius: float, width: float, side: int) -> tuple[Mark, ...]:
    """A gold hoop that hangs from an ear, seen a little from the side."""
    x, y = center
    ring = tuple((x + (px - x) * 0.72, py) for px, py in _circle(x, y, radius))
    lit = ring[5:] if side < 0 else ring[4:7]
    return (
        Wire(ring, width, "#a8741f", is_closed=True),
        Wire(tuple((px - 0.5, py - 0.5) for px, py in ring), width * 0.6, "#dca744", is_closed=True),
        Ink(lit, width * 0.7, "#fff0bd", 0.95),
    )


def _circle(x: float, y: float, radius: float) -> Run:
    """From the top, clockwise as the viewer sees it."""
    angles = (math.pi * k / 4 for k in range(8))
    return tuple((x + math.sin(angle) * radius, y - math.cos(angle) * radius) for angle in angles)
