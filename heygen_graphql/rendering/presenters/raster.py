"""Drawings to pixels."""

import cv2
import numpy as np
import resvg_py

from heygen_graphql.rendering.presenters.planes import Bytes, premultiplied
from heygen_graphql.rendering.presenters.svg import Drawing


def rasterise(drawing: Drawing, left: float, top: float, width: int, height: int, scale: float) -> Bytes:
    """Premultiplied BGRA, `width` x `height` pixels, of the window at (left, top) art units.

    `scale` is pixels per art unit.
    """
    text = drawing.svg(left, top, width / scale, height / scale, scale)
    png = resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True)
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ValueError("the rasteriser gave no PNG")
    return premultiplied(np.asarray(decoded, np.uint8))
