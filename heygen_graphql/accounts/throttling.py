"""Guessing passwords is slow, and nobody can lock another person out by it.

Three bounds, each on attempts of either outcome, so that nothing can be told from them:

- an address makes so many a minute, for whatever accounts;
- an address makes fewer a minute for one account;
- an account that is tried from many addresses answers later and later, up to `MAX_DELAY_SECONDS`, but it
  answers. Addresses that have signed in to it, and whose session lasts, do not wait.
"""

import asyncio

from sqlmodel import col, exists, select

from heygen_graphql.accounts.people import find_by_email, named_key
from heygen_graphql.accounts.tokens import Tokens, fingerprint
from heygen_graphql.database import Database
from heygen_graphql.ratelimits import RateLimits
from heygen_graphql.tables import Session

FREE_ATTEMPTS = 10
"""From strange addresses for one account, before it answers later."""
MAX_DELAY_SECONDS = 8.0
_FIRST_DELAY_SECONDS = 0.5
# Attempts that are remembered: with as many as make the delay its longest, and some to spare.
_REMEMBERED = 30
# One is forgotten every 20 s, all of them after ten minutes of peace.
_FORGOTTEN_PER_SECOND = 1 / 20


async def hold_back(
    database: Database, limits: RateLimits, tokens: Tokens, *, email: str, address: str, per_minute: int
) -> None:
    """Count an attempt to sign in from `address`, and let it wait as long as it must.

    Raises:
        RateLimited: more than `per_minute` for this account from there.
    """
    async with database.reading() as session:
        user = await find_by_email(session, email)
        # Asked for an unknown account, too: the answer must not come sooner.
        met = exists().where(
            col(Session.user_id) == (None if user is None else user.id),
            col(Session.origin).in_(tokens.marks(address)),
        )
        is_known = (await session.execute(select(met))).scalar_one()
    # An account is named by its address, be there one or not; unreadable, as it may go to Redis.
    account = fingerprint(named_key(email))
    await limits.check("sign-ins to one account", f"{account} {address}", per_minute)
    if not is_known:
        bucket = await limits.take(f"sign-ins {account}", 1, _REMEMBERED, _FORGOTTEN_PER_SECOND)
        await asyncio.sleep(delay_seconds(bucket.limit - bucket.remaining))


def delay_seconds(attempts: int) -> float:
    """How long the newest of so many recent attempts waits."""
    if attempts <= FREE_ATTEMPTS:
        return 0.0
    return min(MAX_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0 ** (attempts - FREE_ATTEMPTS - 1))
