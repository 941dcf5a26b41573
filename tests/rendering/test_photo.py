"""Photo presenters, made of one free portrait: the rig, what is refused, and how the presenter acts."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from heygen_graphql.rendering.backdrop import lit_backdrop
from heygen_graphql.rendering.errors import BrokenRig, PictureRefused
from heygen_graphql.rendering.presenters.actor import (
    BREATH_STEPS,
    BROW_LEVELS,
    LID_LEVELS,
    OPENNESS_LEVELS,
    EyeState,
    MouthState,
    Pose,
    mouth_state,
)
from heygen_graphql.rendering.presenters.photo import PhotoActor, PhotoRig, make_rig, open_rig
from heygen_graphql.rendering.presenters.photo.making import portrait_face
from heygen_graphql.rendering.presenters.pictures import Pixels, read_picture
from heygen_graphql.rendering.presenters.planes import Frame, Rect

PORTRAIT = Path(__file__).parents[1] / "portraits" / "collins.jpg"
WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the command makes: `rig`, `preview.png` and its `answer`."""
    folder = tmp_path_factory.mktemp("photo")
    module = "heygen_graphql.rendering.presenters.photo"
    command = [sys.executable, "-W", "error", "-m", module, str(PORTRAIT), "rig", "preview.png"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    (folder / "answer").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def rig(made: Path) -> PhotoRig:
    return open_rig(made / "rig")


@pytest.fixture(scope="module")
def portrait() -> Pixels:
    return read_picture(PORTRAIT)


def _saved(pixels: NDArray[np.uint8], path: Path) -> Path:
    Image.fromarray(pixels).save(path, "PNG")
    return path


def _refusal(image: Path, tmp_path: Path) -> PictureRefused:
    with pytest.raises(PictureRefused) as refused:
        make_rig(image, tmp_path / "rig", tmp_path / "preview")
    assert not (tmp_path / "rig").exists()
    return refused.value


def test_the_command_answers_with_one_line_of_json(made: Path) -> None:
    assert json.loads((made / "answer").read_text()) == {"ok": True}
    assert (made / "rig").stat().st_size < 15_000_000
    with Image.open(made / "preview.png") as preview:
        assert preview.size == (480, 480)


def test_the_command_tells_why_a_picture_is_refused(tmp_path: Path) -> None:
    grey = _saved(np.full((300, 300, 3), 128, np.uint8), tmp_path / "grey")
    module = "heygen_graphql.rendering.presenters.photo"
    command = [sys.executable, "-m", module, str(grey), str(tmp_path / "rig"), str(tmp_path / "preview")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    answer = json.loads(done.stdout)

    assert answer["code"] == "NO_FACE_FOUND"
    assert "Send a portrait" in answer["message"]


def test_a_picture_of_things_has_no_face(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    image = _saved(np.asarray(cv2.resize(noise, (900, 700)), np.uint8), tmp_path / "noise")

    assert _refusal(image, tmp_path).code == "NO_FACE_FOUND"


def test_two_people_are_one_too_many(portrait: Pixels, tmp_path: Path) -> None:
    image = _saved(np.hstack([portrait, portrait[:, ::-1]]), tmp_path / "pair")

    refusal = _refusal(image, tmp_path)

    assert refusal.code == "SEVERAL_FACES_FOUND"
    assert str(refusal).startswith("2 faces were found")


def test_somebody_small_in_the_background_does_not_matter(portrait: Pixels) -> None:
    passer_by = cv2.resize(portrait, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA)
    picture = np.full((portrait.shape[0], portrait.shape[1] + passer_by.shape[1], 3), 90, np.uint8)
    picture[:, : portrait.shape[1]] = portrait
    picture[: passer_by.shape[0], portrait.shape[1] :] = passer_by

    alone, accompanied = portrait_face(portrait), portrait_face(picture)

    assert abs(accompanied.width - alone.width) < 0.03 * alone.width


def test_a_face_of_few_pixels_is_too_small(portrait: Pixels, tmp_path: Path) -> None:
    small = np.asarray(cv2.resize(portrait, (480, 381), interpolation=cv2.INTER_AREA), np.uint8)

    refusal = _refusal(_saved(small, tmp_path / "small"), tmp_path)

    assert refusal.code == "INVALID"
    assert "at least 256 are needed" in str(refusal)


def test_a_tilted_head_is_meshed_as_an_upright_one_is(portrait: Pixels) -> None:
    height, width = portrait.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 1.0)
    turned = cv2.warpAffine(portrait, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    tilted = np.asarray(turned, np.uint8)

    upright = portrait_face(portrait).points[:, :2] @ turn[:, :2].T + turn[:, 2]
    off = np.hypot(*(portrait_face(tilted).points[:, :2] - upright).T)

    assert float(np.median(off)) < 0.02 * portrait_face(portrait).width


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_portrait_that_lies_is_refused(portrait: Pixels, quarters: int) -> None:
    lying = np.ascontiguousarray(np.rot90(portrait, quarters))

    with pytest.raises(PictureRefused, match="upright"):
        portrait_face(lying)


def test_a_rig_cut_short_or_made_up_is_refused(made: Path, tmp_path: Path) -> None:
    whole = (made / "rig").read_bytes()
    broken = tmp_path / "rig"
    for content in (b"", whole[: len(whole) // 2], whole[:-100], b"PK\x03\x04" + bytes(100)):
        broken.write_bytes(content)
        with pytest.raises(BrokenRig):
            open_rig(broken)


def test_a_rig_that_says_what_cannot_be_is_refused(made: Path, tmp_path: Path) -> None:
    def changed(**values: object) -> Path:
        with zipfile.ZipFile(made / "rig") as archive:
            header = json.loads(archive.read("rig.json"))
            others = {name: archive.read(name) for name in archive.namelist() if name != "rig.json"}
        header |= {key: value for key, value in values.items() if key in header}
        if "geometry" not in values:
            header["geometry"] |= {key: value for key, value in values.items() if key in header["geometry"]}
        target = tmp_path / "rig"
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("rig.json", json.dumps(header))
            for name, content in others.items():
                archive.writestr(name, content)
        return target

    assert open_rig(changed()).width == open_rig(made / "rig").width
    wrong: tuple[dict[str, object], ...] = (
        {"version": 999},
        {"width": 10**9},
        {"unit": 0.0},
        {"unit": float("nan")},
        {"mouth": [0, 0, 160_000, 16]},
        {"eyes": [16, 16, 16, 16]},
        {"width": float("inf")},
        {"geometry": "of a face"},
        {"geometry": {}},
    )
    for values in wrong:
        with pytest.raises(BrokenRig, match="Make a new one of the portrait"):
            open_rig(changed(**values))


def test_a_bomb_in_a_rig_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "rig"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rig.json", bytes(80_000_000))

    with pytest.raises(BrokenRig, match="larger than any"):
        open_rig(bomb)


def _poses() -> list[Pose]:
    chance = np.random.default_rng(5)
    poses = []
    for _ in range(40):
        openness, spread, tuck, tongue = chance.uniform(-0.2, 1.0, 4)
        eyes = EyeState(int(chance.integers(LID_LEVELS)), int(chance.integers(BROW_LEVELS)), 2, -1)
        poses.append(
            Pose(
                tilt=float(chance.integers(-8, 9)) / 512 * float(chance.random() < 0.5),
                shift_x=float(chance.integers(-6, 7)) / 4,
                shift_y=float(chance.integers(-28, 29)) / 4,
                breath=int(chance.integers(BREATH_STEPS)),
                eyes=eyes,
                mouth=mouth_state(openness, spread * 2 - 0.5, tuck * 0.6, tongue),
            )
        )
    # Poses of which only the mouth, only the eyes, and nothing differs from the one before.
    still = Pose(tilt=1 / 256)
    return [*poses, replace(still, mouth=MouthState(3)), still, *2 * [replace(still, eyes=EyeState(2))]]


def _outside(frame: Frame, rect: Rect) -> NDArray[np.uint8]:
    """A copy of the frame's buffer with the rectangle blanked."""
    copy = Frame.empty(WIDTH, HEIGHT)
    copy.buffer[:] = frame.buffer
    copy.y[rect.luma], copy.u[rect.chroma], copy.v[rect.chroma] = 0, 0, 0
    return copy.buffer


def test_nothing_changes_outside_the_rectangle_that_is_told(rig: PhotoRig) -> None:
    actor = PhotoActor(rig, WIDTH, HEIGHT)
    assert actor.take(Pose()) == Rect(0, 0, WIDTH, HEIGHT)
    for pose in _poses():
        before = Frame.empty(WIDTH, HEIGHT)
        before.buffer[:] = actor.frame.buffer
        rect = actor.take(pose)
        told = rect or Rect(0, 0, 0, 0)
        assert all(edge % 2 == 0 for edge in (told.left, told.top, told.right, told.bottom))
        assert np.array_equal(_outside(before, told), _outside(actor.frame, told))


def test_a_frame_depends_on_its_pose_alone(rig: PhotoRig, made: Path) -> None:
    poses = _poses()
    forwards, backwards = PhotoActor(rig, WIDTH, HEIGHT), PhotoActor(open_rig(made / "rig"), WIDTH, HEIGHT)

    def frames(actor: PhotoActor, order: list[Pose]) -> dict[Pose, bytes]:
        shown = {}
        for pose in order:
            actor.take(pose)
            shown[pose] = actor.frame.buffer.tobytes()
        return shown

    assert frames(forwards, poses) == frames(backwards, poses[::-1])


def test_two_actors_of_one_rig_do_not_disturb_each_other(rig: PhotoRig) -> None:
    first, second = PhotoActor(rig, WIDTH, HEIGHT), PhotoActor(rig, WIDTH, HEIGHT)
    first.take(Pose())
    second.take(Pose(mouth=MouthState(11), eyes=EyeState(4)))

    first.take(Pose(tilt=1 / 256))

    alone = PhotoActor(rig, WIDTH, HEIGHT)
    alone.take(Pose(tilt=1 / 256))
    assert np.array_equal(first.frame.buffer, alone.frame.buffer)


def test_a_smile_closes_over_its_teeth_and_shows_them_again(rig: PhotoRig, portrait: Pixels) -> None:
    actor = PhotoActor(rig, rig.width // 2, rig.height // 2)
    # The corners and the lines of the lips, in pixels of chroma.
    points = portrait_face(portrait).points[[81, 311, 13, 14], :2] / 4
    left, right, top, bottom = points[0, 0], points[1, 0], points[2, 1], points[3, 1]
    between_lips = slice(int(top) - 1, int(bottom) + 2), slice(int(left), int(right))

    def least_redness(pose: Pose) -> int:
        actor.take(pose)
        return int(actor.frame.v[between_lips].min())

    assert least_redness(Pose(mouth=MouthState(6))) < 132
    assert least_redness(Pose()) > 135
    assert least_redness(Pose(mouth=MouthState(0, 5), shift_x=1)) > 135


@pytest.mark.parametrize("state", [MouthState(11, 6), MouthState(4, 0), MouthState(1, 3, 2), EyeState(4, 3)])
def test_what_moves_in_a_portrait_ends_without_a_seam(rig: PhotoRig, state: MouthState | EyeState) -> None:
    is_mouth = isinstance(state, MouthState)
    left, top, right, bottom = rig.geometry.mouth if is_mouth else rig.geometry.eyes
    patch = rig.mouth(state) if isinstance(state, MouthState) else rig.eyes(state)
    assert patch is not None

    changed = np.abs(patch.astype(int) - rig.portrait[top:bottom, left:right]).max(axis=2)

    assert changed.max() > 40
    for edge in (changed[0], changed[-1], changed[:, 0], changed[:, -1]):
        assert edge.max() <= 4


def test_the_mouth_opens_more_and_more(rig: PhotoRig) -> None:
    actor = PhotoActor(rig, WIDTH, HEIGHT)
    actor.take(Pose())
    rest = actor.frame.y.astype(int)
    changes = []
    for openness in range(OPENNESS_LEVELS):
        actor.take(Pose(mouth=MouthState(openness)))
        changes.append(float(np.abs(actor.frame.y.astype(int) - rest).sum()))

    assert changes[0] == 0
    assert all(later > earlier for earlier, later in pairwise(changes))


@pytest.mark.parametrize("pose", [Pose(tilt=0.02), Pose(shift_x=3, shift_y=-8), Pose(breath=11)])
def test_the_portrait_moves_and_its_edges_stand_still(rig: PhotoRig, pose: Pose) -> None:
    actor = PhotoActor(rig, rig.width // 2, rig.height // 2)
    actor.take(Pose())
    rest = actor.frame.y.copy()

    actor.take(pose)

    moved = actor.frame.y != rest
    assert moved.mean() > 0.02
    for edge in (moved[0], moved[-1], moved[:, 0], moved[:, -1]):
        assert not edge.any()


@pytest.mark.parametrize(("width", "height"), [(854, 480), (480, 854), (480, 480), (3840, 2160)])
def test_the_face_is_whole_in_every_frame(rig: PhotoRig, width: int, height: int) -> None:
    actor = PhotoActor(rig, width, height)
    actor.take(Pose())
    luma = actor.frame.y
    grey = np.asarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB), np.uint8)
    # A face of 256 pixels is asked for.
    size = (width // 2, height // 2) if height > 1000 else (width * 2, height * 2)
    grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)

    points = portrait_face(grey).points[:, :2]

    assert (points > 0).all()
    assert (points < (grey.shape[1], grey.shape[0])).all()


def test_without_a_clean_cut_out_the_portrait_fills_the_frame(made: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(made / "rig") as archive:
        blobs = {name: archive.read(name) for name in archive.namelist() if name != "matte.png"}
    blobs["rig.json"] = json.dumps(json.loads(blobs["rig.json"]) | {"has_cutout": False}).encode()
    with zipfile.ZipFile(tmp_path / "rig", "w") as archive:
        for name, content in blobs.items():
            archive.writestr(name, content)
    uncut = open_rig(tmp_path / "rig")

    before_blue = PhotoActor(uncut, WIDTH, HEIGHT, lit_backdrop(WIDTH, HEIGHT, "#2244CC"))
    alone = PhotoActor(uncut, WIDTH, HEIGHT)
    before_blue.take(Pose(tilt=0.01))
    alone.take(Pose(tilt=0.01))

    assert np.array_equal(before_blue.frame.buffer, alone.frame.buffer)


def _stands_before(rig: PhotoRig, background: Frame) -> bool:
    """Whether head and shoulders are seen before the background, which is seen around them."""
    actor = PhotoActor(rig, WIDTH, HEIGHT, background)
    actor.take(Pose(tilt=0.01, mouth=MouthState(5)))
    shown = actor.frame.y != background.y
    corner = np.array_equal(actor.frame.y[:40, :40], background.y[:40, :40])
    return bool(corner and 0.2 < shown.mean() < 0.8 and shown[-2].any() and shown[HEIGHT // 3, WIDTH // 2])


def test_head_and_shoulders_stand_before_the_background_that_was_asked_for(rig: PhotoRig) -> None:
    assert rig.has_cutout
    assert _stands_before(rig, lit_backdrop(WIDTH, HEIGHT, "#2244CC"))


def test_a_portrait_that_comes_cut_out_is_shown_so(portrait: Pixels, tmp_path: Path) -> None:
    alpha = np.zeros(portrait.shape[:2], np.uint8)
    cv2.ellipse(alpha, (480, 290), (250, 260), 0, 0, 360, 255, -1)
    cv2.ellipse(alpha, (480, 960), (420, 480), 0, 0, 360, 255, -1)
    image = _saved(np.dstack([portrait, alpha]), tmp_path / "cut-out")

    make_rig(image, tmp_path / "rig", tmp_path / "preview")

    cut_out = open_rig(tmp_path / "rig")
    assert cut_out.has_cutout
    assert _stands_before(cut_out, lit_backdrop(WIDTH, HEIGHT, "#2244CC"))
