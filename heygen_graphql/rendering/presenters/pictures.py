"""Pictures that strangers send: JPEG, PNG and WebP told by their content, decoded within bounds.

What a file calls itself is never believed, and its size is read from its header before any pixel is
decoded, so that a bomb costs no more than an honest file.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from heygen_graphql.rendering.errors import PictureRefused

Pixels = NDArray[np.uint8]

MAX_PIXELS = 50_000_000
"""The largest sensors of telephones that save whole pictures; decoded, 150 MB."""
_LONGEST_SIDE = 30_000
"""WebP's own bound is 16,383, libjpeg's 65,500; a strip of a few rows by millions is no picture."""
_BAND = 256

_CONTENT_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""By Pillow's names. MPO is a JPEG followed by more of them, as many cameras write."""
_ORIENTATION = 0x0112
"""The EXIF tag (CIPA DC-008, 4.6.4 A)."""
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, OverflowError, KeyError, IndexError)
"""What Pillow's readers raise on files that are cut short or broken."""


@dataclass(frozen=True, slots=True)
class PictureInfo:
    content_type: str
    width: int
    """As it is shown: after the orientation that EXIF asks for."""
    height: int


def probe_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> PictureInfo:
    """What the file is, by its header alone; whether its pixels are whole shows when they are read.

    Raises:
        PictureRefused: UNSUPPORTED_MEDIA or FILE_TOO_LARGE.
    """
    with _opened(path, max_pixels) as image:
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        return PictureInfo(_CONTENT_TYPES[image.format or ""], width, height)


def read_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """(height, width, 3), RGB in sRGB, upright; what is transparent lies on white.

    Of an animation the first picture is read.

    Raises:
        PictureRefused: UNSUPPORTED_MEDIA or FILE_TOO_LARGE.
    """
    return on_white(read_picture_with_alpha(path, max_pixels=max_pixels))


def on_white(pixels: Pixels) -> Pixels:
    """(height, width, 3) of a picture with or without alpha."""
    if pixels.shape[2] == 3:
        return pixels
    laid = np.empty((*pixels.shape[:2], 3), np.uint8)
    # In bands: sums of 16 bits for a whole picture would take several times its memory.
    for top in range(0, len(pixels), _BAND):
        band = pixels[top : top + _BAND]
        alpha = band[..., 3:4].astype(np.uint16)
        laid[top : top + _BAND] = (band[..., :3] * alpha + np.uint16(255) * (255 - alpha) + 127) // 255
    return laid


def read_picture_with_alpha(path: Path, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """As `read_picture`, but (height, width, 4) with straight alpha when any pixel is not opaque.

    Raises:
        PictureRefused: UNSUPPORTED_MEDIA or FILE_TOO_LARGE.
    """
    with _opened(path, max_pixels) as image:
        turn = _orientation(image)
        try:
            image.load()
            pixels = _pixels(image)
        except _UNREADABLE as error:
            raise _broken(error) from error
    return _upright(pixels, turn)


def _opened(path: Path, max_pixels: int) -> Image.Image:
    """The picture with only its header read."""
    try:
        image = Image.open(path, formats=("JPEG", "PNG", "WEBP"))
    # The warning is an error where warnings are.
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(max_pixels) from error
    except UnidentifiedImageError as error:
        raise PictureRefused(
            "UNSUPPORTED_MEDIA", "The file is not a JPEG, PNG or WebP picture. Export it as one of these."
        ) from error
    except _UNREADABLE as error:
        raise _broken(error) from error
    width, height = image.size
    if width * height > max_pixels or max(width, height) > _LONGEST_SIDE:
        image.close()
        raise _too_large(max_pixels, f"{width} x {height} pixels")
    return image


def _broken(error: Exception) -> Exception:
    """What to raise when a reader raised `error`."""
    if isinstance(error, OSError) and error.errno is not None:
        # The disk's fault and not the picture's: another time it may be read.
        return error
    return PictureRefused(
        "UNSUPPORTED_MEDIA",
        f"The picture cannot be read: the file is cut short or broken ({error}). Save it anew.",
    )


def _too_large(max_pixels: int, size: str = "the picture") -> PictureRefused:
    return PictureRefused(
        "FILE_TOO_LARGE",
        f"{size[0].upper()}{size[1:]} is too large: at most {max_pixels / 1e6:g} megapixels and "
        f"{_LONGEST_SIDE} pixels a side are taken. Make it smaller and send it again.",
    )


def _orientation(image: Image.Image) -> int:
    """1 to 8; broken EXIF counts as none."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _UNREADABLE:
        return 1
    return value if value in range(1, 9) else 1


def _pixels(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # Pillow's own conversion clips 16 bits instead of scaling them.
        grey = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    has_alpha = "A" in image.mode or "a" in image.mode or "transparency" in image.info
    shown = _in_srgb(image).convert("RGBA" if has_alpha else "RGB")
    pixels = np.array(shown, np.uint8)
    return pixels[..., :3] if has_alpha and pixels[..., 3].min() == 255 else pixels


def _in_srgb(image: Image.Image) -> Image.Image:
    """Telephones save Display P3, and CMYK means nothing without its profile."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    try:
        return (
            ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGBA" if image.mode == "RGBA" else "RGB",
            )
            or image
        )
    except (ImageCms.PyCMSError, *_UNREADABLE):
        return image


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    if orientation in (5, 6, 7, 8):
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    # After the transposition: which axes are mirrored.
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else np.asarray(cv2.flip(pixels, flip), np.uint8)
