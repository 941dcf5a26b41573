"""Hair and clothes as data: a tuple of marks, drawn in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from heygen_graphql.rendering.presenters.svg import Drawing, Locks, Point, Stop, brush, loop, outline

Run: TypeAlias = tuple[Point, ...]


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


Mark: TypeAlias = Shape | Ink | Glow | Strands | Within | Placed


def draw_marks(drawing: Drawing, marks: Sequence[Mark]) -> None:
    for mark in marks:
        match mark:
            case Shape(runs, fill, opacity, blur):
                paint = fill if isinstance(fill, str) else drawing.linear(fill[0], fill[1], *fill[2])
                drawing.path(_closed(runs), paint, opacity=opacity, blur=blur)
            case Ink():
                d = brush(mark.points, mark.width, start=mark.start, end=mark.end, belly=mark.belly)
                drawing.path(d, mark.color, opacity=mark.opacity, blur=mark.blur)
            case Glow():
                drawing.glow(
                    mark.center, mark.radius, mark.color, mark.opacity, squash=mark.squash, turn=mark.turn
                )
            case Strands(locks, seed):
                drawing.locks(locks, seed)
            case Within(runs, inner):
                with drawing.clipped(_closed(runs)):
                    draw_marks(drawing, inner)
            case Placed(move, scale, inner):
                with drawing.placed(move, scale):
                    draw_marks(drawing, inner)


def _closed(runs: tuple[Run, ...]) -> str:
    return loop(runs[0]) if len(runs) == 1 else outline(*runs)
