"""Frames: how many, in which colours, what moves in them and what stands still."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from heygen_graphql.rendering.compositor import FADE_FRAMES, CaptionStrip, Compositor, Look, SceneShot
from heygen_graphql.rendering.errors import PictureRefused, UnknownAvatar
from heygen_graphql.rendering.presenters import drawn_presenter
from heygen_graphql.rendering.presenters.actor import SHIFT_STEP, TILT_STEP, EyeState, MouthState, Pose
from heygen_graphql.rendering.presenters.drawn_actor import DrawnActor, rig_for
from heygen_graphql.rendering.presenters.planes import Frame
from heygen_graphql.rendering.presenters.rig import PartCache

WIDTH, HEIGHT = 320, 180
Frames = list[NDArray[np.uint8]]


def shot(
    count: int = 30,
    *,
    avatar_id: str = "maya",
    color: str = "#336699",
    image: Path | None = None,
    openness: float | NDArray[np.float32] = 0.0,
    seed: int = 7,
    fade_from: Look | None = None,
) -> SceneShot:
    mouth = np.zeros((count, 4), np.float32)
    mouth[:, 0] = openness
    look = Look(avatar_id, None, color, image)
    return SceneShot(look, count, mouth, np.zeros(count, np.float32), (), seed, fade_from)


def strip(
    start: int, end: int, *, rgba: tuple[int, int, int, int], x: int = 60, y: int = 150
) -> CaptionStrip:
    return CaptionStrip(start, end, x, y, np.full((20, 200, 4), rgba, np.uint8))


def rendered(
    scene: SceneShot, captions: list[CaptionStrip] | None = None, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Frames:
    return [frame.copy() for frame in Compositor(*size).frames(scene, captions or [])]


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


def test_a_scene_gets_exactly_its_frames() -> None:
    frames = rendered(shot(7))

    assert len(frames) == 7
    assert all(frame.shape == (HEIGHT * 3 // 2, WIDTH) and frame.dtype == np.uint8 for frame in frames)
    assert all(frame.flags.c_contiguous for frame in frames)
    assert rendered(shot(0)) == []


def test_an_unknown_avatar_is_refused() -> None:
    with pytest.raises(UnknownAvatar):
        rendered(shot(avatar_id="nobody"))


@pytest.mark.parametrize("color", ["#336699", "#ffffff", "#000000", "#e01b24", "#f0e68c", "#00ff00"])
def test_the_background_decodes_to_the_colour_that_was_asked_for(color: str) -> None:
    (frame,) = rendered(shot(count=1, color=color))

    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    for x, y in ((0, 0), (WIDTH - 1, 0), (0, HEIGHT // 2), (WIDTH - 1, HEIGHT // 2), (0, HEIGHT - 1)):
        assert rgb_at(frame, x, y) == pytest.approx(wanted, abs=4)


def test_samples_stay_in_the_limited_range() -> None:
    for color in ("#ffffff", "#000000"):
        frame = rendered(shot(count=1, color=color))[0]
        u, v = chroma(frame)
        assert luma(frame).min() >= 15
        assert luma(frame).max() <= 236
        assert min(u.min(), v.min()) >= 15
        assert max(u.max(), v.max()) <= 241


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (180, 180), (284, 160)])
def test_a_presenter_stands_in_the_middle_of_every_shape(size: tuple[int, int]) -> None:
    width, height = size
    (frame,) = rendered(shot(count=1, color="#00ff00"), size=size)

    # Pure green has a luma of 173; skin, hair and clothes differ.
    is_presenter = np.abs(luma(frame, height) - 173) > 25
    columns = np.flatnonzero(is_presenter.any(axis=0))
    assert abs((columns[0] + columns[-1]) / 2 - width / 2) < width * 0.06
    assert is_presenter[-1].mean() > 0.3
    assert not is_presenter[: height // 30].any()


def test_a_mouth_opens_where_the_track_says_so() -> None:
    openness = np.zeros(20, np.float32)
    openness[10:] = 1.0
    frames = rendered(shot(count=20, openness=openness), size=(640, 360))

    mouth = (
        slice(round(360 * 0.385 + 128 * 0.3888 - 6), round(360 * 0.385 + 128 * 0.3888 + 14)),
        slice(304, 340),
    )
    dark = [int((luma(frame, 360)[mouth] < 60).sum()) for frame in frames]
    assert max(dark[:10]) < 0.1 * min(dark[10:])


def test_a_presenter_at_rest_lives_without_twitching() -> None:
    frames = rendered(shot(count=100))

    steps = [np.abs(luma(b) - luma(a)) for a, b in pairwise(frames)]
    # It holds its poses; yet in four seconds it breathes, blinks and takes another.
    assert sum(step.max() > 0 for step in steps) > 25, "the presenter froze"
    assert max(step.mean() for step in steps) < 1.5
    # Far from the presenter nothing ever changes.
    assert all(not step[:, :40].any() for step in steps)


def test_a_scene_begins_and_ends_at_rest() -> None:
    scene = shot(60, openness=np.concatenate((np.zeros(1), np.ones(58), np.zeros(1))).astype(np.float32))

    frames = rendered(scene)

    rest = Compositor(WIDTH, HEIGHT).still(scene.look)
    assert np.array_equal(frames[0], rest)
    assert np.array_equal(frames[-1], rest)
    assert not np.array_equal(frames[30], rest)


def test_equal_shots_make_equal_frames_whatever_was_drawn_before() -> None:
    compositor = Compositor(WIDTH, HEIGHT)
    scene = shot(24, avatar_id="oliver", color="#222222", openness=0.4)

    first = [frame.copy() for frame in compositor.frames(scene, [])]
    for other in (shot(24, openness=0.9), shot(5, avatar_id="oliver")):
        assert sum(1 for _ in compositor.frames(other, [])) == other.frame_count
    second = [frame.copy() for frame in compositor.frames(scene, [])]

    for alone, again, anew in zip(first, second, rendered(scene), strict=True):
        assert np.array_equal(alone, again)
        assert np.array_equal(alone, anew)


@pytest.mark.parametrize("size", [(320, 180), (854, 480), (270, 480), (1280, 720)])
def test_a_frame_depends_on_its_pose_alone(size: tuple[int, int]) -> None:
    # However a pose is reached: by the mouth's rectangle, by the head's, or by all of it
    cache = PartCache(50_000_000)
    rig = rig_for(drawn_presenter("maya"), *size, cache)
    background = Frame.empty(*size)
    background.buffer[:] = 100
    nodding = Pose(-9 * TILT_STEP, 3 * SHIFT_STEP, 5 * SHIFT_STEP, 7, EyeState(1, 2, 1, 0), MouthState(8, 5))
    poses = [
        replace(nodding, mouth=MouthState(8, 2)),
        replace(nodding, mouth=MouthState(0, 2), eyes=EyeState(4)),
        nodding,
        replace(nodding, mouth=MouthState(3, 3, 1)),
        replace(nodding, tilt=0.0),
        replace(nodding, breath=0),
        nodding,
    ]
    actor = DrawnActor(rig, background, "walk", cache)

    for pose in poses:
        before = actor.frame.buffer.copy()
        changed = actor.take(pose)

        assert changed is not None
        fresh = DrawnActor(rig, background, "fresh", cache)
        fresh.take(pose)
        assert np.array_equal(actor.frame.buffer, fresh.frame.buffer)
        if pose is not poses[0]:
            outside = before[: size[1]] != actor.frame.y
            assert outside[changed.luma].any()
            outside[changed.luma] = False
            assert not outside.any()
        assert actor.take(pose) is None


def test_a_caption_shows_from_its_first_frame_up_to_its_end_and_leaves_no_trace() -> None:
    plain = rendered(shot(count=60))
    captioned = rendered(shot(count=60), [strip(10, 30, rgba=(255, 255, 255, 255))])

    for index, (without, with_caption) in enumerate(zip(plain, captioned, strict=True)):
        changed = not np.array_equal(without, with_caption)
        assert changed == (10 <= index < 30), index
        if changed:
            assert (luma(with_caption)[150:170, 60:260] == 235).all()
            outside = luma(without) != luma(with_caption)
            outside[150:170, 60:260] = False
            assert not outside.any()


def test_a_translucent_caption_lets_the_breathing_chest_through() -> None:
    plain = rendered(shot(count=60))
    dimmed = rendered(shot(count=60), [strip(0, 60, rgba=(0, 0, 0, 128))])

    for without, with_caption in zip(plain, dimmed, strict=True):
        wanted = luma(without)[150:170, 60:260] * (127 / 255) + 16 * (128 / 255)
        assert np.abs(luma(with_caption)[150:170, 60:260] - wanted).max() <= 2


def test_a_caption_before_the_face_stays_before_it() -> None:
    plain = rendered(shot(count=40))
    covered = rendered(shot(count=40), [strip(5, 25, rgba=(255, 255, 255, 255), y=60)])

    assert all((luma(frame)[60:80, 60:260] == 235).all() for frame in covered[5:25])
    assert all(np.array_equal(a, b) for a, b in zip(plain[25:], covered[25:], strict=True))


def test_captions_that_follow_each_other_leave_nothing_of_the_earlier() -> None:
    # A karaoke line: the same place, one strip after the other, of different widths
    wide = strip(3, 9, rgba=(255, 255, 255, 255))
    narrow = CaptionStrip(9, 15, 100, 150, np.full((20, 80, 4), (0, 0, 0, 255), np.uint8))

    after_wide = rendered(shot(20), [wide, narrow])
    alone = rendered(shot(20), [narrow])

    assert all(np.array_equal(a, b) for a, b in zip(after_wide[9:], alone[9:], strict=True))


def test_captions_are_taken_only_as_the_film_reaches_them() -> None:
    taken: list[int] = []

    def lazily() -> Iterator[CaptionStrip]:
        for start in (0, 10, 20):
            taken.append(start)
            yield strip(start, start + 8, rgba=(255, 255, 255, 255))

    frames = Compositor(WIDTH, HEIGHT).frames(shot(count=30), lazily())
    for _ in range(5):
        next(frames)
    assert taken == [0]
    assert sum(1 for _ in frames) == 25
    assert taken == [0, 10, 20]


@pytest.mark.parametrize("avatar_id", ["maya", "oliver"])
def test_no_gap_opens_between_head_and_shoulders(avatar_id: str) -> None:
    # Before pure green, a hole in the neck would be green: Cb and Cr both far below the middle.
    scene = shot(150, avatar_id=avatar_id, color="#00ff00", seed=3)
    scene = replace(scene, emphasis=np.tile(np.repeat([0.9, 0.1], 15), 5).astype(np.float32))
    for frame in Compositor(WIDTH, HEIGHT).frames(scene, []):
        u, v = chroma(frame)
        neck = (
            slice(round((HEIGHT * 0.385 + 205 * 0.1944) / 2), round((HEIGHT * 0.385 + 330 * 0.1944) / 2)),
            slice(75, 86),
        )
        assert not ((u[neck] < 90) & (v[neck] < 90)).any()


def test_a_scene_fades_from_the_look_before_it_at_rest() -> None:
    before = Look("oliver", None, "#FFFFFF", None)
    scene = shot(30, color="#000000", openness=0.6)

    plain = rendered(scene)
    faded = rendered(replace(scene, fade_from=before), [strip(4, 20, rgba=(255, 255, 255, 255))])

    rest = Compositor(WIDTH, HEIGHT).still(before)
    for index in range(FADE_FRAMES):
        share = (index + 1) / (FADE_FRAMES + 1)
        wanted = rest * (1 - share) + plain[index] * share
        # Captions do not fade: words must be read from their first frame on.
        rows = slice(0, 150 if index >= 4 else HEIGHT)
        assert np.abs(faded[index][rows] - wanted[rows]).max() <= 1
        assert (faded[index][150:170, 60:260] == 235).all() == (index >= 4)
    assert all(np.array_equal(a, b) for a, b in zip(plain[20:], faded[20:], strict=True))
    assert np.array_equal(plain[FADE_FRAMES][:150], faded[FADE_FRAMES][:150])


def test_a_scene_shorter_than_a_fade_ends_it_sooner() -> None:
    before = Look("oliver", None, "#FFFFFF", None)

    faded = rendered(shot(3, color="#000000", fade_from=before))

    corners = [int(luma(frame)[0, 0]) for frame in faded]
    assert corners == pytest.approx([235 - 219 / 4, 235 - 219 / 2, 235 - 219 * 3 / 4], abs=1)


@pytest.mark.parametrize(
    ("size", "picture_size"),
    [
        ((320, 180), (900, 300)),
        ((320, 180), (300, 900)),
        ((180, 320), (400, 400)),
        ((180, 180), (64, 48)),
        ((320, 180), (1, 1)),
    ],
)
def test_a_background_picture_covers_the_frame_and_is_not_stretched(
    tmp_path: Path, size: tuple[int, int], picture_size: tuple[int, int]
) -> None:
    # Red grows with x and green with y, a level for each pixel of the longer side
    columns, rows = picture_size
    longer = max(picture_size)
    x, y = np.meshgrid(np.arange(columns) / longer, np.arange(rows) / longer)
    pixels = np.stack([x * 200 + 20, y * 200 + 20, np.full_like(x, 60)], axis=2)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "background.png")

    (frame,) = rendered(shot(1, image=tmp_path / "background.png"), size=size)

    width, height = size
    scale = max(width / columns, height / rows)
    u, v = chroma(frame, *size)
    for at_x, at_y in ((3, 3), (width - 4, 3), (3, height // 3), (width - 4, height // 3)):
        source_x = columns / 2 + (at_x + 0.5 - width / 2) / scale - 0.5
        source_y = rows / 2 + (at_y + 0.5 - height / 2) / scale - 0.5
        wanted = (source_x / longer * 200 + 20, source_y / longer * 200 + 20, 60)
        there = slice(at_y // 2, at_y // 2 + 1), slice(at_x // 2, at_x // 2 + 1)
        seen = to_rgb(luma(frame, height)[at_y, at_x], float(u[there].mean()), float(v[there].mean()))
        assert seen == pytest.approx(wanted, abs=6 if min(picture_size) > 1 else 110)
    for edge in (frame[0], frame[height - 1, :10], frame[:height, 0], frame[:height, -1]):
        # No bar: the darkest that the picture holds is far from black.
        assert edge.min() > 25


def test_a_background_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "background.png").write_bytes(b"GIF89a, or not even that")

    with pytest.raises(PictureRefused):
        rendered(shot(1, image=tmp_path / "background.png"))


def test_a_still_is_the_look_at_rest() -> None:
    compositor = Compositor(WIDTH, HEIGHT)
    scene = shot(40, openness=0.8)
    for _ in compositor.frames(scene, [strip(0, 40, rgba=(255, 255, 255, 255))]):
        still = compositor.still(scene.look)

    assert np.array_equal(still, Compositor(WIDTH, HEIGHT).still(scene.look))
