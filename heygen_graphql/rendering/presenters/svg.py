"""The drawing vocabulary: curves through points, brush strokes, locks of hair, gradients; SVG text comes out.

Coordinates are art units: the origin lies between the eyes, x runs to the viewer's right, y down,
and a head measures 400 from crown to chin. Everything random takes a seed, so a drawing is the
same every time.
"""

import itertools
import math
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Stop: TypeAlias = tuple[float, str] | tuple[float, str, float]
"""Offset 0..1, colour #RRGGBB, and opacity when it is not 1."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def _box(d: str, margin: float = 0.0) -> Box:
    """What bounds a path of absolute commands: its control points' extremes."""
    numbers = [float(number) for number in _NUMBER.findall(d)]
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def mix(first: str, second: str, share: float) -> str:
    """The colour that lies `share` (0..1) of the way from `first` to `second`, both #RRGGBB."""
    channels = (
        round(int(first[i : i + 2], 16) * (1 - share) + int(second[i : i + 2], 16) * share) for i in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def mirrored(points: Sequence[Point]) -> list[Point]:
    """The same run on the other side of x = 0, in the opposite order, so that runs join up."""
    return [(-x, y) for x, y in reversed(points)]


def shifted(points: Sequence[Point], dx: float, dy: float) -> list[Point]:
    return [(x + dx, y + dy) for x, y in points]


def _segments(points: Sequence[Point], closed: bool) -> str:
    """Cubic pieces of a centripetal-like Catmull-Rom curve through `points`, without the first moveto."""
    count = len(points)
    pieces = []
    for i in range(count if closed else count - 1):
        p1, p2 = points[i], points[(i + 1) % count]
        p0 = points[i - 1] if closed or i else p1
        p3 = points[(i + 2) % count] if closed or i + 2 < count else p2
        span = math.dist(p1, p2)
        # Tangents are scaled to the span at hand: a long neighbour would otherwise throw a loop.
        before, after = math.dist(p0, p1) + span or 1.0, span + math.dist(p2, p3) or 1.0
        c1 = (
            p1[0] + (p2[0] - p0[0]) / before * span * 0.36,
            p1[1] + (p2[1] - p0[1]) / before * span * 0.36,
        )
        c2 = (p2[0] - (p3[0] - p1[0]) / after * span * 0.36, p2[1] - (p3[1] - p1[1]) / after * span * 0.36)
        pieces.append(f"C{c1[0]:.2f} {c1[1]:.2f} {c2[0]:.2f} {c2[1]:.2f} {p2[0]:.2f} {p2[1]:.2f}")
    return "".join(pieces)


def loop(points: Sequence[Point]) -> str:
    """A closed smooth curve through the points."""
    return f"M{points[0][0]:.2f} {points[0][1]:.2f}{_segments(points, closed=True)}Z"


def line(points: Sequence[Point]) -> str:
    """An open smooth curve through the points."""
    return f"M{points[0][0]:.2f} {points[0][1]:.2f}{_segments(points, closed=False)}"


def outline(*runs: Sequence[Point]) -> str:
    """A closed shape of smooth runs with a corner wherever two runs meet."""
    start = runs[0][0]
    d = [f"M{start[0]:.2f} {start[1]:.2f}"]
    at = start
    for run in runs:
        if math.dist(at, run[0]) > 0.01:
            d.append(f"L{run[0][0]:.2f} {run[0][1]:.2f}")
        d.append(_segments(run, closed=False))
        at = run[-1]
    return "".join(d) + "Z"


_STEPS = 8
"""Chords per piece of a curve: brush strokes are too short for more to show."""


def along(points: Sequence[Point], count: int) -> list[Point]:
    """`count` points at even distances along the polyline's smooth curve."""
    dense: list[Point] = []
    last = len(points) - 1
    for i in range(last):
        p0, p1, p2, p3 = points[max(i - 1, 0)], points[i], points[i + 1], points[min(i + 2, last)]
        for k in range(_STEPS):
            t = k / _STEPS
            a = 2 * t**3 - 3 * t**2 + 1
            b = t**3 - 2 * t**2 + t
            c = t**3 - t**2
            m1 = ((p2[0] - p0[0]) / 2, (p2[1] - p0[1]) / 2)
            m2 = ((p3[0] - p1[0]) / 2, (p3[1] - p1[1]) / 2)
            dense.append(
                (
                    a * p1[0] + b * m1[0] + (1 - a) * p2[0] + c * m2[0],
                    a * p1[1] + b * m1[1] + (1 - a) * p2[1] + c * m2[1],
                )
            )
    dense.append(points[-1])
    lengths = [0.0]
    for p, q in itertools.pairwise(dense):
        lengths.append(lengths[-1] + math.dist(p, q))
    result, j = [], 0
    for i in range(count):
        wanted = lengths[-1] * i / (count - 1)
        while j < len(dense) - 2 and lengths[j + 1] < wanted:
            j += 1
        span = lengths[j + 1] - lengths[j]
        t = (wanted - lengths[j]) / span if span else 0.0
        result.append(
            (
                dense[j][0] + (dense[j + 1][0] - dense[j][0]) * t,
                dense[j][1] + (dense[j + 1][1] - dense[j][1]) * t,
            )
        )
    return result


def brush(
    points: Sequence[Point], width: float, *, start: float = 0.0, end: float = 0.0, belly: float = 0.5
) -> str:
    """A stroke that swells from `start` to `width` at `belly` (0..1 of its length) and ends at `end`.

    Drawn lines that taper are what tells ink and pencil from a computer's outline.
    """
    spine = along(points, max(6, 3 * len(points) // 2))
    left: list[Point] = []
    right: list[Point] = []
    for i, (x, y) in enumerate(spine):
        ax, ay = spine[max(i - 1, 0)]
        bx, by = spine[min(i + 1, len(spine) - 1)]
        length = math.hypot(bx - ax, by - ay) or 1.0
        nx, ny = -(by - ay) / length, (bx - ax) / length
        t = i / (len(spine) - 1)
        rise = math.sin(math.pi / 2 * min(t / belly, 1)) if t < belly else 1.0
        fall = math.sin(math.pi / 2 * min((1 - t) / (1 - belly), 1)) if t > belly else 1.0
        half = (start + (width - start) * rise if t < belly else end + (width - end) * fall) / 2
        left.append((x + nx * half, y + ny * half))
        right.append((x - nx * half, y - ny * half))
    return outline(left, right[::-1])


@dataclass(frozen=True, slots=True)
class Locks:
    """Hair that runs from guide `first` to guide `second`: `count` brush strokes spread between the two."""

    first: Sequence[Point]
    second: Sequence[Point]
    count: int
    width: float
    colors: Sequence[str]
    opacity: tuple[float, float] = (0.35, 0.8)
    """The range that strokes are drawn from."""
    wander: float = 4.0
    """How far a stroke strays from its place, in art units."""
    reach: tuple[float, float] = (0.0, 1.0)
    """The part of the guides' length that strokes stay in."""
    shortest: float = 0.55
    """A stroke's least length as a share of `reach`."""
    longest: float = 1.0


@dataclass(frozen=True, slots=True)
class _Place:
    move: Point
    scale: Point

    def inside(self, window: Box) -> Box:
        """The window as shapes in this place count."""
        (dx, dy), (sx, sy) = self.move, self.scale
        left, top, right, bottom = window
        return left / sx - dx, top / sy - dy, right / sx - dx, bottom / sy - dy


@dataclass(frozen=True, slots=True)
class _Blur:
    deviation: float
    box: Box
    """Of the shape."""
    place: _Place

    def definition(self, name: str, window: Box) -> str:
        """A filter that reaches as far as the shape shows in the window: filters cost by area."""
        # Three deviations hold 99.7 % of a Gaussian.
        room = 3 * self.deviation
        shown = self.place.inside(window)
        left, top = (max(self.box[i], shown[i] - room) - room for i in (0, 1))
        right, bottom = (min(self.box[i], shown[i] + room) + room for i in (2, 3))
        return (
            f'<filter id="{name}" filterUnits="userSpaceOnUse" x="{left:.1f}" y="{top:.1f}" '
            f'width="{max(right - left, 1):.1f}" height="{max(bottom - top, 1):.1f}" '
            f'color-interpolation-filters="sRGB">'
            f'<feGaussianBlur stdDeviation="{self.deviation:.2f}"/></filter>'
        )


class Drawing:
    """Collects shapes and the gradients they use; `svg` gives the document."""

    def __init__(self) -> None:
        self._defs: list[str] = []
        self._shapes: list[str] = []
        self._blurs: list[_Blur] = []
        self._place = _Place((0.0, 0.0), (1.0, 1.0))

    def _define(self, text: str) -> str:
        name = f"d{len(self._defs)}"
        self._defs.append(text.replace("ID", f'id="{name}"', 1))
        return f"url(#{name})"

    @staticmethod
    def _stops(stops: Sequence[Stop]) -> str:
        parts = []
        for stop in stops:
            opacity = f' stop-opacity="{stop[2]:.3f}"' if len(stop) == 3 else ""
            parts.append(f'<stop offset="{stop[0]}" stop-color="{stop[1]}"{opacity}/>')
        return "".join(parts)

    def linear(self, start: Point, end: Point, *stops: Stop) -> str:
        return self._define(
            f'<linearGradient ID gradientUnits="userSpaceOnUse" x1="{start[0]:.2f}" y1="{start[1]:.2f}" '
            f'x2="{end[0]:.2f}" y2="{end[1]:.2f}">{self._stops(stops)}</linearGradient>'
        )

    def radial(self, center: Point, radius: float, *stops: Stop, squash: float = 1.0) -> str:
        """A radial gradient; `squash` scales its height."""
        transform = f"translate({center[0]:.2f} {center[1]:.2f}) scale(1 {squash:.3f})"
        return self._define(
            f'<radialGradient ID gradientUnits="userSpaceOnUse" cx="0" cy="0" r="{radius:.2f}" '
            f'gradientTransform="{transform}">{self._stops(stops)}</radialGradient>'
        )

    def path(self, d: str, fill: str, *, opacity: float = 1.0, blur: float = 0.0) -> None:
        """A filled shape; `blur` is the Gaussian's standard deviation in art units."""
        extra = f' fill-opacity="{opacity:.3f}"' if opacity < 1 else ""
        blurred = self._blurred(blur, _box(d)) if blur else ""
        self._shapes.append(f'<path d="{d}" fill="{fill}"{extra}{blurred}/>')

    def stroke(
        self, d: str, color: str, width: float, *, opacity: float = 1.0, blur: float = 0.0, cap: str = "round"
    ) -> None:
        extra = f' stroke-opacity="{opacity:.3f}"' if opacity < 1 else ""
        blurred = self._blurred(blur, _box(d, width / 2)) if blur else ""
        self._shapes.append(
            f'<path d="{d}" fill="none" stroke="{color}" stroke-width="{width:.2f}" stroke-linecap="{cap}" '
            f'stroke-linejoin="round"{extra}{blurred}/>'
        )

    def ellipse(
        self,
        center: Point,
        rx: float,
        ry: float,
        fill: str,
        *,
        opacity: float = 1.0,
        blur: float = 0.0,
        turn: float = 0,
    ) -> None:
        extra = f' fill-opacity="{opacity:.3f}"' if opacity < 1 else ""
        x, y = center
        blurred = self._blurred(blur, (x - rx, y - ry, x + rx, y + ry)) if blur else ""
        self._shapes.append(
            f'<ellipse cx="{x:.2f}" cy="{y:.2f}" rx="{rx:.2f}" ry="{ry:.2f}" fill="{fill}" '
            f'transform="rotate({turn:.1f} {x:.2f} {y:.2f})"{extra}{blurred}/>'
        )

    def glow(
        self,
        center: Point,
        radius: float,
        color: str,
        opacity: float,
        *,
        squash: float = 1.0,
        turn: float = 0.0,
    ) -> None:
        """A patch of colour that fades to nothing: how warmth, light and shade are laid on skin."""
        fill = self.radial(
            center,
            radius,
            (0, color, opacity),
            (0.25, color, opacity * 0.84),
            (0.5, color, opacity * 0.5),
            (0.75, color, opacity * 0.16),
            (1, color, 0.0),
            squash=squash,
        )
        # The ellipse is turned with its gradient.
        self.ellipse(center, radius, radius * squash, fill, turn=turn)

    def locks(self, locks: Locks, seed: int) -> None:
        chance = random.Random(seed)
        first, second = along(locks.first, 14), along(locks.second, 14)
        low, high = locks.reach
        for index in range(locks.count):
            place = (index + chance.uniform(0.1, 0.9)) / locks.count
            length = (high - low) * chance.uniform(locks.shortest, locks.longest)
            begin = low + (high - low - length) * chance.random()
            bend, stray = chance.uniform(-1, 1), chance.uniform(-1, 1)
            points = []
            # A stubble's hair needs fewer points than a lock.
            pieces = 6 if length > 0.25 else 3
            for k in range(pieces + 1):
                t = begin + length * k / pieces
                slot = min(int(t * 13), 12)
                part = t * 13 - slot
                a = [first[slot][c] + (first[slot + 1][c] - first[slot][c]) * part for c in (0, 1)]
                b = [second[slot][c] + (second[slot + 1][c] - second[slot][c]) * part for c in (0, 1)]
                sway = locks.wander * (stray * 0.6 + bend * math.sin(math.pi * k / pieces))
                ax, ay = b[0] - a[0], b[1] - a[1]
                across = math.hypot(ax, ay) or 1.0
                points.append(
                    (a[0] + ax * place + ax / across * sway, a[1] + ay * place + ay / across * sway)
                )
            width = locks.width * chance.uniform(0.5, 1.3)
            self.path(
                brush(points, width, start=width * 0.15, end=0.0, belly=chance.uniform(0.3, 0.6)),
                chance.choice(list(locks.colors)),
                opacity=chance.uniform(*locks.opacity),
            )

    def _blurred(self, deviation: float, box: Box) -> str:
        self._blurs.append(_Blur(deviation, box, self._place))
        return f' filter="url(#b{len(self._blurs) - 1})"'

    @contextmanager
    def clipped(self, d: str) -> Iterator[None]:
        """What is drawn inside shows only within the shape."""
        name = self._define(f'<clipPath ID><path d="{d}"/></clipPath>')
        self._shapes.append(f'<g clip-path="{name}">')
        yield
        self._shapes.append("</g>")

    @contextmanager
    def placed(self, move: Point, scale: Point) -> Iterator[None]:
        """Moved, then scaled about the origin; one such group does not lie in another."""
        self._shapes.append(f'<g transform="scale({scale[0]} {scale[1]}) translate({move[0]} {move[1]})">')
        around, self._place = self._place, _Place(move, scale)
        yield
        self._place = around
        self._shapes.append("</g>")

    @contextmanager
    def faded(self, start: Point, end: Point) -> Iterator[None]:
        """What is drawn inside is whole at `start` and gone at `end`."""
        fill = self.linear(start, end, (0, "#ffffff"), (1, "#000000"))
        name = self._define(
            f'<mask ID maskUnits="userSpaceOnUse" x="-2000" y="-2000" width="4000" height="6000">'
            f'<rect x="-2000" y="-2000" width="4000" height="6000" fill="{fill}"/></mask>'
        )
        self._shapes.append(f'<g mask="{name}">')
        yield
        self._shapes.append("</g>")

    def svg(self, left: float, top: float, width: float, height: float, pixels_per_unit: float) -> str:
        """The window of the drawing at (left, top), in art units, as an SVG document."""
        across, down = round(width * pixels_per_unit), round(height * pixels_per_unit)
        window = (left, top, left + width, top + height)
        blurs = "".join(blur.definition(f"b{index}", window) for index, blur in enumerate(self._blurs))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" '
            f'viewBox="{left} {top} {width} {height}"><defs>{"".join(self._defs)}{blurs}</defs>'
            f"{''.join(self._shapes)}</svg>"
        )
