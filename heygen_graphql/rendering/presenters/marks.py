"""Hair and clothes as data: a tuple of marks, drawn in order."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from heygen_graphql.rendering.presenters.svg import Drawing, Locks, Point, Stop, brush, line, loop, outline

Run: TypeAlias = tuple[Point, ...]


def run(text: str) -> Run:
    """The points of "x,y x,y ...": a page of paths is easier to read and change so than in brackets."""
    return tuple((float(x), float(y)) for x, _, y in (pair.partition(",") for pair in text.split()))


def flipped(points: Run) -> Run:
    """The run's mirror image, in the same order."""
    return tuple((-x, y) for x, y in points)


def turned(points: Run) -> Run:
    """The run from its end to its start."""
    return points[::-1]


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled shape: one run is a closed curve, several meet in corners."""

    runs: tuple[Run, ...]
    fill: str | tuple[Point, Point, tuple[Stop, ...]]
    """A colour, or a linear gradient's start, end and stops."""
    opacity: float = 1.0
    blur: float = 0.0


@dataclass(frozen=True, slots=True)
class Ink:
    """A tapering stroke."""

    points: Run
    width: float
    color: str
    opacity: float = 1.0
    blur: float = 0.0
    start: float = 0.0
    end: float = 0.0
    belly: float = 0.5


@dataclass(frozen=True, slots=True)
class Wire:
    """A line of one width: rims, chains, seams."""

    points: Run
    width: float
    color: str
    opacity: float = 1.0
    blur: float = 0.0
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Glow:
    center: Point
    radius: float
    color: str
    opacity: float
    squash: float = 1.0
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Strands:
    locks: Locks
    seed: int


@dataclass(frozen=True, slots=True)
class Curls:
    """Hair that coils: strands wound up all over a shape, lighter towards the viewer's upper left."""

    edge: Run
    size: float
    """A coil's radius in art units."""
    colors: tuple[str, ...]
    """From the deepest to the one that catches the light."""
    seed: int
    spill: float = 0.6
    """How far coils reach over the edge, in radii."""


@dataclass(frozen=True, slots=True)
class Within:
    """Marks that show only inside a shape."""

    runs: tuple[Run, ...]
    marks: tuple["Mark", ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Marks moved and then scaled about the origin."""

    move: Point
    scale: Point
    marks: tuple["Mark", ...]


Mark: TypeAlias = Shape | Ink | Wire | Glow | Strands | Curls | Within | Placed


def draw_marks(drawing: Drawing, marks: Sequence[Mark]) -> None:
    for mark in marks:
        match mark:
            case Shape(runs, fill, opacity, blur):
                paint = fill if isinstance(fill, str) else drawing.linear(fill[0], fill[1], *fill[2])
                drawing.path(_closed(runs), paint, opacity=opacity, blur=blur)
            case Ink():
                d = brush(mark.points, mark.width, start=mark.start, end=mark.end, belly=mark.belly)
                drawing.path(d, mark.color, opacity=mark.opacity, blur=mark.blur)
            case Wire(points, width, color, opacity, blur, is_closed):
                d = loop(points) if is_closed else line(points)
                drawing.stroke(d, color, width, opacity=opacity, blur=blur)
            case Glow():
                drawing.glow(
                    mark.center, mark.radius, mark.color, mark.opacity, squash=mark.squash, turn=mark.turn
                )
            case Strands(locks, seed):
                drawing.locks(locks, seed)
            case Curls():
                _draw_curls(drawing, mark)
            case Within(runs, inner):
                with drawing.clipped(_closed(runs)):
                    draw_marks(drawing, inner)
            case Placed(move, scale, inner):
                with drawing.placed(move, scale):
                    draw_marks(drawing, inner)


def _closed(runs: tuple[Run, ...]) -> str:
    return loop(runs[0]) if len(runs) == 1 else outline(*runs)


def _draw_curls(drawing: Drawing, curls: Curls) -> None:
    chance = random.Random(curls.seed)
    xs, ys = [x for x, _ in curls.edge], [y for _, y in curls.edge]
    left, top, width, height = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    step = curls.size * 0.92
    centers = []
    for row in range(math.ceil(height / step) + 2):
        for column in range(math.ceil(width / step) + 2):
            x = left + (column - 0.5 + 0.5 * (row % 2) + chance.uniform(-0.35, 0.35)) * step
            y = top + (row - 0.5 + chance.uniform(-0.35, 0.35)) * step
            if _holds(curls.edge, (x, y)):
                centers.append((x, y))
    chance.shuffle(centers)
    for x, y in centers:
        # 0 in the far lower corner, 1 where the light comes from.
        light = 1 - ((x - left) / width * 0.45 + (y - top) / height * 0.55)
        level = light * (len(curls.colors) - 2) + chance.uniform(-1.0, 0.7)
        tone = min(max(round(level), 0), len(curls.colors) - 2)
        size = curls.size * chance.uniform(0.75, 1.0 + curls.spill * 0.5)
        angle, way = chance.uniform(0, 2 * math.pi), chance.choice((-1, 1))
        squash = chance.uniform(0.6, 0.95)
        coil = []
        for k in range(7):
            reach = size * (1.0 - 0.10 * k)
            turn = angle + way * k * 0.78
            coil.append((x + math.cos(turn) * reach, y + math.sin(turn) * reach * squash))
        drawing.path(brush(coil, size * 0.52, start=size * 0.12, belly=0.5), curls.colors[tone])
        # A coil is round: its upper edge is a tone lighter than its body.
        lit = [(cx - size * 0.05, cy - size * 0.08) for cx, cy in coil]
        drawing.path(brush(lit, size * 0.20, belly=0.5), curls.colors[tone + 1], opacity=0.8)


def _holds(edge: Run, point: Point) -> bool:
    """Whether the polygon holds the point: a ray to the right crosses its edges an odd number of times."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in zip(edge, (*edge[1:], edge[0]), strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside
