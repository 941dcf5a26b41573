"""Black pictures: what counts as one, and whether a scene's background explains them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.pictures import read_picture
from heygen_graphql.rendering.presenters.planes import code_color

# A frame is black when nearly all of it is: a presenter before a black backdrop is not.
# The thresholds are those of FFmpeg's `blackdetect`: 98 % of the pixels below 10 % of the luma range.
_BLACK_LUMA = round(16 + 0.10 * (235 - 16))
_BLACK_SHARE = 0.98
# Enough pixels to judge by, and few enough to look at every frame.
_ROWS, _COLUMNS = 16, 16
_FIRST = 4
# A picture of which less than this is dark does not make a frame black by itself.
_DARK_SHARE = 0.5


def is_black(luma: NDArray[np.uint8]) -> bool:
    """`luma` in limited range, (height, width)."""
    sample = luma[::_ROWS, ::_COLUMNS]
    most_light = (1 - _BLACK_SHARE) * sample.size
    # As a rule a part of the sample has more light pixels than all of it may have.
    if np.count_nonzero(sample[::_FIRST, ::_FIRST] >= _BLACK_LUMA) >= most_light:
        return False
    return bool(np.count_nonzero(sample >= _BLACK_LUMA) < most_light)


class BlackCount:
    """Counts the black ones among frames that pass by."""

    def __init__(self) -> None:
        self.frames = 0

    def through(self, frames: Iterable[NDArray[np.uint8]], height: int) -> Iterator[NDArray[np.uint8]]:
        """`frames` are I420: the first `height` rows are luma."""
        for frame in frames:
            self.frames += is_black(frame[:height])
            yield frame


def is_dark(color: str, image: Path | None) -> bool:
    """Whether a background (#RRGGBB, or a picture instead) may make a frame black.

    Raises:
        PictureRefused: the image cannot be read.
    """
    if image is None:
        return code_color(color)[0] < _BLACK_LUMA
    pixels = read_picture(image)[::_ROWS, ::_COLUMNS].astype(np.float32)
    # BT.709.
    luma = 16 + 219 / 255 * (pixels @ np.array([0.2126, 0.7152, 0.0722], np.float32))
    return bool((luma < _BLACK_LUMA).mean() > _DARK_SHARE)
