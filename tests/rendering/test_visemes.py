"""The mouth follows the sound: pure checks on phonemes, and measured ones on real speech of both engines."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from heygen_graphql.rendering.speech import Speaker, Speech, TimedPhoneme
from heygen_graphql.rendering.storyboard import FRAMES_PER_SECOND, SAMPLES_PER_FRAME
from heygen_graphql.rendering.visemes import mouth_track

OPENNESS, SPREAD, TUCK, TONGUE = range(4)

ENGLISH = (
    "The weather was fine in the morning. My mother bought bread and milk at the market, and then we walked "
    "home along the river. Many people like to read books before they go to sleep."
)
GERMAN = "Guten Morgen! Heute zeige ich Ihnen, wie man ein Video macht. Bitte hören Sie gut zu."
RUSSIAN = "Доброе утро! Сегодня я покажу вам, как сделать видео. Пожалуйста, слушайте внимательно."
CHINESE = "大家早上好！今天我给你们看怎么做一个视频。"


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    with Speaker() as speaker:
        yield speaker


def spoken(*symbols: str, each_seconds: float = 0.1) -> list[TimedPhoneme]:
    """Half a second of silence, the symbols one after another, half a second of silence."""
    phonemes = [TimedPhoneme("", 0.0, 0.5)]
    for symbol in symbols:
        start = phonemes[-1].end_seconds
        phonemes.append(TimedPhoneme(symbol, start, start + each_seconds))
    end = phonemes[-1].end_seconds
    return [*phonemes, TimedPhoneme("", end, end + 0.5)]


def track_of(*symbols: str, each_seconds: float = 0.1) -> NDArray[np.float32]:
    phonemes = spoken(*symbols, each_seconds=each_seconds)
    return mouth_track(phonemes, round(phonemes[-1].end_seconds * FRAMES_PER_SECOND))


def frame_at(seconds: float) -> int:
    return int(seconds * FRAMES_PER_SECOND)


def envelope(speech: Speech, frame_count: int) -> NDArray[np.float32]:
    """The sound's level, one value a frame."""
    length = frame_count * SAMPLES_PER_FRAME
    samples = np.pad(speech.samples, (0, max(0, length - len(speech.samples))))[:length]
    levels: NDArray[np.float32] = np.sqrt((samples.reshape(frame_count, -1) ** 2).mean(axis=1))
    return levels


def best_lag(track: NDArray[np.float32], levels: NDArray[np.float32]) -> int:
    """By how many frames the track has to be moved to fit the levels best."""
    lags = range(-5, 6)
    fits = [np.corrcoef(np.roll(track, lag)[5:-5], levels[5:-5])[0, 1] for lag in lags]
    return lags[int(np.argmax(fits))]


def test_a_silent_mouth_is_closed() -> None:
    silence = mouth_track([TimedPhoneme("", 0.0, 2.0)], 50)
    nothing_said = mouth_track([], 50)

    assert not silence.any()
    assert not nothing_said.any()
    assert silence.shape == (50, 4)
    assert silence.dtype == np.float32


def test_lips_rest_before_and_after_speech() -> None:
    track = track_of("h", "ɑː", "l", "o")

    assert track[: frame_at(0.3), OPENNESS].max() == 0
    assert track[frame_at(1.1) :, OPENNESS].max() == 0
    assert track[frame_at(0.5) : frame_at(0.9), OPENNESS].min() > 0


@pytest.mark.parametrize("consonant", ["p", "b", "m"])
@pytest.mark.parametrize("each_seconds", [0.02, 0.05, 0.12])
def test_lips_close_on_p_b_and_m_however_short(consonant: str, each_seconds: float) -> None:
    track = track_of("ɑ", consonant, "ɑ", each_seconds=each_seconds)

    middle = frame_at(0.5 + 1.5 * each_seconds)
    assert track[middle, OPENNESS] == 0


@pytest.mark.parametrize("consonant", ["f", "v"])
def test_the_lip_is_under_the_teeth_on_f_and_v(consonant: str) -> None:
    track = track_of("a", consonant, "a", each_seconds=0.06)

    assert track[:, TUCK].max() == 1
    assert track_of("a", "t", "a")[:, TUCK].max() == 0


def test_open_vowels_open_more_than_close_ones() -> None:
    openings = [track_of("h", vowel, "h", each_seconds=0.15)[:, OPENNESS].max() for vowel in "ɑæɛeiu"]

    assert openings == sorted(openings, reverse=True)
    assert openings[0] > 0.8
    assert openings[-1] < 0.4


def test_rounded_vowels_round_and_front_ones_spread() -> None:
    middle = frame_at(0.6)

    assert track_of("u", each_seconds=0.2)[middle, SPREAD] < -0.8
    assert track_of("i", each_seconds=0.2)[middle, SPREAD] > 0.7


def test_lips_round_during_the_consonant_before_a_rounded_vowel() -> None:
    middle_of_k = frame_at(0.55)

    assert track_of("k", "u")[middle_of_k, SPREAD] < -0.5
    assert track_of("k", "i")[middle_of_k, SPREAD] > 0.4


def test_the_tongue_shows_on_l_and_th() -> None:
    assert track_of("a", "l", "a")[:, TONGUE].max() > 0.6
    assert track_of("a", "θ", "a")[:, TONGUE].max() > 0.6
    assert track_of("a", "k", "a")[:, TONGUE].max() < 0.2


def test_marks_do_not_hide_the_letter_and_unknown_letters_open_a_little() -> None:
    np.testing.assert_array_equal(track_of("ãː"), track_of("a"))
    np.testing.assert_array_equal(track_of("pʰ"), track_of("p"))
    assert 0.1 < track_of("ꜱ", each_seconds=0.2)[:, OPENNESS].max() < 0.5


def test_a_pause_shorter_than_a_breath_leaves_the_mouth_open() -> None:
    phonemes = [TimedPhoneme("a", 0.5, 0.7), TimedPhoneme("", 0.7, 0.75), TimedPhoneme("a", 0.75, 0.95)]

    track = mouth_track(phonemes, 40)

    assert track[frame_at(0.6) : frame_at(0.9), OPENNESS].min() > 0.6


@pytest.mark.parametrize(
    ("voice_id", "text"),
    [
        ("heart", ENGLISH),
        ("espeak-en-US", ENGLISH),
        ("espeak-de", GERMAN),
        ("espeak-ru", RUSSIAN),
        ("espeak-zh", CHINESE),
    ],
)
def test_the_mouth_opens_with_the_sound(speaker: Speaker, voice_id: str, text: str) -> None:
    speech = speaker.speak(text, voice_id)
    frame_count = -(-len(speech.samples) // SAMPLES_PER_FRAME)

    track = mouth_track(speech.phonemes, frame_count)

    levels = envelope(speech, frame_count)
    assert abs(best_lag(track[:, OPENNESS], levels)) <= 1
    assert np.corrcoef(track[:, OPENNESS], levels)[0, 1] > 0.35


def test_a_mouth_never_jumps_and_stays_in_its_bounds(speaker: Speaker) -> None:
    speech = speaker.speak(ENGLISH, "heart", speed=2)
    track = mouth_track(speech.phonemes, -(-len(speech.samples) // SAMPLES_PER_FRAME))

    steps = np.abs(np.diff(track, axis=0)).max(axis=0)
    assert steps[OPENNESS] < 0.45
    assert steps.max() < 0.55
    assert (track.min(axis=0) >= [0, -1, 0, 0]).all()
    assert track.max() <= 1


def test_every_p_b_and_m_of_real_speech_is_seen(speaker: Speaker) -> None:
    speech = speaker.speak(ENGLISH, "heart")
    track = mouth_track(speech.phonemes, -(-len(speech.samples) // SAMPLES_PER_FRAME))

    closures = [p for p in speech.phonemes if p.symbol[:1] in ("p", "b", "m") and p.symbol]
    assert len(closures) > 10
    for closure in closures:
        assert track[frame_at((closure.start_seconds + closure.end_seconds) / 2), OPENNESS] == 0
