"""A picture of the film, as a JPEG."""

from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray
from PIL import Image

_LONG_SIDE_PIXELS = 1280
_JPEG_QUALITY = 88


def save_thumbnail(target: Path, picture: NDArray[np.uint8]) -> None:
    """`picture` is I420, BT.709 and limited range, as the compositor draws it."""
    frame = VideoFrame.from_ndarray(picture, format="yuv420p")
    scale = min(1.0, _LONG_SIDE_PIXELS / max(frame.width, frame.height))
    rgb = frame.reformat(
        width=round(frame.width * scale),
        height=round(frame.height * scale),
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    Image.fromarray(rgb.to_ndarray()).save(
        target, "JPEG", quality=_JPEG_QUALITY, optimize=True, progressive=True
    )
