"""How presenters move: at rest where scenes meet, alive in between, never like a machine."""

import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering.presenters.actor import GAZE_REACH, LID_LEVELS
from heygen_graphql.rendering.presenters.motion import Performance, perform
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND

MINUTE = 60 * FRAMES_PER_SECOND
SEEDS = range(1, 7)


def is_spoken(frames: int) -> NDArray[np.bool_]:
    """Sentences of some four seconds with pauses of two between."""
    return np.sin(2 * np.pi * np.arange(frames) / FRAMES_PER_SECOND / 6) > -0.5


def speech_energy(frames: int) -> NDArray[np.float32]:
    seconds = np.arange(frames) / FRAMES_PER_SECOND
    words = 0.35 + 0.4 * np.abs(np.sin(2 * np.pi * 1.9 * seconds)) + 0.25 * np.sin(2 * np.pi * 0.43 * seconds)
    return (is_spoken(frames) * np.clip(words, 0, 1)).astype(np.float32)


def sentence_ends(frames: int) -> tuple[int, ...]:
    spoken = is_spoken(frames)
    return tuple((np.flatnonzero(spoken[:-1] & ~spoken[1:]) + 1).tolist())


def spoken_scene(frames: int, seed: int) -> Performance:
    return perform(speech_energy(frames), sentence_ends(frames), seed)


def blink_starts(lids: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0)) + 1


def travel(performance: Performance) -> NDArray[np.float64]:
    """Art units that the crown moves from each frame to the next."""
    x = performance.shift_x + 500 * performance.tilt
    return np.hypot(np.diff(x), np.diff(performance.shift_y))


def tracks(performance: Performance) -> list[NDArray[np.float64]]:
    return [
        np.asarray(track, np.float64)
        for track in (
            performance.shift_x,
            performance.shift_y,
            performance.tilt,
            performance.breath,
            performance.lids,
            performance.brows,
            performance.gaze_x,
            performance.gaze_y,
            performance.smile,
        )
    ]


@pytest.mark.parametrize("frames", [1, 2, 9, 30, 251, MINUTE])
def test_a_scene_begins_and_ends_at_rest(frames: int) -> None:
    for seed in SEEDS:
        for track in tracks(perform(speech_energy(frames), (frames,), seed)):
            assert len(track) == frames
            assert track[0] == track[-1] == 0


def test_a_scene_of_no_frames_has_no_movements() -> None:
    assert all(len(track) == 0 for track in tracks(perform(np.zeros(0, np.float32), (), 1)))


def test_people_blink_every_three_to_five_seconds_and_now_and_then_twice() -> None:
    gaps = np.concatenate([np.diff(blink_starts(spoken_scene(3 * MINUTE, seed).lids)) for seed in SEEDS])
    gaps = gaps / FRAMES_PER_SECOND

    is_double = gaps < 0.5
    assert 0.04 < is_double.mean() < 0.25
    single = gaps[~is_double]
    assert 3.0 <= np.median(single) <= 5.0
    assert single.min() > 1.4
    assert single.max() < 9.0
    assert single.std() > 0.6, "as regular as a clock"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_blink_shuts_the_eyes_and_lasts_a_quarter_of_a_second(seed: int) -> None:
    lids = spoken_scene(MINUTE, seed).lids

    for start in blink_starts(lids):
        frames = int(np.argmin(lids[start:] > 0))
        assert 4 <= frames <= 6
        assert lids[start : start + frames].max() == LID_LEVELS - 1


def test_most_sentences_end_with_a_nod_a_blink_and_eyes_on_the_camera() -> None:
    ends = sentence_ends(3 * MINUTE)[:-1]
    nods, blinks = 0, 0
    for seed in SEEDS:
        performance = spoken_scene(3 * MINUTE, seed)
        starts = blink_starts(performance.lids)
        for end in ends:
            dip = performance.shift_y[end - 12 : end + 14]
            nods += bool(dip.max() - max(dip[0], dip[-1]) > 1.2)
            blinks += bool((np.abs(starts - end) < 0.6 * FRAMES_PER_SECOND).any())
            assert not performance.gaze_x[end - 15 : end + 2].any()
    assert nods > 0.65 * len(ends) * len(SEEDS)
    assert blinks > 0.5 * len(ends) * len(SEEDS)


def test_eyes_leave_the_camera_as_sentences_begin_yet_rest_on_it_most_of_the_time() -> None:
    frames = 3 * MINUTE
    starts = np.flatnonzero(is_spoken(frames)[1:] & ~is_spoken(frames)[:-1])
    away = []
    for seed in SEEDS:
        gaze = spoken_scene(frames, seed).gaze_x
        assert np.abs(gaze).max() == GAZE_REACH
        assert (gaze == 0).mean() > 0.7
        away += [bool((np.abs(gaze[start : start + 12]) == GAZE_REACH).any()) for start in starts]
    assert 0.3 < np.mean(away) < 0.9, "always or never is a machine's way"


def test_a_pause_is_stiller_than_speech_and_holds_a_smile() -> None:
    spoken = is_spoken(3 * MINUTE)
    # Well inside the pauses: the closing nod is over, the next sentence has not begun.
    paused = np.convolve(~spoken, np.ones(25), "same") > 24.5
    for seed in SEEDS:
        performance = spoken_scene(3 * MINUTE, seed)
        moved = travel(performance)
        assert moved[paused[1:]].mean() < 0.65 * moved[spoken[1:]].mean()
        assert performance.smile[paused].max() > 0.9
        # It may begin to fade before the first sound, no more.
        assert performance.smile[spoken].mean() < 0.05


def test_a_listener_is_alive_but_quiet() -> None:
    for seed in SEEDS:
        listening = perform(np.zeros(MINUTE, np.float32), (), seed)
        moved = travel(listening)
        assert moved.mean() < 0.5 * travel(spoken_scene(MINUTE, seed)).mean()
        assert (moved[: 5 * 250].reshape(5, 250).max(axis=1) > 0).all()
        assert len(blink_starts(listening.lids)) > 8


def test_a_speaker_holds_poses_instead_of_swaying() -> None:
    for seed in SEEDS:
        performance = spoken_scene(3 * MINUTE, seed)
        assert (travel(performance) < 0.02).mean() > 0.2
        # A sway would show as one strong frequency.
        spectrum = np.abs(np.fft.rfft(performance.tilt - performance.tilt.mean())) ** 2
        assert spectrum.max() < 0.2 * spectrum.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_head_moves_without_jerks_and_stays_near_its_place(seed: int) -> None:
    performance = spoken_scene(MINUTE, seed)

    for track, most_per_frame, farthest in (
        (performance.shift_x, 0.8, 3.0),
        (performance.shift_y, 2.2, 9.0),
        (performance.tilt, 0.0055, 0.0150),
    ):
        steps = np.diff(track)
        assert np.abs(steps).max() < most_per_frame
        assert np.abs(np.diff(steps)).max() < most_per_frame / 2, "a jerk"
        assert np.abs(track).max() <= farthest


def test_a_stressed_word_brings_a_nod_and_raised_brows() -> None:
    nods, raised = 0, 0
    for seed in range(20):
        silence = np.full(MINUTE, 0.2, np.float32)
        stressed = silence.copy()
        stressed[700:712] = 1.0
        quiet, loud = perform(silence, (), seed), perform(stressed, (), seed)
        nods += bool((loud.shift_y - quiet.shift_y)[695:720].max() > 1.0)
        raised += bool((loud.brows - quiet.brows)[695:725].max() > 0)
        assert np.array_equal(loud.shift_y[:600], quiet.shift_y[:600])
    assert nods >= 9
    assert raised >= 7


def test_breath_goes_in_and_out_eleven_to_eighteen_times_a_minute() -> None:
    for seed in SEEDS:
        breath = spoken_scene(MINUTE, seed).breath
        assert 11 <= ((breath[1:] >= 0.35) & (breath[:-1] < 0.35)).sum() <= 18


def test_movements_are_the_same_for_a_seed_and_differ_between_seeds() -> None:
    first, again, other = spoken_scene(MINUTE, 5), spoken_scene(MINUTE, 5), spoken_scene(MINUTE, 6)

    assert all(np.array_equal(a, b) for a, b in zip(tracks(first), tracks(again), strict=True))
    assert not np.array_equal(first.lids, other.lids)
    assert not np.array_equal(first.tilt, other.tilt)
