"""All voices of all engines, known without opening an engine."""

from functools import cache

from heygen_graphql.rendering.errors import UnknownVoice
from heygen_graphql.rendering.speech.engine import Gender, Voice
from heygen_graphql.rendering.speech.espeak_voices import espeak_voices

HEART = Voice("heart", "Heart", "en-US", Gender.FEMALE, "hibari")

# Other names that clients give these languages (IANA Language Subtag Registry: macrolanguages and
# preferred values).
_PRIMARY_ALIASES = {"cmn": "zh", "no": "nb", "iw": "he", "in": "id", "ji": "yi", "hbs": "hr", "sh": "hr"}


@cache
def voices() -> tuple[Voice, ...]:
    """The natural voices first, then eSpeak NG's by language tag."""
    return (HEART, *(known.voice for known in espeak_voices().values()))


def voice(voice_id: str) -> Voice:
    """
    Raises:
        UnknownVoice: no engine has it.
    """
    found = _by_id().get(voice_id)
    if found is None:
        raise UnknownVoice(voice_id)
    return found


@cache
def _by_id() -> dict[str, Voice]:
    return {known.voice_id: known for known in voices()}


def default_voice(language: str) -> Voice | None:
    """The voice for a BCP 47 tag when the user names none; None when the language cannot be spoken.

    A natural voice of the language, whatever its region (so "en-GB" too is spoken by `heart`: an accent
    that is off is easier to listen to than a robot); else the exact tag; else the language without
    its region or script ("de-AT" is spoken by "de").
    """
    candidates = [known for known in voices() if speaks(known, language)]
    natural = [known for known in candidates if known.engine == HEART.engine]
    exact = [known for known in candidates if _subtags(known.language) == _subtags(language)]
    return next(iter([*natural, *exact, *candidates]), None)


def languages() -> tuple[str, ...]:
    """The tags of all voices, sorted, each once."""
    return tuple(sorted({known.language for known in voices()}, key=str.lower))


def speaks(voice: Voice, language: str) -> bool:
    """Whether the voice is of this language, by the primary subtag: any English voice speaks "en-AU"."""
    return _subtags(voice.language)[0] == _subtags(language)[0]


def _subtags(language: str) -> list[str]:
    primary, *rest = language.lower().replace("_", "-").split("-")
    return [_PRIMARY_ALIASES.get(primary, primary), *rest]
