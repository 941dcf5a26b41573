"""What may become of a video's claim: decisions over values, with no database and no clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from heygen_graphql.jobs.protocol import (
    RENDER_ABANDONED,
    RENDER_OUT_OF_MEMORY,
    RENDER_POISON,
    RENDER_TIMED_OUT,
    Failure,
)
from heygen_graphql.settings import Settings
from heygen_graphql.tables import VideoStatus
from heygen_graphql.videos.quotas import STANDARD, Quotas

_NOT_AGAIN_BY_ITSELF = frozenset({RENDER_TIMED_OUT, RENDER_OUT_OF_MEMORY})
_FIRST_DELAY_SECONDS = 2.0
_DELAY_GROWTH = 4.0
_LONGEST_DELAY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Terms:
    """On which videos are claimed; the settings of the same names say more."""

    lease_seconds: float
    max_attempts: int
    max_losses: int
    quotas: Quotas = STANDARD

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.render_max_attempts,
            max_losses=settings.render_max_losses,
            quotas=Quotas.of(settings),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """The part of a video's row on which its claim depends."""

    status: VideoStatus
    attempt: int
    lease_expires_at: datetime | None
    is_deleted: bool = False
    losses: int = 0


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


def is_lost(standing: Standing, now: datetime) -> bool:
    """Whether its worker has gone silent."""
    return standing.status is VideoStatus.PROCESSING and is_adrift(standing, now)


def may_claim(standing: Standing, now: datetime, terms: Terms) -> bool:
    return is_adrift(standing, now) and given_up(standing, now, terms) is None


def given_up(standing: Standing, now: datetime, terms: Terms) -> Failure | None:
    """Why nobody works on it and nobody ever may again; None when somebody does or may."""
    if is_lost(standing, now) and standing.losses + 1 >= terms.max_losses:
        return poison(standing.losses + 1)
    if is_adrift(standing, now) and standing.attempt >= terms.max_attempts:
        return abandoned(standing.attempt)
    return None


def poison(losses: int) -> Failure:
    return Failure(
        RENDER_POISON,
        f"{losses} times the worker that rendered it broke down or fell silent, and the server gave up. "
        "Retry the video; if that fails as well, its script or its pictures may ask for more than the server "
        "has.",
        is_retryable=True,
    )


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
