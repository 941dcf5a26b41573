"""What each voice sounds like: said once, when somebody first asks, by a process of its own."""

import asyncio
import re
import time

import structlog

from heygen_graphql import __version__
from heygen_graphql.processes import Processes, ProcessFailed
from heygen_graphql.rendering.errors import RenderError, UnknownVoice
from heygen_graphql.rendering.speech import Voice, Voices
from heygen_graphql.rendering.storyboard import Scene
from heygen_graphql.storage import Storage
from heygen_graphql.videos import speeches

_PREFIX = "voices"
_KEY = re.compile(rf"{_PREFIX}/(?P<voice>(?:[0-9a-f]{{2}})+){re.escape(speeches.SUFFIX)}")

# Every voice reads digits in its own language.
_ANYWHERE = "1, 2, 3, 4, 5."
_SENTENCES = {
    "ar": "مرحبا! هذا هو صوتي.",
    "cs": "Dobrý den! Takhle zním.",
    "da": "Goddag! Sådan lyder jeg.",
    "de": "Guten Tag! So klinge ich.",
    "el": "Γεια σας! Έτσι ακούγομαι.",
    "en": "Hello! This is what I sound like.",
    "es": "¡Hola! Así suena mi voz.",
    "fi": "Hyvää päivää! Tältä minä kuulostan.",
    "fr": "Bonjour ! Voici le son de ma voix.",
    "he": "שלום! כך אני נשמע.",
    "hi": "नमस्ते! मेरी आवाज़ ऐसी है।",
    "hu": "Jó napot! Így szól a hangom.",
    "id": "Halo! Beginilah suara saya.",
    "it": "Buongiorno! Questa è la mia voce.",
    "ja": "こんにちは。これがわたしのこえです。",
    "ko": "안녕하세요! 제 목소리는 이렇습니다.",
    "mul": "Hello! This is what I sound like.",
    "nb": "God dag! Slik høres jeg ut.",
    "nl": "Goedendag! Zo klink ik.",
    "pl": "Dzień dobry! Tak brzmi mój głos.",
    "pt": "Olá! É assim que eu falo.",
    "ro": "Bună ziua! Așa sună vocea mea.",
    "ru": "Здравствуйте! Так звучит мой голос.",
    "sv": "God dag! Så här låter jag.",
    "tr": "Merhaba! Sesim böyle.",
    "uk": "Добрий день! Так звучить мій голос.",
    "vi": "Xin chào! Giọng của tôi là như thế này.",
    "zh": "你好！这就是我的声音。",
}

# A voice that could not speak is not asked again at once: some are paid for.
_PATIENCE_SECONDS = 60.0

log = structlog.stdlib.get_logger(__name__)


def sample_key(voice_id: str) -> str:
    """What a link to a voice's sample is signed for."""
    # A voice may be named by a file of any name.
    return f"{_PREFIX}/{voice_id.encode().hex()}{speeches.SUFFIX}"


class Samples:
    def __init__(self, storage: Storage, voices: Voices, processes: Processes) -> None:
        """`processes`: for samples alone. Whoever asks for all of them at once should keep nobody waiting
        who has signed in."""
        self._storage = storage
        self._voices = voices
        self._processes = processes
        self._speaking: dict[str, asyncio.Lock] = {}
        self._failed_at: dict[str, float] = {}

    async def find(self, key: str) -> str | None:
        """Where in storage the sound lies that a link of this key leads to; None when there can be none."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        try:
            voice = self._voices.get(bytes.fromhex(match["voice"]).decode(errors="replace"))
            # Another file of the same name, another version of an engine or of us may sound otherwise.
            fingerprint = await asyncio.to_thread(self._voices.fingerprint, voice.voice_id)
        except UnknownVoice:
            return None
        stored = f"{_PREFIX}/{__version__}/{match['voice']}-{fingerprint[:16]}{speeches.SUFFIX}"
        # A second request for the same sample finds it spoken.
        async with self._speaking.setdefault(stored, asyncio.Lock()):
            if await self._storage.find(stored) is not None:
                return stored
            failed_at = self._failed_at.get(stored)
            if failed_at is not None and time.monotonic() - failed_at < _PATIENCE_SECONDS:
                return None
            if await self._speak(voice, stored):
                return stored
            self._failed_at[stored] = time.monotonic()
            return None

    async def _speak(self, voice: Voice, stored: str) -> bool:
        primary = voice.language.partition("-")[0].lower()
        for text in dict.fromkeys((_SENTENCES.get(primary, _ANYWHERE), _ANYWHERE)):
            scene = Scene(text, 0.0, voice.voice_id, "", "")
            try:
                await speeches.speak(self._storage, self._processes, self._voices, scene, stored)
            except (RenderError, ProcessFailed) as error:
                log.warning("sample_failed", voice_id=voice.voice_id, text=text, error=str(error))
            else:
                return True
        return False
