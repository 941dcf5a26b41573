"""The mouth from a pose: lips that deform, teeth, tongue, the dark between."""

from dataclasses import dataclass

from heygen_graphql.rendering.presenters.face import Face
from heygen_graphql.rendering.presenters.svg import Drawing, Point, brush, loop, mix, outline


@dataclass(frozen=True, slots=True)
class Mouth:
    center_y: float
    half_width: float
    upper_lip: float
    """The upper lip's height at the cupid's bow, closed."""
    lower_lip: float
    color: str
    shade: str
    light: str
    gloss: float
    smile: float
    """How far the corners stand above the middle at rest."""
    bow: float = 0.2
    """Half the distance between the upper lip's two peaks, as a share of the half width."""
    fullness: float = 0.60
    """How high the upper lip still stands halfway to its corners."""
    dip: float = 0.24
    """How deep the notch between them is, as a share of the upper lip."""


@dataclass(frozen=True, slots=True)
class MouthShape:
    """The four numbers of a mouth pose, each a level of the rig's grid."""

    openness: float
    spread: float
    tuck: float
    tongue: float


WIDEST_GAP = 40.0
"""Art units between the lips' inner edges at openness 1: a tenth of the head, an emphatic "ah"."""

JAW_DROP = 13.0
"""Art units that the chin falls at openness 1."""


def draw_mouth(drawing: Drawing, face: Face, mouth: Mouth, shape: MouthShape) -> None:
    opened, spread, tuck = shape.openness, shape.spread, shape.tuck
    rounded, wide = max(-spread, 0.0), max(spread, 0.0)
    gap = WIDEST_GAP * opened * (1 - 0.30 * wide) * (1 - 0.12 * rounded)
    half = mouth.half_width * (1 - 0.34 * rounded + 0.13 * wide - 0.05 * opened * (1 - rounded))
    # Round lips pout, spread ones thin out.
    upper = mouth.upper_lip * (1 + 0.22 * rounded - 0.14 * wide - 0.08 * opened)
    lower = mouth.lower_lip * (1 + 0.20 * rounded - 0.12 * wide - 0.06 * opened) * (1 - 0.52 * tuck)
    corner = -mouth.smile * (1 - 0.7 * rounded) - 2.2 * wide + 0.12 * gap
    cy = mouth.center_y
    inner_top, inner_low = -0.24 * gap - 1.8 * tuck, 0.76 * gap - 2.5 * tuck
    if tuck > 0:
        inner_low = max(inner_low - 2 * tuck, inner_top + 4.8 * tuck)

    def run(points: list[Point]) -> list[Point]:
        return [face.at(x, cy + y) for x, y in points]

    bow = min(8.5, half * 0.2) * mouth.bow / 0.2
    top = inner_top - upper
    # Round mouths have no pointed corners: the inner line's ends stand off from the outer's.
    inset = half * (0.93 - 0.10 * rounded)
    fullness = 0.30 + 0.32 * rounded + 0.10 * opened
    seam = 1.3 * (1 - opened)
    upper_edge = [
        (-inset, corner),
        (-inset * 0.62, inner_top * (0.55 + fullness * 0.5) + corner * 0.30),
        (-inset * 0.2, inner_top + seam * 0.2),
        (0.0, inner_top + seam),
        (inset * 0.2, inner_top + seam * 0.2),
        (inset * 0.62, inner_top * (0.55 + fullness * 0.5) + corner * 0.30),
        (inset, corner),
    ]
    lower_edge = [
        (inset, corner),
        (inset * 0.62, inner_low * (0.50 + fullness * 0.5) + corner * 0.30),
        (inset * 0.2, inner_low * 0.98),
        (0.0, inner_low + seam),
        (-inset * 0.2, inner_low * 0.98),
        (-inset * 0.62, inner_low * (0.50 + fullness * 0.5) + corner * 0.30),
        (-inset, corner),
    ]
    outer_top = [
        (-half, corner),
        (-half * 0.60, top * mouth.fullness + corner * 0.35),
        (-bow, top),
        (0.0, top + upper * mouth.dip),
        (bow, top),
        (half * 0.60, top * mouth.fullness + corner * 0.35),
        (half, corner),
    ]
    bottom = inner_low + lower
    outer_low = [
        (half, corner),
        (half * 0.66, bottom * 0.72 + corner * 0.25),
        (half * 0.33, bottom * 0.96),
        (0.0, bottom * 1.015),
        (-half * 0.33, bottom * 0.96),
        (-half * 0.66, bottom * 0.72 + corner * 0.25),
        (-half, corner),
    ]

    skin = face.skin
    x0, _ = face.at(0, 0)
    drawing.glow((x0 + 3, cy + bottom + 7), half * 0.72, skin.deep, 0.5, squash=0.24)
    for side in (-1, 1):
        px, py = run([(side * (half + 1.5), corner + 0.5)])[0]
        drawing.glow((px, py), 9, skin.deep, 0.42, squash=0.8)
    # Thin glazes of lip colour soften the vermilion's border.
    whole = outline(run(outer_top), run(outer_low))
    drawing.stroke(whole, mouth.color, 4.2, opacity=0.13)
    drawing.stroke(whole, mouth.color, 2.2, opacity=0.20)
    inner = outline(run(upper_edge), run(lower_edge))
    if gap > 0.8 or tuck > 0:
        _draw_inside(drawing, face, mouth, shape, inner, cy, inner_top, inner_low, inset)
    lower_lip = outline(run(outer_low), run(lower_edge[::-1]))
    drawing.path(
        lower_lip,
        drawing.linear(
            (x0, cy + inner_low),
            (x0, cy + bottom),
            (0, mix(mouth.color, mouth.shade, 0.35)),
            (0.42, mix(mouth.color, mouth.light, 0.55)),
            (0.8, mouth.color),
            (1, mix(mouth.color, mouth.shade, 0.45)),
        ),
    )
    upper_lip = outline(run(outer_top), run(upper_edge[::-1]))
    drawing.path(
        upper_lip,
        drawing.linear(
            (x0, cy + top),
            (x0, cy + inner_top + 2),
            (0, mix(mouth.color, mouth.light, 0.12)),
            (0.5, mix(mouth.color, mouth.shade, 0.42)),
            (1, mix(mouth.shade, "#2a0808", 0.15)),
        ),
    )
    with drawing.clipped(whole):
        # The far corner is in shade; light sits on the lower lip's near half.
        fx, fy = run([(half * 0.95, corner + lower * 0.3)])[0]
        drawing.glow((fx, fy), half * 0.62, mouth.shade, 0.6)
        gx, gy = run([(-half * 0.16, inner_low + lower * 0.42)])[0]
        drawing.glow(
            (gx, gy), half * 0.40, "#ffffff", mouth.gloss * 1.15, squash=lower * 0.30 / (half * 0.40)
        )
        gx, gy = run([(-half * 0.20, inner_low + lower * 0.40)])[0]
        drawing.glow((gx, gy), half * 0.16, "#ffffff", mouth.gloss * 1.3, squash=lower * 0.16 / (half * 0.16))
        for x, bend in ((-0.42, -1.2), (-0.12, -0.3), (0.14, 0.4), (0.44, 1.2)):
            crease = run(
                [
                    (half * x, inner_low + lower * 0.18),
                    (half * x + bend, inner_low + lower * 0.55),
                    (half * x + bend * 0.6, inner_low + lower * 0.85),
                ]
            )
            drawing.path(brush(crease, 1.3), mouth.shade, opacity=0.2)
    drawing.path(
        brush(
            run(
                [
                    (-bow * 2.2, top * 0.96 + 0.2),
                    (-bow, top - 1.1),
                    (0, top + upper * mouth.dip - 1.1),
                    (bow, top - 1.1),
                ]
            ),
            1.7,
            belly=0.4,
        ),
        skin.light,
        opacity=0.24,
    )
    if gap <= 0.8 and tuck == 0:
        drawing.path(
            brush(run(upper_edge), 3.2, start=1.2, end=1.4), mix(mouth.shade, "#240606", 0.62), opacity=0.85
        )
    else:
        drawing.path(
            brush(run(upper_edge), 1.9, start=1.2, end=1.2), mix(mouth.shade, "#240606", 0.5), opacity=0.6
        )
    for side in (-1, 1):
        tick = run([(side * half * 0.90, corner + 0.3), (side * (half + 2.6), corner - 1.5 - 0.8 * wide)])
        drawing.path(brush(tick, 2.6, start=1.6, belly=0.3), mix(skin.deep, "#240606", 0.4), opacity=0.30)


def _draw_inside(
    drawing: Drawing,
    face: Face,
    mouth: Mouth,
    shape: MouthShape,
    inner: str,
    cy: float,
    top: float,
    low: float,
    half: float,
) -> None:
    x0, _ = face.at(0, 0)
    rounded, wide = max(-shape.spread, 0.0), max(shape.spread, 0.0)
    drawing.path(
        inner,
        drawing.linear((x0, cy + top), (x0, cy + low), (0, "#1d0708"), (0.6, "#3b1114"), (1, "#5a2023")),
    )
    depth = low - top
    with drawing.clipped(inner):
        # Tongue: low and dim behind the teeth; it comes up for l, th, n, t, d.
        rise = depth * (0.40 + 0.42 * shape.tongue)
        if depth > 6:
            body = loop(
                [
                    (x0 - half * 0.66, cy + low + 8),
                    (x0 - half * 0.52, cy + low - rise * 0.42),
                    (x0 - half * 0.26, cy + low - rise * 0.80),
                    (x0, cy + low - rise * 0.84),
                    (x0 + half * 0.26, cy + low - rise * 0.80),
                    (x0 + half * 0.52, cy + low - rise * 0.42),
                    (x0 + half * 0.66, cy + low + 8),
                    (x0, cy + low + 16),
                ]
            )
            seen = 0.55 + 0.4 * max(shape.tongue, shape.openness * 0.6)
            drawing.path(
                body,
                drawing.radial(
                    (x0 - half * 0.12, cy + low - rise * 0.15),
                    half * 0.62,
                    (0, "#bb5f62"),
                    (0.5, "#9f474c"),
                    (1, "#5c2226"),
                    squash=max(rise / half, 0.3),
                ),
                opacity=seen,
            )
            groove = [(x0 + 1, cy + low - rise * 0.78), (x0 + 0.5, cy + low - rise * 0.3), (x0, cy + low + 4)]
            drawing.path(brush(groove, 3.6, belly=0.4), "#6e282e", opacity=0.32 * seen)
        # Upper teeth: one soft arch, its ends lost in shade. They hang from the skull: rounding hides them.
        show = min(max(depth - 3.0, 0.0) * 0.72, 10.5) * (1 - 0.45 * rounded)
        if shape.tuck > 0:
            show = max(show, depth * (0.75 + 0.25 * shape.tuck))
        if show > 1.2:
            w = half * (0.80 + 0.06 * wide)
            edge = cy + top + show
            arch = outline(
                [(x0 - w, cy + top - 8), (x0 + w, cy + top - 8)],
                [
                    (x0 + w, edge - show * 1.25),
                    (x0 + w * 0.84, edge - show * 0.42),
                    (x0 + w * 0.5, edge - show * 0.08),
                    (x0 + 1, edge + 0.2),
                    (x0 - w * 0.5, edge - show * 0.08),
                    (x0 - w * 0.84, edge - show * 0.42),
                    (x0 - w, edge - show * 1.25),
                ],
            )
            drawing.path(
                arch,
                drawing.linear(
                    (x0 - w, 0),
                    (x0 + w, 0),
                    (0, "#4f312c"),
                    (0.10, "#a98f83"),
                    (0.27, "#e6dace"),
                    (0.45, "#f7f1e8"),
                    (0.70, "#e2d5c9"),
                    (0.90, "#957c71"),
                    (1, "#452a26"),
                ),
            )
            for x in (-0.56, -0.30, 0.0, 0.30, 0.56):
                tooth = [(x0 + w * x, cy + top - 2), (x0 + w * x, edge - show * (0.10 + 0.3 * x * x))]
                drawing.path(brush(tooth, 0.9, start=0.6, end=0.4), "#a8938a", opacity=0.26)
            # The upper lip's shadow on the teeth.
            shade = drawing.linear(
                (x0, cy + top - 1),
                (x0, cy + top + 6.5),
                (0, "#2a0b0d", 0.75),
                (0.5, "#2a0b0d", 0.28),
                (1, "#2a0b0d", 0.0),
            )
            drawing.path(arch, shade)
        if shape.openness > 0.55 and shape.tongue < 0.5:
            peek = min((shape.openness - 0.55) * 7, 2.6)
            row = [
                (x0 + half * x, cy + low - peek * y)
                for x, y in ((-0.5, 1.9), (-0.25, 0.7), (0, 0.4), (0.25, 0.7), (0.5, 1.9))
            ]
            drawing.path(brush(row, peek * 2.0, start=0.6, end=0.6), "#d3c3b6", opacity=0.62)
