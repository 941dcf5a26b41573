"""Relay's rules, tried on every connection and every node of the schema, those that come later included."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlmodel import SQLModel, select

from heygen_graphql import accounts, globalids
from heygen_graphql.database import Database
from heygen_graphql.schema import build
from heygen_graphql.schema.documents import Documents
from heygen_graphql.schema.queries import _FINDERS
from heygen_graphql.settings import Settings
from heygen_graphql.tables import (
    Asset,
    AssetState,
    PhotoAvatar,
    Template,
    User,
    Video,
    Webhook,
    WebhookDelivery,
)
from tests.api.serving import PASSWORD, Api, changed, served
from tests.api.test_sessions import LOG_IN
from tests.api.test_videos import create

SCHEMA = build(Documents.of(Settings(_env_file=None)))._schema
FEW, MANY = 10, 50
"""The few avatars are of both kinds, too."""
TEMPLATE = """
mutation ($input: CreateTemplateInput!) { createTemplate(input: $input) { userErrors { code message } } }
"""


def connections() -> list[str]:
    """The root fields that are one."""
    assert SCHEMA.query_type is not None
    fields = SCHEMA.query_type.fields.items()
    return [name for name, field in fields if get_named_type(field.type).name.endswith("Connection")]


def everything(named: GraphQLNamedType, depth: int = 3) -> str:
    """A selection of all that takes no argument, but for connections inside."""
    assert isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
    chosen = []
    for name, field in named.fields.items():
        inner = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(inner):
            chosen.append(name)
        elif depth > 0 and not inner.name.endswith("Connection"):
            chosen.append(f"{name} {everything(inner, depth - 1)}")
    return f"{{ {' '.join(chosen)} }}"


@pytest.fixture
async def root(api_settings: Settings) -> AsyncIterator[Api]:
    """A superuser with many of everything, at a server that bounds and keeps nothing."""
    bounds = ("max_operation_cost", "max_query_fields", "max_query_tokens", "points_bucket")
    unbounded = dict.fromkeys(bounds, 1_000_000)
    settings = changed(api_settings, answer_cache_bytes=0, **unbounded)
    database = Database(settings.resolved_database_url)
    email = f"{uuid4().hex}@example.com"
    owner = await accounts.create_user(database, email=email, password=PASSWORD, is_superuser=True)
    with (
        served(settings) as address,
        httpx.Client(base_url=address, timeout=60, trust_env=False) as http,
    ):
        token = Api(http)(LOG_IN, email=email, password=PASSWORD).data["logIn"]["session"]["accessToken"]
        api = Api(http, token)
        create(api)
        made = api(TEMPLATE, input={"name": "A", "video": {"script": "Hello {{ name }}."}})
        assert made.data["createTemplate"]["userErrors"] == []
        async with database.transaction() as session:
            session.add_all(await of_everything(database, owner.id))
        yield api
    await database.close()


async def of_everything(database: Database, owner_id: UUID) -> list[SQLModel]:
    now = datetime.now(UTC)
    webhook = Webhook(owner_id=owner_id, url="https://example.com", events=[], secret="-", is_active=False)
    rows: list[SQLModel] = [webhook]
    async with database.reading() as session:
        for table in (Video, Template):
            (first,) = (await session.scalars(select(table).where(table.owner_id == owner_id))).all()
            copies = [table(**first.model_dump(exclude={"id"})) for _ in range(MANY)]
            rows += copies
    for number in range(MANY):
        key = uuid4().hex
        rows += [
            User(email=key, email_key=key, password_hash="-"),
            Asset(
                owner_id=owner_id,
                filename="a.png",
                content_type="image/png",
                size_bytes=1,
                sha256="-",
                storage_key=key,
                state=AssetState.COMPLETE,
            ),
            PhotoAvatar(
                owner_id=owner_id,
                avatar_id=f"photo-{key[:12]}",
                name="A",
                consent_given_at=now,
                files_prefix=key,
            ),
            WebhookDelivery(
                owner_id=owner_id,
                webhook_id=webhook.id,
                message_id=key,
                event="PING",
                payload={},
                next_attempt_at=now + timedelta(days=1 + number),
            ),
        ]
    return rows


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to databases by this process while the block runs."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def fewest_statements(api: Api, query: str, **variables: Any) -> int:
    """Of three times: something in the background may be sent, too."""
    counts = []
    for _ in range(3):
        with statements() as sent:
            data = api(query, **variables).data
        assert data
        counts.append(len(sent))
    return min(counts)


async def test_a_page_of_fifty_takes_as_many_statements_as_a_page_of_ten(root: Api) -> None:
    assert set(connections()) >= {"videos", "users", "avatars", "assets", "templates", "webhookDeliveries"}
    assert SCHEMA.query_type is not None
    for name in connections():
        page = everything(get_named_type(SCHEMA.query_type.fields[name].type), depth=5)
        query = f"query ($first: Int) {{ {name}(first: $first) {page} }}"
        assert len(root(query, first=MANY).data[name]["edges"]) == MANY, name
        few, many = (fewest_statements(root, query, first=size) for size in (FEW, MANY))
        assert many == few, f"{name}: {few} statements for {FEW}, {many} for {MANY}"


async def test_fifty_nodes_take_as_many_statements_as_ten(root: Api) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    for kind in sorted(_FINDERS):
        key = "photo-{}" if kind == "Avatar" else "{}"
        ids = [globalids.encode(kind, key.format(uuid4())) for _ in range(MANY)]
        few, many = (fewest_statements(root, query, ids=ids[:size]) for size in (FEW, MANY))
        assert many == few, f"{kind}: {few} statements for {FEW}, {many} for {MANY}"


async def test_a_list_is_counted_only_when_its_length_is_asked_for(root: Api) -> None:
    for name in connections():
        page = f"{name}(first: 2) {{ %s pageInfo {{ hasNextPage hasPreviousPage }} edges {{ cursor }} }}"
        with statements() as without:
            root(f"{{ {page % ''} }}")
        assert not any("count(" in statement for statement in without), name
        counted = root(f"{{ {page % 'totalCount'} }}").data[name]["totalCount"]
        assert counted >= MANY, name


async def test_every_connection_reads_both_ways_between_cursors(root: Api) -> None:
    query = """query ($first: Int, $after: String, $last: Int, $before: String) {{
      {0}(first: $first, after: $after{1}) {{
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} edges {{ cursor }} }} }}"""
    for name in connections():
        assert SCHEMA.query_type is not None
        is_forward_only = "last" not in SCHEMA.query_type.fields[name].args
        if is_forward_only:
            continue
        document = query.format(name, ", last: $last, before: $before")

        def page(name: str = name, document: str = document, **arguments: Any) -> Any:
            return root(document, **arguments).data[name]

        whole = [edge["cursor"] for edge in page(first=10)["edges"]]
        assert len(set(whole)) == 10, name
        head = page(first=3)["pageInfo"]
        assert head == {
            "hasNextPage": True,
            "hasPreviousPage": False,
            "startCursor": whole[0],
            "endCursor": whole[2],
        }
        between = page(first=2, after=whole[2], before=whole[8])
        assert [edge["cursor"] for edge in between["edges"]] == whole[3:5], name
        between = page(last=2, after=whole[2], before=whole[8])
        assert [edge["cursor"] for edge in between["edges"]] == whole[6:8], name
        assert between["pageInfo"]["hasNextPage"] is between["pageInfo"]["hasPreviousPage"] is True
        tail = page(last=3)["pageInfo"]
        assert (tail["hasNextPage"], tail["hasPreviousPage"]) == (False, True), name
        # A cursor means something in its own list alone.
        for other in {"videos", "assets"} - {name}:
            foreign = root(f"{{ {other}(first: 1) {{ pageInfo {{ endCursor }} }} }}").data[other]
            cursor = foreign["pageInfo"]["endCursor"]
            assert root(document, first=1, after=cursor).code == "BAD_USER_INPUT", (name, other)


def test_every_node_can_be_found_by_its_id(someone: Api) -> None:
    node = SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    kinds = {kind.name for kind in SCHEMA.get_implementations(node).objects}
    assert kinds == set(_FINDERS)
    # A miss of any kind is null, whatever stands for the key.
    ids = [globalids.encode(kind, key) for kind in sorted(kinds) for key in (uuid4(), "", "x", "\0", "é")]
    found = someone("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids).data["nodes"]
    assert found == [None] * len(ids)
