"""Maya: about thirty, brown skin, dark waves parted at the side, a green blazer over a cream top."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Face, Nose, Skin
from heygen_graphql.rendering.presenters.marks import Glow, Ink, Placed, Shape, Wire, flipped, run, turned
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.parts.clothes import Cloth, lapel, panel, torso, within_torso
from heygen_graphql.rendering.presenters.parts.hair import strands
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_SKIN = Skin(light="#edb88c", base="#d1946a", shade="#ab6a45", deep="#7b412a", blush="#cf5f4a", rim="#c9cdf0")

_DARK, _MID, _WARM, _SHINE = "#1c1214", "#33211f", "#553428", "#8a5a40"
_OUTER_LEFT = run(
    "38,-227 -10,-233 -70,-228 -122,-198 -156,-138 -172,-72 "
    "-169,0 -186,74 -201,140 -192,200 -194,242 -152,300"
)
_INNER_LEFT = run(
    "34,-152 -10,-147 -62,-124 -102,-78 -122,-18 -125,44 -128,96 -108,146 -114,200 -102,238 -124,284"
)
_OUTER_RIGHT = run("37,-227 82,-227 130,-192 163,-120 171,-44 168,24 184,96 194,156 184,214 186,250 144,304")
_INNER_RIGHT = run("31,-153 72,-142 106,-104 125,-52 131,10 125,70 127,116 106,168 110,218 101,242 118,286")
_BACK = run(
    "40,-233 -4,-238 -66,-234 -122,-204 -162,-140 -180,-50 -177,26 -195,90 -206,146 -198,205 "
    "-186,250 -150,282 -112,262 -86,224 -40,200 40,200 86,224 112,262 146,280 180,250 "
    "193,206 201,156 194,96 182,36 182,-36 169,-124 136,-196 84,-231"
)

_WOOL = Cloth(light="#35877a", base="#276a5f", shade="#1a4e46", deep="#0a2a25", rim="#8fb6cf")
_CREAM = Cloth(light="#fbf3e6", base="#efe3d2", shade="#cdbba6", deep="#a8937c", rim="#ffffff")
_NECK = run("128,330 120,372 90,434 40,460 0,466")
_OPENING = run("112,314 140,400 118,520 66,700 -8,900 -40,1360")

MAYA = DrawnPresenter(
    avatar_id="maya",
    name="Maya",
    gender="FEMALE",
    face=Face(
        skin=_SKIN,
        half_outline=run("0,-200 70,-188 116,-142 134,-74 136,-10 130,46 116,96 90,143 57,178 28,196 0,201"),
        turn=7.0,
        neck_half_width=64.0,
        nose=Nose(half_width=33.0, tip=83.0),
        ears=None,
        age=0.0,
        blush=0.85,
    ),
    eyes=Eyes(
        center_x=61.0,
        half_width=36.0,
        upper=17.0,
        lower=10.0,
        tilt=5.0,
        iris_radius=16.6,
        iris="#7d5230",
        iris_rim="#24130c",
        lash="#170d0d",
        lash_length=9.0,
        lid_shadow="#7d4534",
        lid_shadow_opacity=0.38,
        brow="#27191a",
        brow_light="#4a3029",
        brow_thickness=11.0,
        brow_lift=44.0,
        brow_arch=8.0,
    ),
    mouth=Mouth(
        center_y=129.0,
        half_width=50.0,
        upper_lip=12.5,
        lower_lip=17.5,
        color="#b9564f",
        shade="#7e2f2f",
        light="#dd8b7c",
        gloss=0.30,
        smile=9.0,
    ),
    neck_fade=(244.0, 278.0),
    hairline=turned(_INNER_LEFT[:6]) + _INNER_RIGHT[:6],
    nape=(Shape((run("-170,120 -176,240 -130,320 0,330 130,320 172,240 166,120"),), "#150d0f"),),
    back_hair=(
        Shape((_BACK,), ((0, -220), (0, 290), ((0, _MID), (0.35, _DARK), (1, "#140c0e")))),
        strands(
            run("-150,20 -166,110 -150,190 -150,282"),
            run("-70,60 -78,130 -82,180 -98,238"),
            (_MID, "#281a1a", "#3f2a25"),
            14,
            9,
            4,
            opacity=(0.4, 0.8),
            wander=6,
            shortest=0.55,
        ),
        strands(
            run("150,20 164,110 150,190 150,276"),
            run("70,60 78,130 82,180 98,238"),
            (_MID, "#281a1a", "#3f2a25"),
            14,
            9,
            5,
            opacity=(0.4, 0.8),
            wander=6,
            shortest=0.55,
        ),
    ),
    beard=(),
    front_hair=(
        Shape(
            (_OUTER_LEFT[:10], turned(_INNER_LEFT[:9])),
            ((-190, -60), (-90, 60), ((0, _MID), (0.5, "#2a1b1b"), (1, _DARK))),
        ),
        Shape(
            (_OUTER_RIGHT[:9], turned(_INNER_RIGHT[:9])),
            ((110, -160), (190, 60), ((0, _MID), (0.6, _DARK), (1, "#160e10"))),
        ),
        strands(
            _OUTER_LEFT,
            _INNER_LEFT,
            (_DARK, _MID, "#40291f", "#2a1a1a"),
            46,
            10,
            11,
            opacity=(0.45, 0.9),
            wander=6,
        ),
        strands(
            _OUTER_RIGHT,
            _INNER_RIGHT,
            (_DARK, _MID, "#38241f", "#241718"),
            34,
            10,
            12,
            opacity=(0.45, 0.9),
            wander=6,
        ),
        strands(
            _OUTER_LEFT,
            _INNER_LEFT,
            (_WARM, _SHINE, "#6b4331"),
            26,
            6,
            13,
            opacity=(0.3, 0.7),
            reach=(0.14, 0.44),
        ),
        strands(
            _OUTER_RIGHT, _INNER_RIGHT, (_WARM, "#6b4331"), 12, 5, 14, opacity=(0.25, 0.5), reach=(0.12, 0.36)
        ),
        strands(
            _OUTER_LEFT,
            _INNER_LEFT,
            (_WARM, _SHINE),
            16,
            6,
            15,
            opacity=(0.25, 0.55),
            wander=6,
            reach=(0.6, 0.92),
            shortest=0.45,
        ),
        strands(
            _OUTER_RIGHT,
            _INNER_RIGHT,
            (_WARM, "#4f3128"),
            10,
            5,
            16,
            opacity=(0.25, 0.5),
            wander=6,
            reach=(0.6, 0.92),
            shortest=0.45,
        ),
        strands(
            run("40,-219 82,-224 130,-192 162,-122"),
            run("38,-158 74,-146 106,-110 124,-58"),
            (_MID, "#40291f", _DARK, "#4f3128"),
            30,
            6,
            27,
            opacity=(0.4, 0.8),
            wander=4,
            shortest=0.4,
            longest=0.9,
        ),
        strands(
            run("36,-219 -10,-232 -70,-228 -124,-196"),
            run("34,-158 -10,-154 -58,-136 -96,-100"),
            (_MID, "#40291f", _DARK, "#4f3128"),
            30,
            6,
            28,
            opacity=(0.4, 0.8),
            wander=4,
            shortest=0.4,
            longest=0.9,
        ),
        strands(
            run("60,-219 102,-212 140,-176 162,-118"),
            run("50,-176 84,-164 114,-130 132,-80"),
            (_WARM, _SHINE, "#6b4331"),
            12,
            5,
            29,
            opacity=(0.25, 0.5),
            wander=4,
            reach=(0.1, 0.9),
            shortest=0.4,
            longest=0.7,
        ),
        strands(
            _OUTER_LEFT[4:],
            _INNER_LEFT[4:],
            (_DARK, "#2a1a1a", _MID),
            9,
            26,
            21,
            opacity=(0.95, 1),
            wander=6,
            reach=(0.35, 1),
            shortest=0.9,
        ),
        strands(
            _OUTER_RIGHT[4:],
            _INNER_RIGHT[4:],
            (_DARK, "#241718", _MID),
            8,
            26,
            22,
            opacity=(0.95, 1),
            wander=6,
            reach=(0.35, 1),
            shortest=0.9,
        ),
        strands(
            _OUTER_LEFT[4:],
            _INNER_LEFT[4:],
            (_WARM, _SHINE, "#6b4331"),
            15,
            6,
            25,
            opacity=(0.3, 0.6),
            wander=7,
            reach=(0.3, 0.72),
        ),
        strands(
            _OUTER_RIGHT[4:],
            _INNER_RIGHT[4:],
            (_WARM, "#6b4331"),
            10,
            5,
            26,
            opacity=(0.25, 0.5),
            wander=7,
            reach=(0.3, 0.72),
        ),
        strands(
            _OUTER_LEFT[4:],
            _INNER_LEFT[4:],
            ("#40291f", _WARM, _MID),
            26,
            5,
            23,
            opacity=(0.4, 0.8),
            wander=8,
            reach=(0.2, 1),
            shortest=0.6,
        ),
        strands(
            _OUTER_RIGHT[4:],
            _INNER_RIGHT[4:],
            ("#38241f", "#4a2e25", _MID),
            22,
            5,
            24,
            opacity=(0.4, 0.8),
            wander=8,
            reach=(0.2, 1),
            shortest=0.6,
        ),
        Ink(run("35,-149 35,-166 38,-186"), 3.2, "#7d4f3b", 0.5, 0.9, 2.6, 0, 0.15),
        Ink(run("30,-152 31,-178 38,-218"), 6, _DARK, 0.6, 1.6, 3, 1),
        Ink(run("-20,-226 -112,-212 -162,-138 -180,-50"), 1.6, _MID, 0.7),
        Ink(run("86,-222 142,-186 172,-116 182,-40"), 1.6, _DARK, 0.7),
        Ink(run("-172,50 -200,132 -208,190 -196,262"), 2, _MID, 0.85),
        Ink(run("172,60 194,140 199,206 186,280"), 2, _DARK, 0.85),
    ),
    clothes=(
        Placed(
            (0, -42),
            (0.845, 1.0),
            (
                # Skin below the collarbones.
                Shape(
                    (run("-121,356 -84,350 0,358 84,350 121,356 125,520 0,560 -125,520"),),
                    ((-120, 340), (120, 480), ((0, _SKIN.base), (0.5, "#cc8f65"), (1, _SKIN.shade))),
                    blur=4,
                ),
                *torso(_CREAM, _NECK),
                Wire((*flipped(_NECK), *turned(_NECK)[1:]), 3.5, _CREAM.shade, 0.8, 0.8),
                Ink(run("-124,364 -88,433 0,462 90,433 124,364"), 9, _SKIN.deep, 0.25, 4, 4, 4),
                Ink(run("-62,480 -31,600 -42,760"), 16, _CREAM.shade, 0.55, 7),
                Ink(run("42,500 31,640 62,800"), 20, _CREAM.deep, 0.45, 8),
                # A thin chain with a drop of gold.
                Wire(run("-87,298 -79,344 -48,394 -4,421"), 1.5, "#d9a94e", 0.95),
                Wire(run("90,298 81,344 48,394 -4,421"), 1.5, "#b98936", 0.95),
                Shape(
                    (run("-11,428 -4,419 3,428 -4,438"),),
                    ((-10, 420), (2, 438), ((0, "#ffe9a8"), (0.5, "#dba540"), (1, "#8f6320"))),
                ),
                *panel(_WOOL, _OPENING, -1),
                *panel(_WOOL, _OPENING, 1),
                # What the hair keeps from the light.
                within_torso(
                    run("104,300 0,300"),
                    (
                        Glow((-165, 330), 85, _WOOL.deep, 0.9, 0.75),
                        Glow((168, 334), 88, _WOOL.deep, 0.95, 0.75),
                    ),
                ),
                *lapel(_WOOL, -1),
                *lapel(_WOOL, 1, notch=528.0),
            ),
        ),
    ),
)
