from tests.api.serving import PASSWORD, SIGN_UP, Api, sign_up
from tests.servers import SLACK

ME = "{ me { id email fullName isActive isSuperuser createdAt lastLoginAt videosCount } }"
LOG_IN = """
mutation ($email: String!, $password: String!) {
  logIn(input: { email: $email, password: $password }) {
    session { accessToken user { email } }
    userErrors { code field message }
  }
}
"""
REFRESH = """
mutation ($token: String!) {
  refreshSession(refreshToken: $token) {
    session { accessToken refreshToken user { email } }
    userErrors { code field message }
  }
}
"""
LOG_OUT = "mutation ($token: String!) { logOut(refreshToken: $token) { userErrors { code } } }"
CHANGE_PASSWORD = """
mutation ($current: String!, $new: String!) {
  changePassword(input: { currentPassword: $current, newPassword: $new }) {
    user { email }
    userErrors { code field }
  }
}
"""
UPDATE_ME = """
mutation ($input: UpdateMeInput!) {
  updateMe(input: $input) { user { email fullName } userErrors { code field message } }
}
"""


def test_who_signs_up_is_signed_in(anyone: Api) -> None:
    # When
    session = anyone(SIGN_UP, email="Grace@Example.com", password=PASSWORD).data["signUp"]["session"]
    # Then
    me = Api(anyone.http, session["accessToken"])(ME).data["me"]
    assert me["id"] == session["user"]["id"]
    assert me["email"] == "Grace@example.com"
    assert me["fullName"] == "Ada"
    assert (me["isActive"], me["isSuperuser"], me["videosCount"]) == (True, False, 0)
    assert me["createdAt"].endswith("Z")
    assert me["lastLoginAt"] >= me["createdAt"]


def test_the_operation_that_signs_up_goes_on_as_the_new_person(anyone: Api) -> None:
    query = """
    mutation ($email: String!, $password: String!) {
      signUp(input: { email: $email, password: $password }) { session { user { videos { totalCount } } } }
      createVideo(input: { script: "Hello." }) { video { owner { email videosCount } } }
      again: createVideo(input: { script: "Hello." }) { video { owner { videosCount } } }
    }
    """
    data = anyone(query, email="at.once@example.com", password=PASSWORD).data
    assert data["signUp"]["session"]["user"]["videos"]["totalCount"] == 0
    assert data["createVideo"]["video"]["owner"] == {"email": "at.once@example.com", "videosCount": 1}
    assert data["again"]["video"]["owner"] == {"videosCount": 2}


def test_signing_up_tells_every_fault_at_once(anyone: Api) -> None:
    payload = anyone(SIGN_UP, email="nobody", password="short").data["signUp"]
    assert payload["session"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("INVALID", ["email"]),
        ("TOO_SHORT", ["password"]),
    ]


def test_an_address_has_one_account_whatever_its_capitals(anyone: Api) -> None:
    email = sign_up(anyone)["user"]["email"]
    payload = anyone(SIGN_UP, email=email.upper(), password=PASSWORD).data["signUp"]
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("TAKEN", ["email"])]


def test_logging_in_asks_for_the_password(anyone: Api) -> None:
    email = sign_up(anyone)["user"]["email"]

    right = anyone(LOG_IN, email=email, password=PASSWORD).data["logIn"]
    wrong = anyone(LOG_IN, email=email, password="wrong horse battery").data["logIn"]
    unknown = anyone(LOG_IN, email="nobody@example.com", password=PASSWORD).data["logIn"]

    assert right["session"]["user"]["email"] == email
    assert [error["code"] for error in wrong["userErrors"]] == ["INVALID_CREDENTIALS"]
    assert wrong == unknown


def test_a_refresh_token_is_spent_by_its_use_and_ends_the_session_when_it_comes_back(anyone: Api) -> None:
    # Given a session that has been refreshed
    first = sign_up(anyone)
    second = anyone(REFRESH, token=first["refreshToken"]).data["refreshSession"]["session"]
    assert Api(anyone.http, second["accessToken"])(ME).data["me"]["email"] == first["user"]["email"]
    # When the spent token comes back
    replayed = anyone(REFRESH, token=first["refreshToken"]).data["refreshSession"]
    # Then it is refused, and nobody is signed in any more
    assert [error["code"] for error in replayed["userErrors"]] == ["INVALID_CREDENTIALS"]
    assert replayed["userErrors"][0]["field"] == ["refreshToken"]
    after = anyone(REFRESH, token=second["refreshToken"]).data["refreshSession"]
    assert after["session"] is None
    assert Api(anyone.http, second["accessToken"])(ME).code == "UNAUTHENTICATED"


def test_logging_out_ends_the_access_token_too(anyone: Api) -> None:
    session = sign_up(anyone)
    assert anyone(LOG_OUT, token=session["refreshToken"]).data == {"logOut": {"userErrors": []}}
    assert Api(anyone.http, session["accessToken"])(ME).code == "UNAUTHENTICATED"
    assert anyone(LOG_OUT, token="no such token").data == {"logOut": {"userErrors": []}}


def test_nobody_is_shown_who_they_are_without_a_token_that_holds(anyone: Api) -> None:
    assert anyone(ME).code == "UNAUTHENTICATED"
    assert Api(anyone.http, "not.a.token")(ME).code == "UNAUTHENTICATED"


def test_a_new_password_ends_every_other_session(anyone: Api) -> None:
    # Given two sessions of one person
    here = sign_up(anyone)
    email = here["user"]["email"]
    there = anyone(LOG_IN, email=email, password=PASSWORD).data["logIn"]["session"]
    ada = Api(anyone.http, here["accessToken"])
    # When
    wrong = ada(CHANGE_PASSWORD, current="wrong", new="short").data["changePassword"]
    changed = ada(CHANGE_PASSWORD, current=PASSWORD, new="another horse").data["changePassword"]
    # Then
    assert [(error["code"], error["field"]) for error in wrong["userErrors"]] == [
        ("INVALID_CREDENTIALS", ["currentPassword"]),
        ("TOO_SHORT", ["newPassword"]),
    ]
    assert changed["userErrors"] == []
    assert ada(ME).data["me"]["email"] == email
    assert Api(anyone.http, there["accessToken"])(ME).code == "UNAUTHENTICATED"
    assert anyone(LOG_IN, email=email, password="another horse").data["logIn"]["session"] is not None


def test_of_oneself_only_what_is_given_changes(ada: Api) -> None:
    before = ada(ME).data["me"]
    removed = ada(UPDATE_ME, input={"fullName": None}).data["updateMe"]
    assert removed["user"] == {"email": before["email"], "fullName": None}
    renamed = ada(UPDATE_ME, input={"fullName": "  Ada   Lovelace "}).data["updateMe"]
    assert renamed["user"]["fullName"] == "Ada Lovelace"
    refused = ada(UPDATE_ME, input={"email": "nowhere", "fullName": "x" * 201}).data["updateMe"]
    assert refused["user"] is None
    assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [
        ("INVALID", ["email"]),
        ("TOO_LONG", ["fullName"]),
    ]


def test_an_address_is_measured_before_it_is_read(anyone: Api) -> None:
    # Marks whose normalization takes time that grows with their number's square.
    answer = anyone(SIGN_UP, email="a" + "\u0301\u0323" * 80_000 + "@example.com", password=PASSWORD)
    assert [error["code"] for error in answer.data["signUp"]["userErrors"]] == ["TOO_LONG"]
    assert answer.response.elapsed.total_seconds() < 1 * SLACK
