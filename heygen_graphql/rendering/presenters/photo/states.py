"""Which of the compositor's mouths and eyes a rig holds, and which stand for the others."""

from heygen_graphql.rendering.presenters.actor import (
    BROW_LEVELS,
    GAZE_REACH,
    LID_LEVELS,
    OPENNESS_LEVELS,
    SPREAD_LEVELS,
    TUCK_LEVELS,
    EyeState,
    MouthState,
)

_MOST_TONGUE = 6
"""A tongue's tip shows up to this level of openness; in a wider mouth it is down."""
_MOST_TUCKED = (0, 2, 1)
"""By tuck: f and v are spoken with a mouth hardly open."""
_FEW_SPREADS = (1, 3, 5)
"""Tongue and tuck are brief: three widths of the mouth do for them."""
_LOWEST_GAZE = 1
"""Eyes look up and down by one level; to the sides they go farther."""


def mouth_states() -> list[MouthState]:
    states = [MouthState(o, s) for o in range(OPENNESS_LEVELS) for s in range(SPREAD_LEVELS)]
    states += [MouthState(o, s, 0, 1) for o in range(2, _MOST_TONGUE + 1) for s in _FEW_SPREADS]
    states += [
        MouthState(o, s, t)
        for t in range(1, TUCK_LEVELS)
        for o in range(_MOST_TUCKED[t] + 1)
        for s in _FEW_SPREADS
    ]
    return states


def kept_mouth(state: MouthState) -> MouthState:
    """The state that a rig holds for this one."""
    if state.tuck:
        openness = min(state.openness, _MOST_TUCKED[state.tuck])
        return MouthState(openness, _nearest_few(state.spread), state.tuck, 0)
    if state.tongue and 2 <= state.openness <= _MOST_TONGUE:
        return MouthState(state.openness, _nearest_few(state.spread), 0, 1)
    return MouthState(state.openness, state.spread)


def _nearest_few(spread: int) -> int:
    return min(_FEW_SPREADS, key=lambda few: abs(few - spread))


def eye_states() -> list[EyeState]:
    """Lids by brows, and glances with open eyes."""
    states = [EyeState(lids, brows) for lids in range(LID_LEVELS) for brows in range(BROW_LEVELS)]
    states += [
        EyeState(0, brows, x, y)
        for brows in range(BROW_LEVELS)
        for x in range(-GAZE_REACH, GAZE_REACH + 1)
        for y in range(-_LOWEST_GAZE, _LOWEST_GAZE + 1)
        if x or y
    ]
    return states


def kept_eyes(state: EyeState) -> EyeState:
    """The state that a rig holds for this one; a blink hides where the eyes look."""
    if state.lids:
        return EyeState(state.lids, state.brows)
    x = max(-GAZE_REACH, min(GAZE_REACH, state.gaze_x))
    y = max(-_LOWEST_GAZE, min(_LOWEST_GAZE, state.gaze_y))
    return EyeState(0, state.brows, x, y)
