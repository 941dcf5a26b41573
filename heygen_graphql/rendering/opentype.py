"""What a font file says of itself, read from its tables (OpenType specification 1.9).

Pillow draws what a font lacks as a box and does not say so, hence `cmap` (formats 4 and 12); and it
opens fonts that it cannot draw, hence the rest.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OUTLINES = frozenset({b"glyf", b"CFF ", b"CFF2"})
_ITALIC = 0x0001
_REGULAR_WEIGHT = 400


class UnreadableFont(Exception):
    """The file is no OpenType font, is cut short, or has no outlines (pictures alone)."""


@dataclass(frozen=True, slots=True)
class FontFacts:
    weight: int | None
    """100 (thin) to 900 (black); None when the font can take any."""
    is_italic: bool
    coverage: tuple[tuple[int, int], ...]
    """First and last code point of every range that has glyphs, in order."""


def read_facts(path: Path, face: int = 0) -> FontFacts:
    """
    Raises:
        UnreadableFont: see there.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise UnreadableFont(f"{path} is empty") from error
        with data:
            try:
                return _facts(data, face)
            except (struct.error, IndexError) as error:
                raise UnreadableFont(f"{path} is no OpenType font, or is cut short") from error


def face_count(path: Path) -> int:
    """How many faces a collection (.ttc, .otc) holds; 1 for a font that is none."""
    with path.open("rb") as file:
        head = file.read(12)
    return int(struct.unpack_from(">I", head, 8)[0]) if head[:4] == b"ttcf" and len(head) == 12 else 1


def _facts(data: mmap.mmap, face: int) -> FontFacts:
    directory = struct.unpack_from(">I", data, 12 + 4 * face)[0] if data[:4] == b"ttcf" else 0
    table_count = struct.unpack_from(">H", data, directory + 4)[0]
    entries = (
        struct.unpack_from(">4sIII", data, directory + 12 + 16 * entry) for entry in range(table_count)
    )
    tables = {tag: offset for tag, _, offset, _ in entries}
    if b"cmap" not in tables or not _OUTLINES & tables.keys():
        raise UnreadableFont("The font has no outlines, or no characters")
    if b"COLR" in tables and struct.unpack_from(">H", data, tables[b"COLR"])[0] > 0:
        raise UnreadableFont("The font's pictures are of a kind (COLR 1) that cannot be drawn")
    weight, style = _REGULAR_WEIGHT, 0
    if b"OS/2" in tables:
        weight = struct.unpack_from(">H", data, tables[b"OS/2"] + 4)[0]
        style = struct.unpack_from(">H", data, tables[b"OS/2"] + 62)[0]
    has_weights = b"fvar" in tables and b"wght" in _axes(data, tables[b"fvar"])
    coverage = tuple(sorted(_mapped_ranges(data, tables[b"cmap"])))
    return FontFacts(None if has_weights else weight, bool(style & _ITALIC), coverage)


def _axes(data: mmap.mmap, table: int) -> set[bytes]:
    offset, _, count, size = struct.unpack_from(">4H", data, table + 4)
    places = (table + offset + size * axis for axis in range(count))
    return {data[place : place + 4] for place in places}


def _mapped_ranges(data: mmap.mmap, table: int) -> Iterator[tuple[int, int]]:
    subtable_count = struct.unpack_from(">H", data, table + 2)[0]
    offsets = [struct.unpack_from(">I", data, table + 8 + 8 * entry)[0] for entry in range(subtable_count)]
    subtables = {struct.unpack_from(">H", data, table + offset)[0]: table + offset for offset in offsets}
    if (groups := subtables.get(12)) is not None:
        group_count = struct.unpack_from(">I", data, groups + 12)[0]
        for start, end, _ in struct.iter_unpack(">III", data[groups + 16 : groups + 16 + 12 * group_count]):
            yield start, end
    elif (segments := subtables.get(4)) is not None:
        segment_count = struct.unpack_from(">H", data, segments + 6)[0] // 2
        ends = struct.unpack_from(f">{segment_count}H", data, segments + 14)
        starts = struct.unpack_from(f">{segment_count}H", data, segments + 16 + 2 * segment_count)
        # The last segment is a sentinel at U+FFFF.
        yield from zip(starts[:-1], ends[:-1], strict=True)
    else:
        raise UnreadableFont("The font's characters are mapped in no form that is known")
