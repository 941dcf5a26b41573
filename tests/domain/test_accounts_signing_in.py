"""What signing in gives away, and what happens when two do it at once."""

import asyncio
import statistics
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygen_graphql import accounts
from heygen_graphql.accounts import Credentials, UserChanges, throttling
from heygen_graphql.accounts.people import email_key
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, RateLimited, Unauthenticated, UserErrorCode
from heygen_graphql.ratelimits import LocalRateLimits
from heygen_graphql.tables import User

TOKENS = accounts.Tokens(key=b"k" * 32, algorithm="HS256", access_minutes=30, refresh_days=30)
PASSWORD = "correct horse"


async def sign_up(database: Database, email: str, address: str | None = None) -> accounts.SignedIn:
    return await accounts.sign_up(
        database, TOKENS, email=email, password=PASSWORD, full_name=None, address=address
    )


@pytest.mark.parametrize(
    "other",
    ["ＪＯＳÉ@example.com", "jose\u0301@EXAMPLE.com", "jos\u00e9@ｅxample.com", " José@example.com "],
)
async def test_an_address_is_one_account_in_whatever_case_and_unicode_form(
    database: Database, other: str
) -> None:
    await sign_up(database, "josé@example.com")

    with pytest.raises(InvalidInput) as error:
        await sign_up(database, other)

    assert [fault.code for fault in error.value.faults] == [UserErrorCode.TAKEN]
    signed_in = await accounts.log_in(database, TOKENS, email=other, password=PASSWORD)
    assert signed_in.user.email == "josé@example.com"


async def test_an_international_domain_is_one_in_letters_and_in_punycode(database: Database) -> None:
    await sign_up(database, "ada@bücher.example")
    assert await accounts.log_in(database, TOKENS, email="ada@xn--bcher-kva.example", password=PASSWORD)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=64))
def test_no_unicode_form_and_no_case_changes_the_key(text: str) -> None:
    key = email_key(text)
    assert email_key(key) == key
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert email_key(unicodedata.normalize(form, text)) == key
    assert email_key(text.casefold()) == key


async def test_signing_in_takes_the_same_time_whether_or_not_there_is_an_account(
    sqlite_url: str,
) -> None:
    database = Database(sqlite_url)
    # Given an active account, a deactivated one and none
    await sign_up(database, "ada@example.com")
    gone = await sign_up(database, "gone@example.com")
    await accounts.update_user(database, gone.user.id, UserChanges(is_active=False))
    emails = ("ada@example.com", "gone@example.com", "nobody@example.com", "no address")
    # When each is tried with a wrong password, by turns
    seconds: dict[str, list[float]] = {email: [] for email in emails}
    for _ in range(5):
        for email in emails:
            began = time.perf_counter()
            with pytest.raises(InvalidInput):
                await accounts.log_in(database, TOKENS, email=email, password="wrong horse")
            seconds[email].append(time.perf_counter() - began)
    # Then nobody can tell them apart: the hash takes nearly all of the time
    medians = [statistics.median(taken) for taken in seconds.values()]
    assert max(medians) / min(medians) < 2, seconds
    await database.close()


async def test_of_two_refreshes_with_one_token_at_once_one_counts_and_the_family_ends(
    database: Database,
) -> None:
    signed_in = await sign_up(database, "ada@example.com")
    other = await accounts.log_in(database, TOKENS, email="ada@example.com", password=PASSWORD)

    outcomes = await asyncio.gather(
        *(accounts.refresh(database, TOKENS, signed_in.refresh_token) for _ in range(2)),
        return_exceptions=True,
    )

    (won,) = (one for one in outcomes if isinstance(one, accounts.SignedIn))
    (lost,) = (one for one in outcomes if isinstance(one, InvalidInput))
    assert [fault.code for fault in lost.faults] == [UserErrorCode.INVALID_CREDENTIALS]
    # Whoever won has nothing of it: one of the two was a thief
    with pytest.raises(Unauthenticated):
        await accounts.authenticate(database, TOKENS, Credentials(won.access_token))
    with pytest.raises(InvalidInput):
        await accounts.refresh(database, TOKENS, won.refresh_token)
    # And other families live on
    assert await accounts.refresh(database, TOKENS, other.refresh_token)


async def test_a_new_password_leaves_no_session_that_was_begun_by_the_old_one_meanwhile(
    database: Database,
) -> None:
    # Given a sign-in that has looked at the old password but begun no session yet
    signed_in = await sign_up(database, "ada@example.com")
    viewer = await accounts.authenticate(database, TOKENS, Credentials(signed_in.access_token))
    assert viewer.session_id is not None
    # When both happen at once, in whatever order
    changed, late = await asyncio.gather(
        accounts.change_password(
            database,
            viewer.user.id,
            current_password=PASSWORD,
            new_password="better horse",
            keep_session=viewer.session_id,
        ),
        accounts.log_in(database, TOKENS, email="ada@example.com", password=PASSWORD),
        return_exceptions=True,
    )
    # Then the late session was never begun, or has ended
    assert isinstance(changed, User)
    if isinstance(late, accounts.SignedIn):
        with pytest.raises(Unauthenticated):
            await accounts.authenticate(database, TOKENS, Credentials(late.access_token))


def test_the_delay_grows_and_is_bounded() -> None:
    delays = [throttling.delay_seconds(attempts) for attempts in (0, 1, 10, 11, 12, 13, 14, 15, 16, 1000)]
    assert delays == [0, 0, 0, 0.5, 1, 2, 4, 8, 8, 8]


async def test_an_address_has_few_tries_for_one_account_and_others_have_their_own(
    database: Database,
) -> None:
    await sign_up(database, "ada@example.com")
    limits = LocalRateLimits()

    async def attempt(email: str, address: str) -> None:
        await throttling.hold_back(database, limits, TOKENS, email=email, address=address, per_minute=2)

    for email in ("ada@example.com", "nobody@example.com"):
        await attempt(email, "192.0.2.1")
        await attempt(email.upper(), "192.0.2.1")
        with pytest.raises(RateLimited, match="sign-ins to one account"):
            await attempt(email, "192.0.2.1")
        await attempt(email, "192.0.2.2")


async def test_under_attack_an_account_lets_known_addresses_pass_and_strangers_wait(
    database: Database,
) -> None:
    # Given somebody who has signed in from home, and tries from everywhere
    await sign_up(database, "ada@example.com", address="192.0.2.1")
    limits = LocalRateLimits()

    async def seconds(email: str, address: str) -> float:
        began = time.perf_counter()
        await throttling.hold_back(database, limits, TOKENS, email=email, address=address, per_minute=99)
        return time.perf_counter() - began

    emails = ("ada@example.com", "nobody@example.com")
    for email in emails:
        for number in range(throttling.FREE_ATTEMPTS):
            await seconds(email, f"198.51.100.{number}")
    # When they, and strangers, sign in
    at_home = await seconds("ada@example.com", "192.0.2.1")
    ada, nobody = [await seconds(email, "203.0.113.1") for email in emails]
    # Then only strangers wait, whether or not there is an account
    assert at_home < 0.4
    assert min(ada, nobody) >= 0.5
