"""Another person's object answers exactly as one that does not exist, wherever it can be named.

The schema is walked: a field or an argument that is added later is tried by itself. Each place must also
be shown to answer its owner, so that a call which is refused for another reason proves nothing.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import MetaData, select
from sqlmodel import col, update

from heygen_graphql import globalids
from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from heygen_graphql.tables import (
    User,
)
from tests.api.belongings import Belongings, give
from tests.api.operations import SCHEMA, Place, places, root_fields
from tests.api.serving import Api, served

MARK = "kept-to-herself"
"""In everything that is hers and can be read."""
UNMARKED = frozenset(("rateLimit", "server", "usage", "users", "voices"))
"""What she is shown at the root that holds none of her words."""
NAMES = frozenset(("avatarId",))
"""Strings, not ids, that name an object of somebody's."""
SHARED_KINDS = frozenset(("Voice",))
"""Those of which nobody has one of their own."""


@dataclass(frozen=True, slots=True)
class People:
    database: Database
    files: Path
    ada: Api
    ada_id: UUID
    ben: Api
    ben_id: UUID
    root: Api
    """A superuser."""

    def belongings(self, owner_id: UUID | None = None) -> Belongings:
        """New ones, of Ada's unless somebody else is named."""
        return asyncio.run(self.give_belongings(owner_id or self.ada_id))

    async def give_belongings(self, owner_id: UUID) -> Belongings:
        mark = MARK if owner_id == self.ada_id else "his-own"
        return await give(self.database, self.files, owner_id, mark)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """All that is Ada's, as the database has it."""
        return asyncio.run(_rows(self))


@pytest.fixture(scope="module")
def people(unbounded_settings: Settings) -> Iterator[People]:
    with (
        served(unbounded_settings) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
    ):
        ada, ben, root = (Api(http).signed_in() for _ in range(3))
        ada_id, ben_id, root_id = (_id_of(api) for api in (ada, ben, root))
        database = Database(unbounded_settings.resolved_database_url)
        people = People(database, unbounded_settings.data_dir / "files", ada, ada_id, ben, ben_id, root)
        asyncio.run(_prepare(database, ada_id, root_id))
        yield people


def all_places() -> list[Place]:
    return [place for kind in ("query", "mutation") for place in places(kind, NAMES)]


def test_every_kind_of_node_is_among_what_is_tried(people: People) -> None:
    node = SCHEMA.type_map["Node"]
    kinds = {one.name for one in SCHEMA.get_possible_types(node)}  # type: ignore[arg-type]

    assert set(people.belongings().ids) == kinds - SHARED_KINDS


@pytest.mark.parametrize("place", all_places(), ids=str)
def test_what_is_another_persons_answers_as_what_does_not_exist(people: People, place: Place) -> None:
    is_by_name = place.path[-1] in NAMES
    hers = people.belongings()
    values = hers.names if is_by_name else hers.ids
    missing = {kind: _missing(kind, value, is_by_name) for kind, value in values.items()}
    # A call that finds what is one's own: the same will be tried with what is not.
    beside = next(
        (
            other
            for other in (hers.ids if place.needs_another_id else [None])
            for caller in (people.ada, people.root)
            for kind in values
            if ask(caller, place, kind, values[kind], hers.ids.get(other or ""))
            != ask(caller, place, kind, missing[kind], hers.ids.get(other or ""))
        ),
        "",
    )
    assert beside != "", "the walk does not reach this place: see FITTING_INPUTS in tests/api/operations.py"
    hers = people.belongings()
    values = hers.names if is_by_name else hers.ids
    own_id = people.belongings(people.ben_id).ids[beside] if beside else None
    before = people.rows()

    for kind in values:
        theirs = ask(people.ben, place, kind, values[kind], own_id)
        nothing = ask(people.ben, place, kind, missing[kind], own_id)
        assert theirs == nothing, kind
        assert MARK not in theirs
    assert people.rows() == before


def test_lists_and_filters_show_nothing_of_another_person(people: People) -> None:
    people.belongings()
    lists = {
        name: found
        for name, found in root_fields("query").items()
        if not any(str(argument.type).endswith("!") for argument in found.args.values())
    }
    assert "videos" in lists

    for name, found in lists.items():
        document = Place("query", name, ()).document()
        if not found.args:
            document = document.replace("query ()", "query").replace(f"{name}()", name)
        assert MARK in text_of(people.ada(document)) or name in UNMARKED
        assert MARK not in text_of(people.ben(document)), name
        if "filter" in found.args:
            told = people.ben.send({"query": document, "variables": {"filter": _search(found)}})
            assert MARK not in text_of(told), name
        if "after" in found.args:
            hers = people.ada(f"{{ {name}(first: 1) {{ edges {{ cursor }} }} }}")
            for edge in (hers.response.json().get("data") or {name: {"edges": []}})[name]["edges"]:
                told = people.ben.send({"query": document, "variables": {"after": edge["cursor"]}})
                assert MARK not in text_of(told), name


def test_a_superuser_sees_people_but_not_what_they_made(people: People) -> None:
    hers = people.belongings()

    seen = people.root("query ($id: ID!) { user(id: $id) { email videosCount } }", id=hers.ids["User"])
    assert MARK in text_of(seen)
    for kind in hers.ids.keys() - {"User"}:
        told = people.root("query ($id: ID!) { node(id: $id) { __typename } }", id=hers.ids[kind])
        assert told.data == {"node": None}, kind


def test_another_persons_links_cannot_be_made_from_ones_own(people: People) -> None:
    hers, mine = people.belongings(), _upload(people.ben)
    asset = "query ($id: ID!) { node(id: $id) { ... on Asset { url } } }"
    link = people.ada(asset, id=hers.ids["Asset"]).data["node"]["url"]
    assert people.ben.http.get(link).status_code == 200

    own = urlsplit(people.ben(asset, id=mine["asset"]["id"]).data["node"]["url"])
    forged = f"{urlsplit(link).path}?{own.query}"
    nowhere = f"{urlsplit(link).path}-nowhere?{own.query}"
    assert _shown(people.ben.http.get(forged)) == _shown(people.ben.http.get(nowhere))

    upload = urlsplit(mine["uploadUrl"])
    before = people.rows()

    def put_to(asset_id: UUID | None) -> httpx.Response:
        own_id = globalids.uuid_of(mine["asset"]["id"], "Asset")
        path = upload.path.replace(str(own_id), str(asset_id))
        return people.ben.http.put(f"{path}?{upload.query}", content=b"x")

    theirs = put_to(globalids.uuid_of(hers.ids["Asset"], "Asset"))
    assert theirs.status_code >= 400
    assert _shown(theirs) == _shown(put_to(uuid4()))
    assert people.rows() == before


@pytest.mark.parametrize("place", list(places("subscription", NAMES)), ids=str)
async def test_another_persons_video_is_not_watched(people: People, place: Place) -> None:
    hers = await people.give_belongings(people.ada_id)

    async def told(kind: str, value: str) -> str:
        async with people.ben.subscribed(place.document(kind), **place.variables(value)) as socket:
            message = await socket.receive()
            payload = message["payload"]
            payload = payload if isinstance(payload, list) else (payload["data"], payload["errors"])
            return json.dumps(payload).replace(value, "?")

    for kind, value in hers.ids.items():
        assert await told(kind, value) == await told(kind, _missing(kind, value, is_by_name=False)), kind


async def test_another_persons_changes_wake_nobody_else(people: People) -> None:
    watching = "subscription { videoUpdates { video { id title } } }"
    create = 'mutation { createVideo(input: { script: "Hello.", title: "%s" }) { video { id } } }'

    async with people.ben.subscribed(watching) as socket:
        await asyncio.sleep(0.2)
        await asyncio.to_thread(people.ada, create % MARK)
        await asyncio.to_thread(people.ben, create % "own")

        assert (await socket.next())["videoUpdates"]["video"]["title"] == "own"


def ask(caller: Api, place: Place, kind: str, value: str, own_id: str | None) -> str:
    """The answer, but for what differs from call to call in any case."""
    told = caller.send({"query": place.document(kind), "variables": place.variables(value, own_id)})
    body = told.response.json()
    shown = {"data": body.get("data"), "errors": body.get("errors"), "status": told.response.status_code}
    text = json.dumps(shown, sort_keys=True).replace(value, "?")
    assert "INTERNAL_SERVER_ERROR" not in text, text
    assert "GRAPHQL_VALIDATION_FAILED" not in text, text
    assert "QUERY_TOO_COMPLEX" not in text, text
    return text


def text_of(answer: Any) -> str:
    text: str = answer.response.text
    return text


def _missing(kind: str, value: str, is_by_name: bool) -> str:
    if is_by_name:
        return f"{value[:6]}{uuid4().hex}"[: len(value)]
    found = globalids.decode(value)
    assert found is not None
    is_uuid = globalids.parse_uuid(found.key) is not None
    return globalids.encode(kind, uuid4() if is_uuid else _missing(kind, found.key, is_by_name=True))


def _id_of(api: Api) -> UUID:
    found = globalids.uuid_of(api("{ me { id } }").data["me"]["id"], "User")
    assert found is not None
    return found


def _search(found: Any) -> dict[str, Any]:
    fields = found.args["filter"].type.fields
    return {"search": MARK} if "search" in fields else {}


def _shown(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.text


def _upload(api: Api) -> dict[str, Any]:
    create = """
    mutation ($input: CreateUploadInput!) {
      createUpload(input: $input) { asset { id } uploadUrl userErrors { message } }
    }
    """
    told = api(create, input={"filename": "a.png", "contentType": "image/png", "sizeBytes": "1"})
    payload: dict[str, Any] = told.data["createUpload"]
    return payload


async def _prepare(database: Database, ada_id: UUID, root_id: UUID) -> None:
    async with database.transaction() as session:
        await session.execute(update(User).where(col(User.id) == root_id).values(is_superuser=True))
        await session.execute(
            update(User).where(col(User.id) == ada_id).values(full_name=MARK, email=f"{MARK}@example.com")
        )


async def _rows(people: People) -> dict[str, list[dict[str, Any]]]:
    def read(connection: Any) -> dict[str, list[dict[str, Any]]]:
        metadata = MetaData()
        metadata.reflect(connection)
        found = {}
        for table in metadata.sorted_tables:
            owner = table.columns.get("owner_id", table.columns.get("id") if table.name == "users" else None)
            if owner is not None:
                chosen = select(table).where(owner == people.ada_id.hex).order_by(*table.primary_key.columns)
                found[table.name] = [dict(row) for row in connection.execute(chosen).mappings()]
        return found

    async with people.database.engine.connect() as connection:
        rows = await connection.run_sync(read)
    await people.database.close()
    assert rows["videos"]
    return rows
