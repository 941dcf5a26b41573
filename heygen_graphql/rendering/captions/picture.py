"""A cue as a picture: white semi-bold letters on a soft dark plate, near the bottom of the frame.

With KARAOKE the words wait in a dimmed white and are lit, one by one, while they are spoken.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from heygen_graphql.rendering.captions.bidi import is_right_to_left
from heygen_graphql.rendering.captions.cues import Cue, CueWord
from heygen_graphql.rendering.captions.layout import Line, Typesetter
from heygen_graphql.rendering.compositor import CaptionStrip
from heygen_graphql.rendering.fonts import Typeface
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, CaptionStyle

_log = logging.getLogger(__name__)

# Of the picture's short side; a portrait film is watched on a phone.
_LETTERS, _LETTERS_PORTRAIT = 0.050, 0.056
# What follows is in units of the letters' size.
_LINE_ABOVE, _LINE_BELOW = 1.01, 0.31
"""Above and below the baseline; capitals of Noto stand 0.71 high, descenders hang 0.29 low."""
_MOST_ABOVE, _MOST_BELOW = 1.7, 1.1
"""For scripts that pile marks up; what is piled still higher is cut off."""
_INK_GAP = 0.06
_PLATE_PADDING = (0.62, 0.34)
"""Horizontal, vertical."""
_PLATE_RADIUS = 0.42
_SHADOW_BLUR = 0.06
_PLATE_COLOR = (14, 16, 22)
_PLATE_ALPHA, _SHADOW_ALPHA = 188, 150
_WHITE, _LIT = (255, 255, 255), (255, 214, 92)
_DIMMED = 0.76
"""The strength of letters that are not being spoken."""
# EBU R 95 keeps captions within the inner 90 % of the width; phones put their controls at the foot.
_SAFE_WIDTH = 0.90
_LETTERS_A_LINE = 23
"""As wide as the letters are high: about 42 Latin characters."""
_FOOT = 0.055
_FOOT_PORTRAIT = 0.13
_HELD_FRAMES = 6
"""A word stays lit over a shorter silence than this, rather than flicker."""


class CaptionPainter:
    """Draws captions for pictures of one size, in one language."""

    def __init__(self, width: int, height: int, typeface: Typeface) -> None:
        self._picture = (width, height)
        self._language = typeface.language
        self._size = round(min(width, height) * (_LETTERS_PORTRAIT if height > width else _LETTERS))
        self._typesetter = Typesetter(typeface, self._size)
        padding = 2 * _PLATE_PADDING[0] * self._size
        self.maximum_width = min(width * _SAFE_WIDTH - padding, self._size * _LETTERS_A_LINE)
        """Of a line, in pixels."""

    def width(self, text: str) -> float:
        """Of a text drawn in one line, in pixels."""
        return self._typesetter.measure(text)

    def strips(
        self, cues: Iterable[Cue], style: CaptionStyle = CaptionStyle.SIMPLE
    ) -> Iterator[CaptionStrip]:
        """A strip a cue, or a lit word, drawn when it is asked for; none when nothing is to be burned in."""
        if style is CaptionStyle.NONE:
            return
        for cue in cues:
            card = self._card(cue)
            if card is None:
                continue
            first, last = _frame(cue.start_seconds), _frame(cue.end_seconds)
            if style is CaptionStyle.SIMPLE:
                yield self._strip(first, last, card.plain())
            else:
                dimmed = card.dimmed()
                for start, end, word in _lights(cue.words, first, last):
                    yield self._strip(start, end, card.lit(word, dimmed))

    def _strip(self, start: int, end: int, picture: NDArray[np.uint8]) -> CaptionStrip:
        width, height = self._picture
        foot = _FOOT_PORTRAIT if height > width else _FOOT
        x = (width - picture.shape[1]) // 2
        y = round(height * (1 - foot)) - picture.shape[0]
        return CaptionStrip(start, end, x - x % 2, y - y % 2, picture)

    def _card(self, cue: Cue) -> "_Card | None":
        size = self._size
        right_to_left = is_right_to_left(" ".join(cue.lines), language=self._language)
        owners = _owners(cue)
        lines = [
            self._typesetter.lay_out(line, words, right_to_left=right_to_left)
            for line, words in zip(cue.lines, owners, strict=True)
        ]
        lines = [line for line in lines if line.width]
        if not lines:
            return None
        padding_x, padding_y = (round(size * share) for share in _PLATE_PADDING)
        inked = [_Inked.of(line, size) for line in lines]
        width = _even(round(max(line.width for line in lines)) + 2 * padding_x)
        height = _even(sum(ink.above + ink.below for ink in inked) + 2 * padding_y)
        letters = np.zeros((height, width), np.uint8)
        places: list[_Place] = []
        top = padding_y
        for line, ink in zip(lines, inked, strict=True):
            bottom = top + ink.above + ink.below
            left = round(width / 2 - ink.middle)
            before, after = max(0, -left), min(ink.mask.shape[1], width - left)
            letters[top:bottom, left + before : left + after] = ink.mask[:, before:after]
            shift = left + ink.margin
            places += [
                _Place(
                    span.word, top, bottom, round(shift + span.left), round(shift + span.left + span.width)
                )
                for span in line.spans
                if span.word is not None
            ]
            top = bottom
        return _Card(letters, _ground(letters, size), tuple(places))


@dataclass(frozen=True, slots=True)
class _Place:
    """The rectangle of a card in which a word, or a part of one, stands."""

    word: int
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class _Card:
    """A cue that has been laid out: all that is left to choose is the colour of its words."""

    letters: NDArray[np.uint8]
    ground: NDArray[np.uint8]
    """The alpha of what lies under the letters."""
    places: tuple[_Place, ...]

    def plain(self) -> NDArray[np.uint8]:
        return _colored(self.letters, self.ground, _WHITE, 1.0)

    def dimmed(self) -> NDArray[np.uint8]:
        return _colored(self.letters, self.ground, _WHITE, _DIMMED)

    def lit(self, word: int | None, dimmed: NDArray[np.uint8]) -> NDArray[np.uint8]:
        picture = dimmed.copy()
        for place in self.places:
            if place.word == word:
                area = np.s_[place.top : place.bottom, place.left : place.right]
                picture[area] = _colored(self.letters[area], self.ground[area], _LIT, 1.0)
        return picture


@dataclass(frozen=True, slots=True)
class _Inked:
    """A line's letters, with room about them."""

    mask: NDArray[np.uint8]
    margin: int
    """How many pixels from the mask's left the first letter begins."""
    middle: float
    """Where the mask's ink has its middle: a full-width comma at the end is mostly air."""
    above: int
    below: int

    @classmethod
    def of(cls, line: Line, size: int) -> "_Inked":
        # Letters may lean out of the room that they are given.
        margin = size // 3
        baseline, depth = round(size * _MOST_ABOVE), round(size * _MOST_BELOW)
        image = Image.new("L", (round(line.width) + 2 * margin, baseline + depth))
        pen = ImageDraw.Draw(image)
        for span in line.spans:
            if not span.text.isspace():
                direction = "rtl" if span.is_right_to_left else "ltr"
                try:
                    pen.text(
                        (margin + span.left, baseline),
                        span.text,
                        fill=255,
                        font=span.font,
                        anchor="ls",
                        direction=direction,
                        language=line.language,
                    )
                except OSError as error:
                    # Each character was tried by itself, but a font may tie several into one intricate glyph.
                    _log.warning("%s cannot draw %r: %s", span.font.path, span.text, error)
        mask = np.asarray(image)
        rows = np.flatnonzero(mask.any(axis=1))
        columns = np.flatnonzero(mask.any(axis=0))
        middle = (columns[0] + columns[-1] + 1) / 2 if len(columns) else mask.shape[1] / 2
        gap = round(size * _INK_GAP)
        above, below = round(size * _LINE_ABOVE), round(size * _LINE_BELOW)
        if len(rows):
            above = min(max(above, baseline - int(rows[0]) + gap), baseline)
            below = min(max(below, int(rows[-1]) + 1 - baseline + gap), depth)
        return cls(mask[baseline - above : baseline + below], margin, float(middle), above, below)


def _owners(cue: Cue) -> list[list[int | None]]:
    """For each character of each line, the number of the word that it belongs to."""
    owners: list[list[int | None]] = []
    remaining = [(index, len(word.text)) for index, word in enumerate(cue.words)][::-1]
    for line in cue.lines:
        row: list[int | None] = []
        for character in line:
            if character == " " or not remaining:
                row.append(None)
                continue
            index, length = remaining.pop()
            row.append(index)
            if length > 1:
                remaining.append((index, length - 1))
        owners.append(row)
    return owners


def _lights(words: Sequence[CueWord], start: int, end: int) -> Iterator[tuple[int, int, int | None]]:
    """Which word is lit from which frame to which; they fill the cue's time without a gap."""
    spoken = [
        (_frame(word.start_seconds), _frame(word.end_seconds), index) for index, word in enumerate(words)
    ]
    spoken = [(first, last, index) for first, last, index in spoken if last > first]
    now = start
    for number, (first, last, index) in enumerate(spoken):
        if first > now:
            yield now, first, None
        following = spoken[number + 1][0] if number + 1 < len(spoken) else end
        now = following if following - last < _HELD_FRAMES else last
        yield first, now, index
    if now < end:
        yield now, end, None


def _frame(seconds: float) -> int:
    return round(seconds * FRAMES_PER_SECOND)


def _even(length: int) -> int:
    return length + length % 2


def _ground(letters: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The plate, and the letters' shadow on it, both of one colour: their alpha."""
    height, width = letters.shape
    shadow = cv2.GaussianBlur(letters, (0, 0), size * _SHADOW_BLUR)
    light = cv2.convertScaleAbs(shadow, alpha=-_SHADOW_ALPHA / 255, beta=255)
    clear = 255 - _plate(width, height, round(size * _PLATE_RADIUS))
    return np.asarray(255 - cv2.multiply(clear, light, scale=1 / 255), np.uint8)


def _colored(
    letters: NDArray[np.uint8], ground: NDArray[np.uint8], color: tuple[int, int, int], strength: float
) -> NDArray[np.uint8]:
    """Letters of a colour over the plate's: (height, width, 4), straight alpha."""
    index = (letters.astype(np.uint16) << 8) | ground
    pixels = _mixtures(color, strength)[index]
    return np.asarray(pixels.view(np.uint8).reshape(*letters.shape, 4), np.uint8)


@cache
def _mixtures(color: tuple[int, int, int], strength: float) -> NDArray[np.uint32]:
    """The pixel for every strength of the letters and of the ground: 256 times 256, four bytes each."""
    over = np.linspace(0, strength, 256)[:, None]
    under = np.linspace(0, 1, 256)[None, :] * (1 - over)
    alpha = over + under
    share = np.divide(over, alpha, out=np.zeros_like(alpha), where=alpha > 0)
    pixels = np.empty((256, 256, 4), np.uint8)
    for channel, (front, back) in enumerate(zip(color, _PLATE_COLOR, strict=True)):
        pixels[..., channel] = np.rint(front * share + back * (1 - share))
    pixels[..., 3] = np.rint(alpha * 255)
    return pixels.reshape(-1, 4).view(np.uint32).reshape(-1)


def _plate(width: int, height: int, radius: int) -> NDArray[np.uint8]:
    """The alpha of a rectangle with round corners."""
    plate = np.full((height, width), _PLATE_ALPHA, np.uint8)
    corner = _corner(radius)
    plate[:radius, :radius], plate[:radius, -radius:] = corner, corner[:, ::-1]
    plate[-radius:, :radius], plate[-radius:, -radius:] = corner[::-1], corner[::-1, ::-1]
    return plate


@cache
def _corner(radius: int) -> NDArray[np.uint8]:
    """The upper left quarter of a disc, its edge softened over one pixel."""
    middles = radius - np.arange(radius) - 0.5
    inside = np.clip(radius - np.hypot(middles[:, None], middles[None, :]) + 0.5, 0, 1)
    return np.asarray(np.rint(inside * _PLATE_ALPHA), np.uint8)
