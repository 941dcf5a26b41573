"""Scripts of any Unicode: no crash, no hang, and times that rise inside the sound."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heygen_graphql.rendering.errors import UnspeakableText
from heygen_graphql.rendering.speech import Speaker, Speech, Voices, check_text
from heygen_graphql.rendering.storyboard import SAMPLE_RATE

VOICES = ("heart", "miles", "joe", "espeak-de", "espeak-zh", "espeak-th", "espeak-ar")

# What scripts are made of, with the things in it that are read specially.
ODDITIES = st.sampled_from(
    (
        "$1,000.50 €20 3.5% 23/11/2026 2026-13-45 3:99 pm 24/7 e.g. http:// a@b.c J. NASA 5km -20°C +1 (555) "
        "123-4567 10-20 ½ VIII #1 C++ 007 50/50 1.2.3.4 0/0 [x](/y/) { — ... 👍🏽 \u200d \u202e İ ﬁ ß Å ² ^2 "
        "x² M² () \n\n \t ‘‘ `` & / 1/ // 5'10\" A.M. &amp; <b> $ $. £1k " + "9" * 50
    ).split(" ")
)
WORDS = st.one_of(
    st.text(max_size=12), ODDITIES, st.from_regex(r"[A-Za-z0-9.,/:$%#&'-]{1,12}", fullmatch=True)
)
SCRIPTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
LATIN = st.lists(
    st.one_of(ODDITIES, st.text(st.characters(max_codepoint=0x17F), max_size=12)), min_size=1, max_size=8
).map(" ".join)

any_script = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    with Speaker() as speaker:
        yield speaker


def check_times(spoken: Speech, script: str) -> None:
    seconds = len(spoken.samples) / SAMPLE_RATE
    said = "".join(("" if word.is_joined else " ") + word.text for word in spoken.words).strip()
    assert said == " ".join(script.split())
    times = [time for word in spoken.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= seconds + 1e-6
    for before, after in pairwise(spoken.phonemes):
        assert before.start_seconds <= before.end_seconds
        assert after.start_seconds == pytest.approx(before.end_seconds, abs=1e-6)
    assert spoken.phonemes[-1].end_seconds <= seconds + 0.011


@settings(any_script, max_examples=150)
@given(st.sampled_from(VOICES), SCRIPTS)
def test_any_script_is_either_fit_or_refused_with_a_reason(voice_id: str, script: str) -> None:
    start = time.perf_counter()
    try:
        check_text(script, Voices().get(voice_id))
    except UnspeakableText as error:
        refusal = str(error)
    else:
        refusal = "There is nothing wrong with it."
    assert 20 < len(refusal) <= 250
    assert time.perf_counter() - start < 0.5


@any_script
@given(st.sampled_from(VOICES), st.one_of(SCRIPTS, LATIN), st.sampled_from([0.5, 1.0, 2.0]))
def test_any_script_is_spoken_or_refused(speaker: Speaker, voice_id: str, script: str, speed: float) -> None:
    try:
        check_text(script, Voices().get(voice_id))
        start = time.perf_counter()
        spoken = speaker.speak(script, voice_id, speed=speed)
    except UnspeakableText:
        return
    assert time.perf_counter() - start < 30
    check_times(spoken, script)


@settings(any_script, max_examples=8)
@given(LATIN, st.sampled_from(["heart", "joe", "espeak-de"]), st.sampled_from([-12, 7, 12]))
def test_any_script_is_spoken_at_any_pitch(speaker: Speaker, script: str, voice_id: str, pitch: int) -> None:
    try:
        spoken = speaker.speak(script, voice_id, pitch_semitones=pitch)
    except UnspeakableText:
        return
    check_times(spoken, script)
