"""Amara: in her twenties, natural curls gathered high, gold hoops, a saffron cable knit."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Ears, Face, Nose, Skin
from heygen_graphql.rendering.presenters.marks import Glow, Ink, Placed, Shape, Within, run
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.parts.clothes import (
    Cloth,
    cable,
    hoop,
    torso,
    turtleneck,
    within_torso,
)
from heygen_graphql.rendering.presenters.parts.hair import HairTone, curly, mass, soft_edge, strands
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_SKIN = Skin(light="#c08459", base="#95593a", shade="#6c3c26", deep="#401f15", blush="#b04a3d", rim="#b9b6ec")

_HAIR = HairTone(dark="#120c0d", mid="#221617", warm="#46302a", shine="#7d5a48")
_COILS = ("#0f0a0b", "#1a1112", "#2a1c1b", "#3c2924", "#5a3f34", "#7d5a48")
_PUFF = run(
    "-70,-195 -112,-204 -132,-230 -124,-262 -92,-287 -48,-299 4,-303 "
    "56,-299 100,-285 132,-259 138,-229 118,-202 78,-194 0,-186"
)
_CROWN = run(
    "-132,3 -141,-56 -140,-112 -120,-162 -84,-198 -36,-216 "
    "6,-219 48,-216 92,-198 126,-162 144,-112 145,-56 135,3"
)
_HAIRLINE = run(
    "134,3 130,-52 122,-92 104,-126 70,-149 34,-158 "
    "6,-159 -24,-158 -60,-148 -94,-124 -114,-90 -124,-50 -131,3"
)
_NEAR_SIDE = (
    run("-133,-8 -142,-56 -140,-112 -116,-166 -66,-204 -16,-216"),
    run("-124,-8 -119,-50 -108,-90 -84,-126 -48,-164 -8,-206"),
)
_FAR_SIDE = (
    run("136,-8 146,-56 144,-112 122,-166 76,-204 28,-216"),
    run("127,-8 126,-52 117,-90 92,-126 58,-164 20,-206"),
)
_FOREHEAD = (
    run("-112,-90 -100,-130 -72,-172 -30,-196 -10,-214"),
    run("116,-92 106,-130 80,-172 44,-196 24,-214"),
)
_NEAR_EDGE = (
    run("-126,-40 -117,-90 -96,-122 -60,-147 -20,-157"),
    run("-119,-36 -108,-84 -88,-114 -54,-138 -16,-150"),
)
_FAR_EDGE = (run("130,-40 124,-92 106,-124 70,-147 36,-157"), run("124,-36 115,-86 98,-116 64,-138 30,-150"))

_KNIT = Cloth(light="#f6c65a", base="#e5a42f", shade="#bd7a1c", deep="#6e3f0c", rim="#ffe6ae")
_NECK = run("98,298 66,330 0,345")

AMARA = DrawnPresenter(
    avatar_id="amara",
    name="Amara",
    gender="FEMALE",
    face=Face(
        skin=_SKIN,
        half_outline=run("0,-200 71,-188 117,-143 135,-76 138,-10 133,48 120,100 94,148 58,182 28,197 0,201"),
        turn=7.0,
        neck_half_width=62.0,
        nose=Nose(half_width=41.5, tip=84.0, bridge=1.3, relief=0.85, ball=1.22, nostrils=1.05),
        ears=Ears(x=133.0, size=0.92),
        age=0.0,
        blush=0.8,
    ),
    eyes=Eyes(
        center_x=62.0,
        half_width=36.5,
        upper=17.5,
        lower=10.5,
        tilt=5.5,
        iris_radius=16.6,
        iris="#5b3520",
        iris_rim="#1a0d08",
        lash="#0d0808",
        lash_length=9.5,
        lid_shadow="#a4582f",
        lid_shadow_opacity=0.42,
        brow="#150d0d",
        brow_light="#3c2721",
        brow_thickness=11.0,
        brow_lift=45.0,
        brow_arch=8.5,
        brow_slope=-1.0,
        crease=10.5,
        outer_rise=0.80,
        pouch=0.22,
    ),
    mouth=Mouth(
        center_y=130.0,
        half_width=51.0,
        upper_lip=15.5,
        lower_lip=20.0,
        color="#984844",
        shade="#5a2422",
        light="#cd8273",
        gloss=0.32,
        smile=9.5,
        bow=0.22,
        dip=0.20,
        fullness=0.72,
    ),
    neck_fade=(212.0, 236.0),
    hairline=_HAIRLINE,
    nape=(Shape((run("-84,300 -80,236 -44,220 44,220 80,236 84,300"),), _KNIT.shade),),
    back_hair=(
        *curly(_PUFF, _COILS, 10.5, 71),
        # Where the gathered hair goes under the puff it is in its shade.
        Glow((4, -196), 110, _HAIR.dark, 0.85, 0.24),
    ),
    beard=(),
    front_hair=(
        soft_edge(_HAIRLINE, _HAIR),
        Within(
            (_CROWN, _HAIRLINE),
            (
                Shape(
                    (_CROWN, _HAIRLINE),
                    ((-120, -190), (130, -80), ((0, "#33221f"), (0.5, _HAIR.mid), (1, _HAIR.dark))),
                ),
                *mass(
                    *_NEAR_SIDE, _HAIR, 73, count=60, width=4.5, sheen=(0.3, 0.8), wander=2.5, is_filled=False
                ),
                *mass(
                    *_FAR_SIDE,
                    _HAIR,
                    77,
                    count=50,
                    width=4.5,
                    sheen=(0.35, 0.7),
                    gloss=0.5,
                    wander=2.5,
                    is_filled=False,
                ),
                *mass(
                    *_FOREHEAD,
                    _HAIR,
                    70,
                    count=110,
                    width=4.0,
                    sheen=(0.25, 0.8),
                    gloss=0.9,
                    wander=2.5,
                    is_filled=False,
                ),
                Ink(run("-96,-194 -40,-214 6,-217 52,-214 104,-192"), 12, _HAIR.dark, 0.7, 4),
            ),
        ),
        # The finest hairs along the forehead, laid in small waves.
        *(
            strands(
                *edge,
                (_HAIR.dark, _HAIR.mid),
                34,
                1.8,
                seed,
                opacity=(0.3, 0.65),
                shortest=0.08,
                longest=0.18,
                wander=3,
            )
            for seed, edge in ((79, _NEAR_EDGE), (80, _FAR_EDGE))
        ),
        *hoop((-141, 84), 24, 3.2, -1),
        *hoop((143, 84), 24, 3.2, 1),
    ),
    clothes=(
        Placed(
            (0, -38),
            (0.86, 1.0),
            (
                *torso(_KNIT, _NECK),
                within_torso(
                    _NECK,
                    tuple(
                        mark
                        for x in (-300, -180, -60, 60, 180, 300)
                        for mark in cable(_KNIT, x, 300, 1000, 50)
                    ),
                ),
            ),
        ),
        *turtleneck(_KNIT, 74.0, 232.0, 330.0),
    ),
)
