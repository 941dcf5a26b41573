import asyncio

import pytest

from heygen_graphql import accounts
from heygen_graphql.accounts import Credentials, UserChanges, administration
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, Unauthenticated, UserErrorCode
from heygen_graphql.paging import Window
from heygen_graphql.tables import User

TOKENS = accounts.Tokens(key=b"k" * 32, algorithm="HS256", access_minutes=30, refresh_days=30)
PASSWORD = "correct horse"


async def add(database: Database, *names: str, is_superuser: bool = False) -> list[User]:
    """People with an address and a name each, made in this order; nobody needs their passwords."""
    users = [
        User(
            email=f"{name}@example.com",
            email_key=f"{name.casefold()}@example.com",
            full_name=f"{name} Smith",
            password_hash="-",
            is_superuser=is_superuser,
        )
        for name in names
    ]
    async with database.transaction() as session:
        session.add_all(users)
    return users


async def pages(database: Database, search: str | None, size: int) -> list[list[str]]:
    """Every page's addresses, from the newest on."""
    found, after = [], None
    while True:
        page = await administration.page(database, search, Window.of(size, after, None, None))
        found.append([user.email.partition("@")[0] for user in page.items])
        if not page.has_next:
            return found
        after = page.cursors[-1]


async def test_people_are_paged_newest_first_and_searched_in_address_and_name(database: Database) -> None:
    await add(database, "ada", "Ben", "Änne", "dora")

    assert await pages(database, None, 3) == [["dora", "Änne", "Ben"], ["ada"]]
    assert await pages(database, "BEN", 3) == [["Ben"]]
    assert await pages(database, "ÄNNE@", 3) == [["Änne"]]
    assert await pages(database, "smith", 2) == [["dora", "Änne"], ["Ben", "ada"]]
    assert await pages(database, "%", 3) == await pages(database, "_", 3) == [[]]
    assert await administration.count(database, "A@example") == 2


async def test_a_change_leaves_what_is_not_given_and_null_removes_a_limit(database: Database) -> None:
    (ada,) = await add(database, "ada")
    limits = UserChanges(monthly_seconds_limit=60, concurrent_limit=2)

    limited = await accounts.update_user(database, ada.id, limits)
    renamed = await accounts.update_user(database, ada.id, UserChanges(full_name="Ada"))
    freed = await accounts.update_user(database, ada.id, UserChanges(monthly_seconds_limit=None))

    assert (limited.monthly_seconds_limit, limited.concurrent_limit) == (60, 2)
    assert (renamed.full_name, renamed.monthly_seconds_limit, renamed.is_active) == ("Ada", 60, True)
    assert (freed.monthly_seconds_limit, freed.concurrent_limit) == (None, 2)


async def test_every_fault_of_a_change_is_told_at_once_and_nothing_is_changed(database: Database) -> None:
    (ada,) = await add(database, "ada")
    changes = UserChanges(
        is_superuser=True, full_name="x" * 201, monthly_seconds_limit=-1, concurrent_limit=0
    )

    with pytest.raises(InvalidInput) as error:
        await accounts.update_user(database, ada.id, changes)

    assert [(fault.code, fault.field) for fault in error.value.faults] == [
        (UserErrorCode.TOO_SHORT, ("monthlySecondsLimit",)),
        (UserErrorCode.TOO_SHORT, ("concurrentLimit",)),
        (UserErrorCode.TOO_LONG, ("fullName",)),
    ]
    assert not (await accounts.users_by_ids(database, [ada.id]))[ada.id].is_superuser


async def test_deactivation_ends_every_session_for_good(database: Database) -> None:
    signed_in = await accounts.sign_up(
        database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None
    )

    await accounts.update_user(database, signed_in.user.id, UserChanges(is_active=False))

    with pytest.raises(InvalidInput) as error:
        await accounts.log_in(database, TOKENS, email="ada@example.com", password=PASSWORD)
    assert [fault.code for fault in error.value.faults] == [UserErrorCode.ACCOUNT_INACTIVE]
    # Nor does being active again bring one back
    await accounts.update_user(database, signed_in.user.id, UserChanges(is_active=True))
    with pytest.raises(Unauthenticated):
        await accounts.authenticate(database, TOKENS, Credentials(signed_in.access_token))
    with pytest.raises(InvalidInput):
        await accounts.refresh(database, TOKENS, signed_in.refresh_token)


@pytest.mark.parametrize("changes", [UserChanges(is_active=False), UserChanges(is_superuser=False)])
async def test_of_superusers_that_remove_each_other_at_once_one_stays(
    database: Database, changes: UserChanges
) -> None:
    # Given three superusers, one of whom is not active
    ada, ben, eve = await add(database, "ada", "ben", "eve", is_superuser=True)
    await accounts.update_user(database, eve.id, UserChanges(is_active=False))
    # When the two others are removed at the same time
    outcomes = await asyncio.gather(
        accounts.update_user(database, ada.id, changes),
        accounts.update_user(database, ben.id, changes),
        return_exceptions=True,
    )
    # Then one is told that it is the last
    refused = [outcome for outcome in outcomes if isinstance(outcome, InvalidInput)]
    assert [fault.code for one in refused for fault in one.faults] == [UserErrorCode.INVALID]
    people = await accounts.users_by_ids(database, [ada.id, ben.id])
    assert sum(user.is_active and user.is_superuser for user in people.values()) == 1
