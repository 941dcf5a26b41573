"""The pieces of a script between which a caption may break, and when each is spoken."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from heygen_graphql.rendering.captions.breaks import is_cut_between_syllables, joints, phrase_breaks
from heygen_graphql.rendering.speech.engine import TimedWord

# A token of these alone ("Vraiment ?", "a – b", "5 %") never begins a line.
_CLOSERS = frozenset("!?:;,.…»›”’)]}%‰°–—-·•")
_OPENERS = frozenset("«‹“‘„([{¿¡#")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is spoken at one time: a word, or the part of one that stands on one line."""

    text: str
    start_seconds: float
    end_seconds: float
    has_space_before: bool
    continues_word: bool = False
    """It is spoken in one with the piece before it, and stands alone only where a line ends between them."""


@dataclass(frozen=True, slots=True)
class Atom:
    """What no line's end cuts."""

    pieces: tuple[Piece, ...]
    cuts_word: bool = False
    """A line that ends before it ends inside a word, for want of a better place."""

    @property
    def text(self) -> str:
        """Without the space before it."""
        first, *others = self.pieces
        return first.text + "".join(" " * piece.has_space_before + piece.text for piece in others)

    @property
    def has_space_before(self) -> bool:
        return self.pieces[0].has_space_before


def atoms(
    words: Iterable[TimedWord], *, language: str, width: Callable[[str], float], maximum_width: float
) -> list[Atom]:
    """The atoms of one scene, none wider than a line if that can be had."""
    found: list[Atom] = []
    for token in _tokens(words):
        for atom in _token_atoms(token, language, width, maximum_width):
            if found and _belongs(found[-1], atom):
                joined = Atom((*found[-1].pieces, *atom.pieces), found[-1].cuts_word)
                if width(joined.text) <= maximum_width:
                    found[-1] = joined
                    continue
            found.append(atom)
    return found


def _tokens(words: Iterable[TimedWord]) -> Iterator[list[TimedWord]]:
    """Words between which there is no space stand together."""
    token: list[TimedWord] = []
    for word in words:
        if not word.text:
            continue
        if token and not word.is_joined:
            yield token
            token = []
        token.append(word)
    if token:
        yield token


def _belongs(atom: Atom, following: Atom) -> bool:
    return following.has_space_before and (
        _CLOSERS.issuperset(following.text) or _OPENERS.issuperset(atom.pieces[-1].text)
    )


def _token_atoms(
    token: Sequence[TimedWord], language: str, width: Callable[[str], float], maximum_width: float
) -> Iterator[Atom]:
    text = "".join(word.text for word in token)
    word_starts = set(accumulate((len(word.text) for word in token), initial=0))
    is_first = True
    for start, end in pairwise([0, *phrase_breaks(text, language), len(text)]):
        cuts_word = False
        for length in _fitting(text[start:end], width, maximum_width):
            pieces = list(_pieces(token, start, start + length))
            continues = start not in word_starts and (cuts_word or is_cut_between_syllables(text, start))
            pieces[0] = replace(pieces[0], has_space_before=is_first, continues_word=continues)
            yield Atom(tuple(pieces), cuts_word)
            start += length
            is_first, cuts_word = False, True


def _pieces(token: Sequence[TimedWord], start: int, end: int) -> Iterator[Piece]:
    """Characters `start` to `end` of a token, cut where its words are.

    A word is spoken evenly over its characters, as near as anybody can tell.
    """
    ends = list(accumulate(len(word.text) for word in token))
    for index in range(bisect_right(ends, start), len(token)):
        word, word_end = token[index], ends[index]
        word_start = word_end - len(word.text)
        if word_start >= end:
            break
        first, last = max(start, word_start) - word_start, min(end, word_end) - word_start
        seconds = (word.end_seconds - word.start_seconds) / len(word.text)
        yield Piece(
            word.text[first:last],
            word.start_seconds + seconds * first,
            word.end_seconds if last == len(word.text) else word.start_seconds + seconds * last,
            False,
        )


def _fitting(text: str, width: Callable[[str], float], maximum_width: float) -> Iterator[int]:
    """The lengths of the parts that a text must be cut into to fit, as few as can be and none a stub."""
    whole = width(text)
    places = joints(text) if whole > maximum_width else []
    positions = [0, *(position for position, _ in places), len(text)]
    good = {position for position, is_good in places if is_good}
    widths = list(accumulate((width(text[a:b]) for a, b in pairwise(positions)), initial=0.0))
    # Letters drawn together may be wider than one by one.
    scale = max(1.0, whole / widths[-1]) if widths[-1] else 1.0
    edges = [scale * value for value in widths]
    start = 0
    while start < len(positions) - 1:
        rest = edges[-1] - edges[start]
        if rest <= maximum_width or not places:
            yield len(text) - positions[start]
            return
        # The last two parts share what is left.
        is_ending = rest <= 2 * maximum_width
        goal = rest / 2 if is_ending else maximum_width
        choice = _within(
            edges, start, rest - maximum_width if is_ending else maximum_width / 2, maximum_width
        )
        favoured = [place for place in choice if positions[place] in good] or [
            place
            for place in _within(edges, start, 0.4 * maximum_width, maximum_width)
            if positions[place] in good
        ]
        best = min(favoured or choice, key=lambda place: (abs(edges[place] - edges[start] - goal), place))
        while best > start + 1 and width(text[positions[start] : positions[best]]) > maximum_width:
            best -= 1
        yield positions[best] - positions[start]
        start = best


def _within(edges: Sequence[float], start: int, least: float, most: float) -> range:
    """The places at which a part that begins at `start` may end: never none."""
    first = max(start + 1, bisect_left(edges, edges[start] + least))
    after = max(start + 2, bisect_right(edges, edges[start] + most))
    return range(min(first, after - 1), min(after, len(edges) - 1)) or range(start + 1, start + 2)
