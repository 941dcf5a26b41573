"""The voices of eSpeak NG, read from its data files as text: the library itself is not loaded."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from heygen_graphql.rendering.speech.engine import Gender, Voice

ENGINE = "espeak-ng"

# In the data but no use: the wheel has no dictionary for the first three, and the Cherokee voice spells
# Cherokee letters out in English.
_UNFIT = frozenset({"fo", "kaa", "xex", "chr"})
# File names that are no BCP 47 tags, or tags of something else ("ca-ba" would be Catalan in Bosnia).
_TAGS = {
    "ca-ba": "ca-x-balearic",
    "ca-nw": "ca-x-nw",
    "ca-va": "ca-valencia",
    "cmn": "zh",
    "cmn-Latn-pinyin": "zh-Latn-pinyin",
    "en": "en-GB",
    "en-US-nyc": "en-US-x-nyc",
    "piqd": "tlh-Piqd",
    "pt": "pt-PT",
    "py": "art-x-pyash",
    "ru-cl": "ru-x-classic",
}
# Names in the data that say more than a user wants to know.
_NAMES = {"cmn": "Chinese (Mandarin)", "yue": "Chinese (Cantonese)", "hyw": "Armenian (Western)"}
_GENDERS = {"female": Gender.FEMALE, "male": Gender.MALE}


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    voice: Voice
    file: str
    """Relative to the data's `lang` directory; eSpeak NG finds a voice by it where names like en-gb fail."""


@cache
def espeak_voices() -> dict[str, EspeakVoice]:
    """By voice id, in the order of their language tags."""
    found: list[EspeakVoice] = []
    root = _data_directory() / "lang"
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name not in _UNFIT:
            found.append(_read(path, path.relative_to(root).as_posix()))
    found.sort(key=lambda known: known.voice.language.lower())
    return {known.voice.voice_id: known for known in found}


def _data_directory() -> Path:
    # Finding a package does not import it: its code, and the GPL library behind it, stay outside.
    spec = find_spec("espeakng_loader")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("espeakng-loader is not installed", name="espeakng_loader")
    return Path(spec.origin).parent / "espeak-ng-data"


def _read(path: Path, file: str) -> EspeakVoice:
    name, gender = path.name, Gender.MALE
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(" ")
        if key == "name":
            name = value.partition("//")[0].strip()
        elif key == "gender":
            gender = _GENDERS.get(value.split()[0], Gender.NEUTRAL)
    tag = _TAGS.get(path.name, path.name)
    name = f"{_NAMES.get(path.name, name)} (eSpeak NG)"
    return EspeakVoice(Voice(f"espeak-{tag}", name, tag, gender, ENGINE), file)
