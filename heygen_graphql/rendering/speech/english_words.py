"""How single English words are said for which hibari's front end has no reading of its own, or a wrong one.

Pure text to text; what is said for a word may depend on its neighbours ("$1.5" before "million").
"""

import re
import unicodedata

from heygen_graphql.rendering.speech.writing import named_greek

_OPENING = "\"'“‘(["
_CLOSING = ".,;:!?)\"'”’"
_AMOUNT = re.compile(
    r"(?P<country>US|CA|AU|NZ|HK|[AC])?(?P<sign>[$£€])(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<cents>\d\d))?"
    r"(?![\d.]\d)(?!\w)"
)
_LATE_SIGN = re.compile(r"([$£€])(\W*)")
_MAGNITUDE = re.compile(r"(?:hundred|thousand|million|billion|trillion)\b", re.IGNORECASE)
_COUNTRIES = {"A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian", "HK": "Hong Kong"}
_CURRENCIES = {
    "$": (("dollar", "dollars"), ("cent", "cents")),
    "£": (("pound", "pounds"), ("penny", "pence")),
    "€": (("euro", "euros"), ("cent", "cents")),
}
# hibari has no name for a number of more digits, and stops with an error.
_NAMELESS_NUMBER = re.compile(r"\d(?:,?\d){36,}")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|dev|app|ai|co|uk|de|eu|info)\b(?:/[^\s]*)?",
    re.IGNORECASE,
)
_ADDRESS_SIGNS = {
    ".": "dot",
    "/": "slash",
    "@": "at",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "+": "plus",
    "#": "hash",
    "%": "percent",
    "~": "tilde",
}
_SPOKEN_OUT = {
    "e.g.": "for example",
    "i.e.": "that is",
    "w/": "with",
    "w/o": "without",
    "and/or": "and or",
    "ver.": "version",
    "n/a": "N A",
    "at&t": "A.T. and T",
    "co2": "C.O.2",
    "json": "Jason",
    "yaml": "yammel",
    "9/11": "nine eleven",
    "≤": "is at most",
    "≥": "is at least",
    "≠": "is not",
    "≈": "is about",
    "c#": "C sharp",
    "f#": "F sharp",
    ".net": "dot net",
}
_SUFFIXES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion", "tn": "trillion"}
_SHORTENED = re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?)(k|K|M|B|bn|tn)\b(?![/²³])")
# "A 4K screen", "a 10K run"; but "$5K" and "100K" are thousands.
_LETTER_K = re.compile(r"(?<![$£€\d.])(\d|10)K\b")
_AREA = re.compile(r"(\d[\d,.]*)?(mm|cm|m|km|ft|in|mi)([²³])")
_LENGTHS = {
    "mm": ("millimeter", "millimeters"),
    "cm": ("centimeter", "centimeters"),
    "m": ("meter", "meters"),
    "km": ("kilometer", "kilometers"),
    "ft": ("foot", "feet"),
    "in": ("inch", "inches"),
    "mi": ("mile", "miles"),
}
_POWER_SIGNS = {"²": "squared", "³": "cubed", "^2": "squared", "^3": "cubed"}
_POWER = re.compile(r"(?<=[A-Za-z0-9)])(²|³|\^[23](?!\d))")
_FRACTION_SIGNS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5", "⅙": "1/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}  # fmt: skip
_FRACTION_SIGN = re.compile(f"(\\d*)([{''.join(_FRACTION_SIGNS)}])")
_MIXED_FRACTION = re.compile(r"([1-9])/(\d\d?)")
_WHOLE = re.compile(r"\d+")
_TWO_ALIKE = re.compile(r"(\d+)/(\d+)(?!/)(?=\W*$)")
_TWICE = {"50", "60", "40", "24", "7", "70", "30", "80", "20", "90", "10"}
_TIMES = re.compile(r"(\d+(?:\.\d+)?)[x×](?=\W*$)")
_HOURS = re.compile(r"(\d{1,2}(?::\d\d)?)\s?([ap])m[-–](\d{1,2}(?::\d\d)?)\s?([ap])m(?=\W*$)", re.IGNORECASE)
_HOUR = re.compile(r"\b(\d{1,2}(?::\d\d)?)([ap])m(?=\W*$)", re.IGNORECASE)
_HALF_OF_DAY = re.compile(r"([ap])m(?=\W*$)", re.IGNORECASE)
_HOURS_24 = re.compile(r"(\d:\d\d)[-–](?=\d{1,2}:\d\d)")
_DOTTED_HALVES = re.compile(r"([ap]\.m\.)[-–](?=\d)", re.IGNORECASE)
_DOTTED_HOUR = re.compile(r"(1?\d)\.([0-5]\d)(?=[ap]\.?m\b|$)", re.IGNORECASE)
_HALF_OF_DAY_WORD = re.compile(r"[ap]\.?m\b", re.IGNORECASE)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(?=\d\d:\d\d)")
_AMOUNT_RANGE = re.compile(r"([$£€])(\d[\d,]*(?:\.\d+)?)[-–]\1?(?=\d)")
_LATE_AMOUNT = re.compile(r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)([$£€])(?!\d)")
_DECIMAL_COMMA = re.compile(r"(?<=€)(\d+),(?=\d\d(?!\d))")
# Before a full stop hibari finds no range, no fraction and no telephone number.
_STOPPED = re.compile(r"(?<=\d)([-–/]\d+)\.(\W*)$")
_DAY_RANGE = re.compile(r"(\d{1,2})[-–](\d{1,2})(?=\W*$)")
_MONTH = re.compile(
    r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\.?|january|february|march|april|august"
    r"|september|october|november|december",
    re.IGNORECASE,
)
_RATIO = re.compile(r"(\d{1,3}):1(?=\W*$)")
_MARKS = re.compile(r"(\d{1,3})/(5|10|100)(?=\W*$)")
_BARE_CENTS = re.compile(r"(?<=[$£€])\.(?=\d)")
_BARE_DECIMAL = re.compile(r"(?<![\w.,])\.(?=\d)")
# hibari reads these as numbers, to which 2.0 is 2 and 3.10 is 3.1.
_ENDING_IN_ZERO = re.compile(r"(?<![\d.,$£€])(\d+)\.(\d*0)(?![\d€£$]|[.,]\d)")
_PERCENT_RANGE = re.compile(r"(\d+(?:\.\d+)?)%?[-–](\d+(?:\.\d+)?)%")
_VERSION = re.compile(r"\bv?(\d+(?:\.\d+){2,})(?=\W*$)")
_LEADING_ZEROS = re.compile(r"(?<![\d.,:/-])(0+)([1-9]\d?)(?![\d.,:/-]*\d)")
_AREA_CODE = re.compile(r"\((\d{3})\)")
_LOCAL_NUMBER = re.compile(r"\d{3}[-.]\d{4}")
_HEIGHT = re.compile(r"(\d+)['’′](\d{1,2})[\"”″]")
# hibari takes these for abbreviations wherever they end a sentence: "The answer is no."
_ALSO_WORDS = re.compile(r"(no|nos|fig|ed|ch|Sun|Sat|Mar)\.(\W*)")
_PAGE = re.compile(r"(\W*)p\.")
_UNIT_STOP = re.compile(r"(.*(?:min|mins|sec|secs|hrs?|oz|lbs?|ft|kg|km|cm|mm|mi|yd|etc))\.", re.IGNORECASE)
# And these for Roman numerals: "the part I love", "grade C", "George C. Scott".
_BEFORE_PRONOUN = re.compile(
    r"chapter|part|section|volume|book|phase|article|type|level|stage|class|grade|round"
)
_LETTER = re.compile(r"([CL])(\W*)")
_FILE_DOT = re.compile(
    r"(?<=[\w)])\.(?=(?:py|js|ts|md|txt|pdf|json|csv|mp[34]|png|jpe?g|svg|html?|css|ya?ml|toml|exe|zip|docx?|xlsx?)\b)",
    re.IGNORECASE,
)
_DIGITS = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Square brackets followed by round ones are hibari's notation for a pronunciation: a script has none.
_BRACKETS = str.maketrans("[]{}", "()()")


def respelled(word: str, before: str, after: str) -> str:
    """The word as hibari reads it right, between these two of the script ("" where there is none)."""
    for bare in (word, word.rstrip(",;:)"), word.rstrip(_CLOSING)):
        if bare.lower() in _SPOKEN_OUT:
            return _SPOKEN_OUT[bare.lower()] + word[len(bare) :]
    word = _unmistakable(word, before, after)
    word = _numbers(_amounts(word, before, after), before, after)
    word = _NAMELESS_NUMBER.sub(lambda number: " ".join(number[0].replace(",", "")), word)
    word = _ADDRESS.sub(_address, word)
    # hibari takes letters whose small form is two characters ("İ") for an error.
    word = "".join(c if len(c.lower()) == 1 else unicodedata.normalize("NFKD", c)[0] for c in word)
    return named_greek(word).replace("--", " — ").translate(_BRACKETS)


def _unmistakable(word: str, before: str, after: str) -> str:
    """What is written like an abbreviation or a Roman numeral, but is none here."""
    is_before_number = after[:1].isdigit()
    if is_before_number and (page := _PAGE.fullmatch(word)):
        return page[1] + "page"
    if not is_before_number and (whole := _ALSO_WORDS.fullmatch(word.lstrip(_OPENING))):
        return f"{whole[1]} .{whole[2]}"
    if after[:1].islower() and (unit := _UNIT_STOP.fullmatch(word)):
        return unit[1]
    if word == "I" and _BEFORE_PRONOUN.fullmatch(before):
        return "i"
    if before[:1].isalpha() and (letter := _LETTER.fullmatch(word)):
        return letter[1].lower() + letter[2]
    return _FILE_DOT.sub(" dot ", word)


def _amounts(word: str, before: str, after: str) -> str:
    late = _LATE_SIGN.fullmatch(word)
    if late and before[-1:].isdigit():
        return _CURRENCIES[late[1]][0][1] + late[2]
    word = _DECIMAL_COMMA.sub(r"\1.", _LATE_AMOUNT.sub(r"\2\1", word))
    word = _AMOUNT_RANGE.sub(_amount_range, _BARE_CENTS.sub("0.", word))
    if _MAGNITUDE.match(after):
        return word
    return _AMOUNT.sub(_amount, word)


def _amount_range(match: re.Match[str]) -> str:
    """ "$5-10" is "5 to 10 dollars"; whoever counts cents names the dollars twice."""
    sign, lowest = match.groups()
    return f"{sign if '.' in lowest else ''}{lowest} to {sign}"


def _amount(match: re.Match[str]) -> str:
    units, cents = _CURRENCIES[match["sign"]]
    country = match["country"]
    whole = match["whole"].replace(",", "")
    unit = units[0] if whole == "1" else units[1]
    words = f"{match['whole']} {_COUNTRIES.get(country, ' '.join(country)) + ' ' if country else ''}{unit}"
    if not match["cents"] or not int(match["cents"]):
        return words
    small = f"{int(match['cents'])} {cents[0] if int(match['cents']) == 1 else cents[1]}"
    return small if whole == "0" else f"{words} and {small}"


def _numbers(word: str, before: str, after: str) -> str:
    if before[-1:].isdigit():
        word = _HALF_OF_DAY.sub(r"\1.m.", word)
    if not any(character.isdigit() or character in _POWER_SIGNS for character in word):
        return _AREA.sub(_area, word)
    is_after_whole = _WHOLE.fullmatch(before) is not None
    word = _BARE_DECIMAL.sub("0.", word)
    word = _INSTANT.sub(r"\1 at ", word)
    word = _HEIGHT.sub(r"\1 foot \2", word)
    word = _FRACTION_SIGN.sub(lambda m: _fraction(m[1], _FRACTION_SIGNS[m[2]], is_after_whole), word)
    if is_after_whole:
        word = _MIXED_FRACTION.sub(lambda m: _fraction("", m[0], True), word)
    word = _AREA.sub(_area, word)
    word = _POWER.sub(lambda m: " " + _POWER_SIGNS[m[1]], word)
    word = "".join(_plain_digit(character) for character in word)
    word = _LETTER_K.sub(r"\1 K", word)
    word = _SHORTENED.sub(lambda m: f"{m[1]} {_SUFFIXES[m[2].lower()]}", word)
    if _HALF_OF_DAY_WORD.match(after) or _HALF_OF_DAY.search(word):
        word = _DOTTED_HOUR.sub(r"\1:\2", word)
    word = _DOTTED_HALVES.sub(r"\1 to ", _HOURS_24.sub(r"\1 to ", word))
    word = _HOURS.sub(r"\1 \2.m. to \3 \4.m.", word)
    word = _HOUR.sub(r"\1 \2.m.", word)
    word = _PERCENT_RANGE.sub(r"\1 to \2%", word)
    if _MONTH.fullmatch(before):
        word = _DAY_RANGE.sub(r"\1 to \2th", word)
    if not before[:1].isupper():
        word = _RATIO.sub(r"\1 to 1", word)
    word = _MARKS.sub(_marks, word)
    word = _TWO_ALIKE.sub(_two_alike, word)
    word = _TIMES.sub(r"\1 times", word)
    word = _VERSION.sub(lambda m: m[1].replace(".", " point "), word)
    word = _ENDING_IN_ZERO.sub(lambda m: f"{m[1]} point {' '.join(m[2])}", word)
    word = _STOPPED.sub(r"\1 .\2", word)
    word = _LEADING_ZEROS.sub(_spelled_zeros, word)
    if _LOCAL_NUMBER.match(after):
        word = _AREA_CODE.sub(lambda m: ", " + " ".join(m[1]) + ",", word)
    return word


def _plain_digit(character: str) -> str:
    """A raised, lowered or circled digit as a number of its own: hibari takes it for one that it can read."""
    is_odd = character.isdigit() and not character.isdecimal()
    return f" {unicodedata.digit(character)} " if is_odd else character


def _fraction(whole: str, fraction: str, is_after_whole: bool) -> str:
    """ "2½" is "2 and a half"; hibari says the rest of it."""
    joined = f"{whole} and " if whole else "and " if is_after_whole else ""
    if joined and fraction in ("1/2", "1/4"):
        return joined + {"1/2": "a half", "1/4": "a quarter"}[fraction]
    return joined + fraction


def _area(match: re.Match[str]) -> str:
    number, unit, power = match.groups()
    name = _LENGTHS[unit][0 if number == "1" else 1]
    return f"{number or ''} {'square' if power == '²' else 'cubic'} {name}".strip()


def _marks(match: re.Match[str]) -> str:
    """A mark out of so many, "5/5" or "8/10"; but "1/5" and "3/5" are fractions."""
    is_fraction = match[2] != match[1] and (match[2] != "10" or match[1] == "1")
    return match[0] if is_fraction else f"{match[1]} out of {match[2]}"


def _two_alike(match: re.Match[str]) -> str:
    """Odds, shifts and ratings: "50/50", "24/7", "60/40"."""
    is_pair = match[1] in _TWICE and match[2] in _TWICE
    return f"{match[1]} {match[2]}" if is_pair and (match[1] == match[2] or match[1] != "7") else match[0]


def _spelled_zeros(match: re.Match[str]) -> str:
    """ "007" is "double oh seven"; "05", as of a time or a year, "oh five"."""
    zeros = "double oh" if len(match[1]) == 2 else " ".join(_DIGITS[0] for _ in match[1])
    return f"{zeros} {match[2]}"


def _address(match: re.Match[str]) -> str:
    """Said as "example dot com slash a dash b"; a stop that ends the sentence is no part of it."""
    address = match[0].rstrip(".,;:!?)")
    rest = match[0][len(address) :]
    address = re.sub(r"^https?://", "", address.rstrip("/"), flags=re.IGNORECASE)
    address = re.sub(r"^www\.", "W W W dot ", address, flags=re.IGNORECASE)
    parts = re.split(r"([^\w\s]|_)", address)
    return " ".join(_ADDRESS_SIGNS.get(part, part) for part in parts if part.strip()) + rest
