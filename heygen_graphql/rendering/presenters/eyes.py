"""Eyes and brows: the iris looks somewhere, the lids close over it, the brows rise."""

from dataclasses import dataclass
from math import cos, sin

from heygen_graphql.rendering.presenters.face import Face
from heygen_graphql.rendering.presenters.svg import Drawing, Point, brush, mix, outline


@dataclass(frozen=True, slots=True)
class Eyes:
    center_x: float
    half_width: float
    upper: float
    """How far the upper lid stands above the line through the corners, open."""
    lower: float
    tilt: float
    """How much higher the outer corner stands."""
    iris_radius: float
    iris: str
    iris_rim: str
    lash: str
    lash_length: float
    lid_shadow: str
    """The colour between crease and lashes."""
    lid_shadow_opacity: float
    brow: str
    brow_light: str
    brow_thickness: float
    brow_lift: float
    """The brow's height above the pupil."""
    brow_arch: float
    brow_slope: float = 0.0
    """How much lower the brow's outer end stands than its inner one, besides the arch."""
    brow_gap: float = 1.12
    brow_reach: float = 1.28
    """Where brows begin and end, in half eyes from the eye's middle."""
    crease: float = 9.5
    """How far above the open lid the fold runs; small for lids that fold inwards."""
    crease_weight: float = 1.0
    peak: float = -0.05
    """Where the upper lid stands highest: -1 inner corner .. 1 outer corner."""
    inner_rise: float = 0.70
    outer_rise: float = 0.74
    """The upper lid's height, as a share of its peak, towards either corner."""
    epicanthus: float = 0.0
    """0..1: how far a fold of the upper lid covers the inner corner."""
    pouch: float = 0.30
    """How strongly the lower lid's fold shows."""


@dataclass(frozen=True, slots=True)
class Gaze:
    """What the eyes do in one frame."""

    closed: float = 0.0
    """0 open .. 1 shut."""
    x: float = 0.0
    """The iris's offset in art units."""
    y: float = 0.0


def draw_eyes(drawing: Drawing, face: Face, eyes: Eyes, gaze: Gaze) -> None:
    for side in (-1, 1):
        _draw_eye(drawing, face, eyes, side, gaze)


def draw_brows(drawing: Drawing, face: Face, eyes: Eyes, raised: float) -> None:
    """`raised` runs from 0 to 1."""
    for side in (-1, 1):
        _draw_brow(drawing, face, eyes, side, raised)


def _draw_eye(drawing: Drawing, face: Face, eyes: Eyes, side: int, gaze: Gaze) -> None:
    skin = face.skin
    half, cx = eyes.half_width, eyes.center_x

    def at(x: float, y: float) -> Point:
        """x runs from the nose (-half) outwards (half)."""
        return face.at(side * (cx + x), y - eyes.tilt * x / (2 * half))

    def run(points: list[Point]) -> list[Point]:
        return [at(x, y) for x, y in points]

    shut = gaze.closed
    # The upper lid comes down to just below the corners' line, the lower one rises a little to meet it.
    meet = eyes.lower * 0.62
    up = [
        (-half, 2.5),
        (-half * 0.62, -eyes.upper * eyes.inner_rise),
        (half * eyes.peak, -eyes.upper),
        (half * 0.55, -eyes.upper * eyes.outer_rise),
        (half, 0.0),
    ]
    closed_up = [
        (-half, 2.5),
        (-half * 0.6, meet * 0.75),
        (0.0, meet * 1.25),
        (half * 0.58, meet * 0.95),
        (half, 0.0),
    ]
    upper = [(a[0], a[1] + (b[1] - a[1]) * shut) for a, b in zip(up, closed_up, strict=True)]
    low = [
        (half, 0.0),
        (half * 0.55, eyes.lower * 0.86),
        (0.0, eyes.lower),
        (-half * 0.6, eyes.lower * 0.72),
        (-half, 2.5),
    ]
    closed_low = [
        (half, 0.0),
        (half * 0.58, meet * 0.95),
        (0.0, meet * 1.25),
        (-half * 0.6, meet * 0.75),
        (-half, 2.5),
    ]
    lower = [(a[0], a[1] + (b[1] - a[1]) * shut) for a, b in zip(low, closed_low, strict=True)]
    opening = outline(run(upper), run(lower))
    white = "#f4ece6" if side < 0 else "#e9dfd9"

    # Lid skin between crease and lashes; it grows as the eye shuts.
    crease = [
        (x * 1.02, y - eyes.crease + 3.5 * shut - (2.0 if 0 < i < 4 else 0)) for i, (x, y) in enumerate(up)
    ]
    lid = outline(run(crease), run(upper[::-1]))
    drawing.path(lid, mix(skin.base, skin.shade, 0.25 if side < 0 else 0.5), opacity=0.85, blur=1.2)
    drawing.path(lid, eyes.lid_shadow, opacity=eyes.lid_shadow_opacity * (0.75 + 0.25 * shut), blur=1.8)
    if shut > 0.3:
        drawing.path(
            brush(run([(x * 0.7, y * 0.45 + 1) for x, y in up]), 7), skin.light, opacity=0.35 * shut, blur=2.4
        )
    drawing.path(
        brush(run(crease), 3.0, belly=0.6), skin.deep, opacity=(0.52 - 0.2 * shut) * eyes.crease_weight
    )
    drawing.path(
        brush(run([(x, y - 8) for x, y in crease]), 8, belly=0.6),
        skin.light,
        opacity=(0.30 if side < 0 else 0.14) * eyes.crease_weight,
        blur=3,
    )

    if shut < 0.92:
        drawing.path(opening, white)
        with drawing.clipped(opening):
            _draw_iris(
                drawing, eyes, at(gaze.x * side - 1.0 * side, gaze.y - 1.0 - 0.16 * eyes.upper), skin.deep
            )
            # The ball is round: its corners fall into shade; the caruncle is pink.
            ox, oy = at(half, 0)
            ix, iy = at(-half, 2)
            drawing.glow((ox, oy), 17, mix(skin.shade, "#7a5a60", 0.4), 0.75)
            drawing.glow((ix, iy), 13, "#c07f78", 0.9 * (1 - 0.7 * eyes.epicanthus))
            # The upper lid's own shadow on the ball.
            drawing.path(
                brush(run([(x, y + 3.0) for x, y in upper]), 11, start=6, end=6),
                "#3a2530",
                opacity=0.46,
                blur=2.4,
            )
            drawing.path(
                brush(run([(x, y - 1.0) for x, y in lower]), 2.4, start=1, end=1),
                mix(skin.light, "#ffd9cf", 0.5),
                opacity=0.6,
            )
    lower_weight = 0.55 - 0.3 * shut
    drawing.path(
        brush(run([(x, y + 0.9) for x, y in lower[:-1]]), 2.0, start=1.8, belly=0.2),
        mix(eyes.lash, skin.deep, 0.35),
        opacity=lower_weight * 0.8,
    )
    drawing.path(
        brush(run([(x * 0.95, y + 8.5) for x, y in low]), 3.2, belly=0.55),
        skin.deep,
        opacity=eyes.pouch,
        blur=1.6,
    )
    if eyes.epicanthus:
        # The upper lid runs on past the corner and folds over it.
        fold = run([(-half * 0.72, upper[1][1] * 0.86 - 1.5), (-half * 0.98, -1.0), (-half * 1.10, 7.0)])
        drawing.path(brush(fold, 7.5, start=2, belly=0.55), mix(skin.base, skin.shade, 0.3), blur=0.8)
        drawing.path(
            brush(fold, 2.2, start=1.0, belly=0.5), skin.deep, opacity=0.45 * eyes.epicanthus, blur=0.7
        )
    # The lash line, heavier outwards, flicked past the corner.
    flick = (
        half * 1.0 + eyes.lash_length * 0.55,
        upper[-1][1] - eyes.lash_length * 0.32 * (1 - shut) + 1.5 * shut,
    )
    drawing.path(
        brush(
            run([*upper[:-1], (half * 0.99, upper[-1][1] - 0.6), flick]),
            2.7 + eyes.lash_length * 0.26,
            start=1.2,
            belly=0.66,
        ),
        eyes.lash,
        opacity=0.95,
    )
    if eyes.lash_length > 3:
        for x, root_y in ((0.34, 0.89), (0.46, 0.81), (0.57, 0.71), (0.67, 0.60), (0.77, 0.46), (0.87, 0.30)):
            y = -eyes.upper * root_y * (1 - shut) + meet * 1.15 * shut * (1 - x * x * 0.8)
            length = eyes.lash_length * (0.25 + 0.75 * x)
            lift = -length * (0.62 - 1.2 * shut)
            drawing.path(
                brush(
                    run(
                        [
                            (half * x, y),
                            (half * x + length * 0.42, y + lift * 0.30),
                            (half * x + length * 0.80, y + lift),
                        ]
                    ),
                    1.7,
                    start=1.7,
                    belly=0.05,
                ),
                eyes.lash,
                opacity=0.72,
            )


def _draw_iris(drawing: Drawing, eyes: Eyes, center: Point, deep: str) -> None:
    x, y = center
    r = eyes.iris_radius
    drawing.ellipse(center, r + 0.6, r + 0.6, eyes.iris_rim, opacity=0.8)
    drawing.ellipse(
        center,
        r,
        r,
        drawing.radial(
            (x + r * 0.1, y + r * 0.42),
            r * 1.25,
            (0, mix(eyes.iris, "#ffe9c8", 0.34)),
            (0.45, eyes.iris),
            (0.85, mix(eyes.iris, eyes.iris_rim, 0.6)),
            (1, eyes.iris_rim),
        ),
    )
    fan = [((k * 0.5236 + 0.2), 0.46 + 0.08 * (k % 3)) for k in range(12)]
    for angle, inner in fan:
        a = (x + cos(angle) * r * inner, y + sin(angle) * r * inner)
        b = (x + cos(angle + 0.05) * r * 0.9, y + sin(angle + 0.05) * r * 0.9)
        drawing.path(brush([a, b], 0.9), mix(eyes.iris, "#fff1d8", 0.5), opacity=0.30)
    drawing.ellipse(center, r * 0.43, r * 0.43, "#0d0709")
    drawing.ellipse((x - r * 0.36, y - r * 0.42), r * 0.25, r * 0.29, "#ffffff", opacity=0.93)
    drawing.ellipse((x + r * 0.42, y + r * 0.46), r * 0.15, r * 0.12, "#ffffff", opacity=0.42)


def _draw_brow(drawing: Drawing, face: Face, eyes: Eyes, side: int, raised: float) -> None:
    # One brow a little higher and more arched than the other: nobody's are equal.
    lift = eyes.brow_lift + 5.5 * raised + (1.6 if side < 0 else 0.0)
    arch = eyes.brow_arch + 2.0 * raised + (1.2 if side < 0 else 0.0)
    inner = eyes.center_x - eyes.half_width * eyes.brow_gap
    outer = eyes.center_x + eyes.half_width * eyes.brow_reach
    thick = eyes.brow_thickness

    def at(t: float, y: float) -> Point:
        return face.at(side * (inner + (outer - inner) * t), -lift + y + eyes.brow_slope * t)

    top = [
        at(0.0, -thick * 0.15),
        at(0.18, -thick * 0.55 - arch * 0.35),
        at(0.45, -thick * 0.52 - arch * 0.9),
        at(0.68, -thick * 0.34 - arch),
        at(1.0, arch * 0.15 + 3),
    ]
    bottom = [
        at(1.0, arch * 0.15 + 4),
        at(0.68, thick * 0.10 - arch * 0.86),
        at(0.45, thick * 0.34 - arch * 0.68),
        at(0.18, thick * 0.50 - arch * 0.15),
        at(0.0, thick * 0.52),
    ]
    drawing.path(outline(top, bottom), eyes.brow, opacity=0.62, blur=2.0)
    middle = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in zip(top, bottom[::-1], strict=True)]
    drawing.path(brush(middle, thick * 0.72, start=thick * 0.4, belly=0.4), eyes.brow, opacity=0.66, blur=1.2)
    for k in range(22):
        t = k / 22
        slot = min(int(t * 4), 3)
        part = t * 4 - slot
        low = tuple(bottom[4 - slot][c] + (bottom[3 - slot][c] - bottom[4 - slot][c]) * part for c in (0, 1))
        end_t = min(t + 0.25, 1.0)
        slot = min(int(end_t * 4), 3)
        part = end_t * 4 - slot
        high = tuple(top[slot][c] + (top[slot + 1][c] - top[slot][c]) * part for c in (0, 1))
        if k > 13:
            low, high = (high[0] - side * 12, high[1] - 1.5), (high[0] + side * 1.5, high[1] + 3.0 * part)
        color = eyes.brow if k % 3 else eyes.brow_light
        bend = ((low[0] + high[0]) / 2 - side * 1.5, (low[1] + high[1]) / 2 - 1)
        drawing.path(
            brush([(low[0], low[1]), bend, (high[0], high[1])], 1.8, start=0.7, belly=0.4),
            color,
            opacity=0.28 if k < 3 else 0.42,
        )
