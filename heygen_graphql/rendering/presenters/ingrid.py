"""Ingrid: past sixty, a silver bob and glasses, a plum cardigan over a pale blouse, pearls."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Face, Nose, Skin
from heygen_graphql.rendering.presenters.marks import Ink, Placed, Shape, run
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.parts.clothes import Cloth, buttons, panel, pearls, torso
from heygen_graphql.rendering.presenters.parts.glasses import Glasses, glasses, glasses_shade
from heygen_graphql.rendering.presenters.parts.hair import HairTone, mass, strands
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_FACE = Face(
    skin=Skin(
        light="#fee6d8", base="#f1cbb7", shade="#d19d87", deep="#9a6654", blush="#db7077", rim="#dbe2f6"
    ),
    half_outline=run("0,-200 70,-188 115,-142 131,-76 132,-12 129,46 120,98 99,146 66,182 31,199 0,202"),
    turn=6.5,
    neck_half_width=63.0,
    nose=Nose(half_width=32.5, tip=86.0, bridge=0.92, ball=0.92, droop=1.5, nostrils=0.85),
    ears=None,
    age=0.8,
    blush=0.8,
)
_GLASSES = Glasses(
    center_x=60.0,
    y=8.0,
    lens=run("-39,-8 -33,-26 -10,-33 22,-33 45,-28 48,-8 41,18 22,34 -5,36 -27,26"),
    color="#5a2432",
    light="#d59aa6",
    thickness=4.6,
    temple_x=133.0,
)

_HAIR = HairTone(dark="#77757c", mid="#a09ea4", warm="#c9c8cb", shine="#f4f3f5")
_RIGHT = (
    run("-36,-224 18,-243 84,-236 132,-202 159,-146 169,-76 170,-4 175,64 174,122 158,166 130,186 104,183"),
    run("-34,-160 4,-150 50,-130 92,-98 118,-54 126,-4 128,50 125,98 115,138 101,160 96,173 104,183"),
)
_LEFT = (
    run("-38,-224 -84,-220 -127,-188 -155,-132 -167,-66 -169,6 -174,70 -172,126 -156,168 -128,187 -104,184"),
    run("-38,-160 -66,-148 -98,-114 -118,-64 -126,-8 -128,48 -125,98 -113,140 -100,160 -95,174 -104,184"),
)
_FRINGE = (
    run("-36,-222 26,-236 92,-212 131,-160 150,-96 152,-34 147,14"),
    run("-38,-158 -16,-126 26,-103 72,-84 106,-54 128,-16 147,14"),
)

_PLUM = Cloth(light="#97688f", base="#774a70", shade="#573352", deep="#2b1629", rim="#c9b5d8")
_SILK = Cloth(light="#f6f3f7", base="#e6e0ea", shade="#c3bacb", deep="#85798f", rim="#ffffff")
_OPENING = run("94,304 104,390 70,520 14,640 8,900 8,1360")
_BUTTONED = run("94,304 104,390 68,520 0,640 -12,900 -12,1360")

INGRID = DrawnPresenter(
    avatar_id="ingrid",
    name="Ingrid",
    gender="FEMALE",
    face=_FACE,
    eyes=Eyes(
        center_x=60.0,
        half_width=33.0,
        upper=13.4,
        lower=8.6,
        tilt=0.5,
        iris_radius=15.2,
        iris="#7d93a0",
        iris_rim="#3a4a55",
        lash="#4a3c3a",
        lash_length=4.0,
        lid_shadow="#a8837f",
        lid_shadow_opacity=0.36,
        brow="#847b76",
        brow_light="#b8b0aa",
        brow_thickness=8.5,
        brow_lift=43.0,
        brow_arch=6.5,
        brow_slope=2.0,
        crease=6.5,
        outer_rise=0.68,
        pouch=0.42,
    ),
    mouth=Mouth(
        center_y=131.0,
        half_width=46.0,
        upper_lip=8.5,
        lower_lip=12.5,
        color="#ba666b",
        shade="#86383f",
        light="#df989c",
        gloss=0.20,
        smile=9.5,
        bow=0.18,
    ),
    neck_fade=(244.0, 278.0),
    hairline=run(
        "-126,-8 -118,-64 -98,-114 -60,-146 -38,-158 -16,-126 26,-103 72,-84 106,-54 128,-16 147,14"
    ),
    nape=(),
    back_hair=(
        Shape(
            (
                run(
                    "0,-238 -100,-216 -162,-130 -172,0 -176,80 -168,140 -140,180 -96,186 -70,150 "
                    "0,130 70,150 96,186 140,180 170,140 178,80 174,0 164,-130 100,-222"
                ),
            ),
            ((0, -200), (0, 190), ((0, _HAIR.mid), (0.5, _HAIR.dark), (1, "#57555c"))),
        ),
        strands(
            run("-110,60 -120,120 -130,178"),
            run("-60,80 -66,120 -84,170"),
            ("#68666d", "#57555c", _HAIR.dark),
            16,
            8,
            81,
        ),
        strands(
            run("110,60 120,120 130,178"),
            run("60,80 66,120 84,170"),
            ("#5f5d64", "#57555c", _HAIR.dark),
            16,
            8,
            82,
        ),
    ),
    beard=(),
    front_hair=(
        *mass(*_LEFT, _HAIR, 83, count=46, width=9, sheen=(0.12, 0.5), wander=5),
        *mass(*_RIGHT, _HAIR, 87, count=50, width=9, sheen=(0.10, 0.42), gloss=0.8, wander=5),
        *mass(*_FRINGE, _HAIR, 91, count=44, width=8, sheen=(0.08, 0.6), wander=5),
        # The ends turn under: darker, with a last gleam above them.
        strands(
            _LEFT[0][6:],
            _LEFT[1][6:],
            (_HAIR.dark, "#68666d"),
            18,
            7,
            95,
            opacity=(0.3, 0.6),
            reach=(0.4, 1.0),
        ),
        strands(
            _RIGHT[0][6:],
            _RIGHT[1][6:],
            (_HAIR.dark, "#5f5d64"),
            22,
            7,
            96,
            opacity=(0.3, 0.65),
            reach=(0.3, 1.0),
        ),
        strands(
            _LEFT[0][5:],
            _LEFT[1][5:],
            (_HAIR.shine, _HAIR.warm),
            16,
            4,
            97,
            opacity=(0.3, 0.6),
            reach=(0.1, 0.6),
            longest=0.6,
        ),
        Ink(run("-38,-158 -40,-190 -37,-224"), 5, "#68666d", 0.7, 1.2, 3, 1),
        Ink(run("-40,-226 -112,-208 -160,-136 -172,-60"), 1.6, _HAIR.warm, 0.8),
        Ink(run("60,-242 124,-214 164,-146 174,-60"), 1.6, _HAIR.dark, 0.7),
        Ink(run("-172,40 -181,100 -170,150 -146,180"), 1.8, _HAIR.mid, 0.85),
    ),
    clothes=(
        Placed(
            (0, -36),
            (0.87, 1.0),
            (
                *torso(_SILK, run("92,296 78,362 46,397 18,408 0,409")),
                *pearls(run("-80,306 -72,342 -44,376 4,388 50,374 78,342 86,306"), 23, 6.2, _FACE.skin.deep),
                *panel(_PLUM, _OPENING, -1, band=30),
                *panel(_PLUM, _BUTTONED, 1, band=30),
                *buttons(_SILK, ((9, 690), (5, 800), (3, 910)), 9),
            ),
        ),
    ),
    on_skin=glasses_shade(_FACE, _GLASSES),
    worn=glasses(_FACE, _GLASSES),
)
