"""The voices of an OpenAI-compatible speech endpoint, known without asking it."""

from dataclasses import dataclass, field

from heygen_graphql.rendering.speech.engine import MULTILINGUAL, Gender, Voice

ENGINE = "openai"

# As the text-to-speech guide of OpenAI lists them; servers that imitate it know the same names.
_GENDERS = {
    "alloy": Gender.NEUTRAL,
    "ash": Gender.MALE,
    "ballad": Gender.MALE,
    "cedar": Gender.MALE,
    "coral": Gender.FEMALE,
    "echo": Gender.MALE,
    "fable": Gender.NEUTRAL,
    "marin": Gender.FEMALE,
    "nova": Gender.FEMALE,
    "onyx": Gender.MALE,
    "sage": Gender.FEMALE,
    "shimmer": Gender.FEMALE,
    "verse": Gender.MALE,
}


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    base_url: str
    """Up to and including the version, as in "https://api.openai.com/v1"."""
    api_key: str = field(repr=False)
    model: str


def endpoint_voices() -> tuple[Voice, ...]:
    """With ids like "openai-alloy"."""
    return tuple(
        Voice(f"{ENGINE}-{name}", f"{name.title()} (OpenAI)", MULTILINGUAL, gender, ENGINE)
        for name, gender in _GENDERS.items()
    )


def endpoint_name(voice: Voice) -> str:
    """What the endpoint calls the voice."""
    return voice.voice_id.removeprefix(f"{ENGINE}-")
