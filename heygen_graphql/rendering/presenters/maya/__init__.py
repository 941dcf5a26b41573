"""Maya: about thirty, brown skin, dark waves parted at the side, a green blazer over a cream top."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Face, Nose, Skin
from heygen_graphql.rendering.presenters.maya import clothes, hair
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_SKIN = Skin(
    light="#edb88c",
    base="#d1946a",
    shade="#ab6a45",
    deep="#7b412a",
    blush="#cf5f4a",
    rim="#c9cdf0",
)

MAYA = DrawnPresenter(
    avatar_id="maya",
    name="Maya",
    face=Face(
        skin=_SKIN,
        half_outline=(
            (0, -200),
            (70, -188),
            (116, -142),
            (134, -74),
            (136, -10),
            (130, 46),
            (116, 96),
            (90, 143),
            (56, 178),
            (25, 197),
            (0, 200),
        ),
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
        smile=7.5,
    ),
    neck_fade=(244.0, 278.0),
    hairline=hair.HAIRLINE,
    nape=hair.NAPE,
    back_hair=hair.BACK,
    beard=(),
    front_hair=hair.FRONT,
    clothes=clothes.CLOTHES,
)
