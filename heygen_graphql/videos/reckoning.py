"""What a video will take, reckoned from what earlier ones took. Pure: values in, values out.

Two straight lines are learnt: a voice's seconds from the weight of a text, and a host's seconds of
rendering from the length of a film and its pixels. Both begin at a prior and leave it as far as the
measurements say (Bayesian linear regression with a Gaussian prior; Bishop, Pattern Recognition and
Machine Learning, 3.3). Errors count by their share, so that short films matter as much as long ones,
and what lies far off counts little: a laptop may have been shut during a render.
"""

import heapq
import math
import re
import unicodedata
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from heygen_graphql.rendering.storyboard import Scene, Storyboard

Coefficients = tuple[float, ...]
Sample = tuple[Coefficients, float, float]
"""What tells a value, the value, and how much it counts."""

# In letters of an alphabet: how long the characters of other kinds take, measured with the voices that
# come along.
_IDEOGRAPH, _KANA, _HANGUL, _DIGIT, _SYMBOL = 3.6, 2.0, 2.6, 4.0, 2.5
_SENTENCE_END, _CLAUSE_END = 8.0, 2.5
_SENTENCE_ENDS = ".!?…。！？।؟"
_CLAUSE_ENDS = ",;:，、；：،–—"
# A full stop that nobody hears: before a word that begins small, and behind these.
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|etc|ca|Nr|M|Sr|Sra)\.$")
_LONGEST_ABBREVIATION = 6
_SILENT_CATEGORIES = frozenset("MZC")
_UNSAID = frozenset(("Pd", "Ps", "Pe", "Pi", "Pf", "So"))
"""Dashes, brackets, quotation marks, pictures."""

# Seconds before, behind and between spoken scenes; see `rendering.timeline`.
_LEAD_IN, _TAIL, _HALF_GAP = 0.25, 0.5, 0.2

_SPEECH_PRIORS: Mapping[str, Coefficients] = {
    "hibari": (0.067, 0.75),
    "piper": (0.062, 0.5),
    "espeak-ng": (0.067, 0.25),
}
"""Seconds for a letter, and for whatever is said: measured, at speed 1."""
_SPEECH_PRIOR = (0.065, 0.4)
_SPEECH_SPREAD = (0.015, 0.3)
_VOICE_SPREAD = (0.01, 0.2)
_SPEECH_NOISE = 0.08

_RENDER_PRIOR = (0.3, 1.2, 0.12, 0.03, 0.3)
"""Seconds to begin and end with, to draw the presenters for another size, for a second that a slow engine
speaks, for a second of the film, and for a second of a megapixel."""
_FAST_ENGINES = frozenset({"hibari", "espeak-ng"})
_RENDER_SPREAD = (1.0, 2.0, 0.2, 0.2, 0.5)
_RENDER_NOISE = 0.12

_HALF_LIFE = 25
"""Films after which a render counts half: a host gets busier, faster, or another version of us."""

_REWEIGHINGS = 4
_LEAST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Finished:
    """A film of this host's."""

    storyboard: Storyboard
    scene_seconds: tuple[float, ...]
    render_seconds: float | None
    """From claim to end; None when an earlier render's scenes were taken over."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A render of somebody's."""

    owner: Hashable
    seconds: float


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is known of voices and of this host; the default is what is known before any render."""

    speech_by_engine: Mapping[str, Coefficients] = field(default_factory=dict)
    speech_by_voice: Mapping[str, Coefficients] = field(default_factory=dict)
    render: Coefficients = _RENDER_PRIOR

    def seconds(
        self, storyboard: Storyboard, engines: Mapping[str, str], before: Storyboard | None
    ) -> tuple[float, float]:
        """What the film will play, and what its render will take on a host that rendered `before` before it;
        `engines` tells each voice's."""
        scenes = storyboard.scenes
        playing = [
            _margins(scenes, index) + self._spoken(scene, engines.get(scene.voice_id, ""))
            for index, scene in enumerate(scenes)
        ]
        features = _render_features(storyboard, playing, engines, before)
        return sum(playing), max(_LEAST_SECONDS, _dot(self.render, features))

    def _spoken(self, scene: Scene, engine: str) -> float:
        if scene.script is None:
            return scene.pause_seconds
        line = self.speech_by_voice.get(scene.voice_id)
        if line is None:
            line = self.speech_by_engine.get(engine, _SPEECH_PRIORS.get(engine, _SPEECH_PRIOR))
        return max(_LEAST_SECONDS, _dot(line, _said(scene)))


def learn(finished: Sequence[Finished], engines: Mapping[str, str]) -> Lessons:
    """From films, the newest first; `engines` tells each voice's engine."""
    spoken: dict[str, list[Sample]] = {}
    rendered: list[Sample] = []
    for age, one in enumerate(finished):
        scenes = one.storyboard.scenes
        for index, (scene, seconds) in enumerate(zip(scenes, one.scene_seconds, strict=True)):
            spoken_seconds = seconds - _margins(scenes, index)
            if scene.script is not None and spoken_seconds > 0:
                spoken.setdefault(scene.voice_id, []).append((_said(scene), spoken_seconds, 1.0))
        if one.render_seconds is not None and one.render_seconds > 0:
            before = finished[age + 1].storyboard if age + 1 < len(finished) else None
            features = _render_features(one.storyboard, one.scene_seconds, engines, before)
            rendered.append((features, one.render_seconds, 0.5 ** (age / _HALF_LIFE)))
    by_engine: dict[str, Coefficients] = {}
    for engine in {engines.get(voice_id, "") for voice_id in spoken}:
        voice_ids = [voice_id for voice_id in spoken if engines.get(voice_id, "") == engine]
        samples = [one for voice_id in voice_ids for one in spoken[voice_id]]
        prior = _SPEECH_PRIORS.get(engine, _SPEECH_PRIOR)
        by_engine[engine] = _fitted(samples, prior, _SPEECH_SPREAD, _SPEECH_NOISE)
    by_voice = {
        voice_id: _fitted(samples, by_engine[engines.get(voice_id, "")], _VOICE_SPREAD, _SPEECH_NOISE)
        for voice_id, samples in spoken.items()
    }
    return Lessons(by_engine, by_voice, _fitted(rendered, _RENDER_PRIOR, _RENDER_SPREAD, _RENDER_NOISE))


# A queue of long films would be weighed anew at every estimate otherwise, for most of a second.
@lru_cache(maxsize=8192)
def weight(text: str) -> float:
    """How much there is to say, in letters: digits are read as words, ideographs as syllables, and the ends
    of sentences and clauses are pauses, but for the last."""
    total = pause = 0.0
    for index, character in enumerate(text):
        following = text[index + 1 : index + 2]
        if character in _SENTENCE_ENDS + _CLAUSE_ENDS:
            if character == "." and _is_unheard(text, index):
                continue
            if not following or following.isspace() or ord(character) > 0x2FFF:
                # A row of them is one pause.
                pause = max(pause, _SENTENCE_END if character in _SENTENCE_ENDS else _CLAUSE_END)
            elif following.isalnum():
                total += _SYMBOL
            continue
        kind = _weight_of(character)
        if kind:
            total += pause + kind
            pause = 0.0
    return total


def wait_seconds(
    running: Sequence[Turn],
    waiting: Iterable[Turn],
    renders_at_once: int,
    *,
    asker: Hashable = None,
    limits: Mapping[Hashable, int] | None = None,
) -> float:
    """Until a video of `asker`'s that comes now is begun.

    `running` tells the seconds left of what is being rendered, `waiting` the seconds that those ahead in
    the queue will take, in their order. Whoever is free first takes the next whose owner has not as many
    under way as `limits` says; owners whom it does not name may have any number.
    """
    places = max(renders_at_once, len(running), 1)
    free: dict[Hashable, float] = defaultdict(lambda: math.inf, limits or {})
    lines: dict[Hashable, deque[tuple[int, float]]] = defaultdict(deque)
    # A number tells each apart, so that owners are never compared.
    number = 0
    for turn in waiting:
        lines[turn.owner].append((number, turn.seconds))
        number += 1
    lines[asker].append((number, 0.0))
    busy: list[tuple[float, int, Hashable]] = []
    for index, turn in enumerate(running):
        busy.append((turn.seconds, -1 - index, turn.owner))
        free[turn.owner] -= 1
    heapq.heapify(busy)
    ready = [(line[0][0], owner) for owner, line in lines.items() if free[owner] > 0]
    heapq.heapify(ready)
    now = 0.0
    while True:
        while ready and len(busy) < places:
            _, owner = heapq.heappop(ready)
            turned, seconds = lines[owner].popleft()
            if turned == number:
                return max(0.0, now)
            heapq.heappush(busy, (now + seconds, turned, owner))
            free[owner] -= 1
            if lines[owner] and free[owner] > 0:
                heapq.heappush(ready, (lines[owner][0][0], owner))
        if not busy:
            # Whoever may have none under way waits until somebody raises the limit.
            return now
        now, _, owner = heapq.heappop(busy)
        free[owner] += 1
        if lines[owner] and free[owner] == 1:
            heapq.heappush(ready, (lines[owner][0][0], owner))


def _is_unheard(text: str, index: int) -> bool:
    begins_small = text[index + 1 : index + 2].isspace() and text[index + 2 : index + 3].islower()
    return (
        begins_small
        or _ABBREVIATION.search(text[max(0, index - _LONGEST_ABBREVIATION) : index + 1]) is not None
    )


def _weight_of(character: str) -> float:
    category = unicodedata.category(character)
    if category == "Nd":
        return _DIGIT
    if category[0] == "L" or category[0] == "N":
        point = ord(character)
        if 0x3041 <= point <= 0x30FF:
            return _KANA
        if 0xAC00 <= point <= 0xD7A3:
            return _HANGUL
        return _IDEOGRAPH if 0x2E80 <= point <= 0x9FFF or point >= 0x20000 else 1.0
    if category[0] in _SILENT_CATEGORIES or category in _UNSAID or character in "'\"":
        return 0.0
    return _SYMBOL


def _said(scene: Scene) -> Coefficients:
    return weight(scene.script or "") / scene.speed, 1.0


def _margins(scenes: Sequence[Scene], index: int) -> float:
    if scenes[index].script is None:
        return 0.0
    before, after = index - 1, index + 1
    lead = _LEAD_IN if before < 0 else 0.0 if scenes[before].script is None else _HALF_GAP
    tail = _TAIL if after == len(scenes) else 0.0 if scenes[after].script is None else _HALF_GAP
    return lead + tail


def _render_features(
    storyboard: Storyboard,
    playing: Sequence[float],
    engines: Mapping[str, str],
    before: Storyboard | None,
) -> Coefficients:
    width, height = storyboard.size
    duration = sum(playing)
    slow = sum(
        seconds
        for scene, seconds in zip(storyboard.scenes, playing, strict=True)
        if scene.script is not None and engines.get(scene.voice_id) not in _FAST_ENGINES
    )
    # Presenters are drawn for a size, and stay so for the next film.
    is_cold = before is None or before.size != storyboard.size
    return 1.0, float(is_cold), slow, duration, duration * width * height / 1e6


def _fitted(
    samples: Sequence[Sample], prior: Coefficients, spread: Coefficients, noise: float
) -> Coefficients:
    """The coefficients by which features tell a positive value with the least relative error.

    `spread` is how far from the prior each may well be, `noise` the share by which a value may well be off.
    """
    found = prior
    for _ in range(_REWEIGHINGS if samples else 0):
        matrix = [[0.0] * len(prior) for _ in prior]
        right = [0.0] * len(prior)
        for features, value, count in samples:
            residual = (value - _dot(found, features)) / (noise * value)
            # Cauchy's weights: a value that is off by many times the noise hardly counts. In the first
            # round nothing is known of what is off.
            trust = 1.0 if found is prior else 1.0 / (1.0 + (residual / 3.0) ** 2)
            scale = count * trust / (noise * value) ** 2
            for row, one in enumerate(features):
                right[row] += scale * one * value
                for column, other in enumerate(features):
                    matrix[row][column] += scale * one * other
        for index, (mean, deviation) in enumerate(zip(prior, spread, strict=True)):
            matrix[index][index] += 1.0 / deviation**2
            right[index] += mean / deviation**2
        # No part of the work gives time back.
        found = tuple(max(0.0, one) for one in _solved(matrix, right))
    return found


def _solved(matrix: list[list[float]], right: list[float]) -> Coefficients:
    """By Cholesky's decomposition: the prior makes the matrix positive definite."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row][column] - _dot(lower[row][:column], lower[column][:column])
            lower[row][column] = rest**0.5 if row == column else rest / lower[column][column]
    middle: list[float] = []
    for row in range(size):
        middle.append((right[row] - _dot(lower[row][:row], middle)) / lower[row][row])
    found = [0.0] * size
    for row in reversed(range(size)):
        known = sum(lower[below][row] * found[below] for below in range(row + 1, size))
        found[row] = (middle[row] - known) / lower[row][row]
    return tuple(found)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(left * right for left, right in zip(one, other, strict=True))
