"""Where the parts of a caption's line stand.

A line is laid out once, word by word: what is lit later moves nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import ImageFont

from heygen_graphql.rendering.captions.bidi import levels, visual_order
from heygen_graphql.rendering.fonts import Typeface


@dataclass(frozen=True, slots=True)
class Span:
    """What is drawn in one go: one font, one direction, one word."""

    text: str
    font: ImageFont.FreeTypeFont
    is_right_to_left: bool
    word: int | None
    """The number of the cue's word that it belongs to."""
    left: float
    width: float
    """In pixels, like `left`, which counts from the line's left end."""


@dataclass(frozen=True, slots=True)
class Line:
    spans: tuple[Span, ...]
    width: float
    language: str
    """Some fonts draw a letter otherwise in another language: б in Serbian, ş in Romanian, ۴ in Urdu."""


class Typesetter:
    """Lays out lines in one typeface, at one size in pixels."""

    def __init__(self, typeface: Typeface, size_pixels: int) -> None:
        self._typeface = typeface
        self._size = size_pixels
        self._widths: dict[str, float] = {}

    def measure(self, text: str) -> float:
        """How wide a text is at least when it stands on a line by itself, in pixels.

        A character that no font has takes room as if it had one: else a text of nothing else would
        never fill a line.
        """
        known = self._widths.get(text)
        if known is None:
            known = sum(
                self._advance(run.text, run.font.at(self._size))
                if run.font is not None
                else 0.6 * self._size * self._typeface.missing(run.text)
                for run in self._typeface.runs(text)
            )
            if len(self._widths) > 20_000:
                self._widths.clear()
            self._widths[text] = known
        return known

    def lay_out(self, line: str, words: Sequence[int | None], *, right_to_left: bool) -> Line:
        """`words` says of each character which word of the cue it belongs to."""
        reading: list[Span] = []
        span_levels: list[int] = []
        for text, font, level, word in self._stretches(line, words, right_to_left):
            width = self._advance(text, font)
            reading.append(Span(text, font, level % 2 == 1, word, 0.0, width))
            span_levels.append(level)
        spans: list[Span] = []
        left = 0.0
        for span in visual_order(reading, span_levels):
            spans.append(replace(span, left=left))
            left += span.width
        return Line(tuple(spans), left, self._typeface.language)

    def _stretches(
        self, line: str, words: Sequence[int | None], right_to_left: bool
    ) -> Iterator[tuple[str, ImageFont.FreeTypeFont, int, int | None]]:
        line_levels = levels(line, right_to_left=right_to_left)
        start = 0
        for run in self._typeface.runs(line):
            end = start + len(run.text)
            while start < end:
                stop = start + 1
                while stop < end and (line_levels[stop], words[stop]) == (line_levels[start], words[start]):
                    stop += 1
                if run.font is not None:
                    font = run.font.at(self._size)
                    yield line[start:stop], font, line_levels[start], words[start]
                start = stop

    def _advance(self, text: str, font: ImageFont.FreeTypeFont) -> float:
        return font.getlength(text, language=self._typeface.language)
