"""What superusers do with other people's accounts, and what people do with their own."""

import asyncio
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from heygen_graphql.settings import Settings
from tests.api.people import LOG_IN, superuser
from tests.api.serving import PASSWORD, SIGN_UP, Api, sign_up
from tests.api.uploads import announce, picture, put, uploaded

ME = "{ me { id email isActive isSuperuser } }"
USERS = """
query ($first: Int, $after: String, $last: Int, $before: String, $search: String) {
  users(first: $first, after: $after, last: $last, before: $before, search: $search) {
    totalCount
    edges { cursor node { id email fullName isActive videosCount } }
    pageInfo { hasNextPage hasPreviousPage endCursor startCursor }
  }
}
"""
UPDATE = """
mutation ($id: ID!, $input: UpdateUserInput!) {
  updateUser(id: $id, input: $input) {
    user { id fullName isActive isSuperuser }
    userErrors { code field message }
  }
}
"""
DELETE_ME = """
mutation ($password: String!) {
  deleteMe(password: $password) { deletedId userErrors { code field } }
}
"""
REFRESH = """
mutation ($token: String!) {
  refreshSession(refreshToken: $token) { session { accessToken } userErrors { code } }
}
"""
CREATE_KEY = 'mutation { createApiKey(input: { name: "CI" }) { key } }'


@pytest.fixture
async def root(anyone: Api, api_settings: Settings) -> Api:
    return await superuser(anyone, api_settings)


async def test_superusers_page_through_everybody_and_search_them(root: Api) -> None:
    # Given three people of one domain, in this order
    domain = f"{uuid4().hex}.example"
    emails = [f"{name}@{domain}" for name in ("ada", "ben", "eve")]
    for email in emails:
        root(SIGN_UP, email=email, password=PASSWORD)

    def page(**arguments: Any) -> tuple[list[str], dict[str, Any]]:
        users = root(USERS, search=domain.upper(), **arguments).data["users"]
        assert users["totalCount"] == 3
        return [edge["node"]["email"] for edge in users["edges"]], users["pageInfo"]

    # Then the newest come first
    newest, info = page(first=2)
    assert newest == emails[:0:-1]
    assert info["hasNextPage"]
    assert page(first=2, after=info["endCursor"])[0] == emails[:1]
    assert page(last=1)[0] == emails[:1]
    # And a name is found in the midst of all
    found = root(USERS, search=f"ADA@{domain}").data["users"]["edges"]
    assert [edge["node"]["fullName"] for edge in found] == ["Ada"]
    assert root(USERS, search="x" * 1001).code == "BAD_USER_INPUT"


async def test_only_superusers_look_after_others(ada: Api, ben: Api) -> None:
    person_id = ben(ME).data["me"]["id"]
    assert ada(USERS).code == "FORBIDDEN"
    assert ada(UPDATE, id=person_id, input={"isActive": False}).code == "FORBIDDEN"
    assert ada(UPDATE, id=ada(ME).data["me"]["id"], input={"isSuperuser": True}).code == "FORBIDDEN"
    assert Api(ada.http)(USERS).code == "UNAUTHENTICATED"
    assert ben(ME).data["me"]["isActive"]


async def test_a_superuser_changes_what_is_given_and_is_told_every_fault(root: Api, ada: Api) -> None:
    person_id = ada(ME).data["me"]["id"]

    changed = root(UPDATE, id=person_id, input={"fullName": "Ada King", "concurrentLimit": 2}).data
    emptied = root(UPDATE, id=person_id, input={"fullName": None, "isActive": None}).data
    refused = root(UPDATE, id=person_id, input={"fullName": "x" * 201, "monthlySecondsLimit": -1}).data
    missed = root(UPDATE, id="VXNlcjp4", input={"isActive": True}).data

    assert changed["updateUser"]["user"]["fullName"] == "Ada King"
    assert emptied["updateUser"]["user"] == {
        "id": person_id,
        "fullName": None,
        "isActive": True,
        "isSuperuser": False,
    }
    assert [(error["code"], error["field"]) for error in refused["updateUser"]["userErrors"]] == [
        ("TOO_SHORT", ["monthlySecondsLimit"]),
        ("TOO_LONG", ["fullName"]),
    ]
    assert [error["code"] for error in missed["updateUser"]["userErrors"]] == ["NOT_FOUND"]


async def test_who_is_deactivated_is_refused_on_every_path(root: Api, anyone: Api) -> None:
    # Given somebody with a session, a key, an upload under way and a link to a file
    email = f"{uuid4().hex}@example.com"
    session = anyone(SIGN_UP, email=email, password=PASSWORD).data["signUp"]["session"]
    ada = Api(anyone.http, session["accessToken"])
    key = ada(CREATE_KEY).data["createApiKey"]["key"]
    upload = announce(ada, picture())
    asset_id = uploaded(ada, picture())
    link = ada("query ($id: ID!) { node(id: $id) { ... on Asset { url } } }", id=asset_id).data["node"]["url"]
    # When a superuser deactivates them
    payload = root(UPDATE, id=session["user"]["id"], input={"isActive": False}).data["updateUser"]
    assert payload["user"]["isActive"] is False
    # Then neither session nor key signs in
    assert ada(ME).code == "UNAUTHENTICATED"
    assert Api(anyone.http, key)(ME).code == "UNAUTHENTICATED"
    assert anyone(REFRESH, token=session["refreshToken"]).data["refreshSession"]["session"] is None
    # Nor the password, which is told why, while others are not
    told = anyone(LOG_IN, email=email, password=PASSWORD).data["logIn"]
    assert [error["code"] for error in told["userErrors"]] == ["ACCOUNT_INACTIVE"]
    wrong = anyone(LOG_IN, email=email, password="wrong horse").data["logIn"]
    assert [error["code"] for error in wrong["userErrors"]] == ["INVALID_CREDENTIALS"]
    # No websocket is opened, by either
    for payload in ({"authorization": f"Bearer {session['accessToken']}"}, {"apiKey": key}):
        async with anyone.websocket() as websocket:
            await websocket.send({"type": "connection_init", "payload": payload})
            await websocket.connection.wait_closed()
            assert websocket.connection.close_code == 4403
    # No bytes are taken
    assert put(anyone, upload, picture()).status_code == 404
    # And a link that was handed out before leads to the file until it expires
    assert anyone.http.get(f"{urlsplit(link).path}?{urlsplit(link).query}").status_code == 200
    # Active again, they sign in anew, and the key works as before
    root(UPDATE, id=session["user"]["id"], input={"isActive": True})
    assert ada(ME).code == "UNAUTHENTICATED"
    assert Api(anyone.http, key)(ME).data["me"]["email"] == email
    assert anyone(LOG_IN, email=email, password=PASSWORD).data["logIn"]["session"] is not None


async def test_a_running_subscription_ends_when_its_viewer_is_deactivated(root: Api, ada: Api) -> None:
    person_id = ada(ME).data["me"]["id"]
    async with ada.subscribed("subscription { videoUpdates { version } }") as websocket:
        root(UPDATE, id=person_id, input={"isActive": False})
        async with asyncio.timeout(15):
            await websocket.connection.wait_closed()
        assert websocket.connection.close_code == 4403


async def test_who_deletes_their_account_is_gone_at_once(anyone: Api) -> None:
    # Given
    session = sign_up(anyone)
    email, person_id = session["user"]["email"], session["user"]["id"]
    ada = Api(anyone.http, session["accessToken"])
    key = ada(CREATE_KEY).data["createApiKey"]["key"]
    # When
    wrong = ada(DELETE_ME, password="wrong horse").data["deleteMe"]
    assert wrong["userErrors"] == [{"code": "INVALID_CREDENTIALS", "field": ["password"]}]
    gone = ada(DELETE_ME, password=PASSWORD).data["deleteMe"]
    # Then
    assert gone == {"deletedId": person_id, "userErrors": []}
    assert ada(ME).code == "UNAUTHENTICATED"
    assert Api(anyone.http, key)(ME).code == "UNAUTHENTICATED"
    unknown = anyone(LOG_IN, email=email, password=PASSWORD).data["logIn"]
    assert [error["code"] for error in unknown["userErrors"]] == ["INVALID_CREDENTIALS"]
    # And somebody else may have the address
    assert anyone(SIGN_UP, email=email, password=PASSWORD).data["signUp"]["userErrors"] == []


async def test_a_deleted_account_is_a_miss_to_superusers(root: Api, ada: Api) -> None:
    me = ada(ME).data["me"]
    ada(DELETE_ME, password=PASSWORD)
    user = "query ($id: ID!) { user(id: $id) { id } node(id: $id) { id } }"
    assert root(user, id=me["id"]).data == {"user": None, "node": None}
    assert root(USERS, search=me["email"]).data["users"]["totalCount"] == 0
    missed = root(UPDATE, id=me["id"], input={"isActive": True}).data["updateUser"]
    assert [error["code"] for error in missed["userErrors"]] == ["NOT_FOUND"]
