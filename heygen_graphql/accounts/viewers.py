"""Knowing who calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from heygen_graphql.accounts import api_keys
from heygen_graphql.accounts.tokens import Tokens
from heygen_graphql.database import Database
from heygen_graphql.errors import Unauthenticated
from heygen_graphql.tables import ApiKey, Session, User, ViewerVersion

_ASKED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller sent to be known by, as it was sent."""

    access_token: str | None = field(default=None, repr=False)
    """Of a session; an API key may stand here, too: many clients can send nothing but a bearer token."""
    api_key: str | None = field(default=None, repr=False)

    @property
    def are_given(self) -> bool:
        return self.access_token is not None or self.api_key is not None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who calls, and by what: exactly one of `session_id` and `api_key_id` is set."""

    user: User
    session_id: UUID | None
    api_key_id: UUID | None
    expires_at: datetime | None
    """When the token or the key stops working by itself; None for a key without an end."""
    data_version: int | None
    """Read in the very select that found the user: as long as it is the same, nothing that the API shows of
    theirs has changed (`tables.ViewerVersion`). None, should there be none, means that nobody knows."""

    @property
    def right_id(self) -> UUID:
        """Of the session or the key."""
        right = self.session_id or self.api_key_id
        assert right is not None, "one of them is set"
        return right


async def authenticate(database: Database, tokens: Tokens, credentials: Credentials) -> Viewer:
    """
    Raises:
        Unauthenticated: nothing was sent, or a token and a key at once; what was sent is not valid, has
            ended or was taken back; or the account is inactive.
    """
    token, key = credentials.access_token, credentials.api_key
    if token is not None and key is not None:
        raise Unauthenticated(
            "Both an access token (Authorization) and an API key (X-API-Key) were sent. Send one of them."
        )
    if key is None and token is not None and token.startswith(api_keys.PREFIX):
        key = token
    if key is not None:
        return await _by_api_key(database, key)
    if token is not None:
        return await _by_access_token(database, tokens, token)
    raise Unauthenticated(
        "Sign in first: send an access token of logIn as `Authorization: Bearer <token>`, "
        "or an API key as `X-API-Key: <key>`."
    )


async def standing(database: Database, rights: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the sessions and API keys that are there and whose accounts are active: who signed in by one
    of them, and whose `expires_at` has not come, would be let in again."""
    found: set[UUID] = set()
    for start in range(0, len(rights), _ASKED_AT_ONCE):
        some = rights[start : start + _ASKED_AT_ONCE]
        active = (col(User.is_active), col(User.deleted_at).is_(None))
        sessions = select(Session.id).join(User, col(Session.user_id) == col(User.id))
        keys = select(ApiKey.id).join(User, col(ApiKey.owner_id) == col(User.id))
        async with database.reading() as session:
            found.update(await session.scalars(sessions.where(col(Session.id).in_(some), *active)))
            found.update(await session.scalars(keys.where(col(ApiKey.id).in_(some), *active)))
    return frozenset(found)


async def _by_access_token(database: Database, tokens: Tokens, token: str) -> Viewer:
    claims, expires_at = tokens.read_access(token)
    signed_in = (
        select(User, col(ViewerVersion.version))
        .join(Session, col(Session.user_id) == col(User.id))
        .outerjoin(ViewerVersion, col(ViewerVersion.user_id) == col(User.id))
        .where(Session.id == claims.session_id, User.id == claims.user_id, col(User.deleted_at).is_(None))
    )
    async with database.reading() as session:
        found = (await session.execute(signed_in)).one_or_none()
    if found is None:
        raise Unauthenticated("This session has ended. Sign in with logIn.")
    user, data_version = found
    return Viewer(
        user=_active(user),
        session_id=claims.session_id,
        api_key_id=None,
        expires_at=expires_at,
        data_version=data_version,
    )


async def _by_api_key(database: Database, key: str) -> Viewer:
    found = await api_keys.find(database, key)
    if found is None:
        raise Unauthenticated(
            "The API key is not valid: it is mistyped, was revoked or has expired. "
            "Sign in and make another with createApiKey."
        )
    user, row, data_version = found
    viewer = Viewer(
        user=_active(user),
        session_id=None,
        api_key_id=row.id,
        expires_at=row.expires_at,
        data_version=data_version,
    )
    await api_keys.note_use(database, row)
    return viewer


def _active(user: User) -> User:
    if not user.is_active:
        raise Unauthenticated("This account has been deactivated. Ask whoever runs this server.")
    return user
