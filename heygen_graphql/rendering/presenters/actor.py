"""What a presenter is asked to do from frame to frame, and what any kind of presenter must offer.

Poses lie on grids. Motion finer than these shows nobody anything, and a head that stands exactly still
for some frames costs neither the compositor nor the encoder what a head that creeps would.
"""

from dataclasses import dataclass
from typing import Protocol

from heygen_graphql.rendering.presenters.planes import Frame, Rect

OPENNESS_LEVELS, SPREAD_LEVELS, TUCK_LEVELS, TONGUE_LEVELS = 12, 7, 3, 2
_WIDEST_TUCKED = (OPENNESS_LEVELS - 1, 4, 2)
LID_LEVELS, BROW_LEVELS = 5, 4
GAZE_REACH = 2
"""A gaze goes this many levels to either side at most."""

BREATH_STEPS = 12
"""A quarter of a pixel each at 1080p: no step shows."""
SHIFT_STEP = 0.25
"""Art units; a fifth of a pixel at 720p."""
TILT_STEP = 1 / 2048
"""Radians; the crown, 500 units above the neck's foot, moves by a quarter of a unit."""


@dataclass(frozen=True, slots=True)
class MouthState:
    """A mouth pose on the grid; each number counts levels from 0."""

    openness: int = 0
    spread: int = SPREAD_LEVELS // 2
    tuck: int = 0
    tongue: int = 0


@dataclass(frozen=True, slots=True)
class EyeState:
    """Lids (0 open to LID_LEVELS - 1 shut), brows (0 to BROW_LEVELS - 1 raised) and where the eyes look."""

    lids: int = 0
    brows: int = 0
    gaze_x: int = 0
    gaze_y: int = 0


@dataclass(frozen=True, slots=True)
class Pose:
    """Everything that moves in a presenter; the default is a presenter at rest.

    Art units: a face measures about 400 from crown to chin, whatever the picture's size.
    """

    tilt: float = 0.0
    """Radians about the neck's foot, clockwise as the viewer sees it."""
    shift_x: float = 0.0
    shift_y: float = 0.0
    """The head's way from its place, in art units; y grows downwards."""
    breath: int = 0
    """0 (out) to BREATH_STEPS - 1 (in)."""
    eyes: EyeState = EyeState()
    mouth: MouthState = MouthState()


class Actor(Protocol):
    """A presenter before a background, at one picture size."""

    @property
    def frame(self) -> Frame:
        """Background and presenter in the pose last taken, without captions. Only the actor writes to it."""
        ...

    def take(self, pose: Pose) -> Rect | None:
        """Bring `frame` to the pose.

        Returns the rectangle outside which nothing changed, or None when nothing changed at all. The
        frame depends on the pose alone, not on those taken before; the first pose changes everything.
        """
        ...


def mouth_state(openness: float, spread: float, tuck: float, tongue: float) -> MouthState:
    """The nearest state of the grid. A tucked lip has no tongue, a closed mouth shows none."""
    tucked = round(min(max(tuck, 0.0), 1.0) * (TUCK_LEVELS - 1))
    # A lip cannot reach the teeth of a mouth that stands open.
    opened = min(round(min(max(openness, 0.0), 1.0) * (OPENNESS_LEVELS - 1)), _WIDEST_TUCKED[tucked])
    return MouthState(
        opened,
        round((min(max(spread, -1.0), 1.0) + 1) / 2 * (SPREAD_LEVELS - 1)),
        tucked,
        round(min(max(tongue, 0.0), 1.0) * (TONGUE_LEVELS - 1)) if opened > 1 and not tucked else 0,
    )
