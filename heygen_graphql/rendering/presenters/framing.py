"""Where a presenter stands in the picture, by the picture's shape."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framing:
    scale: float
    """Pixels per art unit; a head measures 400 units."""
    eye_x: float
    eye_y: float
    """Where the art's origin, between the eyes, falls in the picture."""


def framing(width: int, height: int) -> Framing:
    """Head and shoulders, the eyes a good third down, the chest left free for captions."""
    if width > height * 1.2:
        return Framing(height * 0.00108, width / 2, height * 0.385)
    if width < height * 0.85:
        return Framing(width * 0.00118, width / 2, height * 0.37)
    return Framing(height * 0.00100, width / 2, height * 0.385)
