"""The nose: no line draws it, only planes of light and shade."""

from heygen_graphql.rendering.presenters.face import Face
from heygen_graphql.rendering.presenters.svg import Drawing, brush, loop, mix, outline


def draw_nose(drawing: Drawing, face: Face) -> None:
    skin, nose = face.skin, face.nose
    w, tip, b, relief, n = nose.half_width, nose.tip, nose.bridge, nose.relief, nose.nostrils
    at, run = face.at, face.run
    # The far plane of the bridge, from the brow to the wing: one soft shape.
    far = outline(
        run([(17 * b, -34), (11 * b, -8), (11 * b, 24), (15 * b, tip - 34), (w * 0.5, tip - 22)]),
        run([(w * 1.0, tip - 14), (w * 0.98, tip), (w * 0.55, tip + 4)]),
        run([(12 * b, tip - 12), (7 * b, 24), (8 * b, -8), (17 * b, -34)]),
    )
    drawing.path(
        outline(
            run([(22 * b, -36), (9 * b, -4), (7 * b, 30), (9 * b, tip - 24)]),
            run([(w * 0.95, tip - 6), (30 * b, 30), (26 * b, -6), (28 * b, -34)]),
        ),
        skin.shade,
        opacity=0.75 * relief,
        blur=6,
    )
    drawing.path(far, skin.deep, opacity=0.34 * relief, blur=3.5)
    drawing.path(
        brush(run([(-20 * b, -32), (-13 * b, -6), (-12 * b, 26), (-16 * b, tip - 32)]), 8),
        skin.shade,
        opacity=0.5 * relief,
        blur=4,
    )
    # The cast shadow below, the wings, the underside.
    drawing.path(
        loop(
            run(
                [
                    (-w * 0.8, tip + 2),
                    (0, tip + 6),
                    (w * 1.0, tip + 1),
                    (w * 0.8, tip + 14),
                    (6, tip + 18),
                    (-w * 0.5, tip + 10),
                ]
            )
        ),
        skin.deep,
        opacity=0.42,
        blur=5,
    )
    # The tip: a ball that catches the light, hung lower on some noses than the wings are.
    g, low = nose.ball, tip + nose.droop
    ball = loop(
        run(
            [
                (-w * 0.46 * g, low - 17),
                (0, low - 10 - 17 * g),
                (w * 0.46 * g, low - 17),
                (w * 0.40 * g, low - 2),
                (0, low + 6),
                (-w * 0.40 * g, low - 2),
            ]
        )
    )
    drawing.path(
        ball,
        drawing.radial(
            at(-5, low - 17),
            27 * g,
            (0, mix(skin.base, skin.light, 0.75)),
            (0.55, mix(skin.base, skin.light, 0.15), 0.8),
            (1, skin.shade, 0.0),
        ),
        blur=1.2,
    )
    for side in (-1, 1):
        wing = run(
            [
                (side * w * 0.62, tip - 22),
                (side * w * 0.98, tip - 14),
                (side * w * 1.0, tip - 3),
                (side * w * 0.74, tip + 4),
            ]
        )
        tone = skin.base if side < 0 else mix(skin.base, skin.shade, 0.7)
        drawing.path(loop([*wing, at(side * w * 0.45, tip - 4)]), tone, opacity=0.7, blur=2.5)
        drawing.path(brush(wing, 4.2, belly=0.75), skin.deep, opacity=0.42 if side < 0 else 0.6, blur=1.8)
        nostril = loop(
            run(
                [
                    (side * w * 0.26, tip + 1),
                    (side * w * 0.46, tip + 1 - 5.5 * n),
                    (side * w * 0.70, tip + 1 - 1.5 * n),
                    (side * w * 0.5, tip + 1 + 2.5 * n),
                ]
            )
        )
        drawing.path(nostril, mix(skin.deep, "#2a0a0c", 0.62), opacity=0.85, blur=1.1)
    drawing.path(
        brush(
            run(
                [
                    (-w * 0.42, tip + 1.5),
                    (-w * 0.16, low + 5),
                    (0, low + 6.5),
                    (w * 0.18, low + 5),
                    (w * 0.44, tip + 1.5),
                ]
            ),
            3.4,
        ),
        skin.deep,
        opacity=0.6,
        blur=1.1,
    )
    drawing.path(
        brush(run([(-3, -26), (-4, 10), (-4, tip - 34)]), 6.5 * b, belly=0.6),
        skin.light,
        opacity=0.62 * relief,
        blur=2.4,
    )
    drawing.ellipse(at(-5, low - 19), 6.0 * g, 4.5 * g, "#ffffff", opacity=0.26, blur=2.4)
    drawing.ellipse(at(-w * 0.78, tip - 11), 3, 4, skin.light, opacity=0.55, blur=1.6)
