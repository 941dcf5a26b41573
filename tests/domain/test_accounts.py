import pytest
from redis.asyncio import Redis

from heygen_graphql import accounts
from heygen_graphql.accounts import Credentials
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, RateLimited, Unauthenticated, UserErrorCode
from heygen_graphql.outages import SharedRedis
from heygen_graphql.ratelimits import LocalRateLimits, RedisRateLimits
from heygen_graphql.tables import User, utc_now

TOKENS = accounts.Tokens(key=b"k" * 32, algorithm="HS256", access_minutes=30, refresh_days=30)
PASSWORD = "correct horse"


def codes(error: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[UserErrorCode, tuple[str, ...] | None]]:
    return [(fault.code, fault.field) for fault in error.value.faults]


async def viewer_of(database: Database, access_token: str) -> accounts.Viewer:
    return await accounts.authenticate(database, TOKENS, Credentials(access_token))


async def test_a_person_signs_up_and_is_known_by_the_token(database: Database) -> None:
    signed_in = await accounts.sign_up(
        database, TOKENS, email=" Ada@Example.com", password=PASSWORD, full_name="  Ada   Lovelace "
    )

    viewer = await viewer_of(database, signed_in.access_token)

    assert viewer.user.email == "Ada@example.com"
    assert viewer.user.full_name == "Ada Lovelace"
    assert viewer.user.last_login_at is not None


async def test_addresses_that_differ_by_case_are_one_account(database: Database) -> None:
    await accounts.sign_up(database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None)

    with pytest.raises(InvalidInput) as error:
        await accounts.sign_up(database, TOKENS, email="ADA@EXAMPLE.COM", password=PASSWORD, full_name=None)

    assert codes(error) == [(UserErrorCode.TAKEN, ("email",))]
    assert await accounts.log_in(database, TOKENS, email="Ada@example.com", password=PASSWORD)


async def test_every_fault_of_a_sign_up_is_told_at_once(database: Database) -> None:
    with pytest.raises(InvalidInput) as error:
        await accounts.sign_up(database, TOKENS, email="nobody", password="short", full_name="x" * 201)

    assert codes(error) == [
        (UserErrorCode.INVALID, ("email",)),
        (UserErrorCode.TOO_SHORT, ("password",)),
        (UserErrorCode.TOO_LONG, ("fullName",)),
    ]


async def test_an_address_that_grows_when_its_case_is_folded_is_refused(database: Database) -> None:
    email = "ﷺ" * 8 + "@" + ".".join(["a" * 60] * 3) + ".de"

    with pytest.raises(InvalidInput) as error:
        await accounts.sign_up(database, TOKENS, email=email, password=PASSWORD, full_name=None)

    assert codes(error) == [(UserErrorCode.TOO_LONG, ("email",))]


async def test_a_password_that_bcrypt_would_cut_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput) as error:
        await accounts.sign_up(database, TOKENS, email="a@example.com", password="é" * 37, full_name=None)

    assert codes(error) == [(UserErrorCode.TOO_LONG, ("password",))]


async def test_a_wrong_password_and_an_unknown_address_answer_alike(database: Database) -> None:
    await accounts.sign_up(database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None)

    answers = []
    for email, password in (
        ("ada@example.com", "wrong horse"),
        ("bob@example.com", PASSWORD),
        ("ada@example.com", "x" * 100),
        ("ada\0@example.com", PASSWORD),
    ):
        with pytest.raises(InvalidInput) as error:
            await accounts.log_in(database, TOKENS, email=email, password=password)
        answers.append(error.value.faults)

    assert answers == [answers[0]] * 4


async def test_a_damaged_stored_hash_lets_nobody_in(database: Database) -> None:
    signed_in = await accounts.sign_up(
        database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None
    )
    async with database.transaction() as session:
        user = await session.get_one(User, signed_in.user.id)
        user.password_hash = "not a hash"
        session.add(user)

    with pytest.raises(InvalidInput):
        await accounts.log_in(database, TOKENS, email="ada@example.com", password=PASSWORD)


async def test_a_refresh_token_that_comes_back_ends_the_session_for_both(database: Database) -> None:
    first = await accounts.sign_up(
        database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None
    )
    second = await accounts.refresh(database, TOKENS, first.refresh_token)

    with pytest.raises(InvalidInput):
        await accounts.refresh(database, TOKENS, first.refresh_token)

    with pytest.raises(InvalidInput):
        await accounts.refresh(database, TOKENS, second.refresh_token)
    with pytest.raises(Unauthenticated):
        await viewer_of(database, second.access_token)


async def test_a_token_that_was_spent_long_ago_ends_the_session_too(database: Database) -> None:
    first = await accounts.sign_up(
        database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None
    )
    second = await accounts.refresh(database, TOKENS, first.refresh_token)
    third = await accounts.refresh(database, TOKENS, second.refresh_token)

    with pytest.raises(InvalidInput):
        await accounts.refresh(database, TOKENS, first.refresh_token)

    with pytest.raises(Unauthenticated):
        await viewer_of(database, third.access_token)


async def test_a_forged_refresh_token_and_an_access_token_end_nobodys_session(database: Database) -> None:
    others = accounts.Tokens(key=b"x" * 32, algorithm="HS256", access_minutes=30, refresh_days=30)
    ada = await accounts.sign_up(database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None)
    viewer = await viewer_of(database, ada.access_token)
    assert viewer.session_id is not None
    forged, _ = others.issue_refresh(viewer.session_id, utc_now())

    for token in (forged, ada.access_token, "nonsense"):
        await accounts.log_out(database, TOKENS, token)
        with pytest.raises(InvalidInput):
            await accounts.refresh(database, TOKENS, token)

    assert await viewer_of(database, ada.access_token)
    with pytest.raises(Unauthenticated):
        await viewer_of(database, ada.refresh_token)


async def test_logging_out_ends_the_access_token_too(database: Database) -> None:
    signed_in = await accounts.sign_up(
        database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None
    )

    await accounts.log_out(database, TOKENS, signed_in.refresh_token)
    await accounts.log_out(database, TOKENS, signed_in.refresh_token)

    with pytest.raises(Unauthenticated):
        await viewer_of(database, signed_in.access_token)


async def test_a_token_of_another_key_or_algorithm_is_refused(database: Database) -> None:
    others = accounts.Tokens(key=b"x" * 32, algorithm="HS256", access_minutes=30, refresh_days=30)
    signed_in = await accounts.sign_up(
        database, others, email="ada@example.com", password=PASSWORD, full_name=None
    )

    for token in (signed_in.access_token, "nonsense", "eyJhbGciOiJub25lIn0.e30."):
        with pytest.raises(Unauthenticated):
            await viewer_of(database, token)


async def test_a_new_password_ends_every_other_session(database: Database) -> None:
    here = await accounts.sign_up(
        database, TOKENS, email="ada@example.com", password=PASSWORD, full_name=None
    )
    there = await accounts.log_in(database, TOKENS, email="ada@example.com", password=PASSWORD)
    viewer = await viewer_of(database, here.access_token)
    assert viewer.session_id is not None

    await accounts.change_password(
        database,
        viewer.user.id,
        current_password=PASSWORD,
        new_password="better horse",
        keep_session=viewer.session_id,
    )

    assert await viewer_of(database, here.access_token)
    with pytest.raises(Unauthenticated):
        await viewer_of(database, there.access_token)
    assert await accounts.log_in(database, TOKENS, email="ada@example.com", password="better horse")


async def test_a_name_can_be_changed_removed_and_left_alone(database: Database) -> None:
    user = await accounts.create_user(
        database, email="ada@example.com", password=PASSWORD, full_name="Ada", is_superuser=True
    )

    assert (await accounts.update_me(database, user.id, email="ada@lovelace.org")).full_name == "Ada"
    assert (await accounts.update_me(database, user.id, full_name=None)).full_name is None
    assert (await accounts.users_by_ids(database, [user.id]))[user.id].email == "ada@lovelace.org"


async def test_the_one_call_too_many_in_a_minute_is_refused_until_the_next() -> None:
    clock = [600.0]
    limits = LocalRateLimits(clock=lambda: clock[0])
    for _ in range(3):
        await limits.check("videos", "ada", 3)

    with pytest.raises(RateLimited) as error:
        await limits.check("videos", "ada", 3)

    assert error.value.retry_after_seconds == 60
    await limits.check("videos", "bob", 3)
    clock[0] += 60
    await limits.check("videos", "ada", 3)


async def test_processes_that_share_redis_share_the_limits(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as here, Redis.from_url(redis_url) as there:
        # A clock that stands, lest the minute end in between.
        one, other = (RedisRateLimits(SharedRedis(redis), clock=lambda: 600.0) for redis in (here, there))
        await one.check("videos", "ada", 2)
        await other.check("videos", "ada", 2)

        with pytest.raises(RateLimited):
            await one.check("videos", "ada", 2)
