"""The still part of a head: neck, ears, skin, nose. Eyes, brows and mouth lie on top."""

from collections.abc import Sequence
from dataclasses import dataclass

from heygen_graphql.rendering.presenters.svg import (
    Drawing,
    Point,
    brush,
    line,
    loop,
    mirrored,
    mix,
    outline,
    shifted,
)


@dataclass(frozen=True, slots=True)
class Skin:
    light: str
    base: str
    shade: str
    deep: str
    """The darkest skin: under the chin, in the nostrils' surroundings."""
    blush: str
    rim: str
    """The cool light that falls on the far side."""


@dataclass(frozen=True, slots=True)
class Nose:
    half_width: float
    """Over the wings."""
    tip: float
    """The y of its base."""
    bridge: float = 1.0
    """The bridge's breadth; 1 is a straight, middling one."""
    relief: float = 1.0
    """How far it stands out: the weight of its shade and light."""
    ball: float = 1.0
    """The tip's size."""
    droop: float = 0.0
    """How far the tip hangs below the wings, in art units."""
    nostrils: float = 1.0
    """How much of them shows."""


@dataclass(frozen=True, slots=True)
class Ears:
    x: float
    """How far from the middle they are rooted."""
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class Face:
    """Proportions in art units. The light comes from the viewer's upper left."""

    skin: Skin
    half_outline: tuple[Point, ...]
    """From the crown, down the viewer's right side, to the chin; the other side mirrors it."""
    turn: float
    """How far the middle of the face is moved sideways: a head turned a little is no mask."""
    neck_half_width: float
    nose: Nose
    ears: Ears | None
    """None when hair or cloth hides them."""
    age: float
    """0..1: the folds beside the mouth and under the eyes."""
    blush: float

    def at(self, x: float, y: float) -> Point:
        """Where a feature of an unturned face lies on this one."""
        return x + self.turn * (1 - (x / 150) ** 2), y

    def run(self, points: Sequence[Point]) -> list[Point]:
        return [self.at(x, y) for x, y in points]

    def outline(self) -> str:
        right = list(self.half_outline)
        return loop([*right, *mirrored(right)[1:-1]])


def draw_neck(drawing: Drawing, face: Face) -> None:
    """The column from jaw to collarbones; body and head both draw it, the head's fades into the body's."""
    skin, half = face.skin, face.neck_half_width
    right = [
        (half * 1.0, 90),
        (half * 0.98, 170),
        (half * 0.98, 202),
        (half * 1.06, 236),
        (half + 14, 263),
        (half + 32, 293),
        (half + 52, 331),
        (half + 40, 401),
    ]
    shape = outline([(-x, y) for x, y in right], right[::-1])
    drawing.path(
        shape,
        drawing.linear(
            (-half * 1.3, 0), (half * 1.3, 40), (0, skin.base), (0.35, skin.base), (1, skin.shade)
        ),
    )
    with drawing.clipped(shape):
        # The head's shadow: dense under the jaw, soft at its lower edge, longer on the far side.
        jaw = [(-150, 60), (-112, 168), (-58, 226), (10, 250), (80, 240), (126, 190), (160, 60)]
        drawing.path(loop(shifted(jaw, 6, 6)), skin.deep, opacity=0.6, blur=13)
        drawing.path(loop(shifted(jaw, 4, -20)), mix(skin.deep, "#1a0508", 0.35), opacity=0.5, blur=11)
        drawing.path(
            outline(
                [(half * 0.55, 90), (half * 0.60, 240), (half * 1.1, 293)], [(half * 3, 293), (half * 3, 90)]
            ),
            skin.deep,
            opacity=0.45,
            blur=13,
        )
        # Sternomastoids and the pit between the collarbones.
        drawing.path(
            brush([(-half * 0.80, 205), (-half * 0.52, 251), (-16, 301)], 11, belly=0.7),
            skin.shade,
            opacity=0.6,
            blur=4.5,
        )
        drawing.path(
            brush([(-half * 0.96, 205), (-half * 0.68, 251), (-30, 299)], 10, belly=0.7),
            skin.light,
            opacity=0.30,
            blur=4.5,
        )
        drawing.path(
            brush([(half * 0.82, 205), (half * 0.55, 251), (18, 301)], 12, belly=0.7),
            skin.deep,
            opacity=0.36,
            blur=5,
        )
        drawing.glow((0, 306), 26, skin.deep, 0.42, squash=0.8)
        drawing.path(
            brush([(-20, 309), (-80, 305), (-160, 315)], 10, belly=0.35), skin.shade, opacity=0.6, blur=3.5
        )
        drawing.path(
            brush([(20, 309), (80, 306), (160, 317)], 10, belly=0.35), skin.deep, opacity=0.36, blur=3.5
        )
        drawing.path(
            brush([(-26, 300), (-80, 294), (-150, 303)], 8, belly=0.35), skin.light, opacity=0.5, blur=3.5
        )
        drawing.path(
            brush([(28, 301), (80, 296), (150, 305)], 7, belly=0.35), skin.light, opacity=0.22, blur=3.5
        )


def draw_ears(drawing: Drawing, face: Face) -> None:
    if face.ears:
        _draw_ear(drawing, face, face.ears, -1)
        _draw_ear(drawing, face, face.ears, 1)


def _draw_ear(drawing: Drawing, face: Face, ears: Ears, side: int) -> None:
    skin, size = face.skin, ears.size
    points: list[Point] = [
        (-8, -22),
        (9, -38),
        (23, -30),
        (24, -4),
        (15, 24),
        (11, 46),
        (-1, 60),
        (-14, 48),
    ]
    tone = skin.base if side < 0 else skin.shade

    def at(run: Sequence[Point]) -> list[Point]:
        return [(side * (ears.x + px * size), 10 + (py - 10) * size) for px, py in run]

    drawing.path(
        loop(at(points)),
        drawing.linear(
            (side * (ears.x - 12), 0), (side * (ears.x + 26), 0), (0, mix(tone, skin.deep, 0.25)), (1, tone)
        ),
    )
    drawing.path(
        loop(at([(-4, -14), (8, -24), (14, -6), (6, 20), (-6, 26)])),
        mix(tone, skin.deep, 0.6),
        opacity=0.55,
        blur=3,
    )
    drawing.path(
        brush(at([(1, -24), (14, -30), (18, -6), (9, 24)]), 4.5, belly=0.4),
        mix(tone, skin.light, 0.6),
        opacity=0.6,
        blur=1,
    )
    drawing.path(brush(at([(-2, 2), (6, -8), (5, 16), (-4, 26)]), 4), skin.deep, opacity=0.35, blur=1)
    with drawing.clipped(loop(at(points))):
        drawing.glow((side * (ears.x + 4), 46), 18, skin.blush, 0.4)


def draw_skin(drawing: Drawing, face: Face) -> None:
    skin, shape = face.skin, face.outline()
    jaw = [p for p in face.half_outline if p[1] > -80]
    drawing.path(
        shape,
        drawing.radial(
            (-46, -30),
            262,
            (0, mix(skin.base, skin.light, 0.7)),
            (0.42, skin.base),
            (0.8, mix(skin.base, skin.shade, 0.65)),
            (1, skin.shade),
            squash=1.12,
        ),
    )
    with drawing.clipped(shape):
        # The far side turns away from the light.
        inner = [(x * 0.70 + 4, y * 0.97) for x, y in jaw]
        drawing.path(outline(inner, [(60, 215), (220, 230), (220, -100)]), skin.shade, opacity=0.62, blur=17)
        inner = [(x * 0.87 + 4, y * 0.985) for x, y in jaw]
        drawing.path(outline(inner, [(40, 225), (230, 230), (230, -100)]), skin.deep, opacity=0.4, blur=10)
        # Cheekbone: the hollow below it, near and far.
        drawing.path(
            loop([(-138, 40), (-96, 76), (-62, 118), (-80, 132), (-122, 100)]),
            skin.shade,
            opacity=0.5,
            blur=14,
        )
        drawing.path(
            loop([(138, 36), (104, 74), (74, 118), (92, 136), (130, 100)]), skin.deep, opacity=0.30, blur=13
        )
        left = [(-x * 0.985, y) for x, y in jaw]
        drawing.path(brush(left, 12, start=4, end=6), skin.shade, opacity=0.55, blur=6)
        # Sockets, deepest beside the bridge; temples.
        for side in (-1, 1):
            cx, cy = face.at(side * 60, -8)
            drawing.glow((cx, cy), 62, skin.shade, 0.50 if side < 0 else 0.62, squash=0.62)
            cx, cy = face.at(side * 25, -14)
            drawing.glow((cx, cy), 26, skin.deep, 0.32 if side < 0 else 0.5, squash=1.15)
            drawing.glow((side * 128, -60), 52, skin.shade, 0.35, squash=1.5)
        # Warmth where blood is near the skin.
        for side, strength in ((-1, 1.0), (1, 0.85)):
            cx, cy = face.at(side * 82, 58)
            drawing.glow((cx, cy), 60, skin.blush, 0.43 * face.blush * strength, squash=0.72, turn=side * -18)
        drawing.glow(face.at(0, face.nose.tip - 12), 34, skin.blush, 0.30 * face.blush + 0.06, squash=0.9)
        drawing.glow(face.at(0, 186), 40, skin.blush, 0.22 * face.blush, squash=0.6)
        # Light: forehead, the near cheekbone, the chin.
        drawing.glow(face.at(-34, -104), 86, skin.light, 0.62, squash=0.62)
        drawing.glow(face.at(-78, 38), 44, skin.light, 0.75, squash=0.5, turn=24)
        drawing.glow(face.at(76, 36), 34, skin.light, 0.38, squash=0.5, turn=-24)
        drawing.glow(face.at(-8, 182), 26, skin.light, 0.42, squash=0.7)
        drawing.glow(face.at(-52, 150), 34, skin.light, 0.22, squash=0.8)
        # Under the nose and lip.
        drawing.path(
            brush(face.run([(-4.5, face.nose.tip + 6), (-6, 112)]), 6.0, start=3, end=5),
            skin.shade,
            opacity=0.55,
            blur=2,
        )
        drawing.path(
            brush(face.run([(5, face.nose.tip + 6), (6, 112)]), 3, start=2, end=2),
            skin.light,
            opacity=0.4,
            blur=1.5,
        )
        drawing.glow(face.at(2, 163), 34, skin.deep, 0.36, squash=0.34)
        drawing.path(
            brush([(30, 196), (70, 178), (104, 138), (122, 80), (129, 20)], 5, belly=0.5),
            skin.rim,
            opacity=0.30,
            blur=3,
        )
        if face.age > 0:
            _draw_age(drawing, face)


def _draw_age(drawing: Drawing, face: Face) -> None:
    skin, age = face.skin, face.age
    for side in (-1, 1):
        weight = 0.75 if side < 0 else 1.0
        fold = face.run([(side * 33, 84), (side * 47, 100), (side * 58, 124), (side * 60, 142)])
        drawing.path(brush(fold, 5, belly=0.4), skin.deep, opacity=0.42 * age * weight, blur=1.8)
        drawing.path(brush(shifted(fold, side * 6, -1), 7, belly=0.4), skin.light, opacity=0.30 * age, blur=3)
        bag = face.run([(side * 30, 24), (side * 52, 36), (side * 82, 30)])
        drawing.path(brush(bag, 4, belly=0.45), skin.deep, opacity=0.36 * age, blur=1.8)
        for k in (-1, 0, 1):
            crow = [(side * 107, 3 + 5 * k), (side * 112, 3 + 8 * k), (side * 119, 5 + 12 * k)]
            drawing.path(brush(crow, 2.0, belly=0.3), skin.deep, opacity=0.24 * age, blur=0.9)
        # From the mouth's corners down, and the jaw's softened line: later than the other folds.
        if age > 0.5:
            marionette = face.run([(side * 57, 146), (side * 62, 160), (side * 60, 174)])
            drawing.path(brush(marionette, 4, belly=0.35), skin.deep, opacity=0.30 * age * weight, blur=1.8)
    for y, half in ((-108, 58), (-126, 44)):
        crease = face.run([(-half, y + 2), (-half / 2, y - 3), (0, y + 1), (half / 2, y - 3), (half, y + 3)])
        drawing.path(brush(crease, 2.2), skin.shade, opacity=0.55 * age, blur=1.0)


def draw_hair_shadow(drawing: Drawing, face: Face, hairline: Sequence[Point]) -> None:
    """The soft shade that hair drops on the forehead and temples: without it hair floats."""
    with drawing.clipped(face.outline()):
        drawing.stroke(line(shifted(list(hairline), 5, 9)), face.skin.deep, 30, opacity=0.42, blur=8)
        drawing.stroke(
            line(shifted(list(hairline), 2, 3)), mix(face.skin.deep, "#1a0a08", 0.3), 10, opacity=0.5, blur=4
        )
