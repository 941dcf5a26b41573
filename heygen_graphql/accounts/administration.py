"""What superusers do: look through all accounts, and change other people's."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.accounts.people import check_name, email_key, find_by_email
from heygen_graphql.changes import KEEP, Keep
from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.paging import Page, Window, newest_first
from heygen_graphql.tables import Session, User, utc_now

_NEWEST_FIRST = newest_first("users", User)


@dataclass(frozen=True, slots=True)
class UserChanges:
    is_active: bool | Keep = KEEP
    is_superuser: bool | Keep = KEEP
    full_name: str | Keep | None = KEEP
    monthly_seconds_limit: int | Keep | None = KEEP
    """None leaves it to the server's setting, here and below."""
    concurrent_limit: int | Keep | None = KEEP


async def update_user(database: Database, user_id: UUID | None, changes: UserChanges) -> User:
    """Change anybody's account. Deactivated, its sessions end at once; its API keys rest until it is active.

    Raises:
        InvalidInput: NOT_FOUND; every fault of the changes; nobody would be left to look after the accounts.
    """
    faults = _faults(changes)
    name: str | None = None
    if changes.full_name is not KEEP:
        name, name_faults = check_name(changes.full_name)
        faults += name_faults
    if faults:
        raise InvalidInput(faults)
    async with database.transaction() as session:
        if changes.is_active is False:
            await keep_a_superuser(session, user_id, "isActive")
        if changes.is_superuser is False:
            await keep_a_superuser(session, user_id, "isSuperuser")
        user = None
        if user_id is not None:
            user = await session.get(User, user_id, with_for_update={"key_share": True})
        if user is None or user.deleted_at is not None:
            raise InvalidInput.one(UserErrorCode.NOT_FOUND, "There is no user of this id.", "id")
        for field in ("is_active", "is_superuser", "monthly_seconds_limit", "concurrent_limit"):
            value = getattr(changes, field)
            if value is not KEEP:
                setattr(user, field, value)
        if changes.full_name is not KEEP:
            user.full_name = name
        user.updated_at = utc_now()
        session.add(user)
        if not user.is_active:
            await session.execute(delete(Session).where(col(Session.user_id) == user.id))
    return user


async def named(database: Database, email: str) -> User | None:
    """The account of an address, however it is written."""
    async with database.reading() as session:
        return await find_by_email(session, email)


async def keep_a_superuser(session: AsyncSession, without: UUID | None, *field: str) -> None:
    """See that an active superuser is left without this one, and that no other call takes them meanwhile.

    Raises:
        InvalidInput: nobody else is one.
    """
    # All of them are held, in one order: two who deactivate each other come one after the other.
    ruling = select(User.id).where(
        col(User.is_superuser), col(User.is_active), col(User.deleted_at).is_(None)
    )
    rows = await session.execute(ruling.order_by(col(User.id)).with_for_update(key_share=True))
    if set(rows.scalars()) == {without}:
        message = "This is the last active superuser. Make somebody else a superuser first."
        raise InvalidInput.one(UserErrorCode.INVALID, message, *field)


async def page(database: Database, search: str | None, window: Window) -> Page[User]:
    """Accounts whose address or name contains `search`, in capitals or not; the newest first.

    Raises:
        BadRequest: the cursor is of another list.
    """
    async with database.reading() as session:
        rows = (await session.scalars(_NEWEST_FIRST.within(_matching(search), window))).all()
    return _NEWEST_FIRST.page(rows, window)


async def count(database: Database, search: str | None) -> int:
    async with database.reading() as session:
        counted = select(func.count()).select_from(_matching(search).subquery())
        return (await session.execute(counted)).scalar_one()


def _matching(search: str | None) -> SelectOfScalar[User]:
    query = select(User).where(col(User.deleted_at).is_(None))
    if search:
        in_email = col(User.email_key).contains(email_key(search), autoescape=True)
        # SQLite lowers ASCII letters alone.
        in_name = func.lower(func.coalesce(col(User.full_name), "")).contains(search.lower(), autoescape=True)
        query = query.where(or_(in_email, in_name))
    return query


def _faults(changes: UserChanges) -> list[Fault]:
    faults = []
    monthly, concurrent = changes.monthly_seconds_limit, changes.concurrent_limit
    if isinstance(monthly, int) and monthly < 0:
        message = f"The limit is {monthly} seconds; give 0 or more, or null for the server's own limit."
        faults.append(Fault(UserErrorCode.TOO_SHORT, message, ("monthlySecondsLimit",)))
    if isinstance(concurrent, int) and concurrent < 1:
        message = f"The limit is {concurrent} renders; give 1 or more, or null for the server's own limit."
        faults.append(Fault(UserErrorCode.TOO_SHORT, message, ("concurrentLimit",)))
    return faults
