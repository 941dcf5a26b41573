"""All voices of all engines, known without opening an engine."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from heygen_graphql.rendering.errors import UnknownVoice
from heygen_graphql.rendering.speech.endpoint_voices import ENGINE as ENDPOINT
from heygen_graphql.rendering.speech.endpoint_voices import SpeechEndpoint, endpoint_voices
from heygen_graphql.rendering.speech.engine import MULTILINGUAL, Gender, Voice
from heygen_graphql.rendering.speech.espeak_voices import espeak_voices
from heygen_graphql.rendering.speech.piper_voices import PiperVoice, digest, dropped_in, joe

HEART = Voice("heart", "Heart", "en-US", Gender.FEMALE, "hibari")
MILES = Voice("miles", "Miles", "en-US", Gender.MALE, "hibari")

# Other names that clients give these languages (IANA Language Subtag Registry: macrolanguages and
# preferred values).
_PRIMARY_ALIASES = {"cmn": "zh", "no": "nb", "iw": "he", "in": "id", "ji": "yi", "hbs": "hr", "sh": "hr"}

# Whose code and data shape what a voice of the engine says; files that a user gave are hashed instead.
_DISTRIBUTIONS = {"hibari": "hibari-tts", "espeak-ng": "espeakng-loader"}


@dataclass(frozen=True, slots=True)
class Voices:
    """The catalogue: what is installed, what lies in a folder, and what an endpoint offers.

    A value: two with the same fields are equal and hold the same voices. The folder is looked at whenever
    it is asked for, so that a voice file that is dropped in is there at once.
    """

    voices_dir: Path | None = None
    """Where Piper's voice files lie (`piper_voices`)."""
    endpoint: SpeechEndpoint | None = None

    def all(self) -> tuple[Voice, ...]:
        """The natural voices first, then eSpeak NG's by language tag."""
        return tuple(self._by_id().values())

    def get(self, voice_id: str) -> Voice:
        """
        Raises:
            UnknownVoice: no engine has it.
        """
        found = self._by_id().get(voice_id)
        if found is None:
            raise UnknownVoice(voice_id)
        return found

    def default(self, language: str, gender: Gender | None = None) -> Voice | None:
        """The voice for a BCP 47 tag when the user names none; None when the language cannot be spoken.

        A natural voice of the language, of the gender where there is one, the one of its region first
        ("en-AU" too is spoken by `heart`: an accent that is off is easier to listen to than a robot); else
        the exact tag; else the language without its region or script ("de-AT" is spoken by "de"). Never
        one of the endpoint's: those cost money and send the script away, so they speak only when they are
        named.
        """
        own = tuple(known for known in self.all() if known.language != MULTILINGUAL)
        return _default(own, language.lower(), gender)

    def languages(self) -> tuple[str, ...]:
        """The tags of all voices that have one of their own, sorted, each once."""
        tags = {known.language for known in self.all() if known.language != MULTILINGUAL}
        return tuple(sorted(tags, key=str.lower))

    def speaks(self, voice: Voice, language: str) -> bool:
        """Whether the voice is of this language, by the primary subtag: any English voice speaks "en-AU"."""
        return speaks(voice, language)

    def fingerprint(self, voice_id: str) -> str:
        """64 hex digits that change when the same text may sound another way: by other files, by another
        version of the engine, by another endpoint or model.

        Raises:
            UnknownVoice: no engine has it.
        """
        voice = self.get(voice_id)
        facts = [repr(voice)]
        if voice.engine in _DISTRIBUTIONS:
            facts.append(version(_DISTRIBUTIONS[voice.engine]))
        elif voice.engine == ENDPOINT and self.endpoint is not None:
            facts += [self.endpoint.base_url, self.endpoint.model]
        else:
            facts += [version("piper-tts"), digest(self.piper(voice_id).files)]
        return sha256("\n".join(facts).encode()).hexdigest()

    def problems(self) -> tuple[str, ...]:
        """What is wrong with files of the folder that cannot be voices, a sentence each."""
        return self._piper()[1]

    def piper(self, voice_id: str) -> PiperVoice:
        """
        Raises:
            UnknownVoice: Piper has no such voice.
        """
        for known in self._piper()[0]:
            if known.voice.voice_id == voice_id:
                return known
        raise UnknownVoice(voice_id)

    def _piper(self) -> tuple[tuple[PiperVoice, ...], tuple[str, ...]]:
        found, problems = ((), ()) if self.voices_dir is None else dropped_in(self.voices_dir)
        return (joe(), *found), problems

    def _by_id(self) -> dict[str, Voice]:
        piper = tuple(known.voice for known in self._piper()[0])
        return _catalogue(piper, self.endpoint is not None)


@lru_cache(maxsize=8)
def _catalogue(piper: tuple[Voice, ...], has_endpoint: bool) -> dict[str, Voice]:
    endpoint = endpoint_voices() if has_endpoint else ()
    robots = (known.voice for known in espeak_voices().values())
    return {known.voice_id: known for known in (HEART, MILES, *piper, *endpoint, *robots)}


@lru_cache(maxsize=1024)
def _default(voices: tuple[Voice, ...], language: str, gender: Gender | None) -> Voice | None:
    def rank(voice: Voice) -> tuple[bool, bool, bool]:
        is_robot = voice.engine == "espeak-ng"
        is_of_region = _subtags(voice.language) == _subtags(language)
        is_of_gender = gender is None or voice.gender is gender
        # A woman's voice from a man's mouth is heard at once, another region's accent later; among robots
        # the accent is a matter of being understood.
        return (
            (is_robot, not is_of_region, not is_of_gender)
            if is_robot
            else (is_robot, not is_of_gender, not is_of_region)
        )

    return min((known for known in voices if speaks(known, language)), key=rank, default=None)


def speaks(voice: Voice, language: str) -> bool:
    return voice.language == MULTILINGUAL or _subtags(voice.language)[0] == _subtags(language)[0]


def _subtags(language: str) -> list[str]:
    primary, *rest = language.lower().replace("_", "-").split("-")
    return [_PRIMARY_ALIASES.get(primary, primary), *rest]


_INSTALLED = Voices()


def voices() -> tuple[Voice, ...]:
    """Those of `Voices()`: without a folder and without an endpoint. So are the functions below."""
    return _INSTALLED.all()


def voice(voice_id: str) -> Voice:
    """
    Raises:
        UnknownVoice: no engine has it.
    """
    return _INSTALLED.get(voice_id)


def default_voice(language: str) -> Voice | None:
    return _INSTALLED.default(language)


def languages() -> tuple[str, ...]:
    return _INSTALLED.languages()
