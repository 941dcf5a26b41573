"""Pictures as the encoder wants them: Y, U and V planes of BT.709 in limited range, with premultiplied alpha.

BT.709-6, section 3: Y = 0.2126 R + 0.7152 G + 0.0722 B, coded as 16 + 219 Y and 128 + 224 C.
cv2's own RGB2YUV_I420 is BT.601: greens and skins would come out wrong under a bt709 tag.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_CB, _CR = 224 / (2 * (1 - _BLUE)), 224 / (2 * (1 - _RED))

_FROM_BGRA = np.array(
    [
        [219 * _BLUE, 219 * _GREEN, 219 * _RED, 16],
        [_CB * (1 - _BLUE), -_CB * _GREEN, -_CB * _RED, 128],
        [-_CR * _BLUE, -_CR * _GREEN, _CR * (1 - _RED), 128],
    ],
    dtype=np.float32,
)
"""Rows Y, Cb, Cr; columns B, G, R and alpha, all 0..1 and premultiplied: offsets fade with the picture."""

_BAND_ROWS = 128
"""Conversion runs in bands: a float copy of a whole 2160p layer would cost 130 MB."""


@dataclass(frozen=True, slots=True)
class Planes:
    """A layer: colours are premultiplied coded values, chroma is 2x2 and centred in its square."""

    y: Bytes
    u: Bytes
    v: Bytes
    alpha: Bytes
    alpha_half: Bytes

    @property
    def nbytes(self) -> int:
        return sum(plane.nbytes for plane in (self.y, self.u, self.v, self.alpha, self.alpha_half))


def code_color(color: str) -> tuple[float, float, float]:
    """Y, Cb, Cr of #RRGGBB, not rounded."""
    r, g, b = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    y, u, v = (_FROM_BGRA @ np.array([b, g, r, 1], np.float32)).tolist()
    return y, u, v


def premultiplied(bgra: Bytes) -> Bytes:
    """Straight alpha to premultiplied."""
    result = np.empty_like(bgra)
    for channel in range(3):
        result[..., channel] = cv2.multiply(bgra[..., channel], bgra[..., 3], scale=1 / 255)
    result[..., 3] = bgra[..., 3]
    return result


def laid_over(under: Bytes, top: Bytes) -> Bytes:
    """Both BGRA, premultiplied and of one size."""
    keep = cv2.merge([cv2.bitwise_not(top[..., 3])] * 4)
    return np.asarray(cv2.add(cv2.multiply(under, keep, scale=1 / 255), top), np.uint8)


def to_planes(bgra: Bytes) -> Planes:
    """From premultiplied BGRA of even width and height."""
    height, width = bgra.shape[:2]
    y = np.empty((height, width), np.uint8)
    u, v = (np.empty((height // 2, width // 2), np.uint8) for _ in range(2))
    alpha = np.ascontiguousarray(bgra[..., 3])
    for top in range(0, height, _BAND_ROWS):
        band = np.multiply(bgra[top : top + _BAND_ROWS], np.float32(1 / 255), dtype=np.float32)
        coded = cv2.transform(band, _FROM_BGRA)
        rows = slice(top, top + band.shape[0])
        np.rint(coded[..., 0], out=coded[..., 0])
        y[rows] = coded[..., 0]
        half = cv2.resize(coded[..., 1:], (width // 2, band.shape[0] // 2), interpolation=cv2.INTER_AREA)
        half_rows = slice(top // 2, top // 2 + half.shape[0])
        u[half_rows] = np.rint(half[..., 0])
        v[half_rows] = np.rint(half[..., 1])
    alpha_half = cv2.resize(alpha, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return Planes(y, u, v, alpha, np.asarray(alpha_half, np.uint8))


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole picture in one I420 buffer; `y`, `u`, `v` are views of it."""

    buffer: Bytes
    y: Bytes
    u: Bytes
    v: Bytes

    @classmethod
    def empty(cls, width: int, height: int) -> "Frame":
        buffer = np.empty((height * 3 // 2, width), np.uint8)
        flat, luma = buffer.reshape(-1), width * height
        half = (height // 2, width // 2)
        return cls(
            buffer,
            buffer[:height],
            flat[luma : luma + luma // 4].reshape(half),
            flat[luma + luma // 4 :].reshape(half),
        )


@dataclass(frozen=True, slots=True)
class Rect:
    """All four numbers even, in luma pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def luma(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def chroma(self) -> tuple[slice, slice]:
        return slice(self.top // 2, self.bottom // 2), slice(self.left // 2, self.right // 2)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    def moved(self, right: int, down: int) -> "Rect":
        return Rect(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def joined(self, other: "Rect") -> "Rect":
        """The least rectangle that holds both."""
        return Rect(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def clipped(self, whole: "Rect") -> "Rect":
        """What of it lies in `whole`."""
        return Rect(
            max(self.left, whole.left),
            max(self.top, whole.top),
            min(self.right, whole.right),
            min(self.bottom, whole.bottom),
        )

    def meets(self, other: "Rect") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def copy_rect(source: Frame, target: Frame, rect: Rect) -> None:
    target.y[rect.luma] = source.y[rect.luma]
    target.u[rect.chroma] = source.u[rect.chroma]
    target.v[rect.chroma] = source.v[rect.chroma]


def blend(under: Frame, layer: Planes, rect: Rect, target: Frame) -> None:
    """Lay `layer`, which is as large as `rect`, over `under` there; the sum goes to `target`."""
    keep = cv2.bitwise_not(layer.alpha)
    keep_half = cv2.bitwise_not(layer.alpha_half)
    _blend_plane(under.y[rect.luma], keep, layer.y, target.y[rect.luma])
    _blend_plane(under.u[rect.chroma], keep_half, layer.u, target.u[rect.chroma])
    _blend_plane(under.v[rect.chroma], keep_half, layer.v, target.v[rect.chroma])


def _blend_plane(under: Bytes, keep: cv2.typing.MatLike, top: Bytes, target: Bytes) -> None:
    rest = cv2.multiply(under, keep, scale=1 / 255)
    cv2.add(rest, top, target)


def warp(layer: Planes, to_source: NDArray[np.float64], size: tuple[int, int]) -> Planes:
    """The layer seen through `to_source`, a 2x3 affine from the result's luma pixel centres to the layer's.

    The layer's chroma lies in the middle of 2x2 luma squares, the result's where H.264 has it by
    default: level with the left luma column, between two rows (ITU-T H.264, figure 6-1 and Annex E,
    chroma_sample_loc_type 0).
    """
    width, height = size
    linear, offset = to_source[:, :2], to_source[:, 2]
    # Result chroma (i, j) is at luma (2i, 2j + 0.5); layer luma (x, y) is at chroma ((x - 0.5) / 2, ...).
    chroma = np.column_stack([linear, (linear @ (0.0, 0.5) + offset - 0.5) / 2])
    half = (width // 2, height // 2)

    def sampled(plane: Bytes, matrix: NDArray[np.float64], shape: tuple[int, int]) -> Bytes:
        return np.asarray(
            cv2.warpAffine(
                plane,
                matrix,
                shape,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=0,
            ),
            np.uint8,
        )

    return Planes(
        sampled(layer.y, to_source, size),
        sampled(layer.u, chroma, half),
        sampled(layer.v, chroma, half),
        sampled(layer.alpha, to_source, size),
        sampled(layer.alpha_half, chroma, half),
    )
