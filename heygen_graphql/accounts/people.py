"""Accounts: made, changed, looked up."""

import unicodedata
from collections.abc import Iterable
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from heygen_graphql.accounts import passwords
from heygen_graphql.changes import KEEP, Keep
from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, Unauthenticated, UserErrorCode
from heygen_graphql.tables import Session, User, Video, utc_now

MAX_NAME_LENGTH = 200
MAX_EMAIL_LENGTH = 254
"""RFC 5321, section 4.5.3.1.3, less the two angle brackets."""


async def create_user(
    database: Database, *, email: str, password: str, full_name: str | None = None, is_superuser: bool = False
) -> User:
    """
    Raises:
        InvalidInput: carries every fault of the three.
    """
    address, faults = check_email(email)
    faults += check_password(password, "password")
    name, name_faults = check_name(full_name)
    faults += name_faults
    if faults:
        raise InvalidInput(faults)
    user = User(
        email=address,
        email_key=email_key(address),
        full_name=name,
        password_hash=await passwords.hash_password(password),
        is_superuser=is_superuser,
    )
    try:
        async with database.transaction() as session:
            session.add(user)
    except IntegrityError:
        raise _taken(address) from None
    return user


async def update_me(
    database: Database, user_id: UUID, *, email: str | Keep = KEEP, full_name: str | Keep | None = KEEP
) -> User:
    """
    Raises:
        InvalidInput: a fault in either, or the address is taken.
    """
    faults: list[Fault] = []
    address: str | None = None
    name: str | None = None
    if email is not KEEP:
        address, email_faults = check_email(email)
        faults += email_faults
    if full_name is not KEEP:
        name, name_faults = check_name(full_name)
        faults += name_faults
    if faults:
        raise InvalidInput(faults)
    try:
        async with database.transaction() as session:
            user = await held(session, user_id)
            if address is not None:
                user.email, user.email_key = address, email_key(address)
            if full_name is not KEEP:
                user.full_name = name
            user.updated_at = utc_now()
            session.add(user)
    except IntegrityError:
        raise _taken(address or "") from None
    return user


async def change_password(
    database: Database, user_id: UUID, *, current_password: str, new_password: str, keep_session: UUID
) -> User:
    """Set a new password and end every session but `keep_session`; API keys stay.

    Raises:
        InvalidInput: the current password is wrong, or the new one will not do.
    """
    user = await present(database, user_id)
    faults = check_password(new_password, "newPassword")
    if not await passwords.is_correct(current_password, user.password_hash):
        faults.insert(0, wrong_password("currentPassword"))
    if faults:
        raise InvalidInput(faults)
    password_hash = await passwords.hash_password(new_password)
    async with database.transaction() as session:
        user = await held(session, user_id)
        user.password_hash = password_hash
        user.updated_at = utc_now()
        session.add(user)
        await session.execute(
            delete(Session).where(col(Session.user_id) == user_id, col(Session.id) != keep_session)
        )
    return user


async def users_by_ids(database: Database, ids: Iterable[UUID]) -> dict[UUID, User]:
    async with database.reading() as session:
        present = select(User).where(col(User.id).in_(list(ids)), col(User.deleted_at).is_(None))
        rows = await session.execute(present)
        return {user.id: user for user in rows.scalars()}


async def video_counts(database: Database, user_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Videos per user; users without any are left out."""
    counted = (
        select(col(Video.owner_id), func.count().label("videos"))
        .where(col(Video.owner_id).in_(list(user_ids)), col(Video.deleted_at).is_(None))
        .group_by(col(Video.owner_id))
    )
    async with database.reading() as session:
        return {row.owner_id: row.videos for row in await session.execute(counted)}


def email_key(address: str) -> str:
    """What two addresses share that differ in case or Unicode form alone.

    A compatibility caseless match (The Unicode Standard, section 3.13.5, D146), composed at the end.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", address).casefold()).casefold()
    return unicodedata.normalize("NFKC", folded)


def named_key(email: str) -> str:
    """The key of an address as somebody writes it to sign in; nobody's, when it is no address."""
    address, faults = check_email(email)
    return email_key(address if not faults else email.strip()[:MAX_EMAIL_LENGTH])


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """The account of an address, however it is written."""
    key = named_key(email)
    # No account's address contains NUL, and PostgreSQL breaks on it.
    if "\0" in key:
        return None
    return (await session.execute(select(User).where(User.email_key == key))).scalar_one_or_none()


def check_email(email: str) -> tuple[str, list[Fault]]:
    """The address as it is stored, and what is wrong with it."""
    address = email.strip()
    # Looked at first: the validator normalizes, which on a mebibyte of combining marks takes minutes.
    if len(address) > MAX_EMAIL_LENGTH:
        message = f"The address has {len(address)} characters; at most {MAX_EMAIL_LENGTH} are stored."
        return "", [Fault(UserErrorCode.TOO_LONG, message, ("email",))]
    try:
        # No look-up in the DNS: signing up must work on a laptop with no network.
        address = validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError as error:
        message = f"{email[:80]!r} is not an e-mail address: {error}"
        return "", [Fault(UserErrorCode.INVALID, message, ("email",))]
    # Folding can lengthen: one letter becomes up to eighteen.
    if len(email_key(address)) > MAX_EMAIL_LENGTH:
        message = f"The address is too long: folded to lower case, at most {MAX_EMAIL_LENGTH} are stored."
        return "", [Fault(UserErrorCode.TOO_LONG, message, ("email",))]
    return address, []


def check_password(password: str, field: str) -> list[Fault]:
    if len(password) < passwords.MIN_LENGTH:
        message = f"The password is too short: {len(password)} of at least {passwords.MIN_LENGTH} characters."
        return [Fault(UserErrorCode.TOO_SHORT, message, (field,))]
    size = len(password.encode())
    if size > passwords.MAX_BYTES:
        message = f"The password has {size} bytes in UTF-8; at most {passwords.MAX_BYTES} can be used."
        return [Fault(UserErrorCode.TOO_LONG, message, (field,))]
    if "\x00" in password:
        return [
            Fault(UserErrorCode.INVALID, "The password contains a NUL character; leave it out.", (field,))
        ]
    return []


def check_name(full_name: str | None) -> tuple[str | None, list[Fault]]:
    name = " ".join((full_name or "").split())
    if len(name) > MAX_NAME_LENGTH:
        message = f"The name has {len(name)} characters; at most {MAX_NAME_LENGTH} are stored."
        return None, [Fault(UserErrorCode.TOO_LONG, message, ("fullName",))]
    if any(unicodedata.category(character) == "Cc" for character in name):
        message = "The name contains control characters; leave them out."
        return None, [Fault(UserErrorCode.INVALID, message, ("fullName",))]
    return name or None, []


async def present(database: Database, user_id: UUID) -> User:
    """
    Raises:
        Unauthenticated: the account has been deleted.
    """
    user = (await users_by_ids(database, [user_id])).get(user_id)
    if user is None:
        raise _gone()
    return user


async def held(session: AsyncSession, user_id: UUID) -> User:
    """The row, held against other changes until the transaction ends; what refers to it may still be written.

    Raises:
        Unauthenticated: the account has been deleted.
    """
    user = await session.get(User, user_id, with_for_update={"key_share": True})
    if user is None or user.deleted_at is not None:
        raise _gone()
    return user


def wrong_password(field: str) -> Fault:
    return Fault(UserErrorCode.INVALID_CREDENTIALS, "That is not the current password.", (field,))


def _gone() -> Unauthenticated:
    return Unauthenticated("This account no longer exists.")


def _taken(address: str) -> InvalidInput:
    message = f"There is already an account for {address}. Give another address, or sign in with logIn."
    return InvalidInput.one(UserErrorCode.TAKEN, message, "email")
