"""Speech: engines behind one Protocol, and the catalogue of their voices."""

from heygen_graphql.rendering.speech.catalogue import (
    Voices,
    default_voice,
    languages,
    speaks,
    voice,
    voices,
)
from heygen_graphql.rendering.speech.endpoint_voices import SpeechEndpoint
from heygen_graphql.rendering.speech.engine import Gender, Speech, TimedPhoneme, TimedWord, Voice
from heygen_graphql.rendering.speech.speaker import Speaker
from heygen_graphql.rendering.speech.writing import check_text

__all__ = [
    "Gender",
    "Speaker",
    "Speech",
    "SpeechEndpoint",
    "TimedPhoneme",
    "TimedWord",
    "Voice",
    "Voices",
    "check_text",
    "default_voice",
    "languages",
    "speaks",
    "voice",
    "voices",
]
