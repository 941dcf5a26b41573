from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from heygen_graphql import accounts
from heygen_graphql.accounts import Credentials, api_keys
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, Unauthenticated, UserErrorCode
from heygen_graphql.tables import ApiKey, User, utc_now

TOKENS = accounts.Tokens(key=b"k" * 32, algorithm="HS256", access_minutes=30, refresh_days=30)


async def viewer_of(database: Database, key: str) -> accounts.Viewer:
    return await accounts.authenticate(database, TOKENS, Credentials(api_key=key))


async def test_a_key_signs_in_wherever_it_is_sent_and_is_stored_nowhere(
    database: Database, ada: UUID
) -> None:
    ends = utc_now() + timedelta(days=1)
    made = await api_keys.create(database, ada, name="  CI   server ", expires_at=ends)

    viewer = await viewer_of(database, made.key)
    as_bearer = await accounts.authenticate(database, TOKENS, Credentials(access_token=made.key))

    assert viewer.user.id == as_bearer.user.id == ada
    assert (viewer.session_id, viewer.api_key_id, viewer.expires_at) == (None, made.api_key.id, ends)
    (row,) = await api_keys.owned_by(database, ada)
    assert row.name == "CI server"
    assert made.key.startswith("hg_")
    assert made.key.startswith(row.prefix)
    assert len(made.key) >= len(row.prefix) + 33
    assert made.key not in repr(made)
    assert made.key not in str(row.model_dump())


async def test_a_key_and_a_token_at_once_are_refused(database: Database, ada: UUID) -> None:
    made = await api_keys.create(database, ada, name="CI")
    with pytest.raises(Unauthenticated, match="X-API-Key"):
        await accounts.authenticate(database, TOKENS, Credentials(made.key, made.key))


async def test_a_key_that_is_not_is_revoked_or_has_expired_signs_in_nobody(
    database: Database, ada: UUID
) -> None:
    revoked = await api_keys.create(database, ada, name="revoked")
    assert await api_keys.revoke(database, ada, revoked.api_key.id) == revoked.api_key.id
    expired = await api_keys.create(database, ada, name="expired")
    async with database.transaction() as session:
        await session.execute(update(ApiKey).values(expires_at=utc_now()))
    for key in ("hg_", "hg_" + "x" * 43, "nonsense\0", revoked.key, expired.key):
        with pytest.raises(Unauthenticated):
            await viewer_of(database, key)


async def test_a_key_rests_while_its_owner_is_deactivated(database: Database, ada: UUID) -> None:
    made = await api_keys.create(database, ada, name="CI")
    await accounts.update_user(database, ada, accounts.UserChanges(is_active=False))
    with pytest.raises(Unauthenticated, match="deactivated"):
        await viewer_of(database, made.key)
    await accounts.update_user(database, ada, accounts.UserChanges(is_active=True))
    assert (await viewer_of(database, made.key)).user.id == ada


async def test_the_use_of_a_key_is_recorded_at_most_once_a_minute(database: Database, ada: UUID) -> None:
    made = await api_keys.create(database, ada, name="CI")
    used: list[object] = []
    for ago in (None, timedelta(seconds=50), timedelta(seconds=61)):
        if ago is not None:
            async with database.transaction() as session:
                await session.execute(update(ApiKey).values(last_used_at=utc_now() - ago))
        (before,) = await api_keys.owned_by(database, ada)
        await viewer_of(database, made.key)
        (after,) = await api_keys.owned_by(database, ada)
        used.append(before.last_used_at != after.last_used_at)
    assert used == [True, False, True]


async def test_nobody_revokes_another_persons_key(database: Database, ada: UUID) -> None:
    made = await api_keys.create(database, ada, name="CI")
    ben = await accounts.create_user(database, email="ben@example.com", password="correct horse")
    for owner_id, key_id in ((ben.id, made.api_key.id), (ada, ben.id), (ada, None)):
        with pytest.raises(InvalidInput) as error:
            await api_keys.revoke(database, owner_id, key_id)
        assert [fault.code for fault in error.value.faults] == [UserErrorCode.NOT_FOUND]
    assert await viewer_of(database, made.key)
    assert await api_keys.by_ids(database, ben.id, [made.api_key.id]) == {}


async def test_every_fault_of_a_new_key_is_told_at_once(database: Database, ada: UUID) -> None:
    async with database.transaction() as session:
        session.add_all(
            ApiKey(owner_id=ada, name="x", prefix="hg_", key_hash=str(number))
            for number in range(api_keys.MAX_PER_OWNER)
        )
    for name, code in (
        (" ", UserErrorCode.REQUIRED),
        ("x" * 101, UserErrorCode.TOO_LONG),
        ("a\0b", UserErrorCode.INVALID),
    ):
        with pytest.raises(InvalidInput) as error:
            await api_keys.create(database, ada, name=name, expires_at=utc_now())
        assert [(fault.code, fault.field) for fault in error.value.faults] == [
            (code, ("name",)),
            (UserErrorCode.INVALID, ("expiresAt",)),
            (UserErrorCode.LIMIT_EXCEEDED, None),
        ]


async def test_a_user_that_is_marked_deleted_is_nobody_to_a_key(database: Database, ada: UUID) -> None:
    made = await api_keys.create(database, ada, name="CI")
    async with database.transaction() as session:
        await session.execute(update(User).values(deleted_at=utc_now()))
    with pytest.raises(Unauthenticated):
        await viewer_of(database, made.key)
