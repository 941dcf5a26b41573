"""How long a render will still take, by how fast it has gone lately."""

from collections import deque

_WINDOW_SECONDS = 8.0
_MIN_SECONDS = 0.8
"""Less than this is no pace yet: the first frames are slow, as the presenter's states are drawn then."""


class Pace:
    """The pace of the last few seconds; older ones tell of other work."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()

    def seconds_left(self, fraction: float, now: float) -> float | None:
        """Note that `fraction` of the whole is done at `now`; None while there is no pace to speak of."""
        if not self._seen or fraction > self._seen[-1][1]:
            self._seen.append((now, fraction))
        while len(self._seen) > 2 and self._seen[0][0] < now - _WINDOW_SECONDS:
            self._seen.popleft()
        began, first = self._seen[0]
        if now - began < _MIN_SECONDS or fraction <= first:
            return None
        return (1 - fraction) * (now - began) / (fraction - first)
