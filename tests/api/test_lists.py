import base64
from typing import Any
from uuid import uuid4

import pytest

from heygen_graphql import accounts
from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from tests.api.serving import PASSWORD, Api
from tests.api.test_sessions import LOG_IN
from tests.api.test_videos import create

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String, $filter: VideoFilter, $order: VideoOrder) {
  videos(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id title } }
  }
}
"""
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Voice { voiceId } } }"


def page(api: Api, **arguments: Any) -> dict[str, Any]:
    connection: dict[str, Any] = api(PAGE, **arguments).data["videos"]
    return connection


def titles(connection: dict[str, Any]) -> str:
    return "".join(edge["node"]["title"] for edge in connection["edges"])


def test_videos_are_paged_in_both_directions(ada: Api) -> None:
    for title in "abcde":
        create(ada, title=title)

    newest = page(ada, first=2)
    assert titles(newest) == "ed"
    assert newest["totalCount"] == 5
    assert (newest["pageInfo"]["hasNextPage"], newest["pageInfo"]["hasPreviousPage"]) == (True, False)
    older = page(ada, first=2, after=newest["pageInfo"]["endCursor"])
    assert titles(older) == "cb"
    # One that comes meanwhile neither shifts nor doubles anything.
    create(ada, title="f")
    oldest = page(ada, first=2, after=older["pageInfo"]["endCursor"])
    assert titles(oldest) == "a"
    assert oldest["pageInfo"]["hasNextPage"] is False
    back = page(ada, last=2, before=oldest["pageInfo"]["startCursor"])
    assert titles(back) == "cb"
    assert titles(page(ada, last=1)) == "a"


def test_videos_are_filtered_and_ordered(ada: Api) -> None:
    hello = create(ada, title="a", script="Hello world.")
    create(ada, title="b", script="Good bye.")
    ada("mutation ($id: ID!) { cancelVideo(id: $id) { userErrors { code } } }", id=hello)

    assert titles(page(ada, order={"field": "CREATED_AT", "direction": "ASC"})) == "ab"
    assert titles(page(ada, order={"field": "UPDATED_AT", "direction": "DESC"})) == "ab"
    assert titles(page(ada, filter={"status": ["PENDING"]})) == "b"
    assert titles(page(ada, filter={"status": ["CANCELED", "FAILED"]})) == "a"
    assert titles(page(ada, filter={"search": "WORLD"})) == "a"
    assert titles(page(ada, filter={"search": "%"})) == ""
    assert titles(page(ada, filter={"createdAfter": "2100-01-01T00:00:00+02:00"})) == ""
    assert page(ada, filter={"search": "good"})["totalCount"] == 1


NOBODY = b"00000000-0000-0000-0000-000000000000"
BY_DURATION = {"field": "DURATION", "direction": "DESC"}


def altered(cursor: bytes) -> str:
    return base64.urlsafe_b64encode(cursor).decode()


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 0},
        {"first": 101},
        {"last": 0},
        {"last": -1},
        {"first": 1, "last": 1},
        {"first": 1, "after": "nonsense"},
        {"first": 1, "after": altered(b"null")},
        {"first": 1, "after": altered(b'["CREATED_AT:DESC", "x", "y"]')},
        {"first": 1, "after": altered(b'["CREATED_AT:DESC", "0001-01-01T00:00:00+14:00", "%s"]' % NOBODY)},
        {"first": 1, "after": altered(b'["DURATION:DESC", "x", "%s"]' % NOBODY), "order": BY_DURATION},
        {"first": 1, "after": altered(b'["DURATION:DESC", NaN, "%s"]' % NOBODY), "order": BY_DURATION},
        {"first": 1, "after": altered(b'["DURATION:DESC", 1%s, ""]' % (b"0" * 400)), "order": BY_DURATION},
        {"first": 1, "after": altered(b"[" * 10_000)},
        {"filter": {"search": "a\0"}},
        {"filter": {"search": "a" * 50_000}},
        {"filter": {"createdAfter": "yesterday"}},
        {"filter": {"status": ["DONE"]}},
    ],
)
def test_a_page_that_cannot_be_is_bad_input(someone: Api, arguments: dict[str, Any]) -> None:
    assert someone(PAGE, **arguments).code == "BAD_USER_INPUT"


def test_only_ones_own_videos_are_listed(ada: Api, ben: Api) -> None:
    create(ada, title="a")
    assert page(ben)["totalCount"] == 0
    mine = ada("{ me { id videosCount videos(first: 5) { totalCount edges { node { title } } } } }").data[
        "me"
    ]
    assert (mine["videosCount"], mine["videos"]["totalCount"]) == (1, 1)
    other = ben("query ($id: ID!) { user(id: $id) { email } node(id: $id) { id } }", id=mine["id"]).data
    assert other == {"user": None, "node": None}


async def test_a_superuser_looks_up_other_people_but_not_their_videos(
    ada: Api, api_settings: Settings
) -> None:
    # Given a superuser, as the command line makes one
    database = Database(api_settings.resolved_database_url)
    email = f"{uuid4().hex}@example.com"
    await accounts.create_user(database, email=email, password=PASSWORD, is_superuser=True)
    await database.close()
    root = Api(ada.http, ada(LOG_IN, email=email, password=PASSWORD).data["logIn"]["session"]["accessToken"])
    # When they ask for somebody else
    video_id = create(ada)
    person_id = ada("{ me { id } }").data["me"]["id"]
    found = root(
        "query ($id: ID!, $video: ID!) { user(id: $id) { videosCount } video(id: $video) { id } }",
        id=person_id,
        video=video_id,
    )
    # Then
    assert found.data == {"user": {"videosCount": 1}, "video": None}
    theirs = root("query ($id: ID!) { user(id: $id) { videos { totalCount } } }", id=person_id)
    assert theirs.code == "FORBIDDEN"


def test_a_list_of_owners_and_places_in_the_queue_is_answered_whole(ada: Api) -> None:
    for _ in range(3):
        create(ada)
    query = "{ videos { edges { node { queuePosition owner { id videosCount } } } } }"
    nodes = [edge["node"] for edge in ada(query).data["videos"]["edges"]]
    assert {node["owner"]["videosCount"] for node in nodes} == {3}
    places = [node["queuePosition"] for node in nodes]
    # Other people's turns come between.
    assert places[0] > places[1] > places[2] > 0


def test_voices_and_avatars_are_listed_to_anyone(anyone: Api) -> None:
    query = """
    { voices(first: 3, filter: { language: "de" }) {
        totalCount edges { node { id voiceId name language gender engine } } }
      avatars { totalCount edges { node { id avatarId name kind previewUrl } } }
      server { version maxScriptLength maxScenes qualities languages } }
    """
    data = anyone(query).data
    assert data["voices"]["totalCount"] >= 1
    assert {edge["node"]["language"].split("-")[0] for edge in data["voices"]["edges"]} == {"de"}
    assert data["avatars"]["totalCount"] >= 2
    assert data["server"]["qualities"] == ["LOW", "MEDIUM", "HIGH", "ULTRA"]
    assert (data["server"]["maxScriptLength"], data["server"]["maxScenes"]) == (1000, 50)
    assert "de" in data["server"]["languages"]

    first = anyone("{ voices(first: 1) { pageInfo { endCursor } edges { node { id } } } }").data["voices"]
    second = anyone(
        "query ($after: String) { voices(first: 1, after: $after) { edges { node { id } } } }",
        after=first["pageInfo"]["endCursor"],
    ).data["voices"]
    assert first["edges"] != second["edges"]


def test_a_node_is_found_by_any_global_id(ada: Api) -> None:
    catalogue = ada("{ me { id } avatars { edges { node { id } } } voices { edges { node { id } } } }").data
    avatar = catalogue["avatars"]["edges"][0]["node"]["id"]
    voice = catalogue["voices"]["edges"][0]["node"]["id"]
    video = create(ada)
    nonsense = base64.urlsafe_b64encode(b"Voice:nobody").decode()

    ids = [voice, video, nonsense, avatar, "\x00", catalogue["me"]["id"]]
    nodes = ada(NODES, ids=ids).data["nodes"]
    assert [node and node["__typename"] for node in nodes] == ["Voice", "Video", None, "Avatar", None, "User"]
    assert [node["id"] for node in nodes if node] == [voice, video, avatar, catalogue["me"]["id"]]
    assert ada(NODES, ids=[voice] * 101).code == "BAD_USER_INPUT"
