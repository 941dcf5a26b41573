"""A storyboard in, a film out: what somebody who uses the library finds in the folder."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from heygen_graphql.rendering import (
    AspectRatio,
    CaptionStyle,
    Quality,
    RenderedVideo,
    Scene,
    Stage,
    Storyboard,
    UnknownAvatar,
    UnspeakableText,
    render,
)
from heygen_graphql.rendering.presenters import default_avatar
from heygen_graphql.rendering.speech import default_voice

GREETING = "Hello! I am your presenter. Papa made a bamboo boat, and a yellow lamp."


def scene(script: str | None = GREETING, *, language: str = "en", pause_seconds: float = 0.0) -> Scene:
    voice = default_voice(language)
    assert voice is not None
    return Scene(
        script=script,
        pause_seconds=pause_seconds,
        voice_id=voice.voice_id,
        avatar_id=default_avatar().avatar_id,
        background_color="#DCE6F0",
    )


def storyboard(*scenes: Scene, language: str = "en") -> Storyboard:
    return Storyboard(scenes=scenes, language=language, quality=Quality.LOW, title="A greeting")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("film")


@pytest.fixture(scope="module")
def told() -> list[tuple[Stage, float]]:
    return []


@pytest.fixture(scope="module")
def film(folder: Path, told: list[tuple[Stage, float]]) -> RenderedVideo:
    """Two voices with a pause of 0.73 s between, which is no whole number of frames."""
    german = scene("Guten Tag, meine Damen und Herren.", language="de")
    story = storyboard(scene(), scene(None, pause_seconds=0.73), german)
    return render(story, folder, on_progress=lambda stage, fraction: told.append((stage, fraction)))


def sound_of(video: Path) -> NDArray[np.float32]:
    with av.open(video) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def luma_of(video: Path) -> NDArray[np.uint8]:
    with av.open(video) as container:
        height = container.streams.video[0].height
        frames = [frame.to_ndarray(format="yuv420p")[:height] for frame in container.decode(video=0)]
    return np.array(frames)


def test_the_folder_holds_the_four_files_and_nothing_else(film: RenderedVideo, folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}

    assert names == {"video.mp4", "thumbnail.jpg", "captions.vtt", "captions.srt"}
    assert film.sha256 == hashlib.sha256(film.video.read_bytes()).hexdigest()
    assert film.file_size_bytes == film.video.stat().st_size


def test_sound_and_picture_start_at_zero_and_end_within_a_frame(film: RenderedVideo) -> None:
    with av.open(film.video) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec.name, video.profile, audio.codec.name, audio.rate) == (
            "h264",
            "High",
            "aac",
            48_000,
        )
        assert video.start_time == audio.start_time == 0
        frames = [frame.time for frame in container.decode(video)]

    assert len(frames) == round(film.duration_seconds * 25)
    assert abs(len(sound_of(film.video)) / 48_000 - film.duration_seconds) < 0.04


def test_the_report_keeps_its_promises(film: RenderedVideo) -> None:
    assert film.report.audio_video_offset_ms < 40
    assert film.report.loudness_lufs == pytest.approx(-16, abs=0.5)
    assert film.report.true_peak_dbtp < -1
    assert film.report.black_frames == 0
    assert film.report.missing_glyphs == 0


def test_scenes_tile_the_film_and_a_pause_is_as_long_as_asked(film: RenderedVideo) -> None:
    first, pause, last = film.scenes

    assert first.start_seconds == 0
    assert pause.start_seconds == pytest.approx(first.duration_seconds)
    assert pause.duration_seconds == pytest.approx(0.73, abs=0.02)
    assert last.start_seconds + last.duration_seconds == pytest.approx(film.duration_seconds)


def test_a_film_begins_and_ends_with_a_moment_of_silence(film: RenderedVideo) -> None:
    assert film.transcript[0].start_seconds >= 0.25
    assert film.transcript[-1].end_seconds <= film.duration_seconds - 0.5


def test_words_are_heard_when_the_transcript_says(film: RenderedVideo) -> None:
    sound = np.abs(sound_of(film.video))
    loud = np.convolve(sound, np.ones(480) / 480, mode="same") > 0.01

    for word in film.transcript:
        start, end = (round(seconds * 48_000) for seconds in (word.start_seconds, word.end_seconds))
        assert loud[start:end].mean() > 0.3, word
    pause = film.scenes[1]
    start = round((pause.start_seconds + 0.05) * 48_000)
    assert not loud[start : start + round(0.6 * 48_000)].any()


def test_the_transcript_has_every_word_in_order_and_its_scene(film: RenderedVideo) -> None:
    assert " ".join(word.text for word in film.transcript if word.scene_index == 0) == GREETING
    assert {word.scene_index for word in film.transcript} == {0, 2}
    assert all(one.start_seconds <= two.start_seconds for one, two in pairwise(film.transcript))


def test_the_mouth_moves_with_the_voice(tmp_path: Path) -> None:
    story = replace(storyboard(scene()), caption_style=CaptionStyle.NONE)
    film = render(story, tmp_path)

    # How far the picture of the lips is from what it mostly is tells how far they are open.
    rows = slice(film.height * 50 // 100, film.height * 56 // 100)
    columns = slice(film.width * 46 // 100, film.width * 54 // 100)
    lips = luma_of(film.video)[:, rows, columns].astype(np.float32)
    opening = np.abs(lips - np.median(lips, axis=0)).mean(axis=(1, 2))
    energy = sound_of(film.video)[: len(opening) * 1920].reshape(-1, 1920).std(axis=1)
    loudness = np.log10(energy + 1e-3)

    def likeness(lag: int) -> float:
        """Of the mouth `lag` frames later with the voice."""
        late = opening[max(0, lag) : len(opening) + min(0, lag)]
        voice = loudness[max(0, -lag) : len(loudness) - max(0, lag)]
        return float(np.corrcoef(late, voice)[0, 1])

    best = max(range(-8, 9), key=likeness)
    assert abs(best) <= 1
    assert likeness(best) > 0.4


def test_captions_are_burned_where_the_cues_say_and_only_then(film: RenderedVideo) -> None:
    luma = luma_of(film.video)
    foot = luma[:, round(film.height * 0.82) : round(film.height * 0.95)]
    has_letters = (foot > 225).mean(axis=(1, 2)) > 0.002
    pause = film.scenes[1]

    assert has_letters[round(film.transcript[1].start_seconds * 25) + 1]
    assert not has_letters[0]
    assert not has_letters[round((pause.start_seconds + pause.duration_seconds - 0.1) * 25)]


def test_progress_names_each_stage_in_order_and_never_falls(
    film: RenderedVideo, told: list[tuple[Stage, float]]
) -> None:
    fractions = [fraction for _, fraction in told]

    assert list(dict.fromkeys(stage for stage, _ in told)) == [
        Stage.SPEAKING,
        Stage.DRAWING,
        Stage.ASSEMBLING,
    ]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_the_thumbnail_is_a_picture_of_the_film(film: RenderedVideo) -> None:
    with Image.open(film.thumbnail) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (film.width, film.height)
        # The backdrop, whose colour says whether the matrix of BT.709 was used.
        assert picture.getpixel((4, 4)) == pytest.approx((0xDC, 0xE6, 0xF0), abs=14)


def test_a_portrait_film_without_captions_still_has_its_caption_files(tmp_path: Path) -> None:
    story = replace(
        storyboard(scene("Yes.")), aspect_ratio=AspectRatio.PORTRAIT, caption_style=CaptionStyle.NONE
    )

    film = render(story, tmp_path)

    assert (film.width, film.height) == (480, 854)
    assert "Yes." in film.vtt.read_text()
    assert "Yes." in film.srt.read_text()


def test_a_film_of_silence_is_a_film(tmp_path: Path) -> None:
    film = render(storyboard(scene(None, pause_seconds=1.0)), tmp_path)

    assert film.duration_seconds == 1.0
    assert film.report.loudness_lufs == -70
    assert film.transcript == ()
    assert film.vtt.read_text().strip() == "WEBVTT"


@pytest.mark.parametrize(
    ("story", "error"),
    [
        (storyboard(scene("Привет, мир")), UnspeakableText),
        (storyboard(replace(scene(), avatar_id="nobody")), UnknownAvatar),
    ],
    ids=["a text that the voice cannot read", "an unknown presenter"],
)
def test_a_failed_render_leaves_nothing_behind(
    story: Storyboard, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error):
        render(story, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_storyboard_survives_its_journey_as_json() -> None:
    story = storyboard(scene(), scene(None, pause_seconds=1.5))

    assert Storyboard.from_json(story.to_json()) == story


def test_reading_the_catalogues_loads_no_codec_and_no_model() -> None:
    program = (
        "import json, sys\n"
        "from heygen_graphql.rendering import Scene, Storyboard\n"
        "from heygen_graphql.rendering import presenters, speech\n"
        "speech.voices(); presenters.avatars(); speech.check_text('Hello', speech.voice('heart'))\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    )

    engines = {"onnxruntime", "hibari", "espeakng_loader"}
    assert not ({"av", "cv2", "PIL", "resvg_py"} | engines) & set(loaded)
