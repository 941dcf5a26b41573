"""What shows between the lips: the person's own teeth where the portrait has them, drawn ones elsewhere.

Upper teeth stand still with the skull and lips move before them, as in life. Drawn parts take their light
from the portrait: its strength and colour from the whites of the eyes, which reflect about as teeth do, its
side from the cheeks, its grain and sharpness from the skin around.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.photo.faces import Mesh
from heygen_graphql.rendering.presenters.photo.lips import COLUMNS, Lips
from heygen_graphql.rendering.presenters.photo.sampling import sampled
from heygen_graphql.rendering.presenters.pictures import Pixels

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_TOOTH_WIDTHS = (0.062, 0.048, 0.055, 0.050, 0.048)
"""From the middle outwards, of the face's width: 8.5 mm for a central incisor (Wheeler's averages), the
others as they show from the front of an arch."""
_SHOWN_AT_REST = 0.017
"""How far the incisors reach below the closed lips' line, of the face's width: 2 to 3 mm."""
_RIGHT_CHEEK, _LEFT_CHEEK = (50, 205, 207), (280, 425, 427)
_PALEST_SKIN = 0.12
"""How far the palest skin's red and blue lie apart, as a share of its brightness."""
_TINTS = (0.85, 1.13)
"""The least and most of a colour, of their mean, in what is white."""
_OWN_TEETH_GAP, _OWN_TEETH_SHARE = 0.05, 0.45


@dataclass(frozen=True, slots=True)
class Opening:
    """How far the mouth is open, for what lies inside."""

    share: float
    """0 closed to 1 as wide as it goes."""
    rounded: float
    tuck: float
    tongue: float
    drop: float
    """Of the jaw, pixels."""
    floor: float
    """v of the lower lip's inner line at its lowest."""


class Interior:
    """The inside of one portrait's mouth."""

    def __init__(self, picture: Pixels, lips: Lips, mesh: Mesh) -> None:
        self._lips, self._face = lips, mesh.width
        self._light = _light(picture, mesh)
        self._lip_color = _lip_color(picture, lips)
        tongue = self._lip_color * (0.45, 0.33, 0.34) + self._light * (0.38, 0.21, 0.21)
        # A portrait without colours has none inside the mouth either.
        skin = _skin(picture, mesh)
        self._colors = float(np.clip((skin.max() - skin.min()) / max(skin.mean(), 1.0) / _PALEST_SKIN, 0, 1))
        self._tongue = _paled(tongue, self._colors)
        self._side = _side_light(picture, mesh)
        self._grain, self._blur = grain_and_blur(picture, lips)
        middle = slice(COLUMNS // 2 - 4, COLUMNS // 2 + 5)
        self._edge = (
            float(np.mean(((lips.upper_inner + lips.lower_inner) / 2)[middle])) + _SHOWN_AT_REST * self._face
        )
        self.has_own_teeth = lips.gap > _OWN_TEETH_GAP and lips.teeth_share > _OWN_TEETH_SHARE
        self._own = _OwnTeeth.of(picture, lips) if self.has_own_teeth else None
        if self._own is not None:
            self._edge = float(np.mean(self._own.edge[middle]))

    def draw(self, points: Singles, opening: Opening) -> Singles:
        """(rows, columns, 3), RGB.

        `points` holds u, v, and how far below the upper lip and above the lower one, for each pixel.
        """
        u, v, below_upper, above_lower = points
        dark = self._cavity(u, v, opening)
        if self._own is None:
            color = self._drawn_teeth(dark, u, v, opening)
        else:
            color = self._own.laid_over(dark, u, v, self._lips, 1 - 0.22 * opening.rounded)
        if opening.tongue:
            color = self._tip_over(color, u, below_upper, above_lower, opening)
        # Lips throw their shadow into the mouth; more from above, where light comes from.
        reach = 0.028 * self._face
        shade = 1 - 0.5 * np.exp(-np.clip(below_upper, 0, None) / (0.35 * reach))
        shade *= 1 - 0.35 * np.exp(-np.clip(above_lower, 0, None) / (0.3 * reach))
        if self._own is not None:
            shade = 1 - (1 - shade) * (0.3 + 0.3 * opening.share)
        color = color * shade[..., None]
        # The wet inside of the lips, which turns out as they part.
        inner = 0.75 * np.exp(-np.clip(above_lower, 0, None) / (0.25 * reach))
        inner = np.maximum(inner, 0.35 * np.exp(-np.clip(below_upper, 0, None) / (0.2 * reach)))
        inner = (inner * np.clip(opening.share / 0.2, 0, 1))[..., None]
        color = color * (1 - inner) + self._tongue * 0.55 * inner
        color = cv2.GaussianBlur(color.astype(np.float32), (0, 0), self._blur)
        noise = np.random.default_rng(7).normal(0, 1, color.shape[:2]).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), max(self._blur * 0.7, 0.5))
        noise *= self._grain / max(float(noise.std()), 1e-6)
        lit = np.clip(color.mean(axis=-1, keepdims=True) / 90, 0.15, 1)
        return np.asarray(np.clip(color + noise[..., None] * lit, 0, 255), np.float32)

    def _cavity(self, u: Singles, v: Singles, opening: Opening) -> Singles:
        """The dark behind the teeth and the tongue that lies in it."""
        light = self._light
        half = self._lips.half_width
        dark = _paled(np.array([0.17, 0.072, 0.066]) * light, self._colors)
        color = np.broadcast_to(dark, (*u.shape, 3)).astype(np.float32)
        tongue = self._tongue
        # It rides on the jaw: its back rises in the middle, and its tip lies behind the lower teeth.
        height = 0.02 * self._face + 0.36 * opening.drop
        top = opening.floor - height
        if opening.tongue:
            top = min(top, self._edge + 0.004 * self._face)
        across = np.clip(1 - (u / (0.62 * half)) ** 2, 0, 1)
        surface = top + (1 - across) * height * 0.9
        depth = (v - surface) / max(height, 1.0)
        cover = np.clip((v - surface) / (0.016 * self._face) + 0.5, 0, 1) * across**0.5
        lit = (0.46 + 0.3 * np.clip(depth, 0, 1)) * (0.75 + 0.25 * across)
        if opening.tongue:
            lit = lit * 1.35
        # A furrow along its middle.
        lit = lit * (1 - 0.12 * np.exp(-((u / (0.05 * half)) ** 2)))
        lay = (cover * min(1.0, opening.share / 0.25 + opening.tongue))[..., None]
        return np.asarray(color * (1 - lay) + tongue * lit[..., None] * lay, np.float32)

    def _tip_over(
        self, under: Singles, u: Singles, below_upper: Singles, above_lower: Singles, opening: Opening
    ) -> Singles:
        """The tongue's tip before the lower part of the upper teeth."""
        height = np.maximum(below_upper + above_lower, 1e-3)
        place = below_upper / height
        across = np.clip(1 - (u / (0.46 * self._lips.half_width)) ** 2, 0, 1)
        cover = np.clip((place - (1 - 0.72 * np.sqrt(across))) / 0.16, 0, 1) * np.clip(across * 6, 0, 1)
        cover = cover * opening.tongue * np.clip((0.7 - opening.share) / 0.25, 0, 1)
        tongue = self._tongue * 1.1
        lit = (0.82 + 0.25 * place * across)[..., None]
        lay = cover[..., None]
        return np.asarray(under * (1 - lay) + tongue * lit * lay, np.float32)

    def _drawn_teeth(self, under: Singles, u: Singles, v: Singles, opening: Opening) -> Singles:
        half = self._lips.half_width
        away = np.abs(u)
        bounds = np.cumsum(_TOOTH_WIDTHS) * self._face
        index = np.clip(np.searchsorted(bounds, away), 0, len(bounds) - 1)
        start = np.concatenate([[0.0], bounds])[index]
        place = np.clip((away - start) / (np.array(_TOOTH_WIDTHS)[index] * self._face), 0, 1)
        # Edges round off at each tooth's sides, lateral incisors are a little shorter, and the arch rises.
        shorter = np.array([0.0, 0.009, 0.003, 0.010, 0.016])[index] * self._face
        rounding = (np.abs(place - 0.5) * 2) ** 4 * 0.008 * self._face
        arch = (away / half) ** 2 * 0.030 * self._face
        edge = self._edge - shorter - rounding - arch
        soft = max(1.0, 0.006 * self._face)
        cover = np.clip((edge - v) / soft + 0.5, 0, 1) * np.clip(
            (bounds[-1] - away) / (0.03 * self._face), 0, 1
        )
        groove = 1 - 0.20 * np.exp(-((np.minimum(place, 1 - place) / 0.055) ** 2))
        # Rounded crowns: lit in the middle of each, and the row turns away from the light to the sides.
        crown = 0.95 + 0.05 * np.cos((place - 0.45) * np.pi)
        turning = 1 - 0.5 * np.clip(away / bounds[-1], 0, 1) ** 1.8
        side = 1 + self._side * np.clip(u / half, -1, 1)
        bright = groove * crown * turning * side * (1 - 0.45 * opening.rounded)
        # The edge of enamel is thin and lets the dark through.
        bright = bright * (1 - 0.16 * np.exp(-np.clip(edge - v, 0, None) / (0.010 * self._face)))
        enamel = _paled(self._light * np.array([1.0, 0.965, 0.90]), self._colors)
        color = enamel * bright[..., None]
        return np.asarray(under * (1 - cover[..., None]) + color * cover[..., None], np.float32)


@dataclass(frozen=True, slots=True)
class _OwnTeeth:
    """The portrait's teeth laid straight: rows are v, columns are u, and what lies beyond is guessed."""

    strip: Singles
    top: float
    step: float
    edge: Floats
    """v of the teeth's lower edge over the columns."""

    @classmethod
    def of(cls, picture: Pixels, lips: Lips) -> "_OwnTeeth":
        half = lips.half_width
        columns = max(COLUMNS, round(2 * half) + 1)
        step = 2 * half / (columns - 1)
        top = float(lips.upper_inner.min()) - 0.2 * half
        rows = round((float(lips.lower_inner.max()) + 0.2 * half - top) / step) + 1
        u = np.linspace(-half, half, columns)
        v = top + np.arange(rows) * step
        where = lips.frame.to_picture(np.stack(np.meshgrid(u, v), axis=-1))
        strip = sampled(picture, where, smoothly=True).astype(np.float32)
        x = np.linspace(-1, 1, columns)
        known = np.linspace(-1, 1, COLUMNS)
        inset = 0.02 * half
        first = np.interp(x, known, lips.upper_inner) + inset
        last = np.interp(x, known, lips.lower_inner) - inset
        valid = (v[:, None] >= first) & (v[:, None] <= last)
        strip = _filled(strip, valid)
        edge = np.interp(known, x, last) + 0.5 * inset
        return cls(strip, top, step, edge)

    def laid_over(self, under: Singles, u: Singles, v: Singles, lips: Lips, bright: float) -> Singles:
        half = lips.half_width
        x = ((u + half) / self.step).astype(np.float32)
        y = ((v - self.top) / self.step).astype(np.float32)
        own = cv2.remap(self.strip, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        edge = np.interp(u.ravel() / half, np.linspace(-1, 1, COLUMNS), self.edge).reshape(u.shape)
        cover = np.clip((edge - v) / (0.03 * half) + 0.5, 0, 1)[..., None]
        return np.asarray(under * (1 - cover) + own * (cover * bright), np.float32)


def _filled(strip: Singles, valid: NDArray[np.bool_]) -> Singles:
    """Each column's gaps take the nearest valid pixel above or below; empty columns their neighbours'."""
    rows = np.arange(len(strip))[:, None]
    any_valid = valid.any(axis=0)
    if not any_valid.any():
        return strip
    first = np.where(any_valid, valid.argmax(axis=0), 0)
    last = np.where(any_valid, len(strip) - 1 - valid[::-1].argmax(axis=0), 0)
    nearest = np.clip(rows, first, last)
    columns = np.arange(strip.shape[1])
    filled_columns = np.flatnonzero(any_valid)
    source = filled_columns[np.abs(columns[:, None] - filled_columns).argmin(axis=1)]
    return np.asarray(strip[nearest[:, source], source], np.float32)


def _light(picture: Pixels, mesh: Mesh) -> Floats:
    """What something white reflects here, RGB: from the whites of the eyes, within what the skin allows."""
    eyes = np.zeros(picture.shape[:2], np.uint8)
    for ring in (mesh.right_eye, mesh.left_eye):
        outline = np.vstack([ring[:9], ring[9:][::-1]])
        cv2.fillPoly(eyes, [np.rint(outline).astype(np.int32)], 255)
    skin = _skin(picture, mesh)
    white = picture[eyes > 0].astype(np.float64)
    bright = float(skin.mean())
    if len(white) < 20:
        return np.asarray(np.clip(skin * (1.05, 1.25, 1.35), 0, 235), np.float64)
    luma = white @ (0.2126, 0.7152, 0.0722)
    sclera = white[(luma > np.percentile(luma, 70)) & (luma < np.percentile(luma, 97))].mean(axis=0)
    # Eyes in shade or behind glasses are no measure: teeth are no darker than the skin and not far brighter.
    level = np.clip(sclera.mean(), 1.05 * bright, max(1.7 * bright, 120))
    # Nor far redder or bluer than white, as eyes of a few pixels may seem.
    tint = np.clip(sclera / sclera.mean(), *_TINTS)
    return np.asarray(np.clip(tint * level, 30, 238), np.float64)


def _paled(color: Floats, colors: float) -> Floats:
    """The colour with only a share of its saturation."""
    return np.asarray(color.mean() + (color - color.mean()) * colors, np.float64)


def _skin(picture: Pixels, mesh: Mesh) -> Floats:
    return np.asarray(
        np.mean([_sample(picture, mesh, i) for i in _RIGHT_CHEEK + _LEFT_CHEEK], axis=0), np.float64
    )


def _sample(picture: Pixels, mesh: Mesh, index: int) -> Floats:
    reach = max(int(0.02 * mesh.width), 1)
    x, y = np.rint(mesh.points[index, :2]).astype(int)
    x = int(np.clip(x, reach, picture.shape[1] - reach - 1))
    y = int(np.clip(y, reach, picture.shape[0] - reach - 1))
    patch = picture[y - reach : y + reach + 1, x - reach : x + reach + 1].reshape(-1, 3)
    return np.asarray(np.median(patch, axis=0), np.float64)


def _side_light(picture: Pixels, mesh: Mesh) -> float:
    """How much brighter the picture's right side of the face is: -0.35 to 0.35."""
    right, left = (
        np.mean([_sample(picture, mesh, i).mean() for i in cheek]) for cheek in (_RIGHT_CHEEK, _LEFT_CHEEK)
    )
    return float(np.clip((left - right) / (left + right + 1), -0.35, 0.35))


def _lip_color(picture: Pixels, lips: Lips) -> Floats:
    columns = np.arange(COLUMNS // 4, COLUMNS * 3 // 4)
    u = np.linspace(-lips.half_width, lips.half_width, COLUMNS)[columns]
    v = (lips.lower_inner * 0.5 + lips.lower_outer * 0.5)[columns]
    points = np.rint(lips.frame.to_picture(np.stack([u, v], axis=-1))).astype(int)
    points = np.clip(points, 0, (picture.shape[1] - 1, picture.shape[0] - 1))
    return np.asarray(np.median(picture[points[:, 1], points[:, 0]], axis=0), np.float64)


def grain_and_blur(picture: Pixels, lips: Lips) -> tuple[float, float]:
    """The noise's standard deviation, and the sigma of a blur that makes edges as soft as here."""
    reach = lips.half_width * 1.6
    x, y = lips.frame.x, lips.frame.y
    part = picture[max(int(y - reach), 0) : int(y + reach), max(int(x - reach), 0) : int(x + reach)]
    luma = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Immerkaer, Fast Noise Variance Estimation, 1996; the median keeps edges out.
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    noise = float(np.median(np.abs(cv2.filter2D(luma, -1, kernel)))) / 0.6745 / 6
    # How wide its steepest edges are: contrast over slope.
    size = max(int(lips.half_width * 0.12), 2) * 2 + 1
    around = np.ones((size, size), np.uint8)
    contrast = cv2.dilate(luma, around) - cv2.erode(luma, around)
    slope = cv2.magnitude(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)) / 8
    strong = contrast > max(float(np.percentile(contrast, 80)), 12.0)
    if not strong.any():
        return noise, 1.0
    steepness = float(np.percentile(slope[strong] / contrast[strong], 95))
    # A Gaussian edge of sigma s rises by 0.4 / s of its contrast a pixel.
    return noise, float(np.clip(0.4 / max(steepness, 1e-3) - 0.5, 0.5, 3.0)) * 0.6
