"""What a video costs: `python -m benchmarks.rendering [--long] [--times N] [--portrait PICTURE]`.

Prints, as Markdown: (a) the CPU time of whole renders beside that of libx264 alone encoding the same
frames with the same settings; (b) beside moviepy composing the same pictures; (c) how many times faster
than real time; (d) the memory taken at most, for longer and longer films; (e) what a second process gains.

Renders run in processes of their own. The first film of a process loads models and draws presenters;
later ones find them there. Figures are medians, with the least and the largest in brackets.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import median

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.scene import DrawnScene, drawn_scene
from heygen_graphql.rendering import Quality, Scene, Storyboard
from heygen_graphql.rendering.encoder import add_video_stream, video_frame
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.production import Studio
from heygen_graphql.rendering.speech import default_voice
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

_SENTENCE = (
    "The river rose by two metres last night, and the old bridge was closed to every kind of traffic. "
)
_MINUTE = (_SENTENCE * 11)[:999] + "."
_QUARTER_OF_A_MINUTE = (_SENTENCE * 3)[:249] + "."
# Drawn ahead and kept, so that the encoder works as it does alone.
_FRAMES_AT_ONCE = 50
_BACKGROUND = "#DCE6F0"


@dataclass(frozen=True, slots=True)
class Cost:
    film_seconds: float
    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: int


@dataclass(frozen=True, slots=True)
class Task:
    """What a child renders, `times` times in one studio."""

    storyboard: str
    times: int
    processes: int = 1
    rig: str | None = None


def storyboard(
    quality: Quality, scripts: Iterable[str] = (_MINUTE,), *, rig: Path | None = None
) -> Storyboard:
    voice = default_voice("en")
    assert voice is not None
    scenes = tuple(
        Scene(
            script=script,
            pause_seconds=0.0,
            voice_id=voice.voice_id,
            avatar_id="portrait" if rig else default_avatar().avatar_id,
            background_color="" if rig else _BACKGROUND,
            avatar_rig="rig" if rig else None,
        )
        for script in scripts
    )
    return Storyboard(scenes=scenes, language="en", quality=quality)


def rendered_in_a_child(
    story: Storyboard, times: int = 1, *, processes: int = 1, rig: Path | None = None
) -> list[Cost]:
    """A process of its own: peak memory is a figure of a process's whole life."""
    task = Task(story.to_json(), times, processes, str(rig) if rig else None)
    command = [sys.executable, "-m", "benchmarks.rendering", "--child"]
    answer = subprocess.run(
        command, input=json.dumps(asdict(task)), stdout=subprocess.PIPE, text=True, check=True
    )
    return [Cost(**cost) for cost in json.loads(answer.stdout)]


def render_as_child() -> None:
    task = Task(**json.loads(sys.stdin.read()))
    story = Storyboard.from_json(task.storyboard)
    costs = []
    materials = {"rig": Path(task.rig)} if task.rig else {}
    with Studio(processes=task.processes) as studio:
        for _ in range(task.times):
            started, cpu = time.perf_counter(), _cpu_seconds()
            with tempfile.TemporaryDirectory() as folder:
                film = studio.render(story, Path(folder), materials=materials)
            wall = time.perf_counter() - started
            costs.append(Cost(film.duration_seconds, wall, _cpu_seconds() - cpu, _peak_megabytes()))
    print(json.dumps([asdict(cost) for cost in costs]))


def _cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_megabytes() -> int:
    # Not getrusage's ru_maxrss: on Linux that also remembers the parent's memory at the time of the fork.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def x264_alone(scene: DrawnScene) -> float:
    """CPU seconds of encoding the scene's frames.

    Its threads work on while the next frames are drawn, so that all of the process is counted, less
    what the drawing took, which is this thread's alone.
    """
    cpu_seconds = -time.process_time()
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file, av.open(file.name, "w") as container:
        stream = add_video_stream(container, scene.size, threads=len(os.sched_getaffinity(0)))
        batches = _batches(scene.frames())
        number = 0
        while True:
            before = time.thread_time()
            batch = next(batches, None)
            cpu_seconds -= time.thread_time() - before
            if batch is None:
                break
            for picture in batch:
                container.mux(stream.encode(video_frame(picture, number)))
                number += 1
        container.mux(stream.encode(None))
    return cpu_seconds + time.process_time()


def _batches(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
    while batch := [picture.copy() for picture in islice(pictures, _FRAMES_AT_ONCE)]:
        yield batch


def spread(values: Iterable[float], digits: int = 2) -> str:
    values = list(values)
    middle, least, most = (f"{value:.{digits}f}" for value in (median(values), min(values), max(values)))
    return f"{middle} ({least}..{most})" if len(values) > 1 else middle


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def table(title: str, *heads: str) -> None:
    print(f"\n{title}\n")
    row(*heads)
    row(*("---" for _ in heads))


def beside_the_encoder(times: int, rig: Path | None) -> None:
    """(a) and (c)."""
    table(
        f"A minute of speech ({len(_MINUTE)} characters); CPU in ms a frame",
        *("film", "libx264 alone", "whole, first film", "whole, later films"),
        *("times the encoder, first", "times the encoder, later", "times real time"),
    )
    for kind, of_kind in (("drawn", None), ("photo", rig)):
        if kind == "photo" and rig is None:
            continue
        for quality in (Quality.MEDIUM, Quality.HIGH):
            story = storyboard(quality, rig=of_kind)
            scene = drawn_scene(story, {"rig": of_kind} if of_kind else {})
            alone, first, later, fast = [], [], [], []
            for _ in range(times):
                # One after the other, so that a machine that slows down slows both.
                alone.append(x264_alone(scene) / scene.frame_count * 1000)
                costs = rendered_in_a_child(story, 3, rig=of_kind)
                first.append(_milliseconds(costs[0]))
                later += [_milliseconds(cost) for cost in costs[1:]]
                fast += [cost.film_seconds / cost.wall_seconds for cost in costs[1:]]
            row(
                f"{kind}, {story.size[0]}x{story.size[1]}",
                *(spread(values) for values in (alone, first, later)),
                f"{median(first) / median(alone):.2f}",
                f"{median(later) / median(alone):.2f}",
                spread(fast, 1),
            )


def _milliseconds(cost: Cost) -> float:
    return cost.cpu_seconds / (cost.film_seconds * FRAMES_PER_SECOND) * 1000


def beside_moviepy(times: int) -> None:
    """(b)."""
    from benchmarks.moviepy_film import compose

    table(
        "The same pictures, captions and sound composed by moviepy; seconds for a second of film",
        *("film", "moviepy, CPU", "moviepy, wall", "whole render, CPU", "whole render, wall"),
        *("times less CPU", "times faster"),
    )
    for quality in (Quality.MEDIUM, Quality.HIGH):
        story = storyboard(quality, [_SENTENCE])
        scene = drawn_scene(story, {})
        cpu, wall = [], []
        for _ in range(times):
            with tempfile.TemporaryDirectory() as folder:
                run = compose(scene, Path(folder))
                started, before = time.perf_counter(), _cpu_seconds()
                run()
                cpu.append((_cpu_seconds() - before) / scene.seconds)
                wall.append((time.perf_counter() - started) / scene.seconds)
        ours = rendered_in_a_child(story, times + 1)[1:]
        our_cpu = [cost.cpu_seconds / cost.film_seconds for cost in ours]
        our_wall = [cost.wall_seconds / cost.film_seconds for cost in ours]
        row(
            f"drawn, {story.size[0]}x{story.size[1]}",
            *(spread(values, 3) for values in (cpu, wall, our_cpu, our_wall)),
            f"{median(cpu) / median(our_cpu):.1f}",
            f"{median(wall) / median(our_wall):.1f}",
        )


def _different(script: str, count: int) -> list[str]:
    """Equal scenes would share a segment."""
    return [f"Number {number}. {script}" for number in range(1, count + 1)]


def memory(is_long: bool) -> None:
    """(d)."""
    table("Memory at most (VmHWM), 1280x720", "minutes", "one scene a minute, MB")
    for minutes in (1, 5, 15) if is_long else (1, 5):
        (cost,) = rendered_in_a_child(storyboard(Quality.MEDIUM, _different(_MINUTE, minutes)))
        row(f"{cost.film_seconds / 60:.1f}", cost.peak_megabytes)


def processes(times: int) -> None:
    """(e)."""
    table("Scenes of 17 s at once, 1280x720; wall seconds", "scenes", "1 process", "2 processes", "gain")
    for scenes in (2, 4):
        story = storyboard(Quality.MEDIUM, _different(_QUARTER_OF_A_MINUTE, scenes))
        walls = [
            [cost.wall_seconds for cost in rendered_in_a_child(story, times + 1, processes=count)[1:]]
            for count in (1, 2)
        ]
        row(scenes, *(spread(wall) for wall in walls), f"{median(walls[0]) / median(walls[1]):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="render fifteen minutes too")
    parser.add_argument("--times", type=int, default=2, help="how often each figure is taken (2)")
    parser.add_argument("--portrait", type=Path, help="a photograph: measure a presenter made of it too")
    parser.add_argument("--only", choices=list("abcde"), help="one of the measurements; (c) comes with (a)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        render_as_child()
        return
    times = arguments.times
    with tempfile.TemporaryDirectory() as folder:
        rig = _rig_of(arguments.portrait, Path(folder)) if arguments.portrait else None
        measurements: dict[str, Callable[[], None]] = {
            "a": lambda: beside_the_encoder(times, rig),
            "b": lambda: beside_moviepy(times),
            "d": lambda: memory(arguments.long),
            "e": lambda: processes(times),
        }
        only = "a" if arguments.only == "c" else arguments.only
        for name, measure in measurements.items():
            if only in (None, name):
                measure()


def _rig_of(portrait: Path, folder: Path) -> Path:
    rig = folder / "portrait.rig"
    command = [sys.executable, "-m", "heygen_graphql.rendering.presenters.photo"]
    subprocess.run([*command, portrait, rig, folder / "preview.png"], check=True, stdout=subprocess.DEVNULL)
    return rig


if __name__ == "__main__":
    main()
