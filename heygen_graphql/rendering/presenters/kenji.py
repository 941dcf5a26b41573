"""Kenji: about forty, short black hair brushed up, a charcoal turtleneck under a camel jacket."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Ears, Face, Nose, Skin
from heygen_graphql.rendering.presenters.marks import Glow, Placed, Shape, Within, run
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.parts.beard import stubble
from heygen_graphql.rendering.presenters.parts.clothes import Cloth, lapel, panel, torso, turtleneck
from heygen_graphql.rendering.presenters.parts.hair import HairTone, mass, roots, soft_edge, strands
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_SKIN = Skin(light="#f8d8b4", base="#e4b88d", shade="#bf8d65", deep="#86573b", blush="#cf6b55", rim="#d3daf3")

_HAIR = HairTone(dark="#0e0d11", mid="#1d1b21", warm="#37333c", shine="#66616d")
_CROWN = run(
    "-136,22 -144,-30 -149,-90 -142,-150 -114,-204 -60,-238 "
    "8,-251 78,-244 126,-210 150,-154 154,-94 146,-34 137,4"
)
_HAIRLINE = run(
    "132,22 128,-26 127,-66 120,-98 98,-124 54,-141 "
    "4,-147 -44,-142 -84,-127 -110,-102 -122,-66 -128,-26 -132,4"
)
_TOP = (
    run("-116,-100 -134,-150 -116,-200 -66,-236 -4,-250"),
    run("116,-106 138,-142 150,-178 132,-210 100,-236"),
)
_FRINGE = (
    run("-106,-106 -118,-150 -98,-190 -50,-222 6,-240"),
    run("108,-112 128,-138 138,-168 122,-200 92,-226"),
)
_TIPS = (run("-124,-176 -96,-214 -52,-242 -6,-258"), run("60,-236 96,-240 130,-218 152,-176"))
_TEMPLE = (
    run("-114,-190 -143,-146 -149,-90 -144,-30 -137,18"),
    run("-96,-122 -114,-98 -124,-66 -129,-26 -132,18"),
)
_FAR_TEMPLE = (
    run("128,-204 150,-152 154,-94 146,-34 138,18"),
    run("108,-120 122,-94 127,-64 129,-26 132,18"),
)

_FACE = Face(
    skin=_SKIN,
    half_outline=run("0,-200 72,-188 118,-144 136,-78 139,-12 137,46 130,102 109,149 71,184 33,201 0,205"),
    turn=6.5,
    neck_half_width=76.0,
    nose=Nose(half_width=37.5, tip=82.0, bridge=1.15, relief=0.72, ball=1.02, nostrils=0.9),
    ears=Ears(x=137.0, size=0.96),
    age=0.22,
    blush=0.5,
)
_KNIT = Cloth(light="#5a5c66", base="#3c3e47", shade="#282a31", deep="#131419", rim="#8b93a8")
_WOOL = Cloth(light="#c79f72", base="#a98257", shade="#83613e", deep="#432e1b", rim="#dccdb8")
_OPENING = run("110,304 131,390 108,520 60,660 -8,800 -20,1360")

KENJI = DrawnPresenter(
    avatar_id="kenji",
    name="Kenji",
    gender="MALE",
    face=_FACE,
    eyes=Eyes(
        center_x=61.0,
        half_width=33.0,
        upper=12.6,
        lower=7.8,
        tilt=4.5,
        iris_radius=15.2,
        iris="#5a3a26",
        iris_rim="#170d0a",
        lash="#241814",
        lash_length=0.8,
        lid_shadow="#a9714f",
        lid_shadow_opacity=0.30,
        brow="#1b1616",
        brow_light="#463b38",
        brow_thickness=14.0,
        brow_lift=40.0,
        brow_arch=2.2,
        brow_slope=-4.0,
        crease=4.2,
        crease_weight=0.55,
        peak=0.02,
        inner_rise=0.62,
        outer_rise=0.84,
        epicanthus=0.85,
        pouch=0.34,
    ),
    mouth=Mouth(
        center_y=130.0,
        half_width=49.0,
        upper_lip=8.4,
        lower_lip=12.5,
        color="#c58571",
        shade="#8a5040",
        light="#dfa791",
        gloss=0.12,
        smile=7.5,
        bow=0.17,
    ),
    neck_fade=(206.0, 228.0),
    hairline=_HAIRLINE,
    nape=(Shape((run("-94,300 -90,232 -50,214 50,214 90,232 94,300"),), _KNIT.shade),),
    back_hair=(Shape((run("-138,-40 -133,36 -110,56 110,56 133,36 138,-40"),), _HAIR.dark),),
    beard=(),
    front_hair=(
        soft_edge(_HAIRLINE, _HAIR),
        Within(
            (_CROWN, _HAIRLINE),
            (
                Shape(
                    (_CROWN, _HAIRLINE),
                    ((-140, -180), (150, -60), ((0, "#2c2930"), (0.45, _HAIR.mid), (1, _HAIR.dark))),
                ),
                # The sides are cut short and lie close.
                strands(
                    *_TEMPLE,
                    ("#26232a", _HAIR.mid, _HAIR.warm, "#4a454f"),
                    100,
                    3.0,
                    61,
                    shortest=0.16,
                    longest=0.34,
                    wander=3,
                ),
                strands(
                    *_FAR_TEMPLE,
                    (_HAIR.dark, _HAIR.mid, "#26232a"),
                    80,
                    3.0,
                    62,
                    shortest=0.16,
                    longest=0.34,
                    wander=3,
                ),
                # The top is brushed up from the forehead and over to the far side.
                *mass(*_TOP, _HAIR, 63, count=80, width=10, sheen=(0.3, 0.85), wander=8, is_filled=False),
                strands(
                    *_FRINGE,
                    (_HAIR.mid, _HAIR.dark, "#2a272e"),
                    34,
                    14,
                    67,
                    opacity=(0.8, 1.0),
                    wander=7,
                    shortest=0.7,
                ),
                strands(
                    *_FRINGE,
                    (_HAIR.warm, _HAIR.shine, "#57525e"),
                    40,
                    3.6,
                    68,
                    opacity=(0.3, 0.75),
                    wander=7,
                    reach=(0.15, 0.8),
                    shortest=0.4,
                    longest=0.75,
                ),
            ),
        ),
        # Roots along the forehead, and tips that break the outline.
        *roots(_HAIRLINE[3:-3], _HAIR, 22, 6, 69),
        strands(
            *_TIPS, (_HAIR.mid, _HAIR.dark, "#2a272e"), 26, 7, 72, opacity=(0.85, 1.0), wander=4, shortest=0.6
        ),
    ),
    on_skin=stubble(_FACE, "#6b5550", 0.15),
    clothes=(
        Placed(
            (0, -30),
            (0.955, 1.0),
            (
                *torso(_KNIT, run("98,298 70,330 0,345")),
                *panel(_WOOL, _OPENING, -1),
                *panel(_WOOL, _OPENING, 1),
                Glow((0, 420), 120, _KNIT.deep, 0.35, 1.4),
                *lapel(_WOOL, 1, notch=470, reach=196, button=800),
                *lapel(_WOOL, -1, notch=466, reach=196, button=800),
            ),
        ),
        *turtleneck(_KNIT, 84.0, 222.0, 322.0),
    ),
)
