"""What a video costs: `python -m benchmarks.rendering [--long]`.

Prints, for a script of 1,000 characters at 720p and 1080p, how many times faster than real time it
renders, the memory it takes at most, and its CPU time beside that of libx264 alone encoding the
same frames. `--long` adds a video of five minutes, whose memory must be that of the short one.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering import Quality, Scene, Storyboard, render
from heygen_graphql.rendering.compositor import Compositor, Look, SceneShot
from heygen_graphql.rendering.encoder import add_video_stream, video_frame
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.speech import Speaker, default_voice
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND
from heygen_graphql.rendering.visemes import mouth_track

_SENTENCE = (
    "The river rose by two metres last night, and the old bridge was closed to every kind of traffic. "
)
SCRIPT = (_SENTENCE * 11)[:999] + "."
# Drawn ahead and kept, so that drawing them is not counted.
_FRAMES_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Cost:
    film_seconds: float
    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: int


def storyboard(quality: Quality, scene_count: int = 1) -> Storyboard:
    voice = default_voice("en")
    assert voice is not None
    scene = Scene(
        script=SCRIPT,
        pause_seconds=0.0,
        voice_id=voice.voice_id,
        avatar_id=default_avatar().avatar_id,
        background_color="#DCE6F0",
    )
    return Storyboard(scenes=(scene,) * scene_count, language="en", quality=quality)


def rendered_in_a_child(story: Storyboard) -> Cost:
    """A process of its own: peak memory is a figure of a process's whole life."""
    command = [sys.executable, "-m", "benchmarks.rendering", "--child"]
    answer = subprocess.run(command, input=story.to_json(), capture_output=True, text=True, check=True)
    return Cost(**json.loads(answer.stdout))


def render_as_child() -> None:
    story = Storyboard.from_json(sys.stdin.read())
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        film = render(story, Path(folder))
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cost = Cost(
        film_seconds=film.duration_seconds,
        wall_seconds=time.perf_counter() - started,
        cpu_seconds=sum(usage.ru_utime + usage.ru_stime for usage in usages),
        peak_megabytes=peak_megabytes(),
    )
    print(json.dumps(asdict(cost)))


def peak_megabytes() -> int:
    # Not getrusage's ru_maxrss: on Linux that also remembers the parent's memory at the time of the fork.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def x264_alone(story: Storyboard) -> tuple[float, int]:
    """CPU seconds of encoding the film's pictures, without captions, and how many they are."""
    scene = story.scenes[0]
    assert scene.script is not None
    with Speaker() as speaker:
        speech = speaker.speak(scene.script, scene.voice_id)
    count = int(speech.phonemes[-1].end_seconds * FRAMES_PER_SECOND)
    shot = SceneShot(
        look=Look(scene.avatar_id, None, scene.background_color, None),
        frame_count=count,
        mouth=mouth_track(speech.phonemes, count),
        emphasis=np.full(count, 0.5, np.float32),
        sentence_ends=(),
        seed=0,
    )
    pictures = Compositor(*story.size).frames(shot, [])
    cpu_seconds = 0.0
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file, av.open(file.name, "w") as container:
        stream = add_video_stream(container, story.size)
        for first, batch in enumerate(_batches(pictures)):
            started = time.process_time()
            for number, picture in enumerate(batch, start=first * _FRAMES_AT_ONCE):
                container.mux(stream.encode(video_frame(picture, number)))
            cpu_seconds += time.process_time() - started
        started = time.process_time()
        container.mux(stream.encode(None))
        cpu_seconds += time.process_time() - started
    return cpu_seconds, count


def _batches(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
    while batch := [picture.copy() for picture in islice(pictures, _FRAMES_AT_ONCE)]:
        yield batch


def report(label: str, cost: Cost) -> None:
    print(
        f"{label}: {cost.film_seconds:.1f} s of video in {cost.wall_seconds:.1f} s,"
        f" {cost.film_seconds / cost.wall_seconds:.1f} times real time;"
        f" {cost.cpu_seconds:.1f} s of CPU; at most {cost.peak_megabytes} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="also render five minutes at 1080p")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        render_as_child()
        return
    for quality in (Quality.MEDIUM, Quality.HIGH):
        story = storyboard(quality)
        cost = rendered_in_a_child(story)
        report(f"{quality} {story.size[0]}x{story.size[1]}, 1000 characters", cost)
        alone, frames = x264_alone(story)
        whole = cost.cpu_seconds / (cost.film_seconds * FRAMES_PER_SECOND)
        print(
            f"  CPU for a frame: {whole * 1000:.2f} ms all in all, {alone / frames * 1000:.2f} ms for"
            f" libx264 alone; {whole / (alone / frames):.2f} times the encoder"
        )
    if arguments.long:
        report("HIGH, five scenes of 1000 characters", rendered_in_a_child(storyboard(Quality.HIGH, 5)))


if __name__ == "__main__":
    main()
