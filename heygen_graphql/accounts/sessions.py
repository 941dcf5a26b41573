"""Signing up, in and out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, update
from sqlmodel import col

from heygen_graphql.accounts import passwords
from heygen_graphql.accounts.people import create_user, find_by_email
from heygen_graphql.accounts.tokens import Claims, Tokens, fingerprint
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, UserErrorCode
from heygen_graphql.tables import Session, User, utc_now


@dataclass(frozen=True, slots=True)
class SignedIn:
    user: User
    access_token: str
    access_token_expires_at: datetime
    refresh_token: str


async def sign_up(
    database: Database,
    tokens: Tokens,
    *,
    email: str,
    password: str,
    full_name: str | None,
    address: str | None = None,
) -> SignedIn:
    """`address`: where the caller is, if anybody can tell; it is known again at the next `log_in`.

    Raises:
        InvalidInput: carries every fault; TAKEN when the e-mail address has an account.
    """
    user = await create_user(database, email=email, password=password, full_name=full_name)
    signed_in = await _begin_session(database, tokens, user, address)
    assert signed_in is not None, "nobody changes an account that nobody knows"
    return signed_in


async def log_in(
    database: Database, tokens: Tokens, *, email: str, password: str, address: str | None = None
) -> SignedIn:
    """`address`: as for `sign_up`.

    Raises:
        InvalidInput: INVALID_CREDENTIALS, the same for a wrong password and an unknown e-mail address, and
            told after the same time; ACCOUNT_INACTIVE, told only to who knows the password.
    """
    async with database.reading() as session:
        user = await find_by_email(session, email)
    if not await passwords.is_correct(password, user.password_hash if user else None) or user is None:
        raise _unknown()
    if not user.is_active:
        message = "This account has been deactivated. Ask whoever runs this server."
        raise InvalidInput.one(UserErrorCode.ACCOUNT_INACTIVE, message)
    signed_in = await _begin_session(database, tokens, user, address)
    if signed_in is None:
        raise _unknown()
    return signed_in


async def refresh(database: Database, tokens: Tokens, refresh_token: str) -> SignedIn:
    """Exchange a refresh token for new ones; the old one is spent.

    A spent token that comes back was stolen, from the caller or by them: the session ends for both
    (RFC 9700, section 4.14.2).

    Raises:
        InvalidInput: INVALID_CREDENTIALS.
    """
    session_id = tokens.read_refresh(refresh_token)
    if session_id is None:
        raise _spent()
    async with database.transaction() as session:
        now = await database.now(session)
        new_token, expires_at = tokens.issue_refresh(session_id, now)
        rotated = await session.execute(
            update(Session)
            .where(
                col(Session.id) == session_id,
                col(Session.token_hash) == fingerprint(refresh_token),
                col(Session.expires_at) > now,
            )
            .values(token_hash=fingerprint(new_token), refreshed_at=now, expires_at=expires_at)
            .returning(col(Session.user_id))
        )
        user_id = rotated.scalar_one_or_none()
        user = None if user_id is None else await session.get(User, user_id)
        if user is None or not user.is_active:
            user = None
            await session.execute(delete(Session).where(col(Session.id) == session_id))
    if user is None:
        raise _spent()
    return _signed_in(tokens, user, session_id, new_token, now)


async def log_out(database: Database, tokens: Tokens, refresh_token: str) -> None:
    """End the session; its access tokens stop working at once. Ending an ended one is no fault."""
    session_id = tokens.read_refresh(refresh_token)
    if session_id is not None:
        async with database.transaction() as session:
            await session.execute(delete(Session).where(col(Session.id) == session_id))


async def _begin_session(
    database: Database, tokens: Tokens, user: User, address: str | None
) -> SignedIn | None:
    """None when the account has changed since its password was looked at: no session outlives that."""
    session_id = uuid4()
    now = utc_now()
    token, expires_at = tokens.issue_refresh(session_id, now)
    async with database.transaction() as session:
        as_it_was = await session.execute(
            update(User)
            .where(
                col(User.id) == user.id,
                col(User.password_hash) == user.password_hash,
                col(User.is_active),
                col(User.deleted_at).is_(None),
            )
            .values(last_login_at=now)
            .returning(col(User.id))
        )
        if as_it_was.scalar_one_or_none() is None:
            return None
        session.add(
            Session(
                id=session_id,
                user_id=user.id,
                token_hash=fingerprint(token),
                origin=None if address is None else tokens.mark(address),
                expires_at=expires_at,
            )
        )
    user.last_login_at = now
    return _signed_in(tokens, user, session_id, token, now)


def _unknown() -> InvalidInput:
    message = "No account has this e-mail address and password."
    return InvalidInput.one(UserErrorCode.INVALID_CREDENTIALS, message)


def _spent() -> InvalidInput:
    message = "The refresh token is not valid any more. Sign in with logIn."
    return InvalidInput.one(UserErrorCode.INVALID_CREDENTIALS, message, "refreshToken")


def _signed_in(tokens: Tokens, user: User, session_id: UUID, refresh_token: str, now: datetime) -> SignedIn:
    access_token, expires_at = tokens.issue_access(Claims(user.id, session_id), now)
    return SignedIn(user, access_token, expires_at, refresh_token)
