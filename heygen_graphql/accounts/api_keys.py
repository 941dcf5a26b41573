"""Keys by which programs sign in. A key is shown once, when it is made; what is kept is its hash."""

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, update
from sqlmodel import col, func, select

from heygen_graphql.accounts import people
from heygen_graphql.accounts.tokens import fingerprint
from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.tables import ApiKey, User, ViewerVersion, utc_now

PREFIX = "hg_"
"""What every key begins with: no access token does, and scanners for leaked secrets can look for it."""
MAX_NAME_LENGTH = 100
MAX_PER_OWNER = 50
# 256 bits, of which the part that stays readable gives away 42.
_RANDOM_BYTES = 32
_SHOWN_LENGTH = 10
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Made:
    api_key: ApiKey
    key: str = field(repr=False)
    """The key itself: this is the one time that anybody sees it."""


async def create(
    database: Database, owner_id: UUID, *, name: str, expires_at: datetime | None = None
) -> Made:
    """
    Raises:
        InvalidInput: carries every fault; LIMIT_EXCEEDED when the owner has `MAX_PER_OWNER` keys.
    """
    name = " ".join(name.split())
    faults = _faults(name, expires_at)
    key = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    row = ApiKey(
        owner_id=owner_id,
        name=name,
        prefix=key[:_SHOWN_LENGTH],
        key_hash=fingerprint(key),
        expires_at=expires_at,
    )
    async with database.transaction() as session:
        # Held, so that two calls at once are counted one after the other.
        await people.held(session, owner_id)
        owned = select(func.count()).where(ApiKey.owner_id == owner_id)
        count = (await session.execute(owned)).scalar_one()
        if count >= MAX_PER_OWNER:
            message = f"You have {count} API keys, and no more are kept. Revoke one first."
            faults.append(Fault(UserErrorCode.LIMIT_EXCEEDED, message))
        if faults:
            raise InvalidInput(faults)
        session.add(row)
    return Made(row, key)


async def revoke(database: Database, owner_id: UUID, api_key_id: UUID | None) -> UUID:
    """Take a key back: it stops working at once.

    Raises:
        InvalidInput: NOT_FOUND.
    """
    async with database.transaction() as session:
        owned = delete(ApiKey).where(col(ApiKey.id) == api_key_id, col(ApiKey.owner_id) == owner_id)
        revoked = (await session.execute(owned.returning(col(ApiKey.id)))).scalar_one_or_none()
    if revoked is None:
        raise InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no API key of this id.", "id")
    return revoked


async def owned_by(database: Database, owner_id: UUID) -> list[ApiKey]:
    """The newest first, expired ones too."""
    async with database.reading() as session:
        order = col(ApiKey.created_at).desc(), col(ApiKey.id).desc()
        rows = await session.execute(select(ApiKey).where(ApiKey.owner_id == owner_id).order_by(*order))
        return list(rows.scalars())


async def by_ids(database: Database, owner_id: UUID, ids: Iterable[UUID]) -> dict[UUID, ApiKey]:
    async with database.reading() as session:
        owned = select(ApiKey).where(ApiKey.owner_id == owner_id, col(ApiKey.id).in_(list(ids)))
        return {key.id: key for key in await session.scalars(owned)}


async def find(database: Database, key: str) -> tuple[User, ApiKey, int | None] | None:
    """Whose key it is, its row, and its owner's data version; None when it is nobody's any more."""
    named = (
        select(User, ApiKey, col(ViewerVersion.version))
        .join(ApiKey, col(ApiKey.owner_id) == col(User.id))
        .outerjoin(ViewerVersion, col(ViewerVersion.user_id) == col(User.id))
        .where(
            ApiKey.key_hash == fingerprint(key),
            or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > utc_now()),
            col(User.deleted_at).is_(None),
        )
    )
    async with database.reading() as session:
        row = (await session.execute(named)).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def note_use(database: Database, api_key: ApiKey) -> None:
    """Record that it signs in now; at most once a minute, so that reading writes next to nothing."""
    now = utc_now()
    latest = now - _NOTED_EVERY
    if api_key.last_used_at is not None and api_key.last_used_at > latest:
        return
    async with database.transaction() as session:
        await session.execute(
            update(ApiKey)
            .where(
                col(ApiKey.id) == api_key.id,
                or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) <= latest),
            )
            .values(last_used_at=now)
        )


def _faults(name: str, expires_at: datetime | None) -> list[Fault]:
    faults = []
    if not name:
        message = "The key has no name. Say what it is for, to know it by when you revoke it."
        faults.append(Fault(UserErrorCode.REQUIRED, message, ("name",)))
    elif len(name) > MAX_NAME_LENGTH:
        message = f"The name has {len(name)} characters; at most {MAX_NAME_LENGTH} are stored."
        faults.append(Fault(UserErrorCode.TOO_LONG, message, ("name",)))
    elif any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        message = "The name contains a control character. Remove it."
        faults.append(Fault(UserErrorCode.INVALID, message, ("name",)))
    if expires_at is not None and expires_at <= utc_now():
        message = "The key would have expired already. Give an instant to come, or none."
        faults.append(Fault(UserErrorCode.INVALID, message, ("expiresAt",)))
    return faults
