"""What may become of a video's claim: decisions over values, with no database and no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from heygen_graphql.jobs.protocol import RENDER_ABANDONED, RENDER_OUT_OF_MEMORY, RENDER_TIMED_OUT, Failure
from heygen_graphql.tables import VideoStatus

HINT_AGAIN_AFTER = timedelta(seconds=30)
"""How long a hint may go unheeded before it is thought lost. Too soon only costs a spare message."""

_NOT_AGAIN_BY_ITSELF = frozenset({RENDER_TIMED_OUT, RENDER_OUT_OF_MEMORY})
_FIRST_DELAY_SECONDS = 2.0
_DELAY_GROWTH = 4.0
_LONGEST_DELAY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Standing:
    """The part of a video's row on which its claim depends."""

    status: VideoStatus
    attempt: int
    lease_expires_at: datetime | None
    is_deleted: bool = False


def is_adrift(standing: Standing, now: datetime) -> bool:
    """Whether it is nobody's: waiting, or claimed by a worker whose lease has run out."""
    if standing.is_deleted:
        return False
    if standing.status is VideoStatus.PENDING:
        return True
    return (
        standing.status is VideoStatus.PROCESSING
        and standing.lease_expires_at is not None
        and standing.lease_expires_at <= now
    )


def may_claim(standing: Standing, now: datetime, max_attempts: int) -> bool:
    return is_adrift(standing, now) and standing.attempt < max_attempts


def is_exhausted(standing: Standing, now: datetime, max_attempts: int) -> bool:
    """Whether nobody works on it and nobody ever may again."""
    return is_adrift(standing, now) and standing.attempt >= max_attempts


def abandoned(attempts: int) -> Failure:
    return Failure(
        RENDER_ABANDONED,
        f"The server broke off this render {attempts} times and gave up. Retry the video; "
        "if that fails as well, its script may need more memory than the server has.",
        is_retryable=True,
    )


def retry_at(failure: Failure, failures: int, now: datetime, max_failures: int) -> datetime | None:
    """When to render again after the `failures`-th failure; None when the video has FAILED.

    A render that ran into a limit would most likely run into it again, so only its owner may ask for
    another.
    """
    if not failure.is_retryable or failure.code in _NOT_AGAIN_BY_ITSELF or failures >= max_failures:
        return None
    delay = min(_FIRST_DELAY_SECONDS * _DELAY_GROWTH ** (failures - 1), _LONGEST_DELAY_SECONDS)
    return now + timedelta(seconds=delay)


def due_hints(waiting: Sequence[tuple[UUID, datetime | None, datetime]], now: datetime) -> list[UUID]:
    """Which of the `waiting` (id, next hint, ready since) the queue should be told of, in their order."""
    return [video_id for video_id, hint_at, ready_at in waiting if (hint_at or ready_at) <= now]
