"""The fonts at hand, which characters each can draw, and which of them a text wants.

A caption may be in any language, so one font never does: each character, with the marks on it,
takes the first font that has them all. Fonts of the user's come first, then the packaged Noto fonts.
"""

from __future__ import annotations

import logging
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from heygen_graphql.rendering.opentype import FontFacts, UnreadableFont, face_count, read_facts

_log = logging.getLogger(__name__)

# Packages that carry the Noto fonts as plain files; neither has code worth importing.
_FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
_FONT_FILES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_SEMI_BOLD = 600
_TRIAL_PIXELS = 32
_PICTURE_SELECTOR, _JOINER = "\ufe0f", "\u200d"
# Cf and Lo in Unicode, but the first are drawn and the others are not.
_DRAWN_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
_BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0")


@dataclass(frozen=True)
class Font:
    """One font file, and the language for which a file of several faces is opened."""

    path: Path
    language: str

    @cached_property
    def is_pictures(self) -> bool:
        return "Emoji" in self.path.name

    @cached_property
    def facts(self) -> FontFacts:
        return _facts(self.path, self._face)

    def at(self, size_pixels: int) -> ImageFont.FreeTypeFont:
        return _open(self.path, self._face, size_pixels)

    def covers(self, character: str) -> bool:
        code = ord(character)
        place = bisect_right(self._starts, code) - 1
        return place >= 0 and code <= self.facts.coverage[place][1]

    def covers_all(self, characters: Iterable[str]) -> bool:
        return all(map(self.covers, characters))

    def draws(self, cluster: str) -> bool:
        """Whether FreeType gets through with it: a few glyphs ("﷽" in Noto) are too intricate for it."""
        try:
            self.at(_TRIAL_PIXELS).getmask(cluster)
        except OSError:
            return False
        return True

    @cached_property
    def _face(self) -> int:
        return _face_for(self.path, self.language)

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.facts.coverage]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that one font draws; None draws nothing, since no font has its characters."""

    text: str
    font: Font | None


class Typeface:
    """Every font at hand, in the order in which they are asked, for texts of one language.

    `fonts_dir` is a folder of the user's own fonts, which are preferred for all that they cover;
    what in it cannot be used is left out, and logged.
    """

    def __init__(self, language: str, fonts_dir: Path | None = None) -> None:
        self.language = language
        own = () if fonts_dir is None else _own_fonts(language, fonts_dir)
        self._fonts = (*own, *_packaged_fonts(language))
        self._pictures = tuple(font for font in self._fonts if font.is_pictures)
        self._choices: dict[str, Font | None] = {}

    def runs(self, text: str) -> list[Run]:
        """Cut a text where the font changes, in reading order."""
        clusters = list(_clusters(text))
        fonts = [self._choose(cluster) for cluster in clusters]
        self._calm(clusters, fonts)
        runs: list[Run] = []
        for cluster, font in zip(clusters, fonts, strict=True):
            for text_part, part_font in _drawable(cluster, font):
                if runs and runs[-1].font is part_font:
                    runs[-1] = Run(runs[-1].text + text_part, part_font)
                else:
                    runs.append(Run(text_part, part_font))
        return runs

    def missing(self, text: str) -> int:
        """How many of the characters no font at hand can draw."""
        return sum(
            part_font is None and not _is_blank(character)
            for cluster in _clusters(text)
            for part, part_font in _drawable(cluster, self._choose(cluster))
            for character in part
        )

    def _choose(self, cluster: str) -> Font | None:
        if cluster not in self._choices:
            drawn = [character for character in cluster if not _is_blank(character)]
            fonts = self._fonts
            if _PICTURE_SELECTOR in cluster:
                fonts = (*self._pictures, *fonts)
            whole = (font for font in fonts if font.covers_all(drawn))
            # Marks that no font has together with their letter are left out.
            base = (font for font in fonts if font.covers_all(drawn[:1]))
            font = next(whole, None) or next(base, None)
            self._choices[cluster] = font if font is not None and (not drawn or font.draws(cluster)) else None
        return self._choices[cluster]

    def _calm(self, clusters: Sequence[str], fonts: list[Font | None]) -> None:
        """Let digits, punctuation and spaces take the font of the letters beside them, where it has them.

        Opening marks look ahead, all else looks back: a pair of quotation marks around Chinese is
        of one kind.
        """
        for index, cluster in enumerate(clusters):
            if not _is_neutral(cluster) or fonts[index] is None:
                continue
            is_opening = unicodedata.category(cluster[0]) in {"Ps", "Pi"}
            neighbour = None if is_opening or not index else fonts[index - 1]
            if neighbour is None:
                letters = (i for i in range(index + 1, len(clusters)) if not _is_neutral(clusters[i]))
                following = next(letters, None)
                neighbour = fonts[index - 1 if index else index] if following is None else fonts[following]
            # A font of pictures has digits too, to be put into boxes, and a space as wide as a picture.
            if neighbour is not None and not neighbour.is_pictures and neighbour.covers_all(cluster):
                fonts[index] = neighbour


def _clusters(text: str) -> Iterator[str]:
    """Characters with what modifies them: marks, variation selectors, skin colours, joined pictures."""
    cluster = ""
    for character in text:
        extends = (
            unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"}
            or "\U0001f3fb" <= character <= "\U0001f3ff"
            or cluster.endswith(_JOINER)
        )
        if cluster and extends and not cluster[0].isspace():
            cluster += character
        else:
            if cluster:
                yield cluster
            cluster = character
    if cluster:
        yield cluster


def _drawable(cluster: str, font: Font | None) -> Iterator[tuple[str, Font | None]]:
    if font is None or font.covers_all(cluster):
        yield cluster, font
        return
    for character in cluster:
        is_drawn = font.covers(character) or (_is_blank(character) and not _is_control(character))
        yield character, font if is_drawn else None


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"}


def _is_blank(character: str) -> bool:
    """Spaces, joiners, variation selectors and controls have no picture: no font needs to have them."""
    if character in _DRAWN_SIGNS:
        return False
    return (
        character.isspace()
        or unicodedata.category(character) in {"Cf", "Cc"}
        or character in _BLANK_LETTERS
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
        or character == "\u034f"
    )


def _is_neutral(cluster: str) -> bool:
    return not cluster[0].isalpha() and len(cluster) == 1


def _packaged_directories() -> Iterator[Path]:
    for package in _FONT_PACKAGES:
        # find_spec of a top-level package imports nothing.
        spec = find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(location)


def _packaged_fonts(language: str) -> Iterator[Font]:
    for directory in _packaged_directories():
        # Of "NotoSans[wght].ttf", "NotoSansArabic[wght].ttf", ... the shortest is the one for Latin;
        # the pictures of NotoEmoji come last.
        for path in sorted(
            _files(directory), key=lambda path: ("Emoji" in path.name, len(path.name), path.name)
        ):
            if "Italic" not in path.name:
                yield Font(path, language)


def _own_fonts(language: str, directory: Path) -> list[Font]:
    """The upright fonts of a folder, those as heavy as captions are first."""
    found: list[tuple[tuple[bool, int, Path], Font]] = []
    for path in _files(directory):
        font = Font(path, language)
        try:
            facts = font.facts
            # Some fonts of pictures have one size alone.
            font.at(_TRIAL_PIXELS)
        except (UnreadableFont, OSError) as error:
            _log.warning("Font %s is not used: %s", path, error)
            continue
        distance = 0 if facts.weight is None else abs(facts.weight - _SEMI_BOLD)
        if not facts.is_italic:
            found.append(((font.is_pictures, distance, path), font))
    return [font for _, font in sorted(found, key=lambda item: item[0])]


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.suffix.lower() in _FONT_FILES)


def _face_for(path: Path, language: str) -> int:
    """Han characters are drawn after the customs of the language: which face of a collection that is."""
    count = face_count(path)
    if count < 2:
        return 0
    region = _han_region(language)
    names = (ImageFont.truetype(path, index=face).getname()[0] or "" for face in range(count))
    return next((face for face, name in enumerate(names) if name.endswith(f" {region}")), 0)


def _han_region(language: str) -> str:
    primary, *subtags = language.lower().split("-")
    if primary in {"ja", "ko"}:
        return {"ja": "JP", "ko": "KR"}[primary]
    if primary == "yue" or {"hk", "mo"} & set(subtags):
        return "SC" if "hans" in subtags else "HK"
    return "TC" if {"hant", "tw"} & set(subtags) else "SC"


@cache
def _facts(path: Path, face: int) -> FontFacts:
    return read_facts(path, face)


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
