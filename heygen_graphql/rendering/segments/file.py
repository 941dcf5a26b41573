"""A segment's file: an MP4 of the scene (H.264 and FLAC), and behind it a box with all that is known of it.

The box ends in a digest of everything before it, so that a file which was cut short, altered or mixed up is
told from a whole one without decoding it. Players skip the box.
"""

import mmap
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from heygen_graphql.rendering.captions.cues import Cue
from heygen_graphql.rendering.speech.engine import TimedWord

# A box of a kind of one's own (ISO/IEC 14496-12, 4.2): length, "uuid", and 16 bytes that name the kind.
_BOX_KIND = b"uuid" + bytes.fromhex("6d9f1c0a5b0e4f64b7d2c41a3e58f09b")
_BOX_OVERHEAD = 4 + len(_BOX_KIND)
_LENGTH_BYTES = 4
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What a film needs to know of a scene besides pictures and sound; times count from the scene's start."""

    key: str
    frame_count: int
    speech_seconds: float
    words: tuple[TimedWord, ...]
    cues: tuple[Cue, ...]
    missing_glyphs: int
    black_frames: int
    """Frames that were drawn black though the background is not."""
    may_be_black: bool
    """The background itself is as dark as black frames are."""


_FACTS = TypeAdapter(SceneFacts)


def seal(segment: Path, facts: SceneFacts) -> None:
    """Append the facts and the digest to a finished MP4."""
    text = _FACTS.dump_json(facts)
    length = _BOX_OVERHEAD + len(text) + _LENGTH_BYTES + _DIGEST_BYTES
    with segment.open("r+b") as file:
        file.seek(0, 2)
        file.write(length.to_bytes(4, "big") + _BOX_KIND + text + len(text).to_bytes(_LENGTH_BYTES, "big"))
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            digest = sha256(data).digest()
        file.write(digest)


def read_facts(segment: Path, key: str) -> SceneFacts | None:
    """None when there is no whole segment of that key in the file, whatever else is there."""
    try:
        with segment.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _checked(data, key)
    except (FileNotFoundError, ValueError):  # there is no file; it is empty
        return None


def _checked(data: mmap.mmap, key: str) -> SceneFacts | None:
    end = len(data) - _DIGEST_BYTES
    with memoryview(data) as view, view[: max(end, 0)] as content:
        if sha256(content).digest() != data[max(end, 0) :]:
            return None
    text_end = end - _LENGTH_BYTES
    text_length = int.from_bytes(data[text_end:end], "big")
    if data[text_end - text_length - len(_BOX_KIND) : text_end - text_length] != _BOX_KIND:
        return None
    try:
        facts = _FACTS.validate_json(data[text_end - text_length : text_end])
    except ValidationError:
        return None
    return facts if facts.key == key else None
