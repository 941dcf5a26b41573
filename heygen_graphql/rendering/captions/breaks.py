"""Where a line may end inside writing that has no spaces, and inside a word that is too long for a line.

Chinese, Japanese and Thai are cut between the phrases that BudouX's models find; Khmer, Lao, Burmese
and Tibetan between syllables, which is as much as can be told without a dictionary. No line begins
with a closing mark or ends with an opening one (JIS X 4051, "kinsoku"), and no cluster of a letter
and its marks is cut (after Unicode's UAX #29).
"""

import unicodedata
from functools import lru_cache
from itertools import accumulate

import budoux

from heygen_graphql.rendering.spacing import is_spaceless

_NEVER_FIRST = frozenset(
    "、。，．・：；？！‼⁇⁈⁉）］｝」』】〉》〕〗〙〛｠”’»›…‥,.:;?!)]}%％‰℃°ー～〜ｰ･｡､｣"
    "ーゝゞヽヾ々〻ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"
    "ๆฯໆຯៗ។៕၊။་།"
)
_NEVER_LAST = frozenset("（［｛「『【〈《〔〖〘〚｟｢“‘«‹([{$€£¥￥＄#＃№")
# Thai and Lao vowels that are written before the consonant they belong to; letters to Unicode.
_LEADING_VOWELS = frozenset("เแโใไເແໂໃໄ")
_TRAILING_VOWELS = frozenset("ะาำຳະາຽ")
_GLUE = frozenset("\u00a0\u202f\u2060\ufeff\u200d")
_ZERO_WIDTH_SPACE = "\u200b"
_BREAK_AFTER = frozenset({_ZERO_WIDTH_SPACE, "་", "፡", "\u00ad"})
_LONGEST_CLUSTER = 10
"""A letter with more marks than this is a prank, and may be wider than the picture."""
_VIRAMA = 9
"""The combining class of the sign that ties two consonants of an Indic script together."""
_BURMESE_STACKER, _BURMESE_ASAT = "\u1039", "\u103a"
_KHMER_COENG = "\u17d2"

# In an address a line ends after these, or before a full stop (Chicago Manual of Style, 14.18).
_ADDRESS_JOINTS = frozenset("/\\-–—_?&=#:,;@|~+")


def phrase_breaks(text: str, language: str) -> list[int]:
    """Where a line may end in `text`, which holds no space: positions from 1 to `len(text) - 1`."""
    if not any(map(is_spaceless, text)) and not _BREAK_AFTER & set(text):
        return []
    model = _model(text, language)
    phrases = set(accumulate(map(len, model.parse(text)))) if model else set()
    return [
        position
        for position in range(1, len(text))
        if _is_allowed(text, position) and _is_wanted(text, position, phrases)
    ]


def is_cut_between_syllables(text: str, position: int) -> bool:
    """Whether nothing is known there but that a syllable ends."""
    return _is_without_model(text[position - 1]) and _is_without_model(text[position])


def joints(text: str) -> list[tuple[int, bool]]:
    """Every place at which a word too long for a line can be cut, and whether it is a good one.

    Where none is good, any is better than a line that leaves the picture.
    """
    found: list[int] = []
    for position in range(1, len(text)):
        length = position - (found[-1] if found else 0)
        if not _cuts_cluster(text, position) or length == _LONGEST_CLUSTER:
            found.append(position)
    has_joints = any(_is_address_joint(text, position) for position in found)
    return [
        (position, _is_address_joint(text, position) if has_joints else _is_allowed(text, position))
        for position in found
    ]


def _is_allowed(text: str, position: int) -> bool:
    before, after = text[position - 1], text[position]
    if before in _BREAK_AFTER:
        return after not in _NEVER_FIRST
    return (
        before not in _NEVER_LAST
        and after not in _NEVER_FIRST
        and not _GLUE & {before, after}
        and not _cuts_cluster(text, position)
    )


def _is_wanted(text: str, position: int, phrases: set[int]) -> bool:
    before, after = text[position - 1], text[position]
    if before in _BREAK_AFTER:
        return True
    if not is_spaceless(before) and not is_spaceless(after):
        return False
    if is_cut_between_syllables(text, position):
        return True
    return position in phrases or unicodedata.category(before) in {"Po", "Pe", "Pf"}


def _cuts_cluster(text: str, position: int) -> bool:
    before, after = text[position - 1], text[position]
    if before < "\u0300" and after < "\u0300":
        return False
    if unicodedata.category(after) in {"Mn", "Mc", "Me", "Cf", "Sk"} and after != _ZERO_WIDTH_SPACE:
        # Sk holds the skin colours of emoji.
        return True
    if before in _LEADING_VOWELS or after in _TRAILING_VOWELS or before == "\u200d":
        return True
    is_indic = "\u0900" <= before <= "\u0dff"
    if (is_indic and unicodedata.combining(before) == _VIRAMA) or before in {_BURMESE_STACKER, _KHMER_COENG}:
        return unicodedata.category(after).startswith("L")
    following = text[position + 1 : position + 2]
    if "\u1000" <= after <= "\u109f" and following in {_BURMESE_ASAT, _BURMESE_STACKER}:
        return True  # the consonant that closes a syllable
    if "\u0e81" <= after <= "\u0eae" and (
        following in _LEADING_VOWELS or not "\u0eb0" <= following <= "\u0ecf"
    ):
        return True  # likewise in Lao: it has no vowel, and one that leads is the next syllable's
    if "\u1160" <= after <= "\u11ff":
        return True  # vowels and finals of a Hangul syllable in pieces
    return _is_flag_half(after) and _flag_halves_before(text, position) % 2 == 1


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, position: int) -> int:
    start = position
    while start and _is_flag_half(text[start - 1]):
        start -= 1
    return position - start


def _is_address_joint(text: str, position: int) -> bool:
    before, after = text[position - 1], text[position]
    if after == "." and before.isalnum():
        return True
    return before in _ADDRESS_JOINTS and after not in _ADDRESS_JOINTS


def _is_without_model(character: str) -> bool:
    """Lao, Burmese, Khmer."""
    return any(
        first <= character <= last
        for first, last in (
            ("\u0e80", "\u0eff"),
            ("\u1000", "\u109f"),
            ("\u1780", "\u17ff"),
            ("\ua9e0", "\uaa7f"),
        )
    )


def _model(text: str, language: str) -> budoux.Parser | None:
    tag = language.lower()
    if any("\u0e00" <= character <= "\u0e7f" for character in text):
        return _load("th")
    if tag.startswith("ja") or any("\u3040" <= character <= "\u30ff" for character in text):
        return _load("ja")
    if any(character >= "\u2e80" and is_spaceless(character) for character in text):
        is_traditional = tag.startswith("yue") or {"hant", "tw", "hk", "mo"} & set(tag.split("-"))
        return _load("zh-hant" if is_traditional else "zh-hans")
    return None


@lru_cache
def _load(name: str) -> budoux.Parser:
    match name:
        case "th":
            return budoux.load_default_thai_parser()
        case "ja":
            return budoux.load_default_japanese_parser()
        case "zh-hant":
            return budoux.load_default_traditional_chinese_parser()
        case _:
            return budoux.load_default_simplified_chinese_parser()
