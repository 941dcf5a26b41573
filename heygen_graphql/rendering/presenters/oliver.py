"""Oliver: about fifty, fair skin, greying hair and a short beard, a navy sweater over an open collar."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Ears, Face, Nose, Skin
from heygen_graphql.rendering.presenters.marks import Ink, Placed, Shape, run
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.parts.beard import Beard, beard
from heygen_graphql.rendering.presenters.parts.clothes import (
    Cloth,
    collar_leaf,
    neck_band,
    torso,
    within_torso,
)
from heygen_graphql.rendering.presenters.parts.hair import strands
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_SKIN = Skin(light="#fbdcc2", base="#ebbc9b", shade="#c98f6f", deep="#8f5640", blush="#d6695a", rim="#d5def5")
_TURN = 6.0

_DARK, _MID, _GREY, _SILVER = "#2e2623", "#4d413b", "#7d726b", "#b9b1aa"
_CROWN = run(
    "-136,26 -143,-24 -149,-84 -140,-140 -104,-196 -44,-232 30,-245 "
    "98,-228 142,-178 153,-110 148,-60 143,-22 136,26"
)
_HAIRLINE = run(
    "135,26 129,-22 127,-62 122,-96 104,-118 80,-134 36,-147 "
    "-12,-152 -58,-146 -92,-130 -112,-104 -122,-70 -129,-24 -135,26"
)

_NAVY = Cloth(light="#4a6797", base="#2b4166", shade="#1b2a47", deep="#0b1426", rim="#a9c1e6")
_SHIRT = Cloth(light="#ffffff", base="#e6eef8", shade="#c0cee0", deep="#7d90aa", rim="#ffffff")
_NECK = run("112,306 96,388 62,474 0,594")
_LEAF = run("90,252 118,303 115,341 96,422"), run("96,422 45,397 1,360"), run("1,360 50,327 80,293 90,252")

OLIVER = DrawnPresenter(
    avatar_id="oliver",
    name="Oliver",
    gender="MALE",
    face=Face(
        skin=_SKIN,
        half_outline=run("0,-200 72,-188 118,-142 136,-74 138,-10 136,46 128,98 107,148 70,184 34,201 0,204"),
        turn=_TURN,
        neck_half_width=79.0,
        nose=Nose(half_width=37.0, tip=84.0),
        ears=Ears(x=137.0),
        age=0.45,
        blush=0.62,
    ),
    eyes=Eyes(
        center_x=60.0,
        half_width=33.0,
        upper=13.5,
        lower=9.0,
        tilt=1.5,
        iris_radius=15.2,
        iris="#6f93ad",
        iris_rim="#2c4256",
        lash="#33251f",
        lash_length=2.0,
        lid_shadow="#b98468",
        lid_shadow_opacity=0.35,
        brow="#463a34",
        brow_light="#857a72",
        brow_thickness=13.5,
        brow_lift=38.0,
        brow_arch=5.0,
    ),
    mouth=Mouth(
        center_y=131.0,
        half_width=48.0,
        upper_lip=8.0,
        lower_lip=13.0,
        color="#c4867a",
        shade="#8a4f47",
        light="#e0a999",
        gloss=0.16,
        smile=9.0,
    ),
    neck_fade=(202.0, 224.0),
    hairline=_HAIRLINE,
    nape=(
        Shape(
            (run("-98,280 -94,226 -40,210 40,210 94,226 98,280"),),
            ((0, 210), (0, 276), ((0, _SHIRT.shade), (1, _SHIRT.deep))),
        ),
    ),
    back_hair=(Shape((run("-138,-40 -134,40 -110,60 110,60 134,40 138,-40"),), _DARK),),
    beard=beard(
        Beard(
            outer=run("-138,0 -137,50 -129,100 -108,150 -70,188 -34,203 0,207"),
            inner=run("-131,-6 -120,54 -98,98 -74,114 -62,146 -36,162 -7,165"),
            moustache=run("-3,99 -36,102 -58,116 -62,137 -42,125 -22,119 -3,118"),
            colors=("#4a3d36", "#5e5049", "#8b8079", "#3a2f2a"),
            chin_colors=("#a39a93", "#8b8079", "#5e5049", "#b5aca5"),
            cover=0.2,
            shade="#54463e",
            count=330,
            length=(0.06, 0.12),
            turn=_TURN,
        ),
        31,
    ),
    front_hair=(
        Shape((_CROWN, _HAIRLINE), ((-140, -160), (150, -60), ((0, "#5b4e47"), (0.45, _MID), (1, _DARK)))),
        strands(
            run("-96,-176 -138,-136 -148,-84 -140,-26"),
            run("-92,-132 -114,-104 -124,-70 -131,-26"),
            (_MID, _DARK, _GREY, "#5f534c"),
            60,
            3.4,
            41,
            opacity=(0.5, 0.9),
            wander=4,
            shortest=0.2,
            longest=0.45,
        ),
        strands(
            run("-130,-110 -147,-84 -146,-56 -139,-20"),
            run("-114,-100 -124,-76 -128,-50 -131,-22"),
            (_SILVER, _GREY, "#9a908a"),
            34,
            2.6,
            42,
            opacity=(0.4, 0.8),
            wander=3,
            reach=(0.1, 1),
            shortest=0.2,
            longest=0.4,
        ),
        strands(
            run("120,-196 150,-130 150,-80 142,-24"),
            run("104,-122 122,-96 127,-64 132,-24"),
            (_MID, _DARK, _GREY),
            50,
            3.4,
            43,
            opacity=(0.5, 0.9),
            wander=4,
            shortest=0.2,
            longest=0.45,
        ),
        strands(
            run("146,-110 151,-84 147,-56 141,-20"),
            run("118,-98 125,-76 129,-50 132,-22"),
            (_GREY, "#8d837d"),
            24,
            2.4,
            44,
            opacity=(0.15, 0.45),
            wander=3,
            reach=(0.1, 1),
            shortest=0.2,
            longest=0.4,
        ),
        Shape(
            (
                run("-92,-134 -84,-176 -44,-222 28,-244 98,-226 141,-176 151,-120 147,-62"),
                run("147,-62 138,-94 112,-124 84,-140 36,-152 -14,-158 -60,-152 -92,-134"),
            ),
            ((-80, -230), (90, -120), ((0, "#6d5f57"), (0.4, _MID), (1, _DARK))),
        ),
        strands(
            run("-90,-132 -92,-176 -46,-224 30,-246 100,-228 146,-164"),
            run("30,-146 60,-158 90,-158 112,-146 128,-128 138,-108"),
            (_MID, _DARK, "#5b4e46", "#3b312c"),
            70,
            8,
            45,
            opacity=(0.5, 0.95),
            wander=6,
            shortest=0.4,
        ),
        strands(
            run("-90,-132 -92,-176 -46,-224 30,-246 100,-228 146,-164"),
            run("30,-146 60,-158 90,-158 112,-146 128,-128 138,-108"),
            (_GREY, "#94887f", "#6f625a"),
            30,
            4,
            46,
            opacity=(0.35, 0.7),
            wander=6,
            reach=(0.08, 0.62),
            shortest=0.4,
            longest=0.9,
        ),
        strands(
            run("-88,-134 -86,-170 -50,-214 0,-236"),
            run("-20,-150 6,-172 40,-196 70,-206"),
            (_SILVER, "#a2968c"),
            14,
            3.4,
            47,
            opacity=(0.35, 0.65),
            reach=(0.05, 0.9),
        ),
        strands(
            run("-50,-229 -104,-196 -141,-140 -149,-84"),
            run("-90,-138 -106,-112 -118,-84 -124,-60"),
            (_MID, _DARK, "#5f534c", "#6f625a"),
            60,
            4.5,
            48,
            opacity=(0.4, 0.85),
            wander=4,
            shortest=0.3,
            longest=0.7,
        ),
        strands(
            run("-94,-128 -93,-150 -78,-174 -46,-194"),
            run("-12,-151 -4,-170 16,-188 46,-198"),
            (_DARK, _MID, "#5b4e46"),
            34,
            4,
            49,
            opacity=(0.4, 0.85),
            wander=3,
        ),
        strands(
            run("-12,-151 -4,-170 16,-186 46,-196"),
            run("86,-131 96,-144 112,-152 128,-150"),
            (_DARK, _MID, "#4a3e38"),
            34,
            4,
            50,
            opacity=(0.4, 0.85),
            wander=3,
        ),
        strands(
            run("100,-200 136,-160 150,-110 148,-60"),
            run("92,-134 110,-118 122,-96 128,-60"),
            (_DARK, _MID, "#5b4e46", _GREY),
            46,
            4,
            51,
            opacity=(0.4, 0.8),
            wander=4,
            shortest=0.3,
            longest=0.6,
        ),
        strands(
            run("-144,-40 -141,0 -139,40"),
            run("-129,-40 -129,0 -126,44"),
            (_GREY, _MID, "#8b8079", _DARK),
            40,
            2.2,
            52,
            opacity=(0.4, 0.8),
            wander=2,
            shortest=0.2,
            longest=0.4,
        ),
        strands(
            run("144,-40 141,0 140,40"),
            run("129,-40 129,0 127,44"),
            (_GREY, _MID, "#5e5049", _DARK),
            40,
            2.2,
            53,
            opacity=(0.4, 0.8),
            wander=2,
            shortest=0.2,
            longest=0.4,
        ),
        Ink(run("-60,-222 10,-252 90,-238 140,-190"), 1.5, _MID, 0.7),
        Ink(run("-84,-196 -36,-240 40,-254 100,-240"), 1.2, _GREY, 0.6),
    ),
    clothes=(
        Placed(
            (0, -26),
            (0.97, 1.0),
            (
                # The shirt's front shows between the sweater's edges.
                Shape(
                    (run("-110,296 -60,340 0,372 60,340 110,296"), run("90,420 0,600 -90,420")),
                    ((-80, 320), (70, 560), ((0, _SHIRT.light), (0.5, _SHIRT.base), (1, _SHIRT.shade))),
                ),
                Ink(run("0,372 3,450 1,570"), 4, _SHIRT.deep, 0.8, 0.8, 3, 3),
                Ink(run("7,380 10,450 8,560"), 3, "#ffffff", 0.6, 1),
                Ink(run("-30,400 -24,460 -8,530"), 9, _SHIRT.shade, 0.7, 4),
                *torso(_NAVY, _NECK),
                *neck_band(_NAVY, _NECK, 30),
                # The collar's shadow falls on shirt and sweater, not on the room behind.
                within_torso(
                    run("98,236 0,236"),
                    (
                        Shape(
                            (run("-96,270 -122,338 -102,436"), run("-102,436 -42,404 2,366 -52,334 -96,270")),
                            _NAVY.deep,
                            0.45,
                            7,
                        ),
                        Shape(
                            (run("96,270 124,340 106,440"), run("106,440 48,406 4,366 52,334 96,270")),
                            _NAVY.deep,
                            0.5,
                            7,
                        ),
                    ),
                ),
                *(mark for side in (-1, 1) for mark in collar_leaf(_SHIRT, *_LEAF, side)),
            ),
        ),
    ),
)
