"""Accounts from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from heygen_graphql import accounts
from heygen_graphql.accounts import UserChanges, administration
from heygen_graphql.database import Database, migrate, reaching
from heygen_graphql.errors import HeygenError
from heygen_graphql.settings import Settings
from heygen_graphql.tables import User

T = TypeVar("T")


def create(
    settings: Settings, *, email: str, password: str, full_name: str | None, is_superuser: bool
) -> User:
    return _in_database(
        settings,
        lambda database: accounts.create_user(
            database, email=email, password=password, full_name=full_name, is_superuser=is_superuser
        ),
    )


def change(settings: Settings, email: str, changes: UserChanges) -> User:
    """
    Raises:
        HeygenError: the address has no account.
        InvalidInput: nobody would be left to look after the accounts.
    """

    async def change_named(database: Database) -> User:
        user = await administration.named(database, email)
        if user is None:
            raise HeygenError(
                f"nobody has an account by {email!r}; "
                f"make one with: heygen-graphql user create --email {email}"
            )
        return await accounts.update_user(database, user.id, changes)

    return _in_database(settings, change_named)


def _in_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        database = Database.of(settings, pool_size=1)
        try:
            return await work(database)
        finally:
            await database.close()

    if settings.is_embedded:
        # As its server does at every start: an account may be wanted before the first.
        migrate(settings.resolved_database_url)
    with reaching(settings.resolved_database_url):
        return asyncio.run(run())
