"""Leila: in her thirties, olive skin, a teal headscarf over an indigo blouse."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Face, Nose, Skin
from heygen_graphql.rendering.presenters.marks import Ink, Placed, flipped, run, turned
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.parts.clothes import Cloth, torso
from heygen_graphql.rendering.presenters.parts.headscarf import draped, wrapped
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_FACE = Face(
    skin=Skin(
        light="#f6d5b2", base="#e0b088", shade="#b98159", deep="#824c33", blush="#d2655a", rim="#d2d8f3"
    ),
    half_outline=run("0,-200 70,-188 115,-142 132,-76 134,-12 129,46 116,98 89,146 54,183 26,199 0,203"),
    turn=7.0,
    neck_half_width=61.0,
    nose=Nose(half_width=33.5, tip=86.0, bridge=0.98, relief=1.08, ball=0.94, droop=2.0, nostrils=0.9),
    ears=None,
    age=0.05,
    blush=0.8,
)

_CHIFFON = Cloth(light="#6fa6ae", base="#4a848f", shade="#33636d", deep="#173840", rim="#c4e1e6")
_CREPE = Cloth(light="#545d80", base="#384061", shade="#262c46", deep="#111527", rim="#a3b3d8")
_OPENING = run("0,-146 44,-140 84,-118 110,-78 121,-26 120,34 110,90 88,140 58,178 28,200 0,207")
_OUTER = run("0,-238 62,-231 116,-202 150,-146 164,-76 164,0 157,78 150,150 146,214 106,264 0,294")
_LAPPED = run("136,190 158,250 214,322 280,370")

LEILA = DrawnPresenter(
    avatar_id="leila",
    name="Leila",
    gender="FEMALE",
    face=_FACE,
    eyes=Eyes(
        center_x=61.0,
        half_width=35.5,
        upper=16.0,
        lower=9.6,
        tilt=4.0,
        iris_radius=16.2,
        iris="#74683a",
        iris_rim="#2b2413",
        lash="#140e0d",
        lash_length=7.5,
        lid_shadow="#8a5846",
        lid_shadow_opacity=0.42,
        brow="#2a1e1a",
        brow_light="#4d3a31",
        brow_thickness=11.5,
        brow_lift=42.0,
        brow_arch=6.0,
        brow_slope=1.5,
        brow_gap=1.06,
        crease=9.0,
        peak=0.05,
        pouch=0.26,
    ),
    mouth=Mouth(
        center_y=131.0,
        half_width=48.0,
        upper_lip=11.0,
        lower_lip=17.0,
        color="#bd6560",
        shade="#833b3a",
        light="#de988d",
        gloss=0.24,
        smile=9.5,
        bow=0.19,
        fullness=0.66,
    ),
    neck_fade=(224.0, 250.0),
    hairline=run("-118,-30 -108,-78 -82,-118 -42,-140 0,-146 44,-140 84,-118 110,-78 121,-30"),
    nape=(),
    back_hair=(),
    beard=(),
    front_hair=wrapped(_FACE, _CHIFFON, _OPENING, _OUTER),
    clothes=(
        Placed(
            (0, -38),
            (0.86, 1.0),
            (
                *torso(_CREPE, run("98,298 66,330 0,345")),
                Ink(run("-12,520 -18,700 -10,980"), 14, _CREPE.shade, 0.6, 6),
                Ink(run("2,540 -2,760 4,1100"), 3, _CREPE.deep, 0.5, 0.8),
            ),
        ),
        *draped(
            _CHIFFON,
            (
                flipped(_LAPPED),
                run("-280,370 -236,446 -140,512 -20,546 96,520 200,452 280,370"),
                turned(_LAPPED),
            ),
            (
                run("-236,352 -150,420 -40,452 60,440 150,390"),
                run("-190,318 -110,376 0,398 96,376 168,330"),
                run("-250,392 -170,462 -60,502 60,488 180,420"),
                run("-140,270 -70,326 10,340 86,318 140,272"),
                run("60,452 140,416 214,360"),
            ),
        ),
    ),
)
