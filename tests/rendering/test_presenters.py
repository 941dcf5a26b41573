"""The presenters: what the catalogue says, what their mouths and eyes do, what may move."""

import struct
from itertools import combinations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering.errors import UnknownAvatar
from heygen_graphql.rendering.presenters import (
    avatar,
    avatars,
    default_avatar,
    drawn_presenter,
    preview_png,
)
from heygen_graphql.rendering.presenters.mouth import JAW_DROP
from heygen_graphql.rendering.presenters.planes import Planes, to_planes
from heygen_graphql.rendering.presenters.rig import (
    LID_LEVELS,
    OPENNESS_LEVELS,
    EyeState,
    MouthState,
    PartCache,
    Rig,
    mouth_state,
)
from heygen_graphql.rendering.presenters.woven import LEAD

AVATAR_IDS = [each.avatar_id for each in avatars()]


@pytest.fixture(scope="module", params=AVATAR_IDS)
def rig(request: pytest.FixtureRequest) -> Rig:
    # A small presenter: the drawing is the same at every size.
    return Rig(drawn_presenter(request.param), 0.4, 500.0, PartCache(50_000_000))


def decoded(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def head_with(rig: Rig, mouth: MouthState, eyes: EyeState) -> NDArray[np.uint8]:
    """The luma of the head's sprite in these states."""
    luma = rig.head.planes.y.copy()
    for patch in (rig.jaw(mouth.openness), rig.mouth(mouth), rig.eyes(eyes)):
        (x, y), (width, height) = patch.place, patch.size
        # A weave's first channel is the picture itself, behind a margin.
        margin = rig.step * LEAD
        luma[y : y + height, x : x + width] = patch.woven.y[:, margin : margin + width, 0]
    return luma


def window(
    rig: Rig, plane: NDArray[np.uint8], left: float, top: float, right: float, bottom: float
) -> NDArray[np.int16]:
    """The part of a luma plane between the given art units."""
    head = rig.head
    rows = slice(round((top - head.top) * head.scale), round((bottom - head.top) * head.scale))
    columns = slice(round((left - head.left) * head.scale), round((right - head.left) * head.scale))
    return plane[rows, columns].astype(np.int16)


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
    picture = decoded(png).astype(np.int16)
    backdrop = picture[2, 2]
    is_presenter = np.abs(picture - backdrop).sum(axis=2) > 60
    assert 0.2 < is_presenter.mean() < 0.8
    # The shoulders run off the bottom; nothing touches the top.
    assert is_presenter[-1].mean() > 0.4
    assert not is_presenter[:6].any()


def test_no_two_presenters_look_alike() -> None:
    previews = {
        avatar_id: decoded(preview_png(avatar_id, 120, 120)).astype(np.int16) for avatar_id in AVATAR_IDS
    }

    for first, second in combinations(AVATAR_IDS, 2):
        difference = np.abs(previews[first] - previews[second])
        assert difference.mean() > 12, f"{first} and {second}"
        # The faces too, not only what they wear: between brows and chin, inside the cheeks.
        assert difference[38:68, 48:72].mean() > 6, f"{first} and {second}"


def test_an_opening_mouth_grows_darker_inside(rig: Rig) -> None:
    def middle(openness: int) -> NDArray[np.int16]:
        return window(rig, head_with(rig, MouthState(openness=openness), EyeState()), -20, 112, 32, 175)

    # Beards and deep skins are dark already: what counts is what was lighter before.
    shut = middle(0)
    areas = [int((middle(openness) < np.minimum(shut - 25, 75)).sum()) for openness in (0, 4, 7, 11)]
    assert areas == sorted(areas)
    assert areas[0] == 0
    assert areas[-1] > 60


def test_spread_lips_are_wider_than_rounded_ones(rig: Rig) -> None:
    def beside_the_middle(spread: int) -> float:
        luma = head_with(rig, MouthState(openness=3, spread=spread), EyeState())
        return float(window(rig, luma, 36, 120, 52, 140).mean())

    # Lips and the dark between them reach out there, where skin was.
    assert beside_the_middle(6) < beside_the_middle(0) - 8


def test_the_chin_falls_with_the_jaw(rig: Rig) -> None:
    # Given the strip beside the mouth, down over the jaw's edge
    def strip(openness: int) -> NDArray[np.int16]:
        luma = head_with(rig, MouthState(openness=openness), EyeState())
        return window(rig, luma, -78, 150, -44, 225)

    shut, gaping = strip(0), strip(OPENNESS_LEVELS - 1)

    # Then it matches the shut mouth's best when that is moved down by most of the jaw's drop
    def mismatch(rows: int) -> float:
        return float(np.abs(gaping[8:] - shut[8 - rows : len(shut) - rows]).mean())

    drop = min(range(9), key=mismatch)
    assert 0.6 * JAW_DROP <= drop / rig.head.scale <= 1.2 * JAW_DROP


def test_shut_lids_hide_the_eyes(rig: Rig) -> None:
    def brightest(lids: int) -> int:
        luma = head_with(rig, MouthState(), EyeState(lids=lids))
        return int(np.percentile(window(rig, luma, -85, -8, -35, 8), 97))

    opened, shut = brightest(0), brightest(LID_LEVELS - 1)
    assert opened > shut + 15


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
