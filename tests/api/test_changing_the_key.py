"""SECRET_KEY is changed from one server to the next, which have the same database and files."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served, sign_up
from tests.api.uploads import COMPLETE_UPLOAD, announce, picture

OLD = "the secret that was there before, long enough"
NEW = "the secret that comes after that, long enough"
ME = "{ me { email } }"
REFRESH = """
mutation ($token: String!) {
  refreshSession(refreshToken: $token) {
    session { accessToken refreshToken }
    userErrors { code }
  }
}
"""


@contextmanager
def serving(settings: Settings, key: str, previous: str | None = None) -> Iterator[Api]:
    keys = changed(settings, secret_key=key, secret_key_previous=previous)
    with served(keys) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http)


def relative(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_what_the_previous_key_signed_holds_until_that_key_is_taken_away(own_settings: Settings) -> None:
    # Given what a server gave away with the key it had
    first, second = picture(color="#102030"), picture(color="#405060")
    with serving(own_settings, OLD) as api:
        session = sign_up(api)
        ada = Api(api.http, session["accessToken"])
        done, open_ = announce(ada, first), announce(ada, second)
        assert api.http.put(done.path, content=first, headers=done.headers).status_code == 200
        asset = ada(COMPLETE_UPLOAD, id=done.asset_id).data["completeUpload"]["asset"]
    # When it gets another and is told the old one as well
    with serving(own_settings, NEW, previous=OLD) as api:
        # Then tokens and links hold
        assert Api(api.http, session["accessToken"])(ME).data["me"]["email"] == session["user"]["email"]
        assert api.http.get(relative(asset["url"])).content == first
        assert api.http.put(open_.path, content=second, headers=open_.headers).status_code == 200
        refreshed = api(REFRESH, token=session["refreshToken"]).data["refreshSession"]["session"]
        new_link = Api(api.http, refreshed["accessToken"])(COMPLETE_UPLOAD, id=open_.asset_id)
    # And when the old one is taken away
    with serving(own_settings, NEW) as api:
        # Then what the new one signed holds, be it for who signed in before, and nothing else.
        assert Api(api.http, refreshed["accessToken"])(ME).data["me"]["email"] == session["user"]["email"]
        assert api(REFRESH, token=refreshed["refreshToken"]).data["refreshSession"]["session"] is not None
        url = new_link.data["completeUpload"]["asset"]["url"]
        assert api.http.get(relative(url)).content == second
        assert Api(api.http, session["accessToken"])(ME).code == "UNAUTHENTICATED"
        assert api.http.get(relative(asset["url"])).status_code == 403


def test_nothing_is_signed_with_the_previous_key(own_settings: Settings) -> None:
    # Given a server with a new key and the old one
    with serving(own_settings, NEW, previous=OLD) as api:
        session = sign_up(api)
    # When another has the old one alone
    with serving(own_settings, OLD) as api:
        # Then it believes nothing of what the first gave away.
        assert Api(api.http, session["accessToken"])(ME).code == "UNAUTHENTICATED"
        assert api(REFRESH, token=session["refreshToken"]).data["refreshSession"]["session"] is None
