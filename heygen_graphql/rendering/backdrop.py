"""What a presenter stands before: a colour with a soft light, or a picture that covers the frame."""

from pathlib import Path

import cv2
import numpy as np

from heygen_graphql.rendering.presenters.pictures import read_picture
from heygen_graphql.rendering.presenters.planes import Bytes, Frame, code_color, to_planes


def picture_backdrop(width: int, height: int, path: Path) -> Frame:
    """The picture scaled until it covers the frame, never stretched; what is too much is cut off evenly.

    Raises:
        PictureRefused: the file is no picture that can be used.
    """
    covering = cover(read_picture(path), width, height)
    planes = to_planes(np.asarray(cv2.cvtColor(covering, cv2.COLOR_RGB2BGRA), np.uint8))
    frame = Frame.empty(width, height)
    frame.y[:], frame.u[:], frame.v[:] = planes.y, planes.u, planes.v
    return frame


def cover(picture: Bytes, width: int, height: int) -> Bytes:
    """The middle of `picture`, in the proportions of `width` to `height` and at that size."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    kept_rows, kept_columns = min(round(height / scale), rows), min(round(width / scale), columns)
    top, left = (rows - kept_rows) // 2, (columns - kept_columns) // 2
    kept = picture[top : top + kept_rows, left : left + kept_columns]
    # Averages when it shrinks: anything else would alias. Lanczos is the sharpest when it grows.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(kept, (width, height), interpolation=how), np.uint8)


def lit_backdrop(width: int, height: int, color: str) -> Frame:
    """The colour, with a soft light behind the presenter; along the picture's edges it is exact."""
    frame = Frame.empty(width, height)
    edge = code_color(color)
    # A light of white, so dark colours keep their hue and white stays white.
    share = 0.13
    light = [e + share * (w - e) for e, w in zip(edge, (235, 128, 128), strict=True)]
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / (width / 2)
    y = (np.arange(height, dtype=np.float32) + 0.5 - height * 0.45) / (height * 0.62)
    noise = np.random.default_rng(0)
    for top in range(0, height, 64):
        rows = slice(top, min(top + 64, height))
        fall = np.clip(1 - (x[None, :] ** 2 + y[rows, None] ** 2), 0, 1) ** 2
        # Dither: eight bits show steps in so slow a ramp.
        grain = noise.uniform(-0.5, 0.5, fall.shape).astype(np.float32) * (fall > 0)
        frame.y[rows] = np.rint(edge[0] + (light[0] - edge[0]) * fall + grain)
        half, half_grain = fall[::2, ::2], grain[::2, ::2]
        half_rows = slice(top // 2, top // 2 + half.shape[0])
        frame.u[half_rows] = np.rint(edge[1] + (light[1] - edge[1]) * half + half_grain)
        frame.v[half_rows] = np.rint(edge[2] + (light[2] - edge[2]) * half + half_grain)
    return frame
