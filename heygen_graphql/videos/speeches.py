"""Voices heard without a film."""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import structlog

from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, Unavailable, UserErrorCode
from heygen_graphql.processes import Processes, ProcessFailed
from heygen_graphql.rendering.errors import SpeechFailed, UnspeakableText
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Scene
from heygen_graphql.storage import PREVIEWS_PREFIX, Storage
from heygen_graphql.videos.catalogue import catalogue_for
from heygen_graphql.videos.drafts import storyboard_of
from heygen_graphql.videos.requests import VideoRequest

SUFFIX = ".m4a"

_MODULE = "heygen_graphql.rendering.spoken_file"
# A thousand characters by the slowest engine on a busy core, and its model loaded first.
_SECONDS = 120.0
_MEGABYTES = 4096
_FAILED_SECONDS = 30
"""After which whoever saw an engine fail should come again."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Spoken:
    duration_seconds: float
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    key: str
    """Where in storage the sound lies, for a day."""
    spoken: Spoken


async def preview(
    database: Database,
    storage: Storage,
    processes: Processes,
    voices: Voices,
    owner_id: UUID,
    request: VideoRequest,
) -> Preview:
    """Speak the script of a request as its film would; takes seconds.

    Raises:
        InvalidInput: carries every fault of the request.
        Unavailable: too many wait already, or the engine failed.
    """
    async with database.reading() as session:
        catalogue = await catalogue_for(session, owner_id, [request], voices)
    (scene,) = storyboard_of(request, catalogue).scenes
    key = f"{PREVIEWS_PREFIX}/{uuid4()}{SUFFIX}"
    try:
        return Preview(key, await speak(storage, processes, voices, scene, key))
    except UnspeakableText as error:
        raise InvalidInput.one(UserErrorCode.UNSUPPORTED_LANGUAGE, str(error), "script") from None
    except (SpeechFailed, ProcessFailed) as error:
        if isinstance(error, ProcessFailed) and error.is_out_of_time:
            message = f"Speaking this took longer than {_SECONDS:g} s. Shorten the script, or divide it."
            raise InvalidInput.one(UserErrorCode.TOO_LONG, message, "script") from None
        # What an engine or a paid service said about us is the operator's to read.
        log.warning("preview_failed", voice_id=scene.voice_id, error=str(error))
        message = f"The voice {scene.voice_id!r} cannot be heard just now. Try again later, or another voice."
        raise Unavailable(message, _FAILED_SECONDS) from error


async def speak(storage: Storage, processes: Processes, voices: Voices, scene: Scene, key: str) -> Spoken:
    """Store what the scene says under the key.

    Raises:
        UnspeakableText: the voice cannot read it, as shows when it tries.
        SpeechFailed: the engine broke.
        ProcessFailed: it took too long or too much memory.
    """
    asked = {
        "script": scene.script,
        "voice_id": scene.voice_id,
        "speed": scene.speed,
        "pitch_semitones": scene.pitch_semitones,
        "voices_dir": None if voices.voices_dir is None else str(voices.voices_dir),
        "endpoint": None if voices.endpoint is None else asdict(voices.endpoint),
    }
    with tempfile.TemporaryDirectory(prefix="heygen-speech-") as directory:
        target = Path(directory, f"speech{SUFFIX}")
        output = await processes.run(
            _MODULE, str(target), seconds=_SECONDS, megabytes=_MEGABYTES, said=json.dumps(asked).encode()
        )
        told: dict[str, Any] = json.loads(output)
        if told.get("code") == UnspeakableText.code:
            raise UnspeakableText(told["message"])
        if "code" in told:
            raise SpeechFailed(f"{told['code']}: {told['message']}")
        await storage.put_file(key, target)
    return Spoken(told["duration_seconds"], tuple(SpokenWord(**word) for word in told["words"]))
