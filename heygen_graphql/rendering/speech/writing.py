"""What the characters of a script are, and which of them a voice can read. Pure: needs no engine.

The systems of writing that each language's voice reads were found by having eSpeak NG 1.52 read a word of
each: a voice that names the letters one by one ("Cyrillic, pe, Cyrillic, er ...") does not read them.
"""

import re
import unicodedata
from functools import lru_cache

from heygen_graphql.rendering.errors import UnspeakableText
from heygen_graphql.rendering.speech.engine import MULTILINGUAL, Voice

LATIN = "LATIN"

_CYRILLIC = "be bg ba cv kk ky lfn mk nog ru sr tt uk bs hr"
_SYSTEMS_BY_LANGUAGE: dict[str, frozenset[str]] = {
    language: frozenset(systems.split())
    for languages, systems in (
        (_CYRILLIC, "CYRILLIC"),
        ("el grc", "GREEK"),
        ("ar fa sd ug ur", "ARABIC"),
        ("he", "HEBREW"),
        ("hi kok mr ne", "DEVANAGARI"),
        ("as bn bpy", "BENGALI"),
        ("pa", "GURMUKHI"),
        ("gu", "GUJARATI"),
        ("or", "ORIYA"),
        ("ta", "TAMIL"),
        ("te", "TELUGU"),
        ("kn", "KANNADA"),
        ("ml", "MALAYALAM"),
        ("si", "SINHALA"),
        ("th", "THAI"),
        ("my shn", "MYANMAR"),
        ("ka", "GEORGIAN"),
        ("hy hyw", "ARMENIAN"),
        ("am ti", "ETHIOPIC"),
        ("ko", "HANGUL"),
        # No kanji: eSpeak NG says "Chinese letter" for each of them.
        ("ja", "HIRAGANA KATAKANA"),
        ("zh yue", "CJK"),
        ("tlh", "KLINGON"),
    )
    for language in languages.split()
}

# Other voices read Latin words, as English where the language has no reading of its own; these spell them.
_SPELLS_LATIN = frozenset({"ba", "cv", "ja", "kok", "ky", "my", "nog", "shn", "ti"})

_REMEDIES: dict[str, tuple[str, str]] = {
    LATIN: ("English", "en-US"),
    "CYRILLIC": ("Russian", "ru"),
    "GREEK": ("Greek", "el"),
    "ARABIC": ("Arabic", "ar"),
    "HEBREW": ("Hebrew", "he"),
    "DEVANAGARI": ("Hindi", "hi"),
    "BENGALI": ("Bengali", "bn"),
    "GURMUKHI": ("Punjabi", "pa"),
    "GUJARATI": ("Gujarati", "gu"),
    "ORIYA": ("Oriya", "or"),
    "TAMIL": ("Tamil", "ta"),
    "TELUGU": ("Telugu", "te"),
    "KANNADA": ("Kannada", "kn"),
    "MALAYALAM": ("Malayalam", "ml"),
    "SINHALA": ("Sinhala", "si"),
    "THAI": ("Thai", "th"),
    "MYANMAR": ("Burmese", "my"),
    "GEORGIAN": ("Georgian", "ka"),
    "ARMENIAN": ("Armenian", "hy"),
    "ETHIOPIC": ("Amharic", "am"),
    "HANGUL": ("Korean", "ko"),
    "HIRAGANA": ("Japanese", "ja"),
    "KATAKANA": ("Japanese", "ja"),
    "CJK": ("Chinese", "zh"),
    "KLINGON": ("Klingon", "tlh"),
    "SHAVIAN": ("English in Shavian", "en-Shaw"),
}
# Letters that tell one language of a system from the one named above.
_TELLING_LETTERS = (
    ("CYRILLIC", frozenset("іїєґІЇЄҐ"), ("Ukrainian", "uk")),
    ("CYRILLIC", frozenset("ўЎ"), ("Belarusian", "be")),
    ("ARABIC", frozenset("ٹڈڑےں"), ("Urdu", "ur")),
    ("ARABIC", frozenset("پچژگ"), ("Persian", "fa")),
)

# First words in the names of letters that belong to no system: "MICRO SIGN", "FEMININE ORDINAL INDICATOR".
_COMMON = frozenset({"MODIFIER", "FEMININE", "MASCULINE", "MICRO", "SUPERSCRIPT", "SUBSCRIPT", "TURNED"})
_STYLED = frozenset({"MATHEMATICAL", "FULLWIDTH", "HALFWIDTH"})
# Arrows, technical signs, dingbats, all that is pictorial, and the selectors, keycap and tags beside it.
_PICTURES = (
    (0x2190, 0x21FF),
    (0x2300, 0x23FF),
    (0x2460, 0x24FF),
    (0x25A0, 0x27BF),
    (0x2900, 0x297F),
    (0x2B00, 0x2BFF),
    (0xFE00, 0xFE0F),
    (0x20E3, 0x20E3),
    (0x1F000, 0x1FAFF),
    (0xE0020, 0xE007F),
)
# A Greek letter by itself is a sign of mathematics or a unit, which every voice names.
_LONE_GREEK = re.compile(r"(?<![\u0370-\u03ff\u1f00-\u1fff])[\u0370-\u03ff](?![\u0370-\u03ff\u1f00-\u1fff])")
_ZERO_WIDTH_JOINER = "\N{ZERO WIDTH JOINER}"
_LONGEST_SAMPLE = 24


@lru_cache(maxsize=4096)
def _system(character: str) -> str | None:
    """The system of writing of a letter, as Unicode names it; None when it is of all or of none."""
    if 0xF8D0 <= ord(character) <= 0xF8FF:
        return "KLINGON"
    if not unicodedata.category(character).startswith("L"):
        return None
    words = unicodedata.name(character, "").replace("-", " ").split()
    if not words or words[0] in _COMMON or 0x2100 <= ord(character) <= 0x214F:
        return None
    first = words[1] if words[0] in _STYLED and len(words) > 1 else words[0]
    return {"IDEOGRAPHIC": "CJK", "BOLD": LATIN, "ITALIC": LATIN, "SANS": LATIN}.get(first, first)


def named_greek(text: str) -> str:
    """The text with Greek letters that stand alone written as their names: "π" is "pi"."""
    return _LONE_GREEK.sub(lambda match: f" {unicodedata.name(match[0]).split()[-1].lower()} ", text)


def has_speakable(text: str) -> bool:
    """Whether there is any letter or digit: the rest only shapes how these are said."""
    return any(unicodedata.category(c)[0] in "LN" or _system(c) for c in readable(text))


@lru_cache(maxsize=4096)
def _readable_character(character: str) -> str:
    code_point = ord(character)
    if code_point < 0x80:
        return character
    if any(first <= code_point <= last for first, last in _PICTURES):
        return " "
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.digit(character))
    if unicodedata.name(character, "").split(" ")[0] in _STYLED:
        plain = unicodedata.normalize("NFKC", character)
        return plain if len(plain) == 1 else character
    return character


def readable(text: str) -> str:
    """The text as engines should read it, character for character (so that positions stay).

    Pictures become spaces: an emoji is not said. Digits of every system become 0 to 9, full-width and
    mathematical letters the plain ones.
    """
    characters = [_readable_character(character) for character in text]
    for index, character in enumerate(text):
        # Elsewhere the joiner shapes letters (Persian, Hindi); after a picture it is part of the picture.
        if character == _ZERO_WIDTH_JOINER and index and characters[index - 1] == " ":
            characters[index] = " "
    return "".join(characters)


def main_system(text: str) -> str | None:
    """The system of writing of most of the letters; None when there are none."""
    counts: dict[str, int] = {}
    for character in readable(text):
        system = _system(character)
        if system:
            counts[system] = counts.get(system, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else None


def language_of_system(system: str, text: str) -> str:
    """The BCP 47 tag of the likeliest language that is written so."""
    for telling_system, letters, (_, tag) in _TELLING_LETTERS:
        if telling_system == system and letters & set(text):
            return tag
    return _REMEDIES.get(system, ("English", "en-US"))[1]


def check_text(text: str, voice: Voice) -> None:
    """Refuse, before any engine runs, a text that this voice would garble.

    Latin words are let through by voices of other writing, since eSpeak NG reads them (as English); where
    it would spell them letter by letter, up to half of the letters may be Latin: a name, not a text.

    Raises:
        UnspeakableText: with what could not be read and what to do, in at most 250 characters.
    """
    if not has_speakable(text):
        raise UnspeakableText(
            "The script has nothing to say aloud: it holds only punctuation, symbols or emoji. "
            "Write at least one word or number."
        )
    language, *subtags = voice.language.split("-")
    systems = _SYSTEMS_BY_LANGUAGE.get(language, frozenset({LATIN}))
    if language == MULTILINGUAL:
        systems = frozenset(_REMEDIES)
    elif "Latn" in subtags and language != "zh":
        systems = frozenset({LATIN})
    elif "Shaw" in subtags:
        systems = frozenset({"SHAVIAN"})
    counts: dict[str, int] = {}
    for character in _LONE_GREEK.sub("", readable(text)):
        system = _system(character)
        if system:
            counts[system] = counts.get(system, 0) + 1
    foreign = [system for system in counts if system not in systems and system != LATIN]
    if language in _SPELLS_LATIN and counts.get(LATIN, 0) * 2 > sum(counts.values()):
        foreign.append(LATIN)
    if foreign:
        raise UnspeakableText(_refusal(text, voice, foreign, counts))


def _refusal(text: str, voice: Voice, foreign: list[str], counts: dict[str, int]) -> str:
    system = max(foreign, key=lambda name: counts[name])
    sample = next(word for word in text.split() if any(_system(c) == system for c in readable(word)))
    sample = sample if len(sample) <= _LONGEST_SAMPLE else sample[: _LONGEST_SAMPLE - 1] + "…"
    what = "Chinese characters" if system == "CJK" else f"{system.title()} letters"
    refusal = f'The voice "{voice.voice_id}" cannot read {what} ("{sample}"). '
    is_japanese = voice.language == "ja" or bool({"HIRAGANA", "KATAKANA"} & counts.keys())
    if system == "CJK" and is_japanese:
        return refusal + "The Japanese voice reads kana only: write these words in hiragana or katakana."
    remedy = _REMEDIES.get(system)
    for telling_system, letters, language in _TELLING_LETTERS:
        if telling_system == system and letters & set(text):
            remedy = language
            break
    if remedy is None:
        return refusal + "No voice here reads them: write the text in the letters of the voice's language."
    name, tag = remedy
    voice_id = "heart" if tag == "en-US" else f"espeak-{tag}"
    return refusal + f'Choose a voice for {name}, such as "{voice_id}", or write the text in other letters.'
