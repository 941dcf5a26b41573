"""Beards: a shade on the skin, and short hairs that grow out of it."""

from dataclasses import dataclass

from heygen_graphql.rendering.presenters.face import Face
from heygen_graphql.rendering.presenters.marks import Mark, Run, Shape, Within, flipped
from heygen_graphql.rendering.presenters.parts.hair import strands


@dataclass(frozen=True, slots=True)
class Beard:
    """Paths are the viewer's left half, from the sideburn to the middle of the chin."""

    outer: Run
    """The jaw's edge."""
    inner: Run
    """Where it ends on the cheek, goes round the mouth, and closes below the lower lip."""
    moustache: Run
    """Its outline's left half: along the upper edge to the corner, and back along the lower."""
    colors: tuple[str, ...]
    chin_colors: tuple[str, ...]
    cover: float
    """0..1: how far it hides the skin."""
    shade: str
    count: int
    """Hairs on each cheek."""
    length: tuple[float, float]
    """A hair's, as shares of the way from sideburn to chin."""
    turn: float
    """The face's turn: the middle of a beard moves with the mouth."""


def beard(of: Beard, seed: int) -> tuple[Mark, ...]:
    def placed(points: Run, side: int) -> Run:
        # The middle follows the face's turn, the jaw's edge does not.
        return tuple((side * -x + of.turn * (1 - (x / 150) ** 2), y) for x, y in points)

    left_outer, right_outer = of.outer, flipped(of.outer)
    left_inner, right_inner = placed(of.inner, -1), placed(of.inner, 1)
    edge = (*left_outer, *right_outer[-2::-1])
    whole = (edge, (*right_inner, *left_inner[-2::-1]))
    within_jaw = (edge, ((edge[-1][0], edge[0][1] - 20), (edge[0][0], edge[0][1] - 20)))
    lip = (*placed(of.moustache, -1), *placed(of.moustache, 1)[-2:0:-1])
    middle = placed(((0.0, of.inner[-1][1] - 8),), 1)[0]
    corner = len(of.moustache) // 2

    def hairs(first: Run, second: Run, count: int, offset: int, length: tuple[float, float]) -> Mark:
        low, high = 0.22 + 0.3 * of.cover, 0.5 + 0.4 * of.cover
        return strands(
            first,
            second,
            of.colors,
            count,
            2.0,
            seed + offset,
            opacity=(low, min(high, 1.0)),
            wander=2,
            shortest=length[0],
            longest=length[1],
        )

    def around_mouth(side: int) -> Mark:
        outer, inner = placed(of.moustache, side), placed(of.inner, side)
        x, y = outer[corner]
        first = (
            (x, y - 4),
            (x + side * 5, y + 16),
            (x - side * 2, y + 34),
            (inner[-2][0], inner[-2][1] + 16),
        )
        second = ((x - side * 6, y - 6), (x - side * 6, y + 14), (x - side * 14, y + 28), inner[-2])
        return hairs(first, second, of.count // 9, 5 + side, (0.2, 0.4))

    def moustache(side: int) -> Mark:
        half = placed(of.moustache, side)
        return hairs(half[: corner + 1], half[: corner - 1 : -1], of.count // 4, 8 + side, (0.2, 0.4))

    return (
        Within(
            within_jaw,
            (
                Shape(whole, of.shade, opacity=min(0.42 + 0.5 * of.cover, 1), blur=6),
                Shape(whole, of.colors[0], opacity=0.2 + 0.5 * of.cover, blur=2.5),
            ),
        ),
        Shape((lip,), of.shade, opacity=min(0.45 + 0.5 * of.cover, 1), blur=3),
        # The tuft below the lip.
        Shape(
            (
                (
                    (middle[0] - 12, middle[1]),
                    middle,
                    (middle[0] + 12, middle[1]),
                    (middle[0] + 6, middle[1] + 14),
                    (middle[0] - 7, middle[1] + 14),
                ),
            ),
            of.shade,
            opacity=0.30 + 0.4 * of.cover,
            blur=3.5,
        ),
        hairs(left_outer, left_inner, of.count, 0, of.length),
        hairs(right_outer, right_inner, of.count, 1, of.length),
        moustache(-1),
        moustache(1),
        strands(
            tuple(edge[len(of.outer) - 1 + k] for k in (-2, -1, 1, 2)),
            tuple(whole[1][len(of.inner) - 1 + k] for k in (2, 1, -1, -2)),
            of.chin_colors,
            of.count // 4,
            2.0,
            seed + 3,
            opacity=(0.25, 0.6),
            wander=2,
            shortest=0.05,
            longest=0.1,
        ),
        around_mouth(-1),
        around_mouth(1),
    )


def stubble(face: Face, color: str, opacity: float) -> tuple[Mark, ...]:
    """The shade of a shaved beard: it tells a jaw from a cheek."""
    jaw = tuple(point for point in face.half_outline if point[1] > 20)
    edge = (*jaw, *(flipped(jaw)[-2::-1]))
    inner = tuple(face.run([(-112, 40), (-84, 104), (-58, 108), (0, 98), (58, 108), (84, 104), (112, 40)]))
    return (
        Within(
            (edge, ((edge[-1][0], edge[-1][1] - 60), (edge[0][0], edge[0][1] - 60))),
            (Shape((edge, inner), color, opacity, 11),),
        ),
    )
