"""Piper behind a pipe: run by its path with the parent's process id as its argument.

The only module that loads Piper, which is GPL-3 as eSpeak NG is, and for the same reason it runs as a
program of its own (`espeak_process`). It keeps the voices that it has spoken with.

One request a line on standard input, as JSON: `model` and `description` (paths), `pace` (how long sounds
are drawn out, 1 is the voice's own), and `sentences`, each either {"phonemes": [one character each]} or
{"text": "...", "words": [...]}, a text that Piper reads as it does for that voice, and its words. The
answer on standard output is one line of JSON and, right after it, `sample_count` little-endian 32-bit
floats, sentence after sentence:

    {"sample_rate": 22050, "sample_count": n, "sentences": [
        {"phonemes": ["h", ...], "readings": [["h", ...], ...], "counts": [samples of each phoneme, and
         at either end of the silence around them], "sample_count": n}, ...]}

`readings` are what Piper makes of each word by itself; `counts` is null where a model does not tell. Or
`{"error": "..."}` with no samples. The process ends at the end of its input, and with its parent.
"""

import ctypes
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from piper import PiperVoice
from piper.config import PhonemeType, PiperConfig

# prctl(2): a signal for the child when the thread that started it ends.
_PR_SET_PDEATHSIG = 1
_MAX_LOADED_VOICES = 3
# Noise for at least as many channels as a model draws, 192, and for 47 s; for more it begins anew.
_NOISE_SHAPE = (1, 256, 4096)
# Of 256 samples. An id takes 3 to 4 on the average.
_MOST_FRAMES_PER_ID = 12
_NOISE = "noise"
_BOS, _EOS, _PAD = "^", "$", "_"

# Fields of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP = 1, 2, 4


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, Any, memoryview]]:
    """The fields of a protocol buffer: number, value, and both as they are written."""
    view = memoryview(message)
    position = 0
    while position < len(view):
        start = position
        key, position = _varint(view, position)
        kind = key & 7
        if kind == 2:
            length, position = _varint(view, position)
            value: Any = view[position : position + length]
            position += length
        elif kind == 0:
            value, position = _varint(view, position)
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            value = view[position : position + width]
            position += width
        else:
            raise ValueError("the model is no ONNX file")
        if position > len(view):
            raise ValueError("the model is cut short")
        yield key >> 3, value, view[start:position]


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(view) or shift > 63:
            raise ValueError("the model is no ONNX file")
        byte = view[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position


def _message(field: int, content: bytes) -> bytes:
    length, size = bytearray(), len(content)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes([field << 3 | 2]) + bytes(length) + content


def _node(op: str, inputs: list[bytes], output: bytes) -> bytes:
    names = b"".join(_message(_NODE_INPUT, name) for name in inputs)
    return _message(_GRAPH_NODE, names + _message(_NODE_OUTPUT, output) + _message(_NODE_OP, op.encode()))


def _value(name: bytes, element: int, rank: int) -> bytes:
    """A ValueInfoProto: a tensor of that element type (1 float, 7 int64) with unnamed dimensions."""
    tensor = bytes([1 << 3, element]) + _message(2, _message(1, b"") * rank)
    return _message(1, name) + _message(2, _message(1, tensor))


def rewired(model: bytes) -> bytes:
    """The model with its noise as an input and its durations as an output.

    A voice draws two noises, one for the rhythm and one for the sound, and draws others each time. Here
    they are cut from an input instead, so that a text sounds the same whenever it is spoken. The durations
    are the one tensor that VITS rounds up.
    """
    parts: list[bytes | memoryview] = []
    for field, value, raw in _fields(model):
        parts.append(raw if field != _MODEL_GRAPH else _message(_MODEL_GRAPH, _rewired_graph(value)))
    return b"".join(parts)


def _rewired_graph(graph: memoryview) -> bytes:
    parts: list[bytes | memoryview] = []
    durations: list[bytes] = []
    told: set[bytes] = set()
    for field, value, raw in _fields(graph):
        if field == _GRAPH_OUTPUT:
            told.update(bytes(name) for number, name, _ in _fields(value) if number == 1)
        elif field == _GRAPH_NODE:
            node = [(number, bytes(part)) for number, part, _ in _fields(value) if number in (1, 2, 4)]
            named = dict(node)
            if named.get(_NODE_OP) == b"Ceil":
                durations.append(named[_NODE_OUTPUT])
            elif named.get(_NODE_OP) == b"RandomNormalLike":
                shape = named[_NODE_OUTPUT] + b"_shape"
                parts.append(_node("Shape", [named[_NODE_INPUT]], shape))
                parts.append(_node("Slice", [_NOISE.encode(), b"noise_starts", shape], named[_NODE_OUTPUT]))
                continue
        parts.append(raw)
    parts.append(_message(_GRAPH_INPUT, _value(_NOISE.encode(), 1, 3)))
    parts.append(_message(_GRAPH_INPUT, _value(b"noise_starts", 7, 1)))
    if len(durations) == 1 and durations[0] not in told:
        parts.append(_message(_GRAPH_OUTPUT, _value(durations[0], 1, 3)))
    return b"".join(parts)


class _Loaded:
    """A voice that is ready to speak."""

    def __init__(self, model: str, description: str) -> None:
        config = PiperConfig.from_dict(json.loads(Path(description).read_bytes()))
        # A server tells nobody what it does.
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        # Threads that spin between two steps would take the cores from the encoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False
        session = onnxruntime.InferenceSession(
            rewired(Path(model).read_bytes()), options, providers=["CPUExecutionProvider"]
        )
        self._voice = PiperVoice(session=session, config=config, download_dir=Path(model).parent)
        self._session = session
        self._inputs = {known.name for known in session.get_inputs()}
        noise = np.random.default_rng(0)
        self._noise = noise.standard_normal(_NOISE_SHAPE, np.float32)
        self.sample_rate = config.sample_rate

    def read(self, text: str) -> list[str]:
        return [phoneme for part in self._voice.phonemize(text) for phoneme in part]

    def _noise_for(self, frames: float) -> NDArray[np.float32]:
        count = int(frames // _NOISE_SHAPE[-1]) + 1
        return self._noise if count == 1 else np.concatenate([self._noise] * count, axis=-1)

    def utter(self, phonemes: list[str], pace: float) -> tuple[NDArray[np.float32], list[int] | None]:
        """The samples, and how many of them each phoneme takes; silence at either end counts as one more."""
        config = self._voice.config
        ids = self._voice.phonemes_to_ids(phonemes)
        feed: dict[str, Any] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(
                [config.noise_scale, config.length_scale * pace, config.noise_w_scale], np.float32
            ),
            "sid": np.array([config.default_speaker_id], np.int64),
            _NOISE: self._noise_for(len(ids) * max(1.0, pace) * _MOST_FRAMES_PER_ID),
            "noise_starts": np.zeros(3, np.int64),
        }
        answers = self._session.run(None, {name: feed[name] for name in feed if name in self._inputs})
        samples = np.asarray(answers[0], np.float32).reshape(-1)
        if len(answers) < 2 or config.phoneme_type is PhonemeType.PINYIN:
            return samples, None
        frames = np.asarray(answers[1]).reshape(-1)
        pads = len(config.phoneme_id_map[_PAD])
        sizes = [len(config.phoneme_id_map.get(phoneme, ())) for phoneme in [_BOS, *phonemes, _EOS]]
        bounds = np.cumsum([0, *(size + pads if size else 0 for size in sizes)])
        if len(frames) != len(ids) or bounds[-1] - pads != len(ids):
            return samples, None
        totals = np.concatenate([[0], np.cumsum(frames), [frames.sum()]])
        return samples, (np.diff(totals[bounds]) * config.hop_length).astype(int).tolist()


@lru_cache(maxsize=_MAX_LOADED_VOICES)
def _loaded(model: str, description: str, stamps: tuple[int, ...]) -> _Loaded:
    return _Loaded(model, description)


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    voice = _loaded(request["model"], request["description"], tuple(request["stamps"]))
    sentences: list[dict[str, Any]] = []
    sounds: list[NDArray[np.float32]] = []
    for sentence in request["sentences"]:
        phonemes = voice.read(sentence["text"]) if "text" in sentence else sentence["phonemes"]
        samples, counts = (
            voice.utter(phonemes, request["pace"]) if phonemes else (np.zeros(0, np.float32), None)
        )
        sounds.append(samples)
        sentences.append(
            {
                "phonemes": phonemes,
                "readings": [voice.read(word) for word in sentence.get("words", [])],
                "counts": counts,
                "sample_count": len(samples),
            }
        )
    raw = np.concatenate(sounds).astype("<f4") if sounds else np.zeros(0, "<f4")
    header = {"sample_rate": voice.sample_rate, "sample_count": len(raw), "sentences": sentences}
    return header, raw.tobytes()


def _die_with(parent_pid: int) -> None:
    """End at once when the parent does, even in the middle of a synthesis that reads no input."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have ended before the signal was asked for.
    if os.getppid() != parent_pid:
        raise SystemExit(0)


def main() -> None:
    _die_with(int(sys.argv[1]))
    # Piper warns of every sound that a voice was not taught; it leaves it out.
    logging.disable(logging.WARNING)
    # C code or a library that prints must not break the protocol: it keeps a stream of its own.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin.buffer:
        try:
            header, raw = _answer(json.loads(line))
        except Exception as error:  # whatever ails one voice's files, the others can still speak
            logging.getLogger(__name__).exception("Piper could not speak")
            header, raw = {"error": f"{type(error).__name__}: {error}"}, b""
        output.write(json.dumps(header).encode() + b"\n")
        output.write(raw)
        output.flush()


if __name__ == "__main__":
    main()
