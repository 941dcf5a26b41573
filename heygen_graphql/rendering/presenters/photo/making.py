"""From a portrait to a rig: the face found, meshed, and drawn in all its states."""

from pathlib import Path

import cv2
import numpy as np

from heygen_graphql.rendering.errors import PhotoRefused
from heygen_graphql.rendering.presenters.actor import (
    BROW_LEVELS,
    LID_LEVELS,
    OPENNESS_LEVELS,
    SPREAD_LEVELS,
    TUCK_LEVELS,
    EyeState,
    MouthState,
)
from heygen_graphql.rendering.presenters.photo.eyes import Eyes
from heygen_graphql.rendering.presenters.photo.faces import Mesh, find_faces, verified
from heygen_graphql.rendering.presenters.photo.lips import find_lips
from heygen_graphql.rendering.presenters.photo.matte import find_matte
from heygen_graphql.rendering.presenters.photo.mouth import Mouth, Shape
from heygen_graphql.rendering.presenters.photo.rigfile import BLOCK, Geometry, corners, write_rig
from heygen_graphql.rendering.presenters.photo.states import eye_states, mouth_states
from heygen_graphql.rendering.presenters.pictures import Pixels, on_white, read_picture_with_alpha

LEAST_FACE = 256
"""Pixels across."""
_LARGEST_FACE, _LONGEST_SIDE = 600, 2880
"""More detail than this no frame shows, and every state's cost grows with it."""
_SECOND_FACE = 0.45
"""A face at least this wide, as a share of the widest, is somebody who might be meant."""
_FURTHEST_TURN = 0.36
_SURELY_UPRIGHT = 0.85
"""The detector's score: upright portraits measured 0.90 to 0.97, the same upside down 0.52 to 0.75."""
_UPPER_EYES = (33, 133, 362, 263)
_CHIN, _FOREHEAD = 152, 10
_PREVIEW_SIDE = 480


def make_rig(image: Path, target: Path, preview: Path) -> None:
    """Make a presenter of the portrait in `image`, and a square preview of it.

    Takes seconds and some hundred megabytes: run it in a process of its own.

    Raises:
        PictureRefused: UNSUPPORTED_MEDIA or FILE_TOO_LARGE.
        PhotoRefused: NO_FACE_FOUND, SEVERAL_FACES_FOUND, or INVALID for a face that is too small or
            turned too far away.
    """
    pixels = read_picture_with_alpha(image)
    picture, own = on_white(pixels), pixels[..., 3] if pixels.shape[2] == 4 else None
    mesh = portrait_face(picture)
    scale = min(_LARGEST_FACE / mesh.width, _LONGEST_SIDE / max(picture.shape[:2]), 1.0)
    picture, mesh = _shrunk(picture, scale), mesh.scaled(scale)
    lips = find_lips(picture, mesh)
    mouth, eyes = Mouth(picture, mesh, lips), Eyes(picture, mesh, lips.frame)
    points = mesh.points[:, :2]
    eye_x, eye_y = points[list(_UPPER_EYES)].mean(axis=0).tolist()
    chin = float(np.hypot(*(points[_CHIN] - (eye_x, eye_y))))
    matte = find_matte(picture, mesh, None if own is None else _shrunk(own, scale))
    geometry = Geometry(
        eye_x=eye_x,
        eye_y=eye_y,
        unit=chin / 200,
        crown=matte.crown,
        chin=float(points[_CHIN, 1]),
        mouth=corners(mouth.rect),
        eyes=corners(eyes.rect),
        floor=matte.floor,
    )
    write_rig(
        target,
        picture,
        geometry,
        {
            state: mouth.draw(_shape(state))
            for state in mouth_states()
            if state != MouthState() or not lips.is_closed
        },
        {state: _eyes(eyes, state) for state in eye_states() if state != EyeState()},
        matte=matte.alpha,
        has_cutout=matte.is_clean,
    )
    _write_preview(preview, picture, geometry)


def _shrunk(pixels: Pixels, scale: float) -> Pixels:
    """At most as large as before, and of whole blocks: some pixels are lost on the right and below."""
    height, width = pixels.shape[:2]
    if scale < 1:
        size = (max(round(width * scale), BLOCK), max(round(height * scale), BLOCK))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        width, height = size
    return np.ascontiguousarray(pixels[: height // BLOCK * BLOCK, : width // BLOCK * BLOCK])


def portrait_face(picture: Pixels) -> Mesh:
    """The one face that the picture is a portrait of.

    Passers-by and pictures on the wall do not matter: another face counts when it is nearly half as
    wide as the widest.

    Raises:
        PhotoRefused: none, several, too small, or turned away.
    """
    boxes = find_faces(picture)
    meshes = verified(picture, boxes)
    if not meshes:
        raise PhotoRefused(
            "NO_FACE_FOUND",
            "No face was found. Send a portrait in which one face looks at the camera, upright and well lit.",
        )
    face, *others = meshes
    if others and others[0].width > _SECOND_FACE * face.width:
        count = sum(other.width > _SECOND_FACE * face.width for other in meshes)
        raise PhotoRefused(
            "SEVERAL_FACES_FOUND",
            f"{count} faces were found. Send a portrait of one person, or crop it to one.",
        )
    if face.width < LEAST_FACE:
        raise PhotoRefused(
            "INVALID",
            f"The face is {face.width:.0f} pixels across, and at least {LEAST_FACE} are needed. "
            "Send a larger picture or one taken from nearer.",
        )
    if _lies(picture, face, max(box.score for box in boxes)):
        raise PhotoRefused("INVALID", "The picture lies on its side or upside down. Turn it upright.")
    if abs(_turn(face)) > _FURTHEST_TURN:
        raise PhotoRefused(
            "INVALID", "The face is turned too far aside. Send a portrait that faces the camera."
        )
    return face


def _lies(picture: Pixels, mesh: Mesh, score: float) -> bool:
    """Whether a person is not upright: upside down, a face is taken for an upright one, but not so surely."""
    across = mesh.points[_UPPER_EYES[3], :2] - mesh.points[_UPPER_EYES[0], :2]
    if abs(across[1]) > abs(across[0]):
        return True
    if score > _SURELY_UPRIGHT:
        return False
    turned = find_faces(np.ascontiguousarray(picture[::-1, ::-1]))
    return bool(turned) and max(box.score for box in turned) > score + 0.1


def _turn(mesh: Mesh) -> float:
    """How far the nose lies from the middle of the face, as a share of its width: 0 from the front."""
    right, left, nose = mesh.points[[234, 454, 1], :2]
    across = left - right
    return float((nose - right) @ across / (across @ across)) - 0.5


def _shape(state: MouthState) -> Shape:
    return Shape(
        state.openness / (OPENNESS_LEVELS - 1),
        state.spread / (SPREAD_LEVELS - 1) * 2 - 1,
        state.tuck / (TUCK_LEVELS - 1),
        float(state.tongue),
    )


def _eyes(eyes: Eyes, state: EyeState) -> Pixels:
    return eyes.draw(
        state.lids / (LID_LEVELS - 1), state.brows / (BROW_LEVELS - 1), state.gaze_x, state.gaze_y
    )


def _write_preview(target: Path, picture: Pixels, geometry: Geometry) -> None:
    """Head and shoulders in a square, as far as the portrait goes."""
    height, width = picture.shape[:2]
    side = min(640 * geometry.unit, width, height)
    left = float(np.clip(geometry.eye_x - side / 2, 0, width - side))
    top = float(np.clip(geometry.eye_y - 0.42 * side, 0, height - side))
    part = picture[round(top) : round(top + side), round(left) : round(left + side)]
    shown = cv2.resize(part, (_PREVIEW_SIDE, _PREVIEW_SIDE), interpolation=cv2.INTER_AREA)
    # By its content, not by its name, which is the caller's.
    target.write_bytes(cv2.imencode(".png", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))[1].tobytes())
