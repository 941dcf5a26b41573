"""Omar: about thirty, thick dark curls and a full beard, a rust overshirt over a white tee."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Ears, Face, Nose, Skin
from heygen_graphql.rendering.presenters.marks import Placed, Shape, run
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.parts.beard import Beard, beard
from heygen_graphql.rendering.presenters.parts.clothes import (
    Cloth,
    collar_leaf,
    neck_band,
    panel,
    torso,
)
from heygen_graphql.rendering.presenters.parts.hair import HairTone, curly, soft_edge, strands
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_SKIN = Skin(light="#ebc197", base="#cb9267", shade="#a16842", deep="#6c3f28", blush="#c4604a", rim="#cfd3f0")
_TURN = 6.5

_HAIR = HairTone(dark="#15100f", mid="#261c19", warm="#4b372d", shine="#7d5f4c")
_COILS = ("#120d0c", "#1c1513", "#2b201c", "#3e2e27", "#5a4336", "#80614d")
_CROWN = run("-136,20 -144,-30 -148,-84 -146,-120 146,-126 151,-88 146,-32 138,20")
_HAIRLINE = run(
    "132,20 128,-26 126,-64 118,-98 92,-126 50,-142 "
    "4,-147 -44,-142 -84,-126 -108,-100 -121,-64 -128,-26 -132,20"
)
_CURLS = run(
    "-138,-100 -148,-140 -134,-188 -98,-226 -50,-248 8,-256 66,-250 112,-230 "
    "144,-190 154,-142 144,-104 114,-112 84,-130 40,-140 -6,-142 -54,-138 -96,-122"
)

_RUST = Cloth(light="#c8744a", base="#ab5734", shade="#823d23", deep="#431b0e", rim="#e8b79b")
_COTTON = Cloth(light="#ffffff", base="#f1efec", shade="#cfcac6", deep="#8c8580", rim="#ffffff")
_OPENING = run("110,300 128,420 112,560 92,760 84,1000 84,1360")
_NECK = run("92,296 80,330 46,357 18,366 0,367")

OMAR = DrawnPresenter(
    avatar_id="omar",
    name="Omar",
    gender="MALE",
    face=Face(
        skin=_SKIN,
        half_outline=run("0,-202 70,-190 115,-144 133,-78 136,-12 134,46 127,98 108,148 72,187 36,205 0,209"),
        turn=_TURN,
        neck_half_width=77.0,
        nose=Nose(half_width=37.0, tip=89.0, bridge=1.02, relief=1.15, ball=0.98, droop=2.5),
        ears=Ears(x=134.0),
        age=0.08,
        blush=0.6,
    ),
    eyes=Eyes(
        center_x=60.0,
        half_width=35.0,
        upper=15.2,
        lower=9.4,
        tilt=2.5,
        iris_radius=16.0,
        iris="#6a4526",
        iris_rim="#20130b",
        lash="#1d1411",
        lash_length=2.2,
        lid_shadow="#7d4d36",
        lid_shadow_opacity=0.46,
        brow="#17110f",
        brow_light="#3b2c25",
        brow_thickness=15.0,
        brow_lift=39.0,
        brow_arch=3.6,
        brow_slope=2.5,
        brow_gap=1.02,
        crease=8.5,
        pouch=0.36,
    ),
    mouth=Mouth(
        center_y=135.0,
        half_width=48.0,
        upper_lip=9.5,
        lower_lip=15.0,
        color="#b76a5e",
        shade="#7b3a33",
        light="#d8978a",
        gloss=0.18,
        smile=9.0,
    ),
    neck_fade=(216.0, 244.0),
    hairline=_HAIRLINE,
    nape=(Shape((run("-95,290 -93,228 -60,214 60,214 93,228 95,290"),), _RUST.shade),),
    back_hair=(Shape((run("-138,-40 -133,36 -110,56 110,56 133,36 138,-40"),), _HAIR.dark),),
    beard=beard(
        Beard(
            outer=run("-136,-6 -137,48 -130,100 -111,152 -74,192 -37,211 0,215"),
            inner=run("-126,-6 -114,56 -88,98 -70,112 -60,140 -36,166 -7,170"),
            moustache=run("-3,106 -30,104 -54,118 -62,140 -42,128 -22,122 -3,122"),
            colors=("#1a1311", "#2b201b", "#41322a", "#120d0c"),
            chin_colors=("#3d2f28", "#57443a", "#2b201b"),
            cover=0.62,
            shade="#2c1f19",
            count=420,
            length=(0.07, 0.14),
            turn=_TURN,
        ),
        101,
    ),
    front_hair=(
        soft_edge(_HAIRLINE, _HAIR),
        Shape(
            (_CROWN, _HAIRLINE),
            ((-140, -120), (150, -40), ((0, "#31251f"), (0.5, _HAIR.mid), (1, _HAIR.dark))),
        ),
        strands(
            run("-142,-124 -148,-84 -144,-30 -138,20"),
            run("-100,-112 -121,-70 -129,-26 -132,20"),
            (_HAIR.mid, _HAIR.dark, _HAIR.warm, "#3a2b24"),
            90,
            3.0,
            111,
            shortest=0.14,
            longest=0.3,
            wander=3,
        ),
        strands(
            run("146,-124 151,-84 146,-30 139,20"),
            run("106,-114 125,-70 129,-26 132,20"),
            (_HAIR.mid, _HAIR.dark, "#2b201c"),
            80,
            3.0,
            112,
            shortest=0.14,
            longest=0.3,
            wander=3,
        ),
        *curly(_CURLS, _COILS, 17.0, 115),
    ),
    clothes=(
        Placed(
            (0, -26),
            (0.96, 1.0),
            (
                *torso(_COTTON, _NECK),
                *neck_band(_COTTON, _NECK, 17, 5.0),
                *panel(_RUST, _OPENING, -1, band=26),
                *panel(_RUST, _OPENING, 1, band=26),
                *collar_leaf(
                    _RUST,
                    run("90,256 122,300 150,344 168,420"),
                    run("168,420 130,424 96,402"),
                    run("96,402 98,350 95,300 90,256"),
                    -1,
                ),
                *collar_leaf(
                    _RUST,
                    run("90,256 122,300 150,344 168,420"),
                    run("168,420 130,424 96,402"),
                    run("96,402 98,350 95,300 90,256"),
                    1,
                ),
            ),
        ),
    ),
)
