"""Oliver: about fifty, fair skin, greying hair and a short beard, a navy sweater over an open collar."""

from heygen_graphql.rendering.presenters.eyes import Eyes
from heygen_graphql.rendering.presenters.face import Ears, Face, Nose, Skin
from heygen_graphql.rendering.presenters.mouth import Mouth
from heygen_graphql.rendering.presenters.oliver import beard, clothes, hair
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter

_SKIN = Skin(
    light="#fbdcc2",
    base="#ebbc9b",
    shade="#c98f6f",
    deep="#8f5640",
    blush="#d6695a",
    rim="#d5def5",
)

OLIVER = DrawnPresenter(
    avatar_id="oliver",
    name="Oliver",
    face=Face(
        skin=_SKIN,
        half_outline=(
            (0, -200),
            (72, -188),
            (118, -142),
            (136, -74),
            (138, -10),
            (136, 46),
            (128, 98),
            (107, 148),
            (70, 184),
            (34, 201),
            (0, 204),
        ),
        turn=6.0,
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
        smile=7.5,
    ),
    neck_fade=(202.0, 224.0),
    hairline=hair.HAIRLINE,
    nape=clothes.NAPE,
    back_hair=hair.BACK,
    beard=beard.BEARD,
    front_hair=hair.FRONT,
    clothes=clothes.CLOTHES,
)
