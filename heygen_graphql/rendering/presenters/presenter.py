"""What a drawn presenter is made of, and the order in which the parts are drawn."""

from dataclasses import dataclass
from typing import Literal

from heygen_graphql.rendering.presenters.eyes import Eyes, Gaze, draw_brows, draw_eyes
from heygen_graphql.rendering.presenters.face import (
    Face,
    draw_ears,
    draw_hair_shadow,
    draw_neck,
    draw_skin,
)
from heygen_graphql.rendering.presenters.marks import Mark, draw_marks
from heygen_graphql.rendering.presenters.mouth import Mouth, MouthShape, draw_mouth
from heygen_graphql.rendering.presenters.nose import draw_nose
from heygen_graphql.rendering.presenters.svg import Drawing, Point


@dataclass(frozen=True, slots=True)
class DrawnPresenter:
    """A page of numbers and paths; light falls from the viewer's upper left on all of them."""

    avatar_id: str
    name: str
    gender: Literal["FEMALE", "MALE"]
    """Of the voices that suit them."""
    face: Face
    eyes: Eyes
    mouth: Mouth
    neck_fade: tuple[float, float]
    """Between these heights the head's own neck gives way to the body's; above any collar."""
    hairline: tuple[Point, ...]
    """Where hair leaves the skin, for its shadow."""
    nape: tuple[Mark, ...]
    """Hair behind neck and shoulders: it belongs to the body, for the clothes hide its ends."""
    back_hair: tuple[Mark, ...]
    """Behind the neck, in the head's frame."""
    beard: tuple[Mark, ...]
    front_hair: tuple[Mark, ...]
    clothes: tuple[Mark, ...]
    on_skin: tuple[Mark, ...] = ()
    """What lies on the bare skin: freckles, the shade under glasses."""
    worn: tuple[Mark, ...] = ()
    """What stands before the eyes, and under the front hair: glasses."""


_NECK_FEATHER = 14.0
"""Art units over which the body's neck comes in below the head's."""


def body(presenter: DrawnPresenter) -> Drawing:
    """Shoulders and chest, with the neck's foot."""
    drawing = Drawing()
    draw_marks(drawing, presenter.nape)
    # Higher up the head's own neck hides this one; a tilted head would let its edge show beside it.
    seam = presenter.neck_fade[0]
    with drawing.faded((0, seam), (0, seam - _NECK_FEATHER)):
        draw_neck(drawing, presenter.face)
    draw_marks(drawing, presenter.clothes)
    return drawing


def back_hair(presenter: DrawnPresenter) -> Drawing:
    drawing = Drawing()
    draw_marks(drawing, presenter.back_hair)
    return drawing


def skin(presenter: DrawnPresenter) -> Drawing:
    """Neck, ears and face without eyes and mouth: soft all over, so it may be drawn small and enlarged."""
    drawing = Drawing()
    face = presenter.face
    with drawing.faded((0, presenter.neck_fade[0]), (0, presenter.neck_fade[1])):
        draw_neck(drawing, face)
    draw_ears(drawing, face)
    draw_skin(drawing, face)
    draw_hair_shadow(drawing, face, presenter.hairline)
    draw_nose(drawing, face)
    draw_marks(drawing, presenter.on_skin)
    return drawing


def beard(presenter: DrawnPresenter) -> Drawing:
    drawing = Drawing()
    draw_marks(drawing, presenter.beard)
    return drawing


def front_hair(presenter: DrawnPresenter) -> Drawing:
    """What lies before the eyes, brows and cheeks: glasses, then hair."""
    drawing = Drawing()
    draw_marks(drawing, presenter.worn)
    draw_marks(drawing, presenter.front_hair)
    return drawing


def eyes(presenter: DrawnPresenter, gaze: Gaze) -> Drawing:
    drawing = Drawing()
    draw_eyes(drawing, presenter.face, presenter.eyes, gaze)
    return drawing


def brows(presenter: DrawnPresenter, raised: float) -> Drawing:
    drawing = Drawing()
    draw_brows(drawing, presenter.face, presenter.eyes, raised)
    return drawing


def mouth(presenter: DrawnPresenter, shape: MouthShape) -> Drawing:
    drawing = Drawing()
    draw_mouth(drawing, presenter.face, presenter.mouth, shape)
    return drawing
