"""Looking pictures up at places between their pixels."""

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.pictures import Pixels

Numbers = TypeVar("Numbers", NDArray[np.float32], NDArray[np.float64])


def sampled(
    picture: Pixels, where: NDArray[np.floating[Any]], *, smoothly: bool = False, target: Pixels | None = None
) -> Pixels:
    """The picture at `where`, (rows, columns, 2) of x and y; beyond its border, the border's pixels.

    `smoothly` keeps more detail than a linear mixture does.
    """
    how = cv2.INTER_CUBIC if smoothly else cv2.INTER_LINEAR
    places = where.astype(np.float32, copy=False)
    # The stubs want a second map; an empty one would do, at four times the cost.
    result = cv2.remap(picture, places, None, how, dst=target, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(result, np.uint8)


def step(t: Numbers) -> Numbers:
    """Perlin's smoothstep: 0 up to 0, 1 from 1 on."""
    t = np.clip(t, 0, 1)
    smooth: Numbers = t * t * (3 - 2 * t)
    return smooth
