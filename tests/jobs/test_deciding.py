from datetime import timedelta

import pytest

from heygen_graphql.jobs.deciding import Standing, Terms, given_up, may_claim, retry_at
from heygen_graphql.jobs.protocol import RENDER_ABANDONED, RENDER_POISON, RENDER_TIMED_OUT, Failure
from heygen_graphql.tables import VideoStatus, utc_now

NOW = utc_now()
SOON, BEFORE = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)
TERMS = Terms(lease_seconds=15, max_attempts=3, max_losses=2)
PASSING = Failure("SPEECH_FAILED", "", is_retryable=True)


@pytest.mark.parametrize(
    ("standing", "is_claimable"),
    [
        (Standing(VideoStatus.PENDING, 0, None), True),
        (Standing(VideoStatus.PENDING, 3, None), False),
        (Standing(VideoStatus.PENDING, 0, None, is_deleted=True), False),
        (Standing(VideoStatus.PROCESSING, 1, SOON), False),
        (Standing(VideoStatus.PROCESSING, 1, BEFORE), True),
        (Standing(VideoStatus.PROCESSING, 3, BEFORE), False),
        (Standing(VideoStatus.PROCESSING, 1, BEFORE, losses=1), False),
        (Standing(VideoStatus.PENDING, 1, None, losses=1), True),
        (Standing(VideoStatus.COMPLETED, 1, None), False),
        (Standing(VideoStatus.FAILED, 1, None), False),
        (Standing(VideoStatus.CANCELED, 0, BEFORE), False),
    ],
)
def test_a_video_may_be_claimed_when_nobody_has_it_and_attempts_are_left(
    standing: Standing, is_claimable: bool
) -> None:
    assert may_claim(standing, NOW, TERMS) is is_claimable


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing(VideoStatus.PROCESSING, 3, BEFORE), RENDER_ABANDONED),
        (Standing(VideoStatus.PENDING, 3, None), RENDER_ABANDONED),
        (Standing(VideoStatus.PROCESSING, 1, BEFORE, losses=1), RENDER_POISON),
        (Standing(VideoStatus.PROCESSING, 3, SOON), None),
        (Standing(VideoStatus.PROCESSING, 1, SOON, losses=1), None),
        (Standing(VideoStatus.PROCESSING, 2, BEFORE), None),
        (Standing(VideoStatus.PENDING, 1, None, losses=1), None),
        (Standing(VideoStatus.CANCELED, 3, None, losses=2), None),
    ],
)
def test_a_video_is_given_up_only_when_nobody_works_on_it_and_nobody_may(
    standing: Standing, code: str | None
) -> None:
    failure = given_up(standing, NOW, TERMS)
    assert (None if failure is None else failure.code) == code


def test_waits_between_failures_grow_up_to_five_minutes() -> None:
    waits = [retry_at(PASSING, failures, NOW, max_failures=99) for failures in range(1, 7)]
    assert [(at - NOW).total_seconds() for at in waits if at] == [2, 8, 32, 128, 300, 300]


def test_a_failure_is_final_when_it_will_not_pass_was_the_last_or_took_too_long() -> None:
    assert retry_at(PASSING, 3, NOW, max_failures=3) is None
    assert retry_at(Failure("UNSPEAKABLE_TEXT", "", is_retryable=False), 1, NOW, max_failures=3) is None
    assert retry_at(Failure(RENDER_TIMED_OUT, "", is_retryable=True), 1, NOW, max_failures=3) is None
