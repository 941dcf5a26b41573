"""A still of a presenter."""

import cv2
import numpy as np

from heygen_graphql.rendering.presenters import presenter as drawn
from heygen_graphql.rendering.presenters.eyes import Gaze
from heygen_graphql.rendering.presenters.framing import framing
from heygen_graphql.rendering.presenters.mouth import MouthShape
from heygen_graphql.rendering.presenters.planes import laid_over
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter
from heygen_graphql.rendering.presenters.raster import rasterise

_BACKDROP_BGR = (222, 226, 228)


def portrait_png(presenter: DrawnPresenter, width: int, height: int) -> bytes:
    frame = framing(width, height)
    left, top = -frame.eye_x / frame.scale, -frame.eye_y / frame.scale
    picture = np.full((height, width, 4), (*_BACKDROP_BGR, 255), np.uint8)
    for layer in (
        drawn.body(presenter),
        drawn.back_hair(presenter),
        drawn.skin(presenter),
        drawn.beard(presenter),
        drawn.brows(presenter, 0.0),
        drawn.eyes(presenter, Gaze()),
        drawn.mouth(presenter, MouthShape(0, 0, 0, 0)),
        drawn.front_hair(presenter),
    ):
        picture = laid_over(picture, rasterise(layer, left, top, width, height, frame.scale))
    _, png = cv2.imencode(".png", picture[..., :3])
    return png.tobytes()
