"""Hair: a shape that strands run along, lighter where it catches the light."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from heygen_graphql.rendering.presenters.marks import Curls, Ink, Mark, Run, Shape, Strands, Wire
from heygen_graphql.rendering.presenters.svg import Locks, along, mix


@dataclass(frozen=True, slots=True)
class HairTone:
    dark: str
    mid: str
    warm: str
    """Strands in the light."""
    shine: str
    """The few that gleam."""


def strands(
    first: Run,
    second: Run,
    colors: Sequence[str],
    count: int,
    width: float,
    seed: int,
    *,
    opacity: tuple[float, float] = (0.4, 0.85),
    wander: float = 5.0,
    reach: tuple[float, float] = (0.0, 1.0),
    shortest: float = 0.5,
    longest: float = 1.0,
) -> Strands:
    """Single strokes from one guide to the other."""
    return Strands(
        Locks(first, second, count, width, tuple(colors), opacity, wander, reach, shortest, longest), seed
    )


def mass(
    first: Run,
    second: Run,
    tone: HairTone,
    seed: int,
    *,
    count: int = 40,
    width: float = 8.0,
    sheen: tuple[float, float] = (0.14, 0.46),
    gloss: float = 1.0,
    wander: float = 5.0,
    is_filled: bool = True,
) -> tuple[Mark, ...]:
    """A body of hair between two guides that run from root to tip, in four depths.

    `sheen` is the part of its length that the light falls on, `gloss` how strongly.
    """
    high, low = first[len(first) // 3], second[2 * len(second) // 3]
    ground = Shape(
        (first, second[::-1]),
        (high, low, ((0, tone.mid), (0.5, mix(tone.mid, tone.dark, 0.5)), (1, tone.dark))),
    )
    half = mix(tone.mid, tone.warm, 0.4)
    layers = (
        strands(
            first, second, (tone.dark, tone.mid, half), count, width, seed, opacity=(0.45, 0.9), wander=wander
        ),
        strands(
            first,
            second,
            (tone.warm, half, mix(tone.warm, tone.shine, 0.35)),
            count * 3 // 5,
            width * 0.6,
            seed + 1,
            opacity=(0.3 * gloss, 0.7 * gloss),
            wander=wander,
            reach=sheen,
        ),
        strands(
            first,
            second,
            (tone.shine,),
            count // 4,
            width * 0.42,
            seed + 2,
            opacity=(0.2 * gloss, 0.55 * gloss),
            wander=wander,
            reach=(sheen[0] + 0.05, sheen[1]),
            shortest=0.4,
            longest=0.8,
        ),
        strands(
            first, second, (tone.dark,), count // 3, width * 0.4, seed + 3, opacity=(0.3, 0.6), wander=wander
        ),
    )
    return (ground, *layers) if is_filled else layers


def curly(edge: Run, colors: tuple[str, ...], size: float, seed: int) -> tuple[Mark, ...]:
    """Coiled hair that fills `edge`: large coils below, smaller ones on top, none of the ground between."""
    middle_x, middle_y = (sum(point[axis] for point in edge) / len(edge) for axis in (0, 1))
    ground = tuple((x + (middle_x - x) * 0.07, y + (middle_y - y) * 0.10) for x, y in edge)
    return (
        Shape((ground,), colors[1]),
        Curls(edge, size * 1.3, colors[:-2], seed, spill=0.7),
        Curls(edge, size, colors[1:], seed + 1, spill=0.45),
    )


def soft_edge(hairline: Run, tone: HairTone) -> Mark:
    """Hair grows out of skin: its edge is no cut."""
    return Wire(hairline, 7.0, tone.dark, 0.5, 2.4)


def roots(hairline: Run, tone: HairTone, length: float, lean: float, seed: int) -> tuple[Mark, ...]:
    """Short hairs that rise from the hairline, each a little askew; `lean` is how far they go sideways."""
    chance = random.Random(seed)
    marks: list[Mark] = []
    for x, y in along(hairline, round(len(hairline) * 7)):
        rise, aside = length * chance.uniform(0.5, 1.2), lean * chance.uniform(0.4, 1.4)
        foot = (x + chance.uniform(-2, 2), y + chance.uniform(-1, 5))
        middle = (foot[0] + aside * 0.35, foot[1] - rise * 0.55)
        tip = (foot[0] + aside, foot[1] - rise)
        color = chance.choice((tone.dark, tone.mid, tone.mid))
        marks.append(
            Ink((foot, middle, tip), chance.uniform(2.0, 3.6), color, chance.uniform(0.5, 0.9), start=0.6)
        )
    return tuple(marks)
