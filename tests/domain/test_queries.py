"""What the server asks of a PostgreSQL with 100,000 videos, and what has to be read for it."""

import asyncio
import json
from collections.abc import Iterator
from itertools import product

import httpx
import pytest
from sqlalchemy import text

from heygen_graphql.database import Database
from heygen_graphql.globalids import uuid_of
from heygen_graphql.settings import Settings
from tests.api.operations import UNBOUNDED
from tests.api.serving import PASSWORD, Api, served, sign_up
from tests.domain import crowd
from tests.domain.crowd import Asked, Reading
from tests.jobs.serving import server
from tests.jobs.videos import SLOW, storyboard
from tests.servers import Postgres, Valkey, wait_until

SMALL = {"alembic_version", "photo_avatars", "usage", "users", "video_scenes", "webhooks", "workers"}
"""Tables of a thousand rows at most, here: it is quicker to read a table of a few pages whole."""
FEW = 300
"""Rows that may be looked at for a page of twenty, or for one video or account."""
BOUNDS = (
    # What is counted, searched, added up, or put into an order that no index has.
    (("DURATION", "search", "counts", "usage"), crowd.HERS),
    # How full the server is; and what an operator is shown of the line.
    (("SELECT videos.id AS id \nFROM videos \nWHERE status = 'PENDING'", "metrics"), 2 * crowd.WAITING),
    # Which deliveries come next: webhooks take turns.
    (("webhook_deliveries.next_attempt_at <=",), crowd.DUE),
    # A place in the line, which is known from all who wait.
    (("anon_1.previews",), crowd.WAITING + crowd.USERS),
    # Whose turn it is, of the owners that are looked at.
    (("users.last_served_at", "owners"), 3 * 256 + crowd.USERS),
)
"""Rows that may be looked at by what says, or was sent for, one of these."""


PAGE = """
query ($first: Int, $last: Int, $after: String, $filter: VideoFilter, $order: VideoOrder) {
  videos(first: $first, last: $last, after: $after, filter: $filter, orderBy: $order) {
    edges { cursor node { id title } }
    pageInfo { hasNextPage }
  }
}
"""
FILTERS = (
    None,
    {"status": ["COMPLETED"]},
    {"status": ["PENDING", "PROCESSING"]},
    {"search": "number 77"},
    {"createdAfter": "2026-01-01T00:00:00Z", "createdBefore": "2100-01-01T00:00:00Z"},
)
ORDERS = [
    {"field": field, "direction": direction}
    for field, direction in product(("CREATED_AT", "UPDATED_AT", "DURATION"), ("ASC", "DESC"))
]
READS = {
    "users": "{ users(first: 20) { edges { node { id email } } } }",
    "usage": "{ usage { videosCompleted secondsRendered storageBytes concurrentNow monthlySecondsUsed } }",
    "counts": '{ videos { totalCount } found: videos(filter: { search: "77" }) { totalCount } }',
    "apiKeys": "{ apiKeys { id } }",
    "templates": "{ templates(first: 20) { totalCount edges { node { id } } } }",
    "assets": "{ assets(first: 20) { edges { node { id } } } }",
    "webhooks": "{ webhooks { id } }",
    "webhookDeliveries": "{ webhookDeliveries(first: 20) { edges { node { id webhook { id } } } } }",
    "deliveries that wait": "{ webhookDeliveries(first: 20, status: PENDING) { edges { node { id } } } }",
}
CREATE = """
mutation {
  createVideo(input: { script: "Hi.", idempotencyKey: "one" }) { video { id } userErrors { message } }
}
"""
OF_ONE_VIDEO = {
    "video": "query ($id: ID!) { video(id: $id) { id status queuePosition secondsLeft } }",
    "updateVideo": 'mutation ($id: ID!) { updateVideo(id: $id, input: { script: "Ho." }) { video { id } } }',
    "cancelVideo": "mutation ($id: ID!) { cancelVideo(id: $id) { video { id } } }",
    "retryVideo": "mutation ($id: ID!) { retryVideo(id: $id) { video { id } } }",
    "deleteVideo": "mutation ($id: ID!) { deleteVideo(id: $id) { userErrors { code } } }",
}
OF_ONE_ACCOUNT = {
    "logIn": "mutation ($email: String!, $password: String!) "
    "{ logIn(input: { email: $email, password: $password }) { session { refreshToken } } }",
    "changePassword": "mutation ($password: String!) { changePassword(input: { currentPassword: $password, "
    'newPassword: "another horse battery" }) { userErrors { code } } }',
}
WORK = (
    "last_served_at",
    "UPDATE videos SET stage",
    "sessions.expires_at <=",
    "idempotency_keys.created_at <=",
    "webhook_deliveries.next_attempt_at <=",
    "video_events.fanned_out_at IS NULL",
    "FROM workers",
)
"""What a worker's statements say that takes a video, renders it, and tidies up."""


@pytest.fixture(scope="module")
def asked(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, str]]:
    """What an API and a worker sent to the database while they were used; and where it is."""
    directory = tmp_path_factory.mktemp("queries")
    valkey = Valkey(directory)
    url = postgres.new_database()
    settings = Settings(
        _env_file=None,
        secret_key="a secret of more than thirty-two bytes",
        database_url=url,
        redis_url=valkey.url,
        data_dir=directory / "data",
        answer_cache_bytes=0,
        **UNBOUNDED,
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
        session = sign_up(Api(http))
        ada = Api(http, session["accessToken"])
        asyncio.run(_fill(url, session["user"]["id"]))
        with crowd.listening() as asked:
            _use(asked, ada, session["user"]["email"])
            asked.call = "worker"
            asyncio.run(_work(asked, settings.model_copy(update={"redis_url": None})))
    yield asked, url
    valkey.kill()


async def _fill(url: str, her: str) -> None:
    database = Database(url)
    her_id = uuid_of(her, "User")
    async with database.engine.begin() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.run_sync(crowd.fill, str(her_id), json.dumps(storyboard(SLOW)))
        await connection.execute(text("UPDATE users SET is_superuser = true WHERE id = :id"), {"id": her_id})
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE"))
    await database.close()


def _use(asked: Asked, ada: Api, email: str) -> None:
    asked.call = "page after another"
    cursor = ada(PAGE, first=20).data["videos"]["edges"][10]["cursor"]
    assert ada(PAGE, first=20, after=cursor).data["videos"]["pageInfo"]["hasNextPage"]
    assert len(ada(PAGE, last=20).data["videos"]["edges"]) == 20
    for wanted, order in product(FILTERS, ORDERS):
        asked.call = f"page of {wanted} by {order}"
        assert ada(PAGE, first=20, filter=wanted, order=order).data["videos"]["edges"]
    for name, query in READS.items():
        asked.call = name
        assert ada(query).data
    asked.call = "createVideo"
    video_id = ada(CREATE).data["createVideo"]["video"]["id"]
    for name, operation in OF_ONE_VIDEO.items():
        asked.call = name
        assert ada(operation, id=video_id).data
    for name, operation in OF_ONE_ACCOUNT.items():
        asked.call = name
        assert ada(operation, email=email, password=PASSWORD).data
    asked.call = "metrics"
    assert ada.http.get("/metrics").status_code == 200


async def _work(asked: Asked, settings: Settings) -> None:
    """Until a video is rendered, and everything has been done once that is done again and again."""

    def is_done() -> bool:
        return all(any(told in statement for statement in list(asked.statements)) for told in WORK)

    database = Database(settings.resolved_database_url)
    async with server(settings, database):
        await asyncio.to_thread(wait_until, is_done, "the worker's work", 30)
    await database.close()


@pytest.fixture(scope="module")
def read(asked: tuple[Asked, str]) -> list[Reading]:
    asked_for, url = asked

    async def explain() -> list[Reading]:
        database = Database(url)
        async with database.engine.connect() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            found = await connection.run_sync(lambda connection: list(crowd.readings(connection, asked_for)))
        await database.close()
        return found

    return asyncio.run(explain())


def test_no_large_table_is_read_from_end_to_end(read: list[Reading]) -> None:
    assert [(one.call, one.statement) for one in read if one.scanned - SMALL] == []


def test_no_more_rows_are_looked_at_than_what_is_asked_for_needs(read: list[Reading]) -> None:
    def bound(one: Reading) -> int:
        said = f"{one.call} {one.statement}"
        return max([FEW, *(most for words, most in BOUNDS if any(word in said for word in words))])

    too_many = [(one.rows, one.call, one.statement) for one in read if one.rows > 1.2 * bound(one)]
    assert too_many == []


def test_what_was_asked_is_what_the_server_does(read: list[Reading]) -> None:
    """Lest a call that sent nothing be praised for it."""
    calls = {"metrics", "worker", *READS, *OF_ONE_VIDEO, *OF_ONE_ACCOUNT}
    assert calls - {one.call for one in read} == set()
