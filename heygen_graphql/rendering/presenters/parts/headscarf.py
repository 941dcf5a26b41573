"""A headscarf: a fold about the face, what is wrapped below the chin, and the end that lies on the chest."""

from collections.abc import Sequence

from heygen_graphql.rendering.presenters.face import Face
from heygen_graphql.rendering.presenters.marks import (
    Glow,
    Ink,
    Mark,
    Run,
    Shape,
    Wire,
    Within,
    flipped,
    turned,
)
from heygen_graphql.rendering.presenters.parts.clothes import Cloth
from heygen_graphql.rendering.presenters.svg import mix


def wrapped(face: Face, cloth: Cloth, opening: Run, outer: Run) -> tuple[Mark, ...]:
    """What goes about the head. Both paths are the viewer's right half, from the top to the middle below
    the chin, and have as many points: folds run from each to its partner's neighbourhood.
    """
    right_opening = tuple(face.run(opening))
    left_opening = tuple(face.run(flipped(opening)))
    edge = (*left_opening, *turned(right_opening)[1:])
    ring = ((*outer, *turned(flipped(outer))[1:]), edge)
    fill = ((-150.0, -180.0), (160.0, 200.0), ((0, cloth.light), (0.4, cloth.base), (1, cloth.shade)))

    def fold(side: int, share: float, first: int, last: int) -> Run:
        inner = right_opening if side > 0 else left_opening
        outside = outer if side > 0 else flipped(outer)
        return tuple(
            (ax + (bx - ax) * share, ay + (by - ay) * share)
            for (ax, ay), (bx, by) in zip(inner[first:last], outside[first:last], strict=True)
        )

    count = len(opening)
    folds: list[Mark] = []
    for side in (-1, 1):
        near = side < 0
        lit = cloth.light if near else mix(cloth.base, cloth.light, 0.5)
        for share, first, last, width in (
            (0.22, 1, count - 2, 9),
            (0.50, 2, count - 1, 13),
            (0.74, 3, count, 11),
            (0.36, count // 2, count, 8),
        ):
            run = fold(side, share, first, last)
            folds += _soft(run, width * 1.9, cloth.deep, 0.42 if near else 0.5)
            folds += _soft(tuple((x - 7, y - 3) for x, y in run), width * 1.5, lit, 0.5 if near else 0.32)
        # Where the cloth turns away at the silhouette.
        folds += _soft(fold(side, 0.98, 2, count), 30, cloth.shade if near else cloth.deep, 0.5)
        folds += _soft(fold(side, 0.97, 2, count - 3), 8, cloth.rim, 0.25)
    return (
        # Its shade on forehead and cheeks.
        Within((edge,), (Wire(edge, 20, face.skin.deep, 0.5, 6), Wire(edge, 6, face.skin.deep, 0.4, 2))),
        Shape(ring, fill),
        Within(ring, (Glow((-70, -196), 110, cloth.light, 0.6, 0.5, -24), *folds)),
        # The hem's thickness.
        Wire(edge, 3.4, mix(cloth.base, cloth.shade, 0.5), 0.95),
        Wire(tuple((x - 1.2, y - 1.4) for x, y in edge), 1.3, cloth.light, 0.7),
    )


def draped(cloth: Cloth, edges: Sequence[Run], folds: Sequence[Run]) -> tuple[Mark, ...]:
    """The end that lies over shoulders and chest: its outline's runs, and the lines its folds take."""
    shape = tuple(edges)
    marks: list[Mark] = []
    for index, fold in enumerate(folds):
        width = 15 + 3 * (index % 3)
        marks.append(Ink(fold, width, cloth.deep, 0.5, 6, belly=0.4))
        marks.append(Ink(tuple((x - 5, y - 13) for x, y in fold), width, cloth.light, 0.45, 6, belly=0.45))
    lower = edges[1]
    return (
        # Its ends lie on the shoulders' edge: a shade there would fall on the room behind.
        Ink(tuple((x + 2, y + 8) for x, y in lower[1:-1]), 20, cloth.deep, 0.5, 7),
        Shape(
            shape, ((-240.0, 260.0), (220.0, 560.0), ((0, cloth.light), (0.4, cloth.base), (1, cloth.shade)))
        ),
        Within(
            shape,
            (
                *marks,
                # What head and chin keep from the light.
                Glow((14, 268), 150, cloth.deep, 0.75, 0.55),
            ),
        ),
        Ink(tuple((x, y - 2.5) for x, y in lower[1:-1]), 1.8, cloth.light, 0.6),
        Ink(tuple((x, y - 9) for x, y in lower[1:-1]), 1.8, cloth.deep, 0.35),
    )


def _soft(points: Run, width: float, color: str, opacity: float) -> list[Mark]:
    """A stroke with soft edges, of strokes laid one on another: a blur of this size would cost far more."""
    layers = 5
    each = 1 - (1 - opacity) ** (1 / layers)
    return [Ink(points, width * (k + 1) / layers, color, each, belly=0.55) for k in range(layers)]
