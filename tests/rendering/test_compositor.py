"""Frames: how many, in which colours, what moves in them and what stands still."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering.compositor import CaptionStrip, Compositor, SceneShot
from heygen_graphql.rendering.errors import UnknownAvatar

WIDTH, HEIGHT = 320, 180
Frames = list[NDArray[np.uint8]]


def shot(
    start: int = 0,
    count: int = 30,
    *,
    avatar_id: str = "maya",
    color: str = "#336699",
    openness: float | NDArray[np.float32] = 0.0,
    seed: int = 7,
) -> SceneShot:
    mouth = np.zeros((count, 4), np.float32)
    mouth[:, 0] = openness
    return SceneShot(avatar_id, color, start, count, mouth, np.zeros(count, np.float32), seed)


def strip(
    start: int, end: int, *, rgba: tuple[int, int, int, int], x: int = 60, y: int = 150
) -> CaptionStrip:
    return CaptionStrip(start, end, x, y, np.full((20, 200, 4), rgba, np.uint8))


def rendered(
    shots: list[SceneShot],
    captions: list[CaptionStrip] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Frames:
    return [frame.copy() for frame in Compositor(*size).frames(shots, captions or [])]


def luma(frame: NDArray[np.uint8], height: int = HEIGHT) -> NDArray[np.int16]:
    return frame[:height].astype(np.int16)


def chroma(
    frame: NDArray[np.uint8], width: int = WIDTH, height: int = HEIGHT
) -> tuple[NDArray[np.int16], ...]:
    flat, size = frame.reshape(-1).astype(np.int16), width * height
    half = (height // 2, width // 2)
    return flat[size : size + size // 4].reshape(half), flat[size + size // 4 :].reshape(half)


def to_rgb(y: float, u: float, v: float) -> tuple[float, float, float]:
    """BT.709-6, limited range, decoded independently of the code under test."""
    e, b, r = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    return (e + 1.5748 * r) * 255, (e - 0.1873 * b - 0.4681 * r) * 255, (e + 1.8556 * b) * 255


def rgb_at(frame: NDArray[np.uint8], x: int, y: int) -> tuple[float, float, float]:
    u, v = chroma(frame)
    return to_rgb(luma(frame)[y, x], u[y // 2, x // 2], v[y // 2, x // 2])


def test_every_shot_gets_exactly_its_frames() -> None:
    shots = [shot(0, 7), shot(7, 5, avatar_id="oliver"), shot(12, 3)]

    frames = rendered(shots)

    assert len(frames) == 15
    assert all(frame.shape == (HEIGHT * 3 // 2, WIDTH) and frame.dtype == np.uint8 for frame in frames)
    assert all(frame.flags.c_contiguous for frame in frames)


def test_an_unknown_avatar_is_refused() -> None:
    with pytest.raises(UnknownAvatar):
        rendered([shot(avatar_id="nobody")])


@pytest.mark.parametrize("color", ["#336699", "#ffffff", "#000000", "#e01b24", "#f0e68c", "#00ff00"])
def test_the_background_decodes_to_the_colour_that_was_asked_for(color: str) -> None:
    (frame,) = rendered([shot(count=1, color=color)])

    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    for x, y in ((0, 0), (WIDTH - 1, 0), (0, HEIGHT // 2), (WIDTH - 1, HEIGHT // 2), (0, HEIGHT - 1)):
        assert rgb_at(frame, x, y) == pytest.approx(wanted, abs=4)


def test_samples_stay_in_the_limited_range() -> None:
    for color in ("#ffffff", "#000000"):
        frame = rendered([shot(count=1, color=color)])[0]
        u, v = chroma(frame)
        assert luma(frame).min() >= 15
        assert luma(frame).max() <= 236
        assert min(u.min(), v.min()) >= 15
        assert max(u.max(), v.max()) <= 241


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (180, 180), (284, 160)])
def test_a_presenter_stands_in_the_middle_of_every_shape(size: tuple[int, int]) -> None:
    width, height = size
    (frame,) = rendered([shot(count=1, color="#00ff00")], size=size)

    # Pure green has a luma of 173; skin, hair and clothes differ.
    is_presenter = np.abs(luma(frame, height) - 173) > 25
    columns = np.flatnonzero(is_presenter.any(axis=0))
    assert abs((columns[0] + columns[-1]) / 2 - width / 2) < width * 0.06
    assert is_presenter[-1].mean() > 0.3
    assert not is_presenter[: height // 30].any()


def test_a_mouth_opens_where_the_track_says_so() -> None:
    openness = np.zeros(20, np.float32)
    openness[10:] = 1.0
    frames = rendered([shot(count=20, openness=openness)], size=(640, 360))

    mouth = (
        slice(round(360 * 0.385 + 128 * 0.3888 - 6), round(360 * 0.385 + 128 * 0.3888 + 14)),
        slice(304, 340),
    )
    dark = [int((luma(frame, 360)[mouth] < 60).sum()) for frame in frames]
    assert max(dark[:10]) < 0.1 * min(dark[10:])


def test_a_presenter_at_rest_lives_without_twitching() -> None:
    frames = rendered([shot(count=100)])

    steps = [np.abs(luma(b) - luma(a)) for a, b in pairwise(frames)]
    # It holds its poses; yet in four seconds it breathes, blinks and takes another.
    assert sum(step.max() > 0 for step in steps) > 25, "the presenter froze"
    assert max(step.mean() for step in steps) < 1.5
    # Far from the presenter nothing ever changes.
    assert all(not step[:, :40].any() for step in steps)


def test_scenes_of_one_presenter_join_without_a_jump() -> None:
    whole = rendered([shot(0, 40)])
    parts = rendered([shot(0, 25), shot(25, 15, seed=99)])

    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_the_same_shots_make_the_same_frames() -> None:
    shots = [shot(0, 12), shot(12, 12, avatar_id="oliver", color="#222222")]

    assert all(np.array_equal(a, b) for a, b in zip(rendered(shots), rendered(shots), strict=True))


def test_a_caption_shows_from_its_first_frame_up_to_its_end_and_leaves_no_trace() -> None:
    plain = rendered([shot(count=60)])
    captioned = rendered([shot(count=60)], [strip(10, 30, rgba=(255, 255, 255, 255))])

    for index, (without, with_caption) in enumerate(zip(plain, captioned, strict=True)):
        changed = not np.array_equal(without, with_caption)
        assert changed == (10 <= index < 30), index
        if changed:
            assert (luma(with_caption)[150:170, 60:260] == 235).all()
            outside = luma(without) != luma(with_caption)
            outside[150:170, 60:260] = False
            assert not outside.any()


def test_a_translucent_caption_lets_the_breathing_chest_through() -> None:
    plain = rendered([shot(count=60)])
    dimmed = rendered([shot(count=60)], [strip(0, 60, rgba=(0, 0, 0, 128))])

    for without, with_caption in zip(plain, dimmed, strict=True):
        wanted = luma(without)[150:170, 60:260] * (127 / 255) + 16 * (128 / 255)
        assert np.abs(luma(with_caption)[150:170, 60:260] - wanted).max() <= 2


def test_a_caption_before_the_face_stays_before_it() -> None:
    plain = rendered([shot(count=40)])
    covered = rendered([shot(count=40)], [strip(5, 25, rgba=(255, 255, 255, 255), y=60)])

    assert all((luma(frame)[60:80, 60:260] == 235).all() for frame in covered[5:25])
    assert all(np.array_equal(a, b) for a, b in zip(plain[25:], covered[25:], strict=True))


def test_captions_run_on_over_a_cut() -> None:
    shots = [shot(0, 10), shot(10, 10, avatar_id="oliver")]

    frames = rendered(shots, [strip(5, 15, rgba=(255, 255, 255, 255))])

    is_shown = [bool((luma(frame)[150:170, 60:260] == 235).all()) for frame in frames]
    assert is_shown == [5 <= index < 15 for index in range(20)]


def test_captions_are_taken_only_as_the_film_reaches_them() -> None:
    taken: list[int] = []

    def lazily() -> Iterator[CaptionStrip]:
        for start in (0, 10, 20):
            taken.append(start)
            yield strip(start, start + 8, rgba=(255, 255, 255, 255))

    frames = Compositor(WIDTH, HEIGHT).frames([shot(count=30)], lazily())
    for _ in range(5):
        next(frames)
    assert taken == [0]
    assert sum(1 for _ in frames) == 25
    assert taken == [0, 10, 20]


def test_no_gap_opens_between_head_and_shoulders() -> None:
    # Before pure green, a hole in the neck would be green: Cb and Cr both far below the middle.
    shots = [shot(0, 150, color="#00ff00"), shot(150, 150, avatar_id="oliver", color="#00ff00", seed=3)]

    for frame in Compositor(WIDTH, HEIGHT).frames(shots, []):
        u, v = chroma(frame)
        neck = (
            slice(round((HEIGHT * 0.385 + 205 * 0.1944) / 2), round((HEIGHT * 0.385 + 330 * 0.1944) / 2)),
            slice(75, 86),
        )
        assert not ((u[neck] < 90) & (v[neck] < 90)).any()
