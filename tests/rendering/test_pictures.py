"""Pictures that strangers send."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from heygen_graphql.rendering.errors import PictureRefused
from heygen_graphql.rendering.presenters.pictures import (
    PictureInfo,
    probe_picture,
    read_picture,
    read_picture_with_alpha,
)


def _painted(width: int = 72, height: int = 48) -> Image.Image:
    """Patches of colour, none of them like another."""
    colors = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(np.kron(colors, np.ones((8, 8, 1), np.uint8)))


def _refusal(path: Path) -> PictureRefused:
    with pytest.raises(PictureRefused) as refused:
        read_picture(path)
    return refused.value


@pytest.mark.parametrize(
    ("format", "content_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_a_picture_is_told_by_its_content_and_not_by_its_name(
    tmp_path: Path, format: str, content_type: str
) -> None:
    path = tmp_path / "holiday.txt"
    _painted().save(path, format)

    assert probe_picture(path) == PictureInfo(content_type, 72, 48)
    assert read_picture(path).shape == (48, 72, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_however_the_camera_was_held(tmp_path: Path, orientation: int) -> None:
    upright = _painted()
    # What a camera held that way stores: the inverse of what the tag asks for.
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "picture"
    stored.save(path, "PNG", exif=exif)

    assert np.array_equal(read_picture(path), np.asarray(upright))
    assert probe_picture(path) == PictureInfo("image/png", 72, 48)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK", "YCbCr"])
def test_pictures_of_every_kind_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture"
    _painted().convert(mode).save(path, "JPEG" if mode in ("CMYK", "YCbCr") else "PNG")

    pixels = read_picture(path)

    assert pixels.shape == (48, 72, 3)
    assert abs(float(pixels.mean()) - float(np.asarray(_painted()).mean())) < 12


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Image.fromarray(np.full((16, 16), 0x8000, np.uint16)).save(path, "PNG")

    assert np.unique(read_picture(path)).tolist() == [0x80]


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8, :, 3] = 255
    Image.fromarray(pixels).save(path, "PNG")

    assert read_picture(path)[:, 0, 0].tolist() == [0] * 8 + [255] * 8
    assert read_picture_with_alpha(path)[:, 0, 3].tolist() == [255] * 8 + [0] * 8


def test_of_an_animation_the_first_picture_is_read(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    first, second = _painted(), Image.new("RGB", (72, 48))
    first.save(path, "WEBP", save_all=True, append_images=[second], lossless=True)

    assert np.array_equal(read_picture(path), np.asarray(first))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.95])
def test_a_file_cut_short_is_refused(tmp_path: Path, format: str, share: float) -> None:
    whole = io.BytesIO()
    _painted(640, 480).save(whole, format)
    path = tmp_path / "picture"
    path.write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * share)])

    assert _refusal(path).code == "UNSUPPORTED_MEDIA"


def test_a_file_that_is_not_there_is_nobodys_broken_picture(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "picture")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(64),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff" * 9,
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "portrait.jpg"
    path.write_bytes(content)

    assert _refusal(path).code == "UNSUPPORTED_MEDIA"


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )

    assert _refusal(path).code == "FILE_TOO_LARGE"
    with pytest.raises(PictureRefused, match="too large"):
        probe_picture(path)


def test_a_picture_may_be_bounded_more_tightly(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    _painted(640, 480).save(path, "PNG")

    with pytest.raises(PictureRefused, match=r"640 x 480 pixels is too large: at most 0\.1 megapixels"):
        read_picture(path, max_pixels=100_000)
