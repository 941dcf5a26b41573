"""How fast passwords can be guessed, and that guessing locks nobody out."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.people import LOG_IN
from tests.api.serving import PASSWORD, SIGN_UP, Answer, Api, changed, served

REFRESH = """
mutation ($token: String!) {
  refreshSession(refreshToken: $token) { session { accessToken refreshToken } userErrors { code } }
}
"""
CHANGE_PASSWORD = """
mutation ($current: String!) {
  changePassword(input: { currentPassword: $current, newPassword: "another horse" }) {
    userErrors { code field }
  }
}
"""
DELETE_ME = 'mutation { deleteMe(password: "wrong") { userErrors { code } } }'


@pytest.fixture(scope="module")
def strict(api_settings: Settings) -> Iterator[str]:
    """A server behind a proxy of its own, so that callers can come from anywhere."""
    settings = changed(
        api_settings,
        sign_ins_per_minute=8,
        sign_ins_per_account_per_minute=3,
        trusted_proxies=("127.0.0.1",),
        redis_url=None,
    )
    with served(settings) as address:
        yield address


@pytest.fixture
def callers(strict: str) -> Iterator["Callers"]:
    with httpx.Client(base_url=strict, timeout=30, trust_env=False) as http:
        yield Callers(http)


class Callers:
    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def send(self, address: str, query: str, bearer: str | None = None, /, **variables: str) -> Answer:
        return Api(self._http, bearer).send(
            {"query": query, "variables": variables}, **{"X-Forwarded-For": address}
        )

    def log_in(self, address: str, email: str, password: str) -> str:
        """The code of what went wrong, or "OK"."""
        answer = self.send(address, LOG_IN, email=email, password=password)
        if "errors" in answer.response.json():
            return answer.code
        errors = answer.data["logIn"]["userErrors"]
        return str(errors[0]["code"]) if errors else "OK"


def test_guessing_from_one_address_ends_for_that_address_and_account_alone(callers: Callers) -> None:
    # Given somebody at home, and another account
    email, other = (f"{uuid4().hex}@example.com" for _ in range(2))
    callers.send("192.0.2.1", SIGN_UP, email=email, password=PASSWORD)
    callers.send("192.0.2.1", SIGN_UP, email=other, password=PASSWORD)
    # When somebody elsewhere guesses
    guesses = [callers.log_in("198.51.100.7", email, "wrong horse") for _ in range(5)]
    # Then they come to an end, even by the right password and in another spelling ...
    assert guesses == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"] * 2
    assert callers.log_in("198.51.100.7", email.upper(), PASSWORD) == "RATE_LIMITED"
    # ... for this account alone, until the address has had all of its own
    assert callers.log_in("198.51.100.7", other, PASSWORD) == "OK"
    assert callers.log_in("198.51.100.7", "nobody@example.com", "x") == "INVALID_CREDENTIALS"
    assert callers.log_in("198.51.100.7", "noone@example.com", "x") == "RATE_LIMITED"
    # And at home nothing is felt of it
    assert callers.log_in("192.0.2.1", email, PASSWORD) == "OK"


def test_addresses_of_one_ipv6_network_are_one_caller(callers: Callers) -> None:
    email = f"{uuid4().hex}@example.com"
    guesses = [callers.log_in(f"2001:db8:1:2::{number}", email, "wrong horse") for number in range(4)]
    assert guesses == ["INVALID_CREDENTIALS"] * 3 + ["RATE_LIMITED"]
    assert callers.log_in("2001:db8:1:3::1", email, "wrong horse") == "INVALID_CREDENTIALS"


def test_guessing_from_many_addresses_slows_strangers_and_locks_nobody_out(callers: Callers) -> None:
    # Given somebody who has signed in from home
    email = f"{uuid4().hex}@example.com"
    session = callers.send("192.0.2.50", SIGN_UP, email=email, password=PASSWORD).data["signUp"]["session"]
    # When their password is guessed from everywhere
    for number in range(11):
        assert callers.log_in(f"203.0.113.{number}", email, "wrong horse") == "INVALID_CREDENTIALS"
    # Then a stranger waits, is heard all the same, and gets in by the right password
    stranger = callers.send("203.0.113.200", LOG_IN, email=email, password=PASSWORD)
    assert stranger.data["logIn"]["session"] is not None
    assert stranger.response.elapsed.total_seconds() > 1
    # While at home nobody waits, and the session goes on
    at_home = callers.send("192.0.2.50", LOG_IN, email=email, password=PASSWORD)
    assert at_home.data["logIn"]["session"] is not None
    assert at_home.response.elapsed < stranger.response.elapsed
    refreshed = callers.send("192.0.2.50", REFRESH, token=session["refreshToken"])
    assert refreshed.data["refreshSession"]["userErrors"] == []


def test_who_took_over_a_session_cannot_guess_its_password(callers: Callers) -> None:
    email = f"{uuid4().hex}@example.com"
    session = callers.send("192.0.2.60", SIGN_UP, email=email, password=PASSWORD).data["signUp"]["session"]
    token = session["accessToken"]
    for number in range(3):
        address = f"198.51.100.{100 + number}"
        refused = callers.send(address, CHANGE_PASSWORD, token, current="wrong horse")
        assert refused.data["changePassword"]["userErrors"][0]["code"] == "INVALID_CREDENTIALS"
    for query in (CHANGE_PASSWORD, DELETE_ME):
        answer = callers.send("198.51.100.110", query, token, current=PASSWORD)
        assert answer.code == "RATE_LIMITED"
        assert answer.error["extensions"]["retryAfter"] > 0
