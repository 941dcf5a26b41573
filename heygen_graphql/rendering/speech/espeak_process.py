"""eSpeak NG behind a pipe: `python -m heygen_graphql.rendering.speech.espeak_process PARENT_PID`.

The only module that loads the GPL library, and it runs as a program of its own: the licences stay
apart, and the library's global state (voice, rate, pitch) belongs to one caller.

One request a line on standard input, as JSON: `text`, `voice` (a file below `lang/`), `rate` (words a
minute), `pitch` and `range` (eSpeak's 0 to 100). The answer on standard output is one line of JSON
and, right after it, `sample_count` little-endian 16-bit samples:

    {"sample_rate": 22050, "sample_count": n,
     "words": [[first_character, character_count, first_sample], ...],
     "phonemes": [["ipa", first_sample], ...]}

or `{"error": "..."}` with no samples. The process ends at the end of its input, and with its parent.

What the library has said before moves the samples of what it says next, whatever is set anew. Each text
is therefore said by a fork of a library that has said nothing (2 ms), so that it always sounds the same.
"""

import ctypes
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from ctypes import POINTER, c_char, c_char_p, c_int, c_short, c_uint, c_void_p
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import espeakng_loader

# From speak_lib.h of eSpeak NG 1.52.
_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_PHONEME_EVENTS = 0x0001
_INITIALIZE_PHONEME_IPA = 0x0002
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_PARAMETER_RATE = 1
_PARAMETER_VOLUME = 2
_PARAMETER_PITCH = 3
_PARAMETER_RANGE = 4
_EVENT_LIST_TERMINATED = 0
_EVENT_WORD = 1
_EVENT_PHONEME = 7
# Of 100: at its own default the library clips some voices.
_VOLUME = 70

# prctl(2): a signal for the child when the thread that started it ends.
_PR_SET_PDEATHSIG = 1


class _EventId(ctypes.Union):
    _fields_ = (("number", c_int), ("name", c_void_p), ("string", c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", c_int),
        ("unique_identifier", c_uint),
        ("text_position", c_int),
        ("length", c_int),
        ("audio_position", c_int),
        ("sample", c_int),
        ("user_data", c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(c_int, POINTER(c_short), c_int, POINTER(_Event))


@dataclass(slots=True)
class _Recording:
    """What the library has said of one text so far."""

    samples: bytearray = field(default_factory=bytearray)
    words: list[tuple[int, int, int]] = field(default_factory=list)
    phonemes: list[tuple[bytes, int]] = field(default_factory=list)

    def listen(self, wav: Any, sample_count: int, events: Any) -> int:
        if wav and sample_count:
            self.samples += ctypes.string_at(wav, sample_count * 2)
        for event in _until_terminated(events):
            if event.type == _EVENT_WORD:
                self.words.append((event.text_position - 1, event.length, event.sample))
            elif event.type == _EVENT_PHONEME:
                self.phonemes.append((bytes(event.id.string), event.sample))
        return 0

    def whole_phonemes(self) -> list[tuple[str, int]]:
        """The phonemes with pieces of one put together.

        An event carries at most eight bytes, so a long one comes as several at the same sample, cut
        even inside a character; only a full piece can have a rest.
        """
        whole: list[tuple[bytes, int]] = []
        has_rest = False
        for piece, sample in self.phonemes:
            if has_rest and whole[-1][1] == sample:
                whole[-1] = (whole[-1][0] + piece, sample)
            else:
                whole.append((piece, sample))
            has_rest = len(piece) == 8
        return [(ipa.decode("utf-8", "replace"), sample) for ipa, sample in whole]


def _until_terminated(events: Any) -> Iterator[Any]:
    index = 0
    while events[index].type != _EVENT_LIST_TERMINATED:
        yield events[index]
        index += 1


class _Library:
    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Synth.argtypes = [
            c_char_p, ctypes.c_size_t, c_uint, c_int, c_uint, c_uint, POINTER(c_uint), c_void_p,
        ]  # fmt: skip
        self.sample_rate = self._library.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS,
            0,
            espeakng_loader.get_data_path().encode(),
            _INITIALIZE_PHONEME_EVENTS | _INITIALIZE_PHONEME_IPA | _INITIALIZE_DONT_EXIT,
        )
        if self.sample_rate <= 0:
            raise OSError("eSpeak NG could not be initialised")

    def speak(self, text: str, voice: str, rate: int, pitch: int, pitch_range: int) -> _Recording:
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise LookupError(f"eSpeak NG has no voice {voice!r}")
        for parameter, value in (
            (_PARAMETER_RATE, rate),
            (_PARAMETER_VOLUME, _VOLUME),
            (_PARAMETER_PITCH, pitch),
            (_PARAMETER_RANGE, pitch_range),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        recording = _Recording()
        # The name keeps the callback alive for as long as C holds its address.
        callback = _Callback(recording.listen)
        self._library.espeak_SetSynthCallback(callback)
        encoded = text.encode()
        status = self._library.espeak_Synth(
            encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        if status != 0:
            raise RuntimeError(f"espeak_Synth returned {status}")
        return recording


def _answer(library: _Library, request: dict[str, Any], output: BinaryIO) -> None:
    try:
        recording = library.speak(
            request["text"], request["voice"], request["rate"], request["pitch"], request["range"]
        )
    except (LookupError, RuntimeError) as error:
        output.write(json.dumps({"error": str(error)}).encode() + b"\n")
        return
    header = {
        "sample_rate": library.sample_rate,
        "sample_count": len(recording.samples) // 2,
        "words": recording.words,
        "phonemes": recording.whole_phonemes(),
    }
    output.write(json.dumps(header).encode() + b"\n")
    output.write(recording.samples)


def _answer_from_fork(library: _Library, line: bytes, output: BinaryIO) -> None:
    own_pid = os.getpid()
    fork_pid = os.fork()
    if fork_pid:
        _, status = os.waitpid(fork_pid, 0)
        if status:
            # Half an answer may be in the pipe: only its end tells the caller.
            raise SystemExit(1)
        return
    status = 1
    try:
        _die_with(own_pid)
        _answer(library, json.loads(line), output)
        output.flush()
        status = 0
    except Exception:
        logging.getLogger(__name__).exception("eSpeak NG could not speak")
    finally:
        # Never back into the loop, nor through the clean-up that belongs to the first process.
        os._exit(status)


def _die_with(parent_pid: int) -> None:
    """End at once when the parent does, even in the middle of a synthesis that reads no input."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have ended before the signal was asked for.
    if os.getppid() != parent_pid:
        raise SystemExit(0)


def main() -> None:
    _die_with(int(sys.argv[1]))
    library = _Library()
    # C code or a library that prints must not break the protocol: it keeps a stream of its own.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin.buffer:
        _answer_from_fork(library, line, output)


if __name__ == "__main__":
    main()
