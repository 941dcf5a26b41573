"""Which pixels of a portrait are the person's, and whether that is known well enough to cut them out.

The model is MediaPipe's selfie segmentation (Apache-2.0), which the wheel mediapipe carries as a file; of
that wheel nothing is imported. Where it is not installed nothing is known, and photos fill the frame.
"""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.photo.faces import Mesh
from heygen_graphql.rendering.presenters.photo.sampling import step
from heygen_graphql.rendering.presenters.pictures import Pixels

Singles = NDArray[np.float32]
Mask = NDArray[np.uint8]

_MODEL, _MODEL_SIDE = "selfie_segmentation.tflite", 256
_WORKED_SIDE = 1200
"""Pixels of the longer side that a matte is worked out at; finer hair it does not know."""
_AROUND = (3.4, 2.6, 5.0)
"""What the model is shown: this many face widths to each side of the eyes, above and below them."""
_CHIN, _EYES = 152, (33, 263)

_CROWN_UNITS = 225.0
"""Where the top of the hair is taken to be when it cannot be seen; art units above the eyes."""
_LEAST_ABOVE, _LEAST_BELOW = 10.0, 270.0
"""Art units: free room above the hair, and of neck and shoulders below the eyes, without which a cut-out
would look cut."""
_MOST_DOUBT = 0.075
"""Of the face's width: how broad the rim of half-known pixels may be on average."""
_RIM = 0.022
"""Of the face's width: how far from the outline wisps of hair are believed; at twice that, none is."""
_MOST_LOOSE = 0.03
"""The share of the person that may lie apart from the head."""


@dataclass(frozen=True, slots=True)
class Matte:
    alpha: Mask | None
    """Of the portrait's shape, and maybe smaller; None where nothing is known."""
    is_clean: bool
    crown: float
    """y of the top of the hair."""
    floor: float
    """y above which the person touches neither side of the portrait."""


def find_matte(picture: Pixels, mesh: Mesh, own: Mask | None = None) -> Matte:
    """`own` is the picture's alpha, of its shape, when it came with one: then nothing has to be guessed."""
    height, width = picture.shape[:2]
    eye_y = float(mesh.points[list(_EYES), 1].mean())
    unit = float(np.hypot(*(mesh.points[_CHIN, :2] - mesh.points[list(_EYES), :2].mean(axis=0)))) / 200
    model = _model_path()
    if model is None and own is None:
        return Matte(None, False, max(eye_y - _CROWN_UNITS * unit, 0.0), float(height))
    scale = min(_WORKED_SIDE / max(height, width), 1.0)
    size = (max(round(width * scale), 2), max(round(height * scale), 2))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    if own is not None:
        small_own = cv2.resize(own, size, interpolation=cv2.INTER_AREA)
        alpha = np.asarray(small_own * np.float32(1 / 255), np.float32)
    else:
        alpha = _sharpened(_known(str(model), small, mesh.scaled(scale)), small, mesh.width * scale)
    head = (int(eye_y * scale), int(mesh.points[list(_EYES), 0].mean() * scale))
    person, loose = _connected(alpha, head)
    rows = np.flatnonzero((person > 0.5).mean(axis=1) > 0.01)
    crown = float(rows[0]) / scale if len(rows) else max(eye_y - _CROWN_UNITS * unit, 0.0)
    beside = np.flatnonzero((person[:, :2] > 0.5).any(axis=1) | (person[:, -2:] > 0.5).any(axis=1))
    floor = float(beside[0]) / scale if len(beside) else float(height)
    is_clean = (
        loose < _MOST_LOOSE
        and _doubt(person) < _MOST_DOUBT * mesh.width * scale
        and crown > _LEAST_ABOVE * unit
        and floor - eye_y > _LEAST_BELOW * unit
    )
    return Matte(np.rint(person * 255).astype(np.uint8), is_clean, crown, floor)


@cache
def _model_path() -> str | None:
    try:
        found = files("mediapipe") or ()
    except PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in found if file.name == _MODEL), None)


def _known(model: str, picture: Pixels, mesh: Mesh) -> Singles:
    """What the model says, 0 to 1; it sees no more than a person may take up."""
    height, width = picture.shape[:2]
    x, y = mesh.points[list(_EYES), :2].mean(axis=0)
    beside, above, below = (share * mesh.width for share in _AROUND)
    left, right = max(int(x - beside), 0), min(int(x + beside), width)
    top, bottom = max(int(y - above), 0), min(int(y + below), height)
    shown = cv2.resize(
        picture[top:bottom, left:right], (_MODEL_SIDE, _MODEL_SIDE), interpolation=cv2.INTER_AREA
    )
    net = cv2.dnn.readNetFromTFLite(model, engine=cv2.dnn.ENGINE_CLASSIC)
    net.setInput(shown.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    answer = np.asarray(net.forward(), np.float32).reshape(_MODEL_SIDE, _MODEL_SIDE)
    known = np.zeros((height, width), np.float32)
    known[top:bottom, left:right] = cv2.resize(
        answer, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC
    )
    if bottom < height:
        known[bottom:] = known[bottom - 1]
    return np.clip(known, 0, 1)


def _sharpened(known: Singles, picture: Pixels, face_width: float) -> Singles:
    """The matte drawn to the picture's own edges, by a guided filter (He, Sun and Tang, ECCV 2010)."""
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    side = max(int(face_width * 0.07), 2) * 2 + 1

    def mean(values: NDArray[Any]) -> Singles:
        return np.asarray(cv2.blur(values, (side, side)), np.float32)

    mean_luma, mean_known = mean(luma), mean(known)
    slope = (mean(luma * known) - mean_luma * mean_known) / (mean(luma * luma) - mean_luma**2 + 3e-4)
    guided = mean(slope) * luma + mean(mean_known - slope * mean_luma)
    # Far from the model's own edge the filter has no say.
    edge = 1 - np.abs(mean_known - 0.5) * 2
    mixed = known + (guided - known) * np.clip(edge * 3, 0, 1)
    return _without_fog(step(((mixed - 0.15) / 0.7).astype(np.float32)), face_width)


def _without_fog(alpha: Singles, face_width: float) -> Singles:
    """Only near the outline may pixels be half known: farther off, a shadow or a pale wall shines through."""
    is_person = (alpha > 0.5).astype(np.uint8)
    inside, outside = (
        np.asarray(cv2.distanceTransform(part, cv2.DIST_L2, 3), np.float32)
        for part in (is_person, 1 - is_person)
    )
    rim = _RIM * face_width
    return np.clip(alpha, 1 - step(2 - inside / rim), step(2 - outside / rim))


def _connected(alpha: Singles, head: tuple[int, int]) -> tuple[Singles, float]:
    """The part that hangs together with the head, and how much else there was, as a share of it."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.3).astype(np.uint8))
    label = int(labels[head])
    own = labels == label
    if not label or not own.any():
        return alpha, 1.0
    total, area = float((labels > 0).sum()), float(stats[label, cv2.CC_STAT_AREA])
    near = cv2.dilate(own.astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(alpha * near, np.float32), (total - area) / area


def _doubt(alpha: Singles) -> float:
    """How broad the rim of half-known pixels is on average, in pixels."""
    outlines, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = sum(len(outline) for outline in outlines)
    return float(((alpha > 0.1) & (alpha < 0.9)).sum()) / max(length, 1)


def cleaned(picture: Pixels, alpha: Mask) -> Pixels:
    """The picture with the person's own colours all along their outline, and none of the old ground's."""
    scale = 4
    size = (max(picture.shape[1] // scale, 1), max(picture.shape[0] // scale, 1))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    sure = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 242).astype(np.float32)
    colors = np.zeros_like(small)
    filled = np.zeros_like(sure)
    for sigma in (1.5, 4.0, 12.0, 40.0):
        weight = cv2.GaussianBlur(sure, (0, 0), sigma)
        blurred = (
            cv2.GaussianBlur(small * sure[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
        )
        fresh = np.clip(weight / 0.05, 0, 1) * (1 - filled)
        colors += blurred * fresh[..., None]
        filled += fresh
    own = cv2.resize(colors / np.maximum(filled, 1e-4)[..., None], (picture.shape[1], picture.shape[0]))
    share = np.clip((250 - alpha.astype(np.float32)) / 110, 0, 1)[..., None]
    return np.rint(picture + (own - picture) * share).astype(np.uint8)
