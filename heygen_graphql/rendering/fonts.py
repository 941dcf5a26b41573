"""The fonts at hand, which characters each can draw, and which of them a text wants.

A caption may be in any language, so one font never does: each character takes the first font that
has it. Pillow draws what a font lacks as a box, and does not say so; so the fonts' own character
maps are read here (OpenType specification, table `cmap`, formats 4 and 12).
"""

from __future__ import annotations

import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

# Packages that carry the Noto fonts as plain files; neither has code worth importing.
_FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
_SEMI_BOLD = 600
# Han characters are drawn after the customs of the language: which face of a collection that is.
_HAN_REGIONS = {"ja": "JP", "ko": "KR", "zh-tw": "TC", "zh-hant": "TC", "zh-hk": "HK", "yue": "HK"}


@dataclass(frozen=True)
class Font:
    """One font file, and the language for which a file of several faces is opened."""

    path: Path
    language: str

    @cached_property
    def is_pictures(self) -> bool:
        return "Emoji" in self.path.name

    def at(self, size_pixels: int) -> ImageFont.FreeTypeFont:
        return _open(self.path, self._face, size_pixels)

    def covers(self, character: str) -> bool:
        code = ord(character)
        starts, ends = self._coverage
        place = bisect_right(starts, code) - 1
        return place >= 0 and code <= ends[place]

    @cached_property
    def _face(self) -> int:
        return _face_for(self.path, self.language) if self.path.suffix.lower() == ".ttc" else 0

    @cached_property
    def _coverage(self) -> tuple[list[int], list[int]]:
        ranges = sorted(_mapped_ranges(self.path.read_bytes(), self._face))
        return [start for start, _ in ranges], [end for _, end in ranges]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that one font draws; None draws nothing, since no font has its characters."""

    text: str
    font: Font | None


class Typeface:
    """Every font at hand, in the order in which they are asked, for texts of one language."""

    def __init__(self, language: str, directories: Sequence[Path] = ()) -> None:
        self._fonts = tuple(_fonts(language, (*directories, *_packaged_directories())))
        self._choices: dict[str, Font | None] = {}

    def runs(self, text: str) -> list[Run]:
        """Cut a text where the font changes, in reading order."""
        runs: list[Run] = []
        for character in text:
            font = runs[-1].font if runs else None
            if not runs or not _stays_with(font, character):
                font = self._choose(character)
            if runs and runs[-1].font is font:
                runs[-1] = Run(runs[-1].text + character, font)
            else:
                runs.append(Run(character, font))
        return runs

    def missing(self, text: str) -> int:
        """How many of the characters no font at hand can draw."""
        return sum(self._choose(character) is None for character in text if not _takes_any_font(character))

    def _choose(self, character: str) -> Font | None:
        if character not in self._choices:
            self._choices[character] = next((font for font in self._fonts if font.covers(character)), None)
        return self._choices[character]


def _takes_any_font(character: str) -> bool:
    """Marks belong to the letter before them; spaces, joiners and variation selectors have no picture."""
    return character.isspace() or unicodedata.category(character) in {"Mn", "Me", "Cf", "Cc"}


def _stays_with(font: Font | None, character: str) -> bool:
    """Digits and punctuation are drawn in the font of the letters before them, where it has them."""
    if _takes_any_font(character):
        # A font of pictures has a space as wide as a picture.
        return font is None or not (font.is_pictures and character.isspace())
    if font is None or font.is_pictures:
        return False  # it has digits too, to be put into boxes
    return not character.isalpha() and font.covers(character)


def _packaged_directories() -> Iterator[Path]:
    for package in _FONT_PACKAGES:
        # find_spec of a top-level package imports nothing.
        spec = find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(location)


def _fonts(language: str, directories: Sequence[Path]) -> Iterator[Font]:
    for directory in directories:
        # Of "NotoSans[wght].ttf", "NotoSansArabic[wght].ttf", ... the shortest is the one for Latin;
        # the pictures of NotoEmoji come last.
        paths = sorted(
            directory.iterdir(), key=lambda path: ("Emoji" in path.name, len(path.name), path.name)
        )
        for path in paths:
            if path.suffix.lower() in {".ttf", ".otf", ".ttc"} and "Italic" not in path.name:
                yield Font(path, language)


def _face_for(collection: Path, language: str) -> int:
    tag = language.lower()
    region = next((name for prefix, name in _HAN_REGIONS.items() if tag.startswith(prefix)), "SC")
    with collection.open("rb") as file:
        _, face_count = struct.unpack(">8sI", file.read(12))
    names = (ImageFont.truetype(collection, index=face).getname()[0] or "" for face in range(face_count))
    return next((face for face, name in enumerate(names) if name.endswith(f" {region}")), 0)


@cache
def _open(path: Path, face: int, size_pixels: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(path, size_pixels, index=face, layout_engine=ImageFont.Layout.RAQM)
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font  # one fixed weight
    font.set_variation_by_axes(
        [_SEMI_BOLD if axis["name"] == b"Weight" else axis["default"] or 0 for axis in axes]
    )
    return font


def _mapped_ranges(data: bytes, face: int) -> Iterator[tuple[int, int]]:
    """First and last code point of every range that a face maps to glyphs."""
    directory = struct.unpack_from(">I", data, 12 + 4 * face)[0] if data[:4] == b"ttcf" else 0
    table_count = struct.unpack_from(">H", data, directory + 4)[0]
    tables = (struct.unpack_from(">4sIII", data, directory + 12 + 16 * entry) for entry in range(table_count))
    cmap = next(offset for tag, _, offset, _ in tables if tag == b"cmap")
    subtable_count = struct.unpack_from(">H", data, cmap + 2)[0]
    offsets = (struct.unpack_from(">I", data, cmap + 8 + 8 * entry)[0] for entry in range(subtable_count))
    subtables = {struct.unpack_from(">H", data, cmap + offset)[0]: cmap + offset for offset in offsets}
    if (groups := subtables.get(12)) is not None:
        group_count = struct.unpack_from(">I", data, groups + 12)[0]
        for group in range(group_count):
            start, end, _ = struct.unpack_from(">III", data, groups + 16 + 12 * group)
            yield start, end
    elif (segments := subtables.get(4)) is not None:
        segment_count = struct.unpack_from(">H", data, segments + 6)[0] // 2
        ends = struct.unpack_from(f">{segment_count}H", data, segments + 14)
        starts = struct.unpack_from(f">{segment_count}H", data, segments + 16 + 2 * segment_count)
        # The last segment is a sentinel at U+FFFF.
        yield from zip(starts[:-1], ends[:-1], strict=True)
