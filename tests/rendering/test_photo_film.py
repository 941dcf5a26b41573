"""A film of a photo presenter, decoded: the portrait speaks, and all around it stands still."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering import CaptionStyle, Quality, Scene, Storyboard, Studio
from heygen_graphql.rendering.errors import BrokenRig
from heygen_graphql.rendering.presenters.photo import make_rig, open_rig
from heygen_graphql.rendering.presenters.photo.placement import whole_placement

PORTRAIT = Path(__file__).parents[1] / "portraits" / "collins.jpg"
SCENE = Scene("Papa, a lamp! Mama, a map!", 0.0, "joe", "photo-collins", "", avatar_rig="rig")
STORY = Storyboard((SCENE,), language="en", quality=Quality.LOW, caption_style=CaptionStyle.NONE)
RATE, FRAME_SAMPLES = 48_000, 1_920
FILL_COLUMNS = 130
"""Of 854: the square portrait leaves 139 free on either side."""


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with Studio() as studio:
        yield studio


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photo")
    make_rig(PORTRAIT, folder / "rig", folder / "preview.png")
    return folder / "rig"


@pytest.fixture(scope="module")
def film(studio: Studio, rig: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return studio.render(STORY, tmp_path_factory.mktemp("film"), materials={"rig": rig}).video


@pytest.fixture(scope="module")
def luma(film: Path) -> NDArray[np.float32]:
    """(frames, rows, columns)."""
    with av.open(film) as container:
        height = container.streams.video[0].height
        frames = [frame.to_ndarray(format="yuv420p")[:height] for frame in container.decode(video=0)]
    return np.asarray(frames, np.float32)


def _loudness(film: Path, frames: int) -> NDArray[np.float64]:
    """Of the sound during each frame."""
    with av.open(film) as container:
        assert container.streams.audio[0].rate == RATE
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    sound = np.pad(sound, (0, frames * FRAME_SAMPLES))[: frames * FRAME_SAMPLES]
    power = (sound.reshape(frames, FRAME_SAMPLES).astype(np.float64) ** 2).mean(axis=1)
    return np.asarray(np.sqrt(power), np.float64)


def test_the_mouth_of_a_portrait_opens_with_the_sound(
    film: Path, rig: Path, luma: NDArray[np.float32]
) -> None:
    geometry, (frames, rows, columns) = open_rig(rig), luma.shape
    at = whole_placement(geometry.geometry, (geometry.width, geometry.height), columns, rows)
    left, top, right, bottom = geometry.geometry.mouth
    # The middle of what mouths may change.
    x, y = (left + right) / 2 * at.scale + at.x, (top + bottom) / 2 * at.scale + at.y
    mouth = luma[:, round(y - 45) : round(y + 15), round(x - 40) : round(x + 40)]

    opening = np.abs(mouth - mouth[:2].mean(axis=0)).mean(axis=(1, 2))

    sound = _loudness(film, frames)
    together = [float(np.corrcoef(np.roll(opening, -lag), sound)[0, 1]) for lag in range(-6, 7)]
    assert abs(int(np.argmax(together)) - 6) <= 1
    assert max(together) > 0.5


def test_what_is_around_the_portrait_stands_still(luma: NDArray[np.float32]) -> None:
    columns = luma.shape[2]
    moved = np.abs(luma - luma[0]).max(axis=0)

    # What little there is comes of the encoder.
    assert moved[:, :FILL_COLUMNS].max() <= 6
    assert moved[:, columns - FILL_COLUMNS :].max() <= 6
    assert moved[:, columns // 2].max() > 30


def test_a_film_with_a_broken_rig_is_not_worth_another_try(studio: Studio, rig: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(rig.read_bytes()[:-100])

    with pytest.raises(BrokenRig, match="Make a new one of the portrait") as broken:
        studio.render(STORY, tmp_path, materials={"rig": tmp_path / "broken"})

    assert broken.value.code == "BROKEN_AVATAR"
    assert not broken.value.is_retryable
