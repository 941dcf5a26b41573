"""A cue as a picture: white semi-bold letters on a soft dark plate, near the bottom of the frame."""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from heygen_graphql.rendering.captions.cues import Cue
from heygen_graphql.rendering.compositor import CaptionStrip
from heygen_graphql.rendering.fonts import Run, Typeface
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

# All by the picture's short side, so that a portrait film's letters are as large as a landscape one's.
_LETTERS = 0.050
_LINE_HEIGHT = 1.32  # of the letters' size
_PLATE_PADDING = (0.62, 0.34)  # horizontal, vertical, of the letters' size
_PLATE_RADIUS = 0.42
_PLATE_COLOR = (14, 16, 22, 168)
_SHADOW_COLOR = (0, 0, 0, 150)
# EBU R 95 keeps captions within the inner 90 % of the width; phones put their controls at the foot.
_SAFE_WIDTH = 0.90
_LETTERS_A_LINE = 23  # as wide as the letters are high: about 42 Latin characters
_FOOT = 0.055
_FOOT_PORTRAIT = 0.13


class CaptionPainter:
    """Draws captions for pictures of one size, in one language."""

    def __init__(self, width: int, height: int, typeface: Typeface) -> None:
        self._picture = (width, height)
        self._typeface = typeface
        self._size = round(min(width, height) * _LETTERS)
        padding = 2 * _PLATE_PADDING[0] * self._size
        self.maximum_width = min(width * _SAFE_WIDTH - padding, self._size * _LETTERS_A_LINE)
        """Of a line, in pixels."""

    def width(self, text: str) -> float:
        """Of a text drawn in one line, in pixels."""
        return sum(self._advance(run) for run in self._typeface.runs(text))

    def strips(self, cues: Iterable[Cue]) -> Iterator[CaptionStrip]:
        """A strip a cue, drawn when it is asked for."""
        for cue in cues:
            start, end = (round(time * FRAMES_PER_SECOND) for time in (cue.start_seconds, cue.end_seconds))
            picture = self._paint(cue.lines)
            if end > start and picture is not None:
                width, height = self._picture
                foot = _FOOT_PORTRAIT if height > width else _FOOT
                x = (width - picture.shape[1]) // 2
                y = round(height * (1 - foot)) - picture.shape[0]
                yield CaptionStrip(start, end, x - x % 2, y - y % 2, picture)

    def _paint(self, lines: tuple[str, ...]) -> NDArray[np.uint8] | None:
        widths = [self.width(line) for line in lines]
        if not any(widths):
            return None
        size = self._size
        line_height = round(size * _LINE_HEIGHT)
        padding_x, padding_y = (round(size * share) for share in _PLATE_PADDING)
        plate_width = _even(round(max(widths)) + 2 * padding_x)
        plate_height = _even(line_height * len(lines) + 2 * padding_y)
        plate = _plate(plate_width, plate_height, round(size * _PLATE_RADIUS))
        letters = Image.new("L", plate.size)
        pen = ImageDraw.Draw(letters)
        for row, (line, width) in enumerate(zip(lines, widths, strict=True)):
            # Capitals of Noto stand 0.71 of the size above the baseline, descenders 0.29 below it.
            baseline = padding_y + row * line_height + round(line_height / 2 + size * 0.35)
            self._write(pen, line, (plate_width - width) / 2, baseline)
        shadow = letters.filter(ImageFilter.GaussianBlur(size * 0.06))
        for color, mask in ((_SHADOW_COLOR, shadow), ((255, 255, 255, 255), letters)):
            ink = Image.new("RGBA", plate.size, color[:3])
            ink.putalpha(mask.point([value * color[3] // 255 for value in range(256)]))
            plate = Image.alpha_composite(plate, ink)
        return np.asarray(plate)

    def _write(self, pen: ImageDraw.ImageDraw, line: str, x: float, baseline: int) -> None:
        direction = _direction(line)
        runs = self._typeface.runs(line)
        # Within a run, raqm orders the letters; between runs of different fonts, this does.
        for run in runs if direction == "ltr" else reversed(runs):
            if run.font is not None:
                font = run.font.at(self._size)
                pen.text((x, baseline), run.text, fill=255, font=font, anchor="ls", direction=direction)
            x += self._advance(run)

    def _advance(self, run: Run) -> float:
        return run.font.at(self._size).getlength(run.text) if run.font is not None else 0.0


def _direction(line: str) -> str:
    """As most of its letters read: a Latin name at the start does not turn an Arabic sentence around."""
    ways = [unicodedata.bidirectional(character) for character in line]
    return "rtl" if ways.count("R") + ways.count("AL") > ways.count("L") else "ltr"


def _even(length: int) -> int:
    return length + length % 2


@lru_cache(maxsize=4)
def _plate(width: int, height: int, radius: int) -> Image.Image:
    # Pillow's shapes have hard edges; four times too large and scaled down, they are soft.
    mask = Image.new("L", (width * 4, height * 4))
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, width * 4 - 1, height * 4 - 1), radius * 4, fill=_PLATE_COLOR[3]
    )
    plate = Image.new("RGBA", (width, height), _PLATE_COLOR[:3])
    plate.putalpha(mask.resize((width, height), Image.Resampling.BOX))
    return plate
