"""The render process by itself, as its parent sees it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from heygen_graphql.jobs.protocol import (
    CONTENT_TYPES,
    FAILED_WITHIN,
    VIDEO,
    Equipment,
    Failure,
    Job,
    Message,
    Progress,
    Rendered,
    SegmentsMade,
    SegmentStored,
    decode,
    encode_input,
)
from heygen_graphql.rendering import Quality, Scene, Storyboard
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.segments import file_name, segment_keys
from heygen_graphql.rendering.speech import default_voice
from tests.servers import SLACK, wait_until, wait_until_gone

_VOICE = default_voice("en")
assert _VOICE is not None
SCENE = Scene("Hello.", 0.0, _VOICE.voice_id, default_avatar().avatar_id, "#204060")
SHORT = Storyboard((SCENE,), "en", quality=Quality.LOW)
LONG = replace(SHORT, scenes=(replace(SCENE, script="This takes a while. " * 45),), quality=Quality.HIGH)


class Child:
    """A render process and its parent's ends of the pipes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "heygen_graphql.jobs.render_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._jobs = 0
        self._tell(Equipment())

    def render(self, directory: Path, storyboard: Storyboard | str, only: list[str] | None = None) -> None:
        self._jobs += 1
        text = storyboard if isinstance(storyboard, str) else storyboard.to_json()
        segments = directory / "segments"
        segments.mkdir(parents=True, exist_ok=True)
        self._tell(Job(self._jobs, text, str(directory), str(segments), materials={}, only=only))

    def messages(self) -> Iterator[Message]:
        """Up to the end of the film."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            job_number, message = decode(line)
            assert job_number == self._jobs
            yield message
            if isinstance(message, Rendered | SegmentsMade | Failure):
                return

    def _tell(self, what: Equipment | Job) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(encode_input(what))
        self.process.stdin.flush()


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.process.kill()
        # Closes the pipes, and waits.
        child.process.__exit__(None, None, None)


def start(children: list[Child], directory: Path, storyboard: Storyboard | str) -> Child:
    children.append(Child())
    children[-1].render(directory, storyboard)
    return children[-1]


def test_a_storyboard_becomes_four_files_with_progress_on_the_way(
    children: list[Child], tmp_path: Path
) -> None:
    *told, end = start(children, tmp_path, SHORT).messages()

    assert isinstance(end, Rendered)
    assert end.file_size_bytes == (tmp_path / "video.mp4").stat().st_size
    assert [word["text"] for word in end.transcript] == ["Hello."]
    assert {path.name for path in tmp_path.iterdir()} >= set(CONTENT_TYPES)
    fractions = [one.fraction for one in told if isinstance(one, Progress)]
    assert len(fractions) > 2
    assert fractions == sorted(fractions)
    # And its scene is there for another time
    stored = [one.name for one in told if isinstance(one, SegmentStored)]
    assert stored == end.segments == [path.name for path in (tmp_path / "segments").iterdir()]


def test_one_process_renders_film_after_film(children: list[Child], tmp_path: Path) -> None:
    # Given a process that has rendered a film, and failed at another
    child = start(children, tmp_path / "1", SHORT)
    *_, first = child.messages()
    child.render(tmp_path / "2", replace(SHORT, scenes=(replace(SCENE, voice_id="nobody"),)))
    *_, second = child.messages()

    # When it renders the first one again
    child.render(tmp_path / "3", SHORT)
    *_, third = child.messages()

    # Then it is the same film
    assert isinstance(second, Failure)
    assert isinstance(first, Rendered)
    assert isinstance(third, Rendered)
    assert third.transcript == first.transcript
    assert third.duration_seconds == first.duration_seconds
    assert (tmp_path / "3" / "video.mp4").exists()


def test_scenes_that_are_made_one_by_one_are_those_of_the_film(children: list[Child], tmp_path: Path) -> None:
    # Given a film of three scenes, and the first and last of them as made for themselves
    three = replace(SHORT, scenes=tuple(replace(SCENE, script=f"Number {one}.") for one in "123"))
    whole, apart = tmp_path / "whole", tmp_path / "apart"
    *_, film = start(children, whole, three).messages()
    assert isinstance(film, Rendered)
    first, _second, last = segment_keys(three)
    child = children[-1]
    child.render(apart, three, only=[last, first])
    *told, end = child.messages()

    # Then no film is made of them
    assert end == SegmentsMade()
    names = [file_name(last), file_name(first)]
    assert [one.name for one in told if isinstance(one, SegmentStored)] == names
    fractions = [one.fraction for one in told if isinstance(one, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.5
    assert not (apart / VIDEO).exists()

    # And a film that is joined from them is the same
    child.render(apart, three)
    *_, joined = child.messages()
    assert isinstance(joined, Rendered)
    assert [scene["reused"] for scene in joined.scenes] == [True, False, True]
    assert (joined.transcript, joined.duration_seconds) == (film.transcript, film.duration_seconds)
    assert joined.report == film.report


def test_a_scene_that_the_film_does_not_have_is_a_fault_within(children: list[Child], tmp_path: Path) -> None:
    children.append(Child())
    children[-1].render(tmp_path, SHORT, only=["0" * 64])
    assert list(children[-1].messages()) == [FAILED_WITHIN]


def test_what_libraries_print_stays_out_of_the_protocol(
    children: list[Child], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a library that has something to say when it is loaded
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def thank(event, details):\n"
        "    if event == 'import' and details[0] == 'numpy':\n"
        "        os.write(1, b'Thank you for using this library!\\n')\n"
        "sys.addaudithook(thank)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    child = start(children, tmp_path, replace(SHORT, scenes=(replace(SCENE, voice_id="nobody"),)))
    messages = list(child.messages())
    assert isinstance(messages[-1], Failure)
    child.process.kill()
    assert child.process.stderr is not None
    assert b"Thank you" in child.process.stderr.read()


def test_what_the_owner_can_mend_is_told_in_its_own_words(children: list[Child], tmp_path: Path) -> None:
    unknown = replace(SHORT, scenes=(replace(SCENE, voice_id="nobody"),))
    *_, end = start(children, tmp_path, unknown).messages()
    assert isinstance(end, Failure)
    assert (end.code, end.is_retryable) == ("UNKNOWN_VOICE", False)
    assert "'nobody'" in end.message


def test_what_went_wrong_inside_is_not_told(children: list[Child], tmp_path: Path) -> None:
    (end,) = start(children, tmp_path, json.dumps({"scenes": "none"})).messages()
    assert end == Failure(
        "RENDER_FAILED",
        "Rendering failed for a reason within the server. Retry the video.",
        is_retryable=True,
    )


def test_a_render_told_to_stop_says_that_its_time_was_up(children: list[Child], tmp_path: Path) -> None:
    child = start(children, tmp_path, LONG)
    messages = child.messages()
    assert isinstance(next(messages), Progress)
    child.process.send_signal(signal.SIGTERM)
    *_, end = messages
    assert isinstance(end, Failure)
    assert end.code == "RENDER_TIMED_OUT"


def test_a_render_whose_input_ends_takes_all_it_started_with_it(
    children: list[Child], tmp_path: Path
) -> None:
    # Given a render in a voice that a program of its own speaks
    german = default_voice("de")
    assert german is not None
    scene = replace(SCENE, script="Das dauert eine Weile. " * 40, voice_id=german.voice_id)
    child = start(children, tmp_path, Storyboard((scene,), "de", quality=Quality.HIGH))
    assert isinstance(next(child.messages()), Progress)
    process = psutil.Process(child.process.pid)
    family = [process, *process.children(recursive=True)]

    # When its parent's end of the pipe closes
    assert child.process.stdin is not None
    child.process.stdin.close()

    # Then all of it is gone at once
    began = time.monotonic()
    wait_until_gone(family)
    assert time.monotonic() - began < 1 * SLACK


def test_a_render_whose_parent_dies_is_killed_though_its_input_stays_open(tmp_path: Path) -> None:
    # Given a render that was started by a program in between, with our pipe for its input
    start_render = (
        "import subprocess, sys\n"
        "render = subprocess.Popen([sys.executable, '-m', 'heygen_graphql.jobs.render_child'],\n"
        "                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(render.pid, flush=True)\n"
        "render.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start_render], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as between:
        assert between.stdin is not None
        assert between.stdout is not None
        render = psutil.Process(int(between.stdout.readline()))
        # Which waits for its first film
        wait_until(lambda: render.nice() == 10, "starting the render")

        # When that program dies
        between.kill()

        # Then the render is killed as well
        wait_until_gone([render])
