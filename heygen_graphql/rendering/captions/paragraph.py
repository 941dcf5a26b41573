"""A scene's text, measured once: how much of it fits in a cue, where it breathes, how long it is read."""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import ceil

from heygen_graphql.rendering.captions.atoms import Atom
from heygen_graphql.rendering.sentences import ends_clause, ends_sentence
from heygen_graphql.rendering.spacing import is_spaceless
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

# Articles and prepositions are short in most languages that are written with spaces.
_SHORT_WORD = 3
# Text that takes no room, or nearly none, would else never be cut.
_MOST_ATOMS = 100
# Sums of widths carry rounding errors.
_EPSILON = 1e-6


class Paragraph:
    """The atoms of one scene, and what the division into cues asks of them again and again."""

    def __init__(
        self, atoms: Sequence[Atom], *, width: Callable[[str], float], maximum_width: float, language: str
    ) -> None:
        self.atoms = atoms
        self.starts = [round(atom.pieces[0].start_seconds * FRAMES_PER_SECOND) for atom in atoms]
        self.ends = [round(atom.pieces[-1].end_seconds * FRAMES_PER_SECOND) for atom in atoms]
        texts = [atom.text for atom in atoms]
        followings = [*texts[1:], ""]
        self.ends_sentence = [
            ends_sentence(text, following, language=language)
            for text, following in zip(texts, followings, strict=True)
        ]
        self.ends_sentence[-1] = True
        self.ends_clause = [
            ends_clause(text, following, language=language) or self._is_spaced_phrase(index)
            for index, (text, following) in enumerate(zip(texts, followings, strict=True))
        ]
        self.leads_on = [
            self._is_short_word(text) or (text.endswith(".") and not is_end)
            for text, is_end in zip(texts, self.ends_sentence, strict=True)
        ]
        """Whether a reader expects more: after an article, a preposition, a title, an ordinal."""
        self.sentences = list(accumulate(self.ends_sentence, initial=0))
        """How many sentences end in the first n atoms."""
        self._units = list(accumulate(map(_reading_units, atoms), initial=0.0))
        self._maximum = maximum_width + _EPSILON
        space = width(" ")
        self._spaces = [space if atom.has_space_before else 0.0 for atom in atoms]
        self._edges = list(
            accumulate((s + width(text) for s, text in zip(self._spaces, texts, strict=True)), initial=0.0)
        )
        line_ends = [self._line_end(start) for start in range(len(atoms))]
        line_ends.append(len(atoms))
        self.reach = [min(line_ends[line_ends[start]], start + _MOST_ATOMS) for start in range(len(atoms))]
        """The furthest end of a cue that begins with each atom."""

    def reading_frames(self, start: int, end: int, characters_per_second: float) -> int:
        """How long the eye needs for atoms `start` to `end`.

        A character that UAX #11 calls wide (Han, kana, Hangul) counts as two, a mark on a letter not at all.
        """
        units = self._units[end] - self._units[start]
        return ceil(units / characters_per_second * FRAMES_PER_SECOND)

    def lines(self, start: int, end: int) -> tuple[str, ...]:
        """One line if it fits, otherwise two of nearly equal width, broken after a phrase if one is near."""
        if end - start == 1 or self._width(start, end) <= self._maximum:
            return (self._text(start, end),)
        last = min(self._line_end(start), end - 1)
        places = [
            place for place in range(start + 1, last + 1) if self._width(place, end) <= self._maximum
        ] or [last]
        middle = min(places, key=lambda place: self._break_cost(start, place, end))
        return self._text(start, middle), self._text(middle, end)

    def _is_short_word(self, text: str) -> bool:
        return len(text) <= _SHORT_WORD and text.isalpha() and not is_spaceless(text[0])

    def _is_spaced_phrase(self, index: int) -> bool:
        """Scripts without spaces between words put one where a phrase ends."""
        if index + 1 == len(self.atoms) or not self.atoms[index + 1].has_space_before:
            return False
        return is_spaceless(self.atoms[index].text[-1]) and is_spaceless(self.atoms[index + 1].text[0])

    def _line_end(self, start: int) -> int:
        """The end of the longest line that begins with an atom; one atom stands on it whatever its width."""
        limit = self._edges[start] + self._spaces[start] + self._maximum
        return max(start + 1, bisect_right(self._edges, limit) - 1)

    def _width(self, start: int, end: int) -> float:
        return self._edges[end] - self._edges[start] - self._spaces[start]

    def _break_cost(self, start: int, place: int, end: int) -> float:
        above, below = self._width(start, place), self._width(place, end)
        cost = abs(above - below) / (above + below) if above + below else 0.0
        if self.ends_clause[place - 1]:
            return cost - 0.35
        if self.atoms[place].cuts_word:
            return cost + 0.8
        return cost + 0.2 * self.leads_on[place - 1]

    def _text(self, start: int, end: int) -> str:
        first, *others = self.atoms[start:end]
        return first.text + "".join(" " * atom.has_space_before + atom.text for atom in others)


def _reading_units(atom: Atom) -> float:
    characters = sum(map(_character_units, atom.text))
    return characters + atom.has_space_before


def _character_units(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
