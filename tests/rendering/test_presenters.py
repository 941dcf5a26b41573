"""The drawn presenters: what the catalogue says, what their mouths and eyes do, how sharp they are."""

import struct
from itertools import combinations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering.backdrop import lit_backdrop
from heygen_graphql.rendering.errors import UnknownAvatar
from heygen_graphql.rendering.presenters import (
    avatar,
    avatars,
    default_avatar,
    drawn_presenter,
    preview_png,
)
from heygen_graphql.rendering.presenters.actor import (
    BROW_LEVELS,
    GAZE_REACH,
    LID_LEVELS,
    OPENNESS_LEVELS,
    SPREAD_LEVELS,
    EyeState,
    MouthState,
    Pose,
    mouth_state,
)
from heygen_graphql.rendering.presenters.drawn_actor import DrawnActor
from heygen_graphql.rendering.presenters.framing import framing
from heygen_graphql.rendering.presenters.mouth import JAW_DROP
from heygen_graphql.rendering.presenters.planes import Planes, to_planes
from heygen_graphql.rendering.presenters.rig import PartCache, Rig

AVATAR_IDS = [each.avatar_id for each in avatars()]
SIDE = 400
"""Pixels of a small square picture: the drawing is the same at every size."""


class Stage:
    """One presenter before a plain background."""

    def __init__(self, avatar_id: str, width: int = SIDE, height: int = SIDE) -> None:
        cache = PartCache(100_000_000)
        self.avatar_id, self.at = avatar_id, framing(width, height)
        # The body goes on below the picture, for breath lifts it.
        foot = (height * 1.01 - self.at.eye_y) / self.at.scale
        rig = Rig(drawn_presenter(avatar_id), self.at.scale, foot, cache)
        self.actor = DrawnActor(rig, lit_backdrop(width, height, "#DDE3E8"), "test", cache)

    def luma(
        self, *, mouth: MouthState | None = None, eyes: EyeState | None = None, pose: Pose | None = None
    ) -> NDArray[np.int16]:
        self.actor.take(pose or Pose(eyes=eyes or EyeState(), mouth=mouth or MouthState()))
        return self.actor.frame.y.astype(np.int16)

    def part(
        self, luma: NDArray[np.int16], left: float, top: float, right: float, bottom: float
    ) -> NDArray[np.int16]:
        """What lies between the given art units."""
        rows, columns = (
            slice(round(origin + low * self.at.scale), round(origin + high * self.at.scale))
            for origin, low, high in ((self.at.eye_y, top, bottom), (self.at.eye_x, left, right))
        )
        return luma[rows, columns]


@pytest.fixture(scope="module", params=AVATAR_IDS)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


def decoded(png: bytes) -> NDArray[np.int16]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), np.int16)


def test_there_are_at_least_six_presenters_and_the_first_is_the_default() -> None:
    assert len(avatars()) >= 6
    assert default_avatar() == avatars()[0]
    assert all(avatar(each.avatar_id) == each and each.kind == "DRAWN" for each in avatars())
    assert len({each.name for each in avatars()}) == len(avatars())


def test_an_unknown_avatar_is_named_in_the_error() -> None:
    with pytest.raises(UnknownAvatar, match="'nobody'"):
        avatar("nobody")
    with pytest.raises(UnknownAvatar):
        preview_png("nobody")


@pytest.mark.parametrize("avatar_id", AVATAR_IDS)
def test_a_preview_is_a_png_of_the_asked_size_with_a_presenter_in_it(avatar_id: str) -> None:
    png = preview_png(avatar_id, 200, 160)

    assert struct.unpack(">II", png[16:24]) == (200, 160)
    picture = decoded(png)
    is_presenter = np.abs(picture - picture[2, 2]).sum(axis=2) > 60
    assert 0.2 < is_presenter.mean() < 0.8
    # The shoulders run off the bottom; nothing touches the top.
    assert is_presenter[-1].mean() > 0.4
    assert not is_presenter[:6].any()


def test_no_two_presenters_look_alike() -> None:
    previews = {avatar_id: decoded(preview_png(avatar_id, 120, 120)) for avatar_id in AVATAR_IDS}

    for first, second in combinations(AVATAR_IDS, 2):
        difference = np.abs(previews[first] - previews[second])
        assert difference.mean() > 12, f"{first} and {second}"
        # The faces too, not only what they wear: between brows and chin, inside the cheeks.
        assert difference[38:68, 48:72].mean() > 6, f"{first} and {second}"


def test_an_opening_mouth_grows_darker_inside(stage: Stage) -> None:
    def middle(openness: int) -> NDArray[np.int16]:
        return stage.part(stage.luma(mouth=MouthState(openness=openness)), -20, 112, 32, 175)

    # Beards and deep skins are dark already: what counts is what was lighter before.
    shut = middle(0)
    areas = [int((middle(openness) < np.minimum(shut - 20, 75)).sum()) for openness in (0, 4, 7, 11)]
    assert areas == sorted(areas)
    assert areas[0] == 0
    assert areas[-1] > 60


def test_spread_lips_are_wider_than_rounded_ones(stage: Stage) -> None:
    def beside_the_middle(spread: int) -> NDArray[np.int16]:
        return stage.part(stage.luma(mouth=MouthState(openness=3, spread=spread)), 34, 118, 54, 140)

    # Lips and the dark between them reach out there, where skin was.
    assert np.abs(beside_the_middle(SPREAD_LEVELS - 1) - beside_the_middle(0)).mean() > 8


def test_the_chin_falls_with_the_jaw(stage: Stage) -> None:
    # Given the skin beside the chin, above where scarves and collars hide some jaws' edges
    def cheek(openness: int) -> NDArray[np.int16]:
        luma = stage.luma(mouth=MouthState(openness=openness, spread=0))
        return stage.part(luma, -62, 140, -40, 182)

    shut, gaping = cheek(0), cheek(OPENNESS_LEVELS - 1)

    # Then it matches the shut mouth's best when that is moved down, by no more than the jaw's drop; less
    # where a scarf's shade, which stays in its place, lies on the cheek
    def mismatch(rows: int) -> float:
        return float(np.abs(gaping[8:] - shut[8 - rows : len(shut) - rows]).mean())

    drop = min(range(9), key=mismatch) / stage.at.scale
    assert 0.15 * JAW_DROP <= drop <= 1.3 * JAW_DROP


def test_shut_lids_hide_the_eyes(stage: Stage) -> None:
    def brightest(lids: int) -> float:
        return float(np.percentile(stage.part(stage.luma(eyes=EyeState(lids=lids)), -85, -8, -35, 8), 97))

    levels = [brightest(lids) for lids in range(LID_LEVELS)]
    assert levels[0] > levels[-1] + 12


def test_eyes_look_where_they_are_told_and_brows_rise(stage: Stage) -> None:
    def pupil(gaze_x: int) -> float:
        """The middle of what is darkest in the eye on the viewer's left."""
        eye = stage.part(stage.luma(eyes=EyeState(gaze_x=gaze_x)), -82, -5, -38, 6)
        dark = np.clip(np.percentile(eye, 30) - eye, 0, None).sum(axis=0)
        return float((dark * np.arange(len(dark))).sum() / dark.sum()) / stage.at.scale

    assert pupil(-GAZE_REACH) + 2 < pupil(0) < pupil(GAZE_REACH) - 2

    def brow(level: int) -> float:
        """How high what is dark above the far eye stands; glasses and lids stay."""
        rows = stage.part(stage.luma(eyes=EyeState(brows=level)), 40, -74, 80, -32).mean(axis=1)
        dark = np.clip(np.median(rows) - rows, 0, None)
        return float((dark * np.arange(len(dark))).sum() / dark.sum()) / stage.at.scale

    assert brow(0) > brow(BROW_LEVELS - 1) + 1.0


EXTREMES = [
    (MouthState(openness=openness, spread=0, tuck=0), MouthState(openness=openness, spread=SPREAD_LEVELS - 1))
    for openness in (0, 6, OPENNESS_LEVELS - 1)
]


def test_no_part_is_cut_off_by_its_window(stage: Stage) -> None:
    def cut(first: Pose, second: Pose) -> int:
        """The most that changes along the border of what is said to have changed."""
        before = stage.luma(pose=first)
        changed = stage.actor.take(second)
        assert changed is not None
        difference = np.abs(stage.actor.frame.y.astype(np.int16) - before)[changed.luma]
        inner = difference[1:-1, 1:-1]
        assert inner.max() > 20
        return int(max(difference[0].max(), difference[-1].max(), *difference[:, [0, -1]].ravel()))

    for first, second in EXTREMES:
        assert cut(Pose(mouth=first), Pose(mouth=second)) <= 5
    assert cut(Pose(), Pose(mouth=MouthState(openness=OPENNESS_LEVELS - 1))) <= 5
    wild = EyeState(lids=LID_LEVELS - 1, brows=BROW_LEVELS - 1, gaze_x=GAZE_REACH, gaze_y=-1)
    assert cut(Pose(), Pose(eyes=wild)) <= 5


def test_a_film_shows_the_presenter_that_the_preview_promised(stage: Stage) -> None:
    # Given both at the same size, before plain backgrounds
    film = stage.luma()
    picture = decoded(preview_png(stage.avatar_id, SIDE, SIDE)).astype(np.float64)
    blue, green, red = np.moveaxis(picture, 2, 0)
    preview = 16 + 219 / 255 * (0.2126 * red + 0.7152 * green + 0.0722 * blue)

    # When shapes are compared where the preview is darker than any background
    is_dark = cv2.blur((preview < 120).astype(np.float32), (5, 5)) > 0.99
    assert is_dark.mean() > 0.05

    # Then nothing is missing from the film: no hair cut off, no garment left out
    assert np.abs(film - preview)[is_dark].mean() < 6
    assert (film[is_dark] < 150).mean() > 0.995


@pytest.mark.parametrize("shape", [(320, 180), (180, 180)])
@pytest.mark.parametrize("avatar_id", AVATAR_IDS)
def test_heads_stay_below_the_pictures_upper_edge(avatar_id: str, shape: tuple[int, int]) -> None:
    width, height = shape
    picture = decoded(preview_png(avatar_id, width, height))

    is_presenter = np.abs(picture - picture[1, 1]).sum(axis=2) > 40
    first_row = int(np.argmax(is_presenter.any(axis=1)))
    # Head room of a fortieth of the picture at least.
    assert first_row >= height / 40


def test_the_frame_depends_on_the_pose_alone(stage: Stage) -> None:
    # When the mouth opens and shuts again, the face is what it was
    rest = stage.luma()
    stage.luma(mouth=MouthState(openness=11, spread=6), eyes=EyeState(lids=4, brows=3))
    stage.luma(pose=Pose(tilt=0.012, shift_x=2.0, shift_y=4.0, breath=6, mouth=MouthState(openness=6)))

    assert np.array_equal(stage.luma(), rest)


def test_a_picture_of_2160_rows_is_drawn_as_finely_as_it_is_large() -> None:
    large = Stage(AVATAR_IDS[0], 2160, 2160)
    small = Stage(AVATAR_IDS[0], 720, 720)

    def detail(stage: Stage, enlarged: int) -> float:
        eyes = stage.part(stage.luma(), -100, -60, 100, 30).astype(np.float32)
        shown = cv2.resize(eyes, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
        return float(np.percentile(np.abs(cv2.Laplacian(shown, cv2.CV_32F)), 99))

    # A small picture enlarged has far softer edges than one drawn large.
    assert detail(large, 1) > 2 * detail(small, 3)


def test_a_mouth_with_its_lip_under_the_teeth_cannot_gape() -> None:
    assert mouth_state(1.0, 0.0, 1.0, 0.0).openness < mouth_state(1.0, 0.0, 0.0, 0.0).openness
    assert mouth_state(0.0, 0.0, 0.0, 1.0).tongue == 0


def test_poses_out_of_range_find_the_nearest_state() -> None:
    assert mouth_state(1.7, -3.0, -1.0, 9.0) == mouth_state(1.0, -1.0, 0.0, 1.0)


def test_the_cache_of_parts_stays_within_its_limit() -> None:
    def blank() -> Planes:
        return to_planes(np.zeros((40, 40, 4), np.uint8))

    cache = PartCache(10 * blank().nbytes)
    made: list[int] = []

    def note_and_make() -> Planes:
        made.append(key)
        return blank()

    for key in (*range(30), 29, 28, 0):
        cache.get(key, Planes, note_and_make)

    # The newest were held; the oldest had to be made again.
    assert made == [*range(30), 0]
