"""Closing an account: out of everybody's reach at once, and removed when all that was its owner's is."""

from uuid import UUID

from sqlalchemy import delete, or_
from sqlmodel import col, exists, select

from heygen_graphql.accounts import passwords
from heygen_graphql.accounts.administration import keep_a_superuser
from heygen_graphql.accounts.people import held, present, wrong_password
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput
from heygen_graphql.tables import ApiKey, Asset, PhotoAvatar, Session, User, Video, Webhook


async def delete_me(database: Database, user_id: UUID, *, password: str) -> None:
    """Nobody can sign in by the account any more, in any way, and its address is free at once.

    Raises:
        InvalidInput: the password is wrong, or nobody would be left to look after the accounts.
    """
    user = await present(database, user_id)
    if not await passwords.is_correct(password, user.password_hash):
        raise InvalidInput([wrong_password("password")])
    async with database.transaction() as session:
        await keep_a_superuser(session, user_id)
        user = await held(session, user_id)
        user.deleted_at = user.updated_at = await database.now(session)
        # No address has such a key: it has no at sign.
        user.email, user.email_key = "", f"deleted {user.id}"
        user.full_name, user.password_hash = None, ""
        user.is_active = user.is_superuser = False
        session.add(user)
        await session.execute(delete(Session).where(col(Session.user_id) == user_id))
        await session.execute(delete(ApiKey).where(col(ApiKey.owner_id) == user_id))
        # Nobody is told how the account's videos end. Held in the order of whoever writes deliveries.
        own = select(Webhook.id).where(Webhook.owner_id == user_id).order_by(col(Webhook.id))
        await session.execute(own.with_for_update())
        await session.execute(delete(Webhook).where(col(Webhook.owner_id) == user_id))


async def closed(database: Database) -> list[UUID]:
    """Accounts that wait to be removed, the longest waiting first."""
    async with database.reading() as session:
        waiting = select(User.id).where(col(User.deleted_at).is_not(None)).order_by(col(User.deleted_at))
        return list((await session.execute(waiting)).scalars())


async def remove(database: Database, user_id: UUID) -> bool:
    """Remove the row of a closed account; False while something of its owner's is there that has files."""
    has_files = col(PhotoAvatar.files_prefix).is_not(None)
    remains = select(
        or_(
            exists().where(col(Video.owner_id) == user_id),
            exists().where(col(Asset.owner_id) == user_id),
            exists().where(col(PhotoAvatar.owner_id) == user_id, has_files),
        )
    )
    # Looked at first: on SQLite every transaction that may write holds up the others.
    async with database.reading() as session:
        if (await session.execute(remains)).scalar_one():
            return False
    async with database.transaction() as session:
        # Held against calls that began before the end and still write; what they have written is seen.
        row = select(User.id).where(User.id == user_id, col(User.deleted_at).is_not(None)).with_for_update()
        is_there = (await session.execute(row)).scalar_one_or_none() is not None
        if not is_there or (await session.execute(remains)).scalar_one():
            return False
        await session.execute(delete(User).where(col(User.id) == user_id))
    return True
