"""Scenes rendered by themselves: which are kept, which are made anew, and that joining them shows nowhere."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering import (
    CaptionStyle,
    Quality,
    RenderedVideo,
    RenderError,
    Scene,
    Stage,
    Storyboard,
    Studio,
    render,
)
from heygen_graphql.rendering.errors import PictureRefused
from heygen_graphql.rendering.segments import file_name, segment_keys

TEXTS = ("Good morning, ladies and gentlemen.", "This one is new.", "Goodbye!")


def scene(script: str | None, *, pause_seconds: float = 0.0, color: str = "#DCE6F0") -> Scene:
    return Scene(script, pause_seconds, "heart", "maya", color)


def storyboard(*scenes: Scene) -> Storyboard:
    return Storyboard(scenes, language="en", quality=Quality.LOW)


STORY = storyboard(
    scene(TEXTS[0]),
    scene(TEXTS[1], color="#203040"),
    scene(None, pause_seconds=0.33),
    replace(scene(TEXTS[2]), avatar_id="oliver"),
)
PAUSE = scene(None, pause_seconds=1.0)


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with Studio() as studio:
        yield studio


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segments")


@pytest.fixture(scope="module")
def film(studio: Studio, segments: Path, tmp_path_factory: pytest.TempPathFactory) -> RenderedVideo:
    return studio.render(STORY, tmp_path_factory.mktemp("film"), segments=segments)


def sound_of(video: Path) -> NDArray[np.float32]:
    with av.open(video) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def luma_of(video: Path) -> NDArray[np.uint8]:
    with av.open(video) as container:
        height = container.streams.video[0].height
        frames = [frame.to_ndarray(format="yuv420p")[:height] for frame in container.decode(video=0)]
    return np.array(frames)


def assert_alike(one: RenderedVideo, other: RenderedVideo) -> None:
    """Up to what encoding with another number of threads changes."""
    pictures = luma_of(one.video), luma_of(other.video)
    assert pictures[0].shape == pictures[1].shape
    for first, second in zip(*pictures, strict=True):
        assert np.abs(first.astype(np.int16) - second).mean() < 0.5
    assert np.array_equal(sound_of(one.video), sound_of(other.video))
    assert (one.transcript, one.vtt.read_text()) == (other.transcript, other.vtt.read_text())


def test_a_film_whose_segments_are_all_there_is_only_joined(
    studio: Studio, film: RenderedVideo, segments: Path, tmp_path: Path
) -> None:
    made: list[str] = []
    stages: list[Stage] = []
    again = studio.render(
        replace(STORY, title="Another title"),
        tmp_path,
        segments=segments,
        on_progress=lambda stage, fraction: stages.append(stage),
        on_segment=made.append,
    )

    assert made == []
    assert set(stages) == {Stage.ASSEMBLING}
    assert [timing.reused for timing in film.scenes] == [False] * 4
    assert [timing.reused for timing in again.scenes] == [True] * 4
    assert_alike(film, again)


def test_a_changed_scene_alone_is_rendered_and_the_film_is_that_of_a_fresh_render(
    studio: Studio, film: RenderedVideo, segments: Path, tmp_path: Path
) -> None:
    changed = list(STORY.scenes)
    changed[1] = replace(changed[1], script="This is something else, and it takes longer.")
    story = replace(STORY, scenes=tuple(changed))
    made: list[str] = []
    (tmp_path / "patched").mkdir()
    (tmp_path / "fresh").mkdir()

    patched = studio.render(story, tmp_path / "patched", segments=segments, on_segment=made.append)
    fresh = studio.render(story, tmp_path / "fresh")

    assert [timing.reused for timing in patched.scenes] == [True, False, True, True]
    assert made == [file_name(studio.segment_keys(story)[1])]
    assert_alike(patched, fresh)


def test_a_key_says_what_shapes_a_scene_and_nothing_else() -> None:
    keys = segment_keys(STORY)

    def changes(**scene_two: object) -> list[bool]:
        scenes = list(STORY.scenes)
        scenes[1] = replace(scenes[1], **scene_two)  # type: ignore[arg-type]
        return [
            one != two
            for one, two in zip(keys, segment_keys(replace(STORY, scenes=tuple(scenes))), strict=True)
        ]

    assert all(len(key) == 64 for key in keys)
    assert changes(script="Different.") == [False, True, False, False]
    assert changes(speed=1.1) == [False, True, False, False]
    # The scene after it fades from its look.
    assert changes(background_color="#405060") == [False, True, True, False]
    # Those beside a silence keep none of their own.
    assert changes(script=None, pause_seconds=1.0) == [True, True, False, False]
    assert segment_keys(replace(STORY, title="Another")) == keys
    for other in (
        replace(STORY, quality=Quality.MEDIUM),
        replace(STORY, caption_style=CaptionStyle.KARAOKE),
        replace(STORY, language="fr"),
    ):
        assert not set(segment_keys(other)) & set(keys)


def test_a_font_that_the_user_gave_is_part_of_the_key(tmp_path: Path) -> None:
    without = segment_keys(STORY, fonts_dir=tmp_path)
    (tmp_path / "own.ttf").write_bytes(b"letters")
    first = segment_keys(STORY, fonts_dir=tmp_path)
    (tmp_path / "own.ttf").write_bytes(b"other letters")

    assert len({without, first, segment_keys(STORY, fonts_dir=tmp_path)}) == 3


@pytest.mark.parametrize("damage", ["cut short", "altered", "of another scene", "empty"])
def test_a_damaged_segment_is_rendered_anew(
    damage: str, studio: Studio, film: RenderedVideo, segments: Path, tmp_path: Path
) -> None:
    keys = studio.segment_keys(STORY)
    pause = segments / file_name(keys[2])
    whole = pause.read_bytes()
    damaged = {
        "cut short": whole[:-100],
        "altered": whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:],
        "of another scene": (segments / file_name(keys[0])).read_bytes(),
        "empty": b"",
    }
    pause.write_bytes(damaged[damage])
    made: list[str] = []

    again = studio.render(STORY, tmp_path, segments=segments, on_segment=made.append)

    assert made == [file_name(keys[2])]
    assert [timing.reused for timing in again.scenes] == [True, True, False, True]
    assert len(luma_of(again.video)) == len(luma_of(film.video))


def test_scenes_are_whole_frames_and_the_film_is_their_sum(film: RenderedVideo) -> None:
    frames = [timing.duration_seconds * 25 for timing in film.scenes]

    assert all(count == pytest.approx(round(count)) for count in frames)
    assert film.scenes[2].duration_seconds == pytest.approx(0.33, abs=0.02)
    assert len(luma_of(film.video)) == round(sum(frames)) == round(film.duration_seconds * 25)
    with av.open(film.video) as container:
        for stream in (container.streams.video[0], container.streams.audio[0]):
            assert stream.start_time == 0
            assert stream.duration is not None
            assert stream.time_base is not None
            assert float(stream.duration * stream.time_base) == pytest.approx(film.duration_seconds)


def test_nothing_clicks_where_scenes_meet(film: RenderedVideo) -> None:
    sound = sound_of(film.video)

    for timing in film.scenes[1:]:
        join = round(timing.start_seconds * 48_000)
        around = sound[join - 240 : join + 240]
        assert np.abs(np.diff(around)).max() < 0.003


def test_a_sentence_before_a_pause_is_heard_to_its_end(
    studio: Studio, film: RenderedVideo, tmp_path: Path
) -> None:
    alone = studio.render(storyboard(STORY.scenes[1]), tmp_path)
    end = film.transcript[-2].end_seconds  # of "new.", after which the pause begins
    ending = sound_of(film.video)[round((end - 0.3) * 48_000) : round(end * 48_000)]
    end = alone.transcript[-1].end_seconds
    expected = sound_of(alone.video)[round((end - 0.3) * 48_000) : round(end * 48_000)]

    assert film.transcript[-2].text == "new."
    assert np.sqrt(np.mean(ending**2)) == pytest.approx(np.sqrt(np.mean(expected**2)), rel=0.05)


def test_a_new_look_fades_in_from_the_one_before(film: RenderedVideo) -> None:
    luma = luma_of(film.video).astype(float)
    start = round(film.scenes[1].start_seconds * 25)
    corner = luma[start - 1 : start + 10, 4:40, 4:40].mean(axis=(1, 2))

    # From the bright backdrop to the dark one in eight frames, none of which jumps.
    assert corner[0] > 200
    assert corner[9] < 60
    steps = -np.diff(corner)
    assert steps[:9].min() > 5
    assert steps[:9].max() < 30


def test_a_hundred_scenes_of_less_than_a_frame_are_a_film(studio: Studio, tmp_path: Path) -> None:
    scenes = (scene(None, pause_seconds=0.01), scene(None, pause_seconds=0.05, color="#000000")) * 50

    film = studio.render(storyboard(*scenes), tmp_path)

    assert film.duration_seconds == 100 / 25
    assert len(luma_of(film.video)) == 100
    assert film.report.audio_video_offset_ms == 0
    assert film.report.black_frames == 0


def scene_processes(elders: list[psutil.Process]) -> list[psutil.Process]:
    """This process's children but for those, which may be servers of other tests."""
    return [child for child in psutil.Process().children() if child not in elders]


def test_several_processes_make_the_film_that_one_makes(film: RenderedVideo, tmp_path: Path) -> None:
    fractions: list[float] = []
    elders = psutil.Process().children()
    with Studio(processes=2) as studio:
        twice = studio.render(STORY, tmp_path, on_progress=lambda stage, fraction: fractions.append(fraction))
        children = scene_processes(elders)

    assert_alike(film, twice)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert children
    assert not any(child.is_running() for child in children)


def test_what_goes_wrong_in_a_process_is_raised_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_text("no picture")
    story = storyboard(replace(PAUSE, background_image="picture"), PAUSE)

    with pytest.raises(PictureRefused) as refusal:
        render(story, tmp_path, materials={"picture": tmp_path / "picture.png"}, processes=2)

    assert refusal.value.code == "UNSUPPORTED_MEDIA"
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_a_process_that_is_killed_leaves_no_half_segment_and_is_replaced(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"
    story = storyboard(PAUSE, replace(PAUSE, avatar_id="oliver"))
    elders = psutil.Process().children()

    def kill(stage: Stage, fraction: float) -> None:
        if stage is Stage.DRAWING:
            for child in scene_processes(elders):
                child.kill()

    with Studio(processes=2) as studio:
        with pytest.raises(RenderError, match="SIGKILL"):
            studio.render(story, tmp_path, segments=kept, on_progress=kill)
        assert {path.suffix for path in kept.iterdir()} <= {".mp4"}
        again = studio.render(story, tmp_path, segments=kept)

    assert again.report.black_frames == 0


def test_nothing_goes_on_rendering_when_the_caller_breaks_off(tmp_path: Path) -> None:
    story = storyboard(PAUSE, replace(PAUSE, avatar_id="oliver", pause_seconds=60.0))

    def refuse(name: str) -> None:
        raise KeyboardInterrupt

    with Studio(processes=2) as studio, pytest.raises(KeyboardInterrupt) as interrupt:
        studio.render(story, tmp_path, segments=tmp_path / "kept", on_segment=refuse)

    assert interrupt.traceback
    assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".mp4"]


def test_processes_die_with_the_one_that_started_them(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from heygen_graphql.rendering import Storyboard, render\n"
        "told = lambda stage, fraction: print(stage, flush=True)\n"
        "render(Storyboard.from_json(sys.argv[1]), Path(sys.argv[2]), processes=2, on_progress=told)\n"
    )
    story = storyboard(*(scene(None, pause_seconds=60.0 + number) for number in range(2)))
    parent = subprocess.Popen(
        [sys.executable, "-c", program, story.to_json(), str(tmp_path)], stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        assert any(line == b"DRAWING\n" for line in parent.stdout)
        children = psutil.Process(parent.pid).children(recursive=True)
        os.kill(parent.pid, signal.SIGKILL)

    assert len(children) >= 2
    deadline = time.monotonic() + 10
    while any(_runs(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(child) for child in children)


def _runs(process: psutil.Process) -> bool:
    try:
        status: str = process.status()
        return status != str(psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_missing_material_is_named_at_once(tmp_path: Path) -> None:
    story = storyboard(replace(STORY.scenes[0], background_image="uploads/a.png"))

    with pytest.raises(ValueError, match=r"uploads/a\.png"):
        render(story, tmp_path)
