"""The pieces of a script between which a caption may break, and when each is spoken.

Most scripts are cut at their spaces. Chinese, Japanese, Thai, Lao, Khmer and Burmese write whole
sentences without any: these are cut between characters, but never so that a line would begin with
a closing mark or end with an opening one (JIS X 4051, "kinsoku"), nor inside a cluster of a base
letter and its marks.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from heygen_graphql.rendering.speech.engine import TimedWord

_SPACELESS_SCRIPTS = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Burmese
    ("\u1780", "\u17ff"),  # Khmer
    ("\u2e80", "\u30ff"),  # Han radicals, CJK punctuation, kana
    ("\u3400", "\u9fff"),  # Han
    ("\uf900", "\ufaff"),
    ("\uff00", "\uffef"),  # full-width forms
    ("\U00020000", "\U0003ffff"),
)
_NEVER_FIRST = frozenset(
    "、。，．・：；？！）］｝」』】〉》〕〗”’…‥,.:;?!)]}%ーゝゞ々〻ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶๆฯ"
)
_NEVER_LAST = frozenset("（［｛「『【〈《〔〖“‘([{")
# Thai and Lao vowels that are written before the consonant they belong to.
_LEADING_VOWELS = frozenset("เแโใไເແໂໃໄ")


@dataclass(frozen=True, slots=True)
class Atom:
    text: str
    start_seconds: float
    end_seconds: float
    has_space_before: bool
    starts_word: bool
    """False where a break would cut a word, as far as that can be told without a dictionary."""


def atoms(words: Iterable[TimedWord], *, fits: Callable[[str], bool]) -> list[Atom]:
    """The atoms of one scene.

    A word that does not fit into a line (a web address, say) is cut wherever the line ends.
    """
    found: list[Atom] = []
    for word in words:
        pieces = [part for piece in _pieces(word.text) for part in _fitting(piece, fits)]
        for index, (piece, start, end) in enumerate(_timed(pieces, word)):
            is_spaced = bool(found) and not word.is_joined and index == 0
            starts_word = not found or is_spaced or _starts_word(found[-1].text[-1], piece[0])
            found.append(Atom(piece, start, end, is_spaced, starts_word))
    return found


def _timed(pieces: Sequence[str], word: TimedWord) -> Iterator[tuple[str, float, float]]:
    """A word is spoken evenly over its characters, as near as anybody can tell."""
    length = sum(map(len, pieces))
    duration = word.end_seconds - word.start_seconds
    done = 0
    for piece in pieces:
        start = word.start_seconds + duration * done / length
        done += len(piece)
        yield piece, start, word.start_seconds + duration * done / length


def _pieces(word: str) -> list[str]:
    pieces: list[str] = []
    for character in word:
        if pieces and not _may_break(pieces[-1], character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _fitting(piece: str, fits: Callable[[str], bool]) -> Iterator[str]:
    while not fits(piece) and len(piece) > 1:
        length = bisect_left(range(2, len(piece)), True, key=lambda end: not fits(piece[:end])) + 1
        yield piece[:length]
        piece = piece[length:]
    yield piece


def _starts_word(before: str, character: str) -> bool:
    """Where hiragana, which end Japanese words, give way to another script; and after punctuation."""
    if unicodedata.category(before).startswith("P"):
        return True
    return "\u3040" <= before <= "\u309f" and not "\u3040" <= character <= "\u30ff"


def _may_break(before: str, character: str) -> bool:
    if not (_is_spaceless(before[-1]) or _is_spaceless(character)):
        return False
    if unicodedata.category(character).startswith("M") or character in _NEVER_FIRST:
        return False
    # Thai sara a, aa and am are letters to Unicode, yet belong to the consonant before them.
    return before[-1] not in _NEVER_LAST | _LEADING_VOWELS and character not in "ะาำຳະາ"


def _is_spaceless(character: str) -> bool:
    return any(first <= character <= last for first, last in _SPACELESS_SCRIPTS)
