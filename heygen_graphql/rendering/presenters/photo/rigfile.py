"""The file that holds a photo presenter: the portrait and all its states, made once, read for every film.

A ZIP archive, stored, of `rig.json` and pictures. Nothing in it is code, and everything is checked when it
is opened: a rig that was made by another version, cut short or tampered with is refused, not guessed at.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import BrokenRig
from heygen_graphql.rendering.presenters.actor import EyeState, MouthState
from heygen_graphql.rendering.presenters.pictures import Pixels
from heygen_graphql.rendering.presenters.planes import Rect

VERSION = 1
BLOCK = 16
"""Portraits and patches begin and end on multiples of this. So a JPEG's blocks are the same in both, and
where a patch shows the portrait unchanged it has the very same pixels."""
_HEADER, _PICTURE, _MATTE = "rig.json", "portrait.jpg", "matte.png"
_MOST_BYTES = 48_000_000
_MOST_PIXELS = 12_000_000
_MOST_MEMBERS = 600
_UNREADABLE = (
    *(zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError, AttributeError, OverflowError),
    # Encrypted members, and JSON nested too deep.
    RuntimeError,
)
_QUALITY = 93
_OLD = (1980, 1, 1, 0, 0, 0)
"""The same portrait makes the same file."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where things are in the portrait, in its pixels."""

    eye_x: float
    eye_y: float
    """Midway between the eyes."""
    unit: float
    """Pixels per art unit: the chin lies 200 below the eyes."""
    crown: float
    """y of the top of head and hair, as far as the portrait shows it."""
    chin: float
    mouth: tuple[int, int, int, int]
    """The rectangle that mouths are patches of: left, top, right, bottom."""
    eyes: tuple[int, int, int, int]
    floor: float
    """y down to which a cut-out may be shown: below it the portrait's side cuts a shoulder off."""


@dataclass(frozen=True, eq=False)
class PhotoRig:
    """An open rig; pictures are decoded when they are asked for."""

    geometry: Geometry
    width: int
    height: int
    has_cutout: bool
    _blobs: Mapping[str, bytes]

    @cached_property
    def portrait(self) -> Pixels:
        """(height, width, 3), RGB."""
        return self._decoded(_PICTURE, (self.height, self.width))

    @cached_property
    def matte(self) -> Pixels:
        """(height, width): how surely each pixel is the person's; 255 all over where that is not known."""
        if _MATTE not in self._blobs:
            return np.full((self.height, self.width), 255, np.uint8)
        small = cv2.imdecode(np.frombuffer(self._blobs[_MATTE], np.uint8), cv2.IMREAD_GRAYSCALE)
        if small is None:
            raise BrokenRig(f"holds an unreadable {_MATTE}")
        size = (self.width, self.height)
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.uint8)

    @property
    def has_matte(self) -> bool:
        return _MATTE in self._blobs

    def mouth(self, state: MouthState) -> Pixels | None:
        """The portrait's mouth rectangle in this state; None where it is as in the portrait."""
        return self._patch(mouth_name(state), self.geometry.mouth)

    def eyes(self, state: EyeState) -> Pixels | None:
        return self._patch(eyes_name(state), self.geometry.eyes)

    def _patch(self, name: str, rect: tuple[int, int, int, int]) -> Pixels | None:
        if name not in self._blobs:
            return None
        return self._decoded(name, (rect[3] - rect[1], rect[2] - rect[0]))

    def _decoded(self, name: str, shape: tuple[int, int]) -> Pixels:
        picture = cv2.imdecode(np.frombuffer(self._blobs[name], np.uint8), cv2.IMREAD_COLOR_RGB)
        if picture is None or picture.shape[:2] != shape:
            raise BrokenRig(f"holds an unreadable {name}")
        return np.asarray(picture, np.uint8)


def mouth_name(state: MouthState) -> str:
    return f"mouth-{state.openness}-{state.spread}-{state.tuck}-{state.tongue}.jpg"


def eyes_name(state: EyeState) -> str:
    return f"eyes-{state.lids}-{state.brows}-{state.gaze_x}-{state.gaze_y}.jpg"


def write_rig(
    target: Path,
    portrait: Pixels,
    geometry: Geometry,
    mouths: Mapping[MouthState, Pixels],
    eyes: Mapping[EyeState, Pixels],
    *,
    matte: Pixels | None,
    has_cutout: bool,
) -> None:
    """Write the file; `matte` may be smaller than the portrait."""
    height, width = portrait.shape[:2]
    header = {
        "version": VERSION,
        "width": width,
        "height": height,
        "has_cutout": has_cutout,
        "geometry": asdict(geometry),
    }
    blobs = {_HEADER: json.dumps(header).encode(), _PICTURE: _jpeg(portrait)}
    blobs |= {mouth_name(state): _jpeg(picture) for state, picture in mouths.items()}
    blobs |= {eyes_name(state): _jpeg(picture) for state, picture in eyes.items()}
    if matte is not None:
        blobs[_MATTE] = cv2.imencode(".png", matte)[1].tobytes()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, blob in blobs.items():
            archive.writestr(zipfile.ZipInfo(name, _OLD), blob)


def _jpeg(picture: Pixels) -> bytes:
    options = [
        *(cv2.IMWRITE_JPEG_QUALITY, _QUALITY),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ]
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def open_rig(path: Path) -> PhotoRig:
    """Read a file that `write_rig` made.

    Raises:
        BrokenRig: it is not such a file, or of another version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            # What a member says of its size bounds what is read of it.
            if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _MOST_BYTES:
                raise BrokenRig("is larger than any that is made")
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise BrokenRig("is compressed, as none that is made")
            blobs = {member.filename: archive.read(member) for member in members}
        return _checked(blobs)
    except _UNREADABLE as error:
        raise BrokenRig(f"cannot be read ({error})") from error


def _checked(blobs: dict[str, bytes]) -> PhotoRig:
    header: dict[str, Any] = json.loads(blobs.pop(_HEADER))
    if header["version"] != VERSION:
        raise BrokenRig(f"is of version {header['version']}, and this server reads {VERSION}")
    width, height = int(header["width"]), int(header["height"])
    if (
        min(width, height) < BLOCK
        or width % BLOCK
        or height % BLOCK
        or width * height > _MOST_PIXELS
        or _PICTURE not in blobs
    ):
        raise BrokenRig("holds no portrait")
    values = header["geometry"]
    rects = {key: tuple(map(int, values.pop(key))) for key in ("mouth", "eyes")}
    for left, top, right, bottom in rects.values():
        inside = 0 <= left < right <= width and 0 <= top < bottom <= height
        if not inside or any(edge % BLOCK for edge in (left, top, right, bottom)):
            raise BrokenRig("has patches outside its portrait")
    numbers = {key: float(value) for key, value in values.items()}
    if not all(np.isfinite(number) for number in numbers.values()) or numbers["unit"] <= 0:
        raise BrokenRig("has measures that are no numbers")
    geometry = Geometry(**numbers, **rects)  # type: ignore[arg-type]
    return PhotoRig(geometry, width, height, bool(header["has_cutout"]), blobs)


def whole_blocks(low: NDArray[np.float64], high: NDArray[np.float64], shape: tuple[int, ...]) -> Rect:
    """The least rectangle of whole blocks that holds all from `low` to `high` (x, y), within the portrait."""
    height, width = shape[:2]
    return Rect(
        max(int(low[0] // BLOCK), 0) * BLOCK,
        max(int(low[1] // BLOCK), 0) * BLOCK,
        min(int(-(-high[0] // BLOCK)) * BLOCK, width // BLOCK * BLOCK),
        min(int(-(-high[1] // BLOCK)) * BLOCK, height // BLOCK * BLOCK),
    )


def corners(rect: Rect) -> tuple[int, int, int, int]:
    return rect.left, rect.top, rect.right, rect.bottom
