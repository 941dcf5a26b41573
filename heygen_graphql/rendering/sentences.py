"""Where sentences and clauses end, in the punctuation of every language that can be spoken."""

import re

_SENTENCE_ENDS = tuple(".!?…‥。！？｡．؟۔।॥։።፧།။។‽⁇⁈⁉")
# The Greek question mark looks like a semicolon, and is mostly typed as one.
_GREEK_SENTENCE_ENDS = (*_SENTENCE_ENDS, ";", "\u037e")
_CLAUSE_ENDS = tuple(",;:—–、，；：､،؛·՝፣፤፥၊")
OPENING_MARKS = "\"'“‘„‚«‹([{¿¡（「『【〈《〔〖［｛"
CLOSING_MARKS = "\"'”’»›)]}）」』】〉》〕〗］｝"

# After these a full stop ends no sentence: "Dr. Who", "z.B. heute". Those that are also words
# of a language ("no", "art") stand in the next list instead.
_ABBREVIATION = re.compile(
    r"mrs?|ms|dr|prof|st|sr|jr|gen|col|capt|lt|sgt|maj|rev|hon|gov|sen|rep|hrn?|fr|frl|sra|srta|dra|mme|mlle|mgr"
    r"|dott|sig|ing|vs|cf|vgl|approx|dept|est|mt|ft|rs|ca|bzw|evtl|ggf|inkl|usf|tel|ul|св|им|ул|напр|см"
    r"|e\.g|i\.e|z\.\s?b|d\.\s?h|u\.\s?a|p\.\s?ex|п\.\s?э|т\.\s?е"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|okt|nov|dec|dez",
    re.IGNORECASE,
)
_BEFORE_NUMBER = re.compile(
    r"nos?|nr|núm|num|n|vol|pp?|s|fig|figs|abb|art|ch|sec|kap|bd|г|стр|№", re.IGNORECASE
)
# "am 3. Mai": these languages write ordinals with a full stop.
_WITH_DOTTED_ORDINALS = "bs cs da de et eu fi fo hr hu is kl lb lv nb nn no pl sk sl sr tr und"
_ORDINAL = re.compile(r"[0-9]{1,2}")
# Of a name or of an office: "J. Austen", "J.R.R. Tolkien", "the U.S. Army".
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")


def ends_sentence(word: str, following: str, *, language: str = "und") -> bool:
    """After "Yes." in "Yes. We do", not after "a.m." in "at 9 a.m. we do" nor "Dr." in "Dr. Who".

    `following` is the next word, or "" after the last; `language` is a BCP 47 tag.
    """
    bare = word.rstrip(CLOSING_MARKS)
    primary = language.split("-")[0].lower()
    if not bare.endswith(_GREEK_SENTENCE_ENDS if primary == "el" else _SENTENCE_ENDS):
        return False
    following = following.lstrip(OPENING_MARKS)
    return not following.islower() and not _goes_on(bare, following, primary)


def ends_clause(word: str, following: str, *, language: str = "und") -> bool:
    """Whether a reader pauses after `word`: at a comma, a colon, a dash, or a sentence's end."""
    bare = word.rstrip(CLOSING_MARKS)
    return bare.endswith(_CLAUSE_ENDS) or ends_sentence(word, following, language=language)


def _goes_on(bare: str, following: str, language: str) -> bool:
    """Whether the full stop belongs to a title, an initial, a shortened word or an ordinal."""
    if not bare.endswith(".") or bare.endswith(".."):
        return False
    stem = bare[:-1].lstrip(OPENING_MARKS)
    if _ABBREVIATION.fullmatch(stem) or (_INITIALS.fullmatch(stem) and stem.isupper() and stem != "I"):
        return True
    if _BEFORE_NUMBER.fullmatch(stem):
        return following[:1].isdigit()
    return (
        language in _WITH_DOTTED_ORDINALS.split() and bool(following) and _ORDINAL.fullmatch(stem) is not None
    )
