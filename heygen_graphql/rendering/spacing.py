"""Which writing puts no spaces between its words."""

_SPACELESS_SCRIPTS = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Burmese
    ("\u1780", "\u17ff"),  # Khmer
    ("\u2e80", "\u312f"),  # Han radicals, CJK punctuation, kana, bopomofo
    ("\u3190", "\u9fff"),  # enclosed and squared forms, Han
    ("\ua9e0", "\ua9ff"),  # Burmese
    ("\uaa60", "\uaa7f"),
    ("\uf900", "\ufaff"),
    ("\uff00", "\uff9f"),  # full-width forms
    ("\U0001b000", "\U0001b16f"),  # kana
    ("\U00020000", "\U0003ffff"),
)


def is_spaceless(character: str) -> bool:
    """Whether the character belongs to such writing: letters, marks, digits and punctuation alike."""
    return any(first <= character <= last for first, last in _SPACELESS_SCRIPTS)
