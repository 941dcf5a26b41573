"""Programs that sign in by a key."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heygen_graphql.accounts.api_keys import PREFIX
from tests.api.serving import PASSWORD, Answer, Api

CREATE = """
mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    apiKey { id name prefix createdAt lastUsedAt expiresAt }
    key
    userErrors { code field message }
  }
}
"""
REVOKE = "mutation ($id: ID!) { revokeApiKey(id: $id) { deletedId userErrors { code field } } }"
LIST = "{ apiKeys { id name prefix lastUsedAt expiresAt } }"
ME = "{ me { id } }"


def made(api: Api, name: str = "CI", **changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = api(CREATE, input={"name": name} | changes).data["createApiKey"]
    assert payload["userErrors"] == []
    return payload


def by_key(api: Api, key: str, query: str = ME, **variables: Any) -> Answer:
    """As a program that has nothing but the key."""
    return Api(api.http).send({"query": query, "variables": variables}, **{"X-API-Key": key})


def test_a_key_is_shown_once_and_signs_in_as_its_owner(ada: Api) -> None:
    # Given
    ends = datetime.now(UTC) + timedelta(days=30)
    payload = made(ada, "  CI  ", expiresAt=ends.isoformat())
    key = payload["key"]
    assert payload["apiKey"]["name"] == "CI"
    assert key.startswith(payload["apiKey"]["prefix"])
    # When it is sent in its header, or as a bearer token
    me = ada(ME).data
    assert by_key(ada, key).data == me
    assert Api(ada.http, key)(ME).data == me
    # Then the list knows when, and has the key itself nowhere
    listed = ada(LIST)
    (row,) = listed.data["apiKeys"]
    assert row["lastUsedAt"] >= payload["apiKey"]["createdAt"]
    assert key not in listed.response.text
    assert by_key(ada, key, LIST).data == listed.data


def test_a_revoked_key_stops_working_at_once(ada: Api) -> None:
    first, second = made(ada, "first"), made(ada, "second")
    assert by_key(ada, first["key"]).data

    revoked = ada(REVOKE, id=first["apiKey"]["id"]).data["revokeApiKey"]

    assert revoked == {"deletedId": first["apiKey"]["id"], "userErrors": []}
    assert by_key(ada, first["key"]).code == "UNAUTHENTICATED"
    assert by_key(ada, second["key"]).data
    again = ada(REVOKE, id=first["apiKey"]["id"]).data["revokeApiKey"]
    assert again == {"deletedId": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}
    assert [row["name"] for row in ada(LIST).data["apiKeys"]] == ["second"]


def test_another_persons_key_is_as_one_that_does_not_exist(ada: Api, ben: Api) -> None:
    key_id = made(ada)["apiKey"]["id"]
    node = "query ($id: ID!) { node(id: $id) { id ... on ApiKey { name } } }"
    assert ada(node, id=key_id).data == {"node": {"id": key_id, "name": "CI"}}
    assert ben(node, id=key_id).data == {"node": None}
    assert ben(LIST).data == {"apiKeys": []}
    assert ben(REVOKE, id=key_id).data["revokeApiKey"]["userErrors"][0]["code"] == "NOT_FOUND"
    assert ada(LIST).data["apiKeys"] != []


def test_every_fault_of_a_new_key_is_told_at_once(ada: Api) -> None:
    payload = ada(CREATE, input={"name": " ", "expiresAt": "2001-01-01T00:00:00Z"}).data["createApiKey"]
    assert (payload["apiKey"], payload["key"]) == (None, None)
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("REQUIRED", ["name"]),
        ("INVALID", ["expiresAt"]),
    ]


@pytest.mark.parametrize(
    "mutation",
    [
        'createApiKey(input: { name: "another" }) { key }',
        'revokeApiKey(id: "") { deletedId }',
        f'changePassword(input: {{ currentPassword: "{PASSWORD}", newPassword: "a new horse" }}) '
        "{ user { id } }",
        'updateMe(input: { email: "eve@example.com" }) { user { id } }',
        f'deleteMe(password: "{PASSWORD}") {{ deletedId }}',
        'updateUser(id: "", input: { isSuperuser: true }) { user { id } }',
    ],
)
def test_who_has_a_key_cannot_take_over_the_account(ada: Api, mutation: str) -> None:
    key = made(ada)["key"]
    assert by_key(ada, key, f"mutation {{ {mutation} }}").code == "FORBIDDEN"


def test_a_program_makes_videos_by_a_key(ada: Api) -> None:
    create = 'mutation { createVideo(input: { script: "Hello." }) { video { id owner { id } } } }'
    video = by_key(ada, made(ada)["key"], create).data["createVideo"]["video"]
    assert video["owner"] == ada(ME).data["me"]


def test_what_is_no_key_and_a_key_beside_a_token_are_refused(ada: Api) -> None:
    key = made(ada)["key"]
    for wrong in (PREFIX, key[:-1], key + "x", "nonsense"):
        assert by_key(ada, wrong).code == "UNAUTHENTICATED"
    both = ada.send({"query": ME}, **{"X-API-Key": key})
    assert both.code == "UNAUTHENTICATED"
    assert "X-API-Key" in both.error["message"]


@pytest.mark.parametrize("name", ["apiKey", "authorization"])
async def test_a_websocket_is_signed_in_by_a_key_in_its_first_message(ada: Api, name: str) -> None:
    key = made(ada)["key"]
    async with ada.websocket() as websocket:
        await websocket.begin({name: key if name == "apiKey" else f"Bearer {key}"})
        await websocket.subscribe(ME)
        assert await websocket.next() == ada(ME).data


async def test_a_websocket_is_signed_in_by_a_key_of_its_handshake(ada: Api) -> None:
    async with ada.websocket(additional_headers={"X-API-Key": made(ada)["key"]}) as websocket:
        await websocket.begin()
        await websocket.subscribe(ME)
        assert await websocket.next() == ada(ME).data
