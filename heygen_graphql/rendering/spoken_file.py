"""A script in, a sound file out: `python -m heygen_graphql.rendering.spoken_file FILE.m4a`.

Standard input is one object of JSON: `script`, `voice_id`, `speed` and `pitch_semitones`, and what the
voices come from: `voices_dir` and `endpoint`, each null or as `Voices` takes it. Standard output gets one
line of it: `duration_seconds` and `words`, or `code` and `message` when this script cannot be spoken.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from heygen_graphql.rendering import loudness
from heygen_graphql.rendering.errors import EncodingFailed, RenderError
from heygen_graphql.rendering.speech import Speaker, SpeechEndpoint, Voices
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

_BITS_PER_SECOND = 96_000
_BLOCK_SAMPLES = SAMPLE_RATE


def speak(asked: Mapping[str, Any], target: Path) -> dict[str, Any]:
    """Say it as a film would, at a film's loudness; words' times count from the file's start.

    Raises:
        RenderError: it cannot be said, or not be written.
    """
    voices_dir, endpoint = asked["voices_dir"], asked["endpoint"]
    voices = Voices(
        Path(voices_dir) if voices_dir else None, SpeechEndpoint(**endpoint) if endpoint else None
    )
    with Speaker(voices) as speaker:
        speech = speaker.speak(
            asked["script"],
            asked["voice_id"],
            speed=asked["speed"],
            pitch_semitones=asked["pitch_semitones"],
        )
    try:
        _write(target, np.rint(loudness.level(speech.samples) * 32767).astype(np.int16))
    except av.FFmpegError as error:
        raise EncodingFailed(f"The sound could not be written: {error.strerror}.") from error
    words = [
        {
            "text": word.text,
            "start_seconds": round(word.start_seconds, 3),
            "end_seconds": round(word.end_seconds, 3),
        }
        for word in speech.words
    ]
    return {"duration_seconds": round(len(speech.samples) / SAMPLE_RATE, 3), "words": words}


def _write(target: Path, sound: NDArray[np.int16]) -> None:
    with av.open(target, "w", format="ipod", options={"movflags": "+faststart"}) as file:
        stream = file.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = _BITS_PER_SECOND
        for start in range(0, len(sound), _BLOCK_SAMPLES):
            block = np.ascontiguousarray(sound[np.newaxis, start : start + _BLOCK_SAMPLES])
            frame = AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def main(target: Path) -> None:
    # What engines print goes where it disturbs nobody.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        told = speak(json.load(sys.stdin), target)
    except RenderError as error:
        told = {"code": error.code, "message": str(error)}
    answer.write(json.dumps(told) + "\n")
    answer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
