"""What a worker that has nothing to do does next.

It asks the database, whatever message woke it: a message that was lost, doubled or late changes nothing.
Workers that ask at the same time see the same lines. Each takes from the one whose turn it is while it holds
the owner's row, and only if nobody has come first; otherwise it tries those behind, so that they spread.
"""

import random
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.deciding import Terms
from heygen_graphql.tables import Video, VideoStatus
from heygen_graphql.videos import fairness
from heygen_graphql.videos.fairness import Line

_SLACK = (0, 1, 3, None)
"""How many more of an owner's than of the next owner's may be under way: none at first, more each time that
all were tried in vain, and any number in the end. Whoever finds nothing then knows that there is nothing."""

_TRIED = 16
"""Owners, before their lines are looked at anew."""


async def claim_next(
    database: Database, terms: Terms, *, previews_first: bool = True, may_take_over: bool = True
) -> Claim | None:
    """Take the video whose turn it is; None when none waits that may begin."""
    for slack in _SLACK:
        async with database.reading() as session:
            now = await database.now(session)
            lines = await fairness.lines(session, now, terms.quotas, with_lapsed=may_take_over)
        waiting = fairness.in_turn(lines, previews_first=previews_first)
        if not waiting:
            return None
        taken_by_others: list[int] = []
        for lost in range(len(waiting) if slack is None else min(len(waiting), _TRIED)):
            # In order at first; the more have come first, the farther apart.
            line = waiting.pop(random.randrange(min(2 ** max(0, lost - 1), len(waiting))))
            rivals = [*taken_by_others, *(one.under_way for one in waiting[:1])]
            at_most = min(rivals) + slack if rivals and slack is not None else None
            claim = await _claim_of(
                database, line, terms, at_most, previews_first=previews_first, may_take_over=may_take_over
            )
            if claim is not None:
                return claim
            taken_by_others.append(line.under_way + 1)
    return None


async def _claim_of(
    database: Database,
    line: Line,
    terms: Terms,
    at_most: int | None,
    *,
    previews_first: bool,
    may_take_over: bool,
) -> Claim | None:
    is_wanted = and_(
        col(Video.attempt) < terms.max_attempts,
        or_(col(Video.status) == VideoStatus.PENDING, col(Video.losses) + 1 < terms.max_losses),
    )

    async def head(session: AsyncSession, now: datetime) -> UUID | None:
        return await fairness.head(
            session,
            line.owner_id,
            now,
            previews_first=previews_first,
            is_wanted=is_wanted,
            with_lapsed=may_take_over,
        )

    return await claiming.take(database, line.owner_id, head, terms, at_most=at_most)
