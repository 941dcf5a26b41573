"""Speaking with any voice, whichever engine it belongs to."""

from typing import Self

from heygen_graphql.rendering.errors import UnspeakableText
from heygen_graphql.rendering.speech import endpoint_voices, piper_voices
from heygen_graphql.rendering.speech.catalogue import HEART, Voices
from heygen_graphql.rendering.speech.engine import Speech, SpeechEngine
from heygen_graphql.rendering.speech.writing import check_text


class Speaker:
    """Opens each engine when a voice of it first speaks, and closes them at the end of its `with` block."""

    def __init__(self, voices: Voices | None = None) -> None:
        self._voices = voices or Voices()
        self._engines: dict[str, SpeechEngine] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def speak(self, text: str, voice_id: str, *, speed: float = 1.0, pitch_semitones: float = 0.0) -> Speech:
        """
        Raises:
            UnknownVoice: no engine has that voice.
            UnspeakableText: the voice cannot read this text.
            SpeechFailed: the engine broke; the next call starts it anew.
        """
        voice = self._voices.get(voice_id)
        check_text(text, voice)
        engine = self._engines.get(voice.engine)
        if engine is None:
            engine = self._engines[voice.engine] = self._open(voice.engine)
        return engine.speak(text, voice, speed=speed, pitch_semitones=pitch_semitones)

    def close(self) -> None:
        """Safe to repeat; speaking afterwards opens the engines again."""
        while self._engines:
            _, engine = self._engines.popitem()
            engine.close()

    def _open(self, name: str) -> SpeechEngine:
        # Here and not above: the API's process reads the catalogue through this package and needs no engine.
        if name == HEART.engine:
            from heygen_graphql.rendering.speech.hibari import Hibari

            return Hibari()
        if name == piper_voices.ENGINE:
            from heygen_graphql.rendering.speech.piper import Piper

            return Piper(self._voices, self._reference)
        if name == endpoint_voices.ENGINE and self._voices.endpoint is not None:
            from heygen_graphql.rendering.speech.endpoint import Endpoint

            return Endpoint(self._voices.endpoint, self._reference)
        from heygen_graphql.rendering.speech.espeak import Espeak

        return Espeak()

    def _reference(self, text: str, language: str) -> Speech:
        """By an installed voice, whose times are known."""
        voice = Voices().default(language)
        if voice is None:
            raise UnspeakableText(f"No voice here speaks {language!r}, which would time this script.")
        return self.speak(text, voice.voice_id)
