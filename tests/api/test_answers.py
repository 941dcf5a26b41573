"""Answers given again: never to another viewer, after a change, or with links that are about to end."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, parse
from sqlalchemy import update
from sqlmodel import col

from heygen_graphql import accounts, globalids
from heygen_graphql.answers import MAX_ANSWER_BYTES, LocalAnswers
from heygen_graphql.database import Database
from heygen_graphql.rendering.speech.piper_voices import joe
from heygen_graphql.schema import build, reads
from heygen_graphql.schema.documents import Documents
from heygen_graphql.schema.resolvers import Reads, reads_of
from heygen_graphql.settings import Settings
from heygen_graphql.tables import Video, VideoStatus, utc_now
from tests.api.conftest import SECRET
from tests.api.serving import PASSWORD, Answer, Api, changed, served
from tests.api.test_sessions import LOG_IN
from tests.api.test_videos import create
from tests.servers import Valkey

TITLES = "{ videos { totalCount edges { node { id title status } } } }"
LINK = "query ($id: ID!, $life: Int) { video(id: $id) { url(expiresInSeconds: $life) } }"


def outcome(answer: Answer) -> str:
    assert "errors" not in answer.response.json(), answer.response.text
    return answer.response.headers["X-Cache"]


def callers(address: str) -> Iterator[Api]:
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http)


def test_what_was_asked_before_is_given_again_word_for_word(ada: Api) -> None:
    # Given
    create(ada, title="Ünïcode \U0001f600", metadata={"a": [1, 1.5, None, {"b": "c"}]})
    query = "{ me { email } videos { edges { cursor node { title metadata createdAt fileSizeBytes } } } }"
    # When
    first, second = ada(query), ada(query)
    # Then
    assert (outcome(first), outcome(second)) == ("MISS", "HIT")
    assert json.dumps(second.data) == json.dumps(first.data)


def test_operation_variables_and_text_are_told_apart(ada: Api) -> None:
    video, other = create(ada, title="a"), create(ada, title="b")
    document = """
    query A($id: ID!) { video(id: $id) { title } }
    query B($id: ID!) { video(id: $id) { name: title } }
    """
    asked = [("A", video), ("B", video), ("A", other)]
    for expected in ("MISS", "HIT"):
        answers = [
            ada.send({"query": document, "operationName": name, "variables": {"id": id}})
            for name, id in asked
        ]
        assert [outcome(answer) for answer in answers] == [expected] * 3
        assert [answer.data["video"] for answer in answers] == [
            {"title": "a"},
            {"name": "a"},
            {"title": "b"},
        ]


def test_two_viewers_never_share_an_answer(ada: Api, ben: Api) -> None:
    # Given
    create(ada, title="mine")
    assert [outcome(ada(TITLES)) for _ in range(2)] == ["MISS", "HIT"]
    # Then
    bens = ben(TITLES)
    assert (outcome(bens), bens.data["videos"]["totalCount"]) == ("MISS", 0)


def test_a_change_of_one_viewer_leaves_the_others_answers(ada: Api, ben: Api) -> None:
    ben(TITLES)
    create(ada)
    assert outcome(ben(TITLES)) == "HIT"


def test_every_change_is_seen_by_the_next_read(ada: Api) -> None:
    video = create(ada, title="a")
    changes = [
        'mutation ($id: ID!) { updateVideo(id: $id, input: { title: "b" }) { userErrors { code } } }',
        "mutation ($id: ID!) { cancelVideo(id: $id) { userErrors { code } } }",
        "mutation ($id: ID!) { retryVideo(id: $id) { userErrors { code } } }",
        "mutation ($id: ID!) { deleteVideo(id: $id) { userErrors { code } } }",
    ]
    seen = []
    assert outcome(ada(TITLES)) == "MISS"
    for change in changes:
        assert outcome(ada(TITLES)) == "HIT"
        assert outcome(ada(change, id=video)) == "BYPASS"
        answer = ada(TITLES)
        assert outcome(answer) == "MISS"
        seen.append([(edge["node"]["title"], edge["node"]["status"]) for edge in edges(answer)])
    assert seen == [[("b", "PENDING")], [("b", "CANCELED")], [("b", "PENDING")], []]


def edges(answer: Answer) -> list[Any]:
    found: list[Any] = answer.data["videos"]["edges"]
    return found


def test_a_change_of_oneself_is_seen_by_the_next_read(ada: Api) -> None:
    query = "{ me { fullName } }"
    assert [outcome(ada(query)) for _ in range(2)] == ["MISS", "HIT"]
    ada('mutation { updateMe(input: { fullName: "Countess" }) { userErrors { code } } }')
    assert ada(query).data == {"me": {"fullName": "Countess"}}


async def test_what_another_program_writes_is_seen_by_the_next_read(ada: Api, api_settings: Settings) -> None:
    # Given an answer that is kept
    video = create(ada, title="a")
    assert [outcome(ada(TITLES)) for _ in range(2)] == ["MISS", "HIT"]
    # When somebody writes past this server, with the plainest SQL there is
    await write(api_settings, update(Video).where(col(Video.id) == key_of(video)).values(title="b"))
    # Then
    answer = ada(TITLES)
    assert (outcome(answer), edges(answer)[0]["node"]["title"]) == ("MISS", "b")


async def test_a_change_while_an_answer_is_made_is_not_lost(ada: Api, api_settings: Settings) -> None:
    """Reads and writes at once; what is read after a write has ended is never older than it."""
    video = create(ada, title="0")
    written = 0
    faults: list[str] = []
    is_over = False

    def read() -> None:
        with httpx.Client(base_url=ada.http.base_url, timeout=30, trust_env=False) as http:
            reader = Api(http, ada.token)
            while not is_over:
                least = written
                title = int(edges(reader(TITLES))[0]["node"]["title"])
                if title < least:
                    faults.append(f"{title} was read after {least} had been written")

    async def write_on() -> None:
        nonlocal written, is_over
        database = Database(api_settings.resolved_database_url)
        for number in range(1, 60):
            async with database.transaction() as session:
                changed_title = update(Video).where(col(Video.id) == key_of(video))
                await session.execute(changed_title.values(title=str(number)))
            written = number
            await asyncio.sleep(0.02)
        await database.close()
        is_over = True

    await asyncio.gather(write_on(), *(asyncio.to_thread(read) for _ in range(3)))
    assert faults == []


@pytest.mark.parametrize(
    "query",
    [
        "{ videos { edges { node { queuePosition } } } }",
        "{ videos { edges { node { secondsLeft } } } }",
        '{ estimateVideo(input: { script: "Hello." }) { renderSeconds } }',
        "query ($no: Boolean = true) { me { id } videos { edges { node { secondsLeft @skip(if: $no) } } } }",
        "{ videos { edges { node { ...F } } } } fragment F on Node { ... on Video { ... { secondsLeft } } }",
        'mutation { logOut(refreshToken: "-") { userErrors { code } } }',
    ],
)
def test_what_may_change_in_silence_is_never_kept(ada: Api, query: str) -> None:
    assert [outcome(ada(query)) for _ in range(2)] == ["BYPASS", "BYPASS"]


def test_answers_to_nobody_and_answers_with_errors_are_never_kept(anyone: Api, ada: Api) -> None:
    assert [outcome(anyone("{ server { version } }")) for _ in range(2)] == ["BYPASS", "BYPASS"]
    faulty = '{ me { id } videos(after: "nonsense") { totalCount } }'
    answers = [ada(faulty) for _ in range(2)]
    assert [answer.response.headers["X-Cache"] for answer in answers] == ["MISS", "MISS"]
    assert {answer.code for answer in answers} == {"BAD_USER_INPUT"}


def test_a_session_that_has_ended_is_refused_before_an_answer_is_looked_for(anyone: Api) -> None:
    # Given
    email = f"{uuid4().hex}@example.com"
    sign_up = "mutation ($i: SignUpInput!) { signUp(input: $i) { session { accessToken refreshToken } } }"
    signed_up = anyone(sign_up, i={"email": email, "password": PASSWORD}).data["signUp"]["session"]
    ada = Api(anyone.http, signed_up["accessToken"])
    assert [outcome(ada(TITLES)) for _ in range(2)] == ["MISS", "HIT"]
    # When
    anyone(
        "mutation ($t: String!) { logOut(refreshToken: $t) { userErrors { code } } }",
        t=signed_up["refreshToken"],
    )
    # Then
    assert ada(TITLES).code == "UNAUTHENTICATED"


async def test_what_a_superuser_sees_is_never_kept(anyone: Api, api_settings: Settings) -> None:
    database = Database(api_settings.resolved_database_url)
    email = f"{uuid4().hex}@example.com"
    await accounts.create_user(database, email=email, password=PASSWORD, is_superuser=True)
    await database.close()
    token = anyone(LOG_IN, email=email, password=PASSWORD).data["logIn"]["session"]["accessToken"]
    root = Api(anyone.http, token)
    assert [outcome(root(TITLES)) for _ in range(2)] == ["BYPASS", "BYPASS"]


async def test_a_link_that_is_given_again_has_nearly_all_of_its_life_left(
    ada: Api, api_settings: Settings
) -> None:
    # Given
    video = create(ada)
    await finish(api_settings, video)
    # When a minute is asked for, the least there is
    first = ada(LINK, id=video, life=60)
    given_at = time.time()
    assert outcome(first) == "MISS"
    # Then it is given again for six seconds
    while outcome(answer := ada(LINK, id=video, life=60)) == "HIT":
        left = life_left(answer)
        assert 60 * 0.9 - 1 <= left <= 60
        assert time.time() - given_at < 8
        await asyncio.sleep(0.3)
    assert time.time() - given_at > 4
    assert life_left(answer) >= 58


def life_left(answer: Answer) -> float:
    query = parse_qs(urlsplit(answer.data["video"]["url"]).query)
    return int(query["expires"][0]) - time.time()


def test_an_answer_is_kept_for_the_address_that_its_links_lead_to(ada: Api) -> None:
    query = "{ avatars(first: 1) { edges { node { previewUrl } } } }"
    other = f"http://localhost:{ada.http.base_url.port}"
    with httpx.Client(base_url=other, timeout=30, trust_env=False) as http:
        for expected in ("MISS", "HIT"):
            for api in (ada, Api(http, ada.token)):
                answer = api(query)
                assert outcome(answer) == expected
                link = answer.data["avatars"]["edges"][0]["node"]["previewUrl"]
                assert link.startswith(str(api.http.base_url).rstrip("/"))


def test_one_process_gives_what_another_has_kept_but_nothing_that_one_has_changed(
    postgres_url: str, valkey: Valkey, tmp_path: Path
) -> None:
    # Given two processes' worth of servers on one PostgreSQL and one Valkey
    settings = Settings(
        _env_file=None,
        secret_key=SECRET,
        redis_url=valkey.url,
        database_url=postgres_url,
        data_dir=tmp_path,
        public_url="https://videos.example.com",
    )
    with served(settings) as one, served(settings) as two:
        for here, there in zip(callers(one), callers(two), strict=True):
            ada = here.signed_in()
            also_ada = Api(there.http, ada.token)
            create(ada, title="a")
            # Then what one keeps the other gives
            assert [outcome(ada(TITLES)), outcome(also_ada(TITLES))] == ["MISS", "HIT"]
            # And what one changes the other sees
            create(ada, title="b")
            assert [edge["node"]["title"] for edge in edges(also_ada(TITLES))] == ["b", "a"]
            assert outcome(ada(TITLES)) == "HIT"
            # And without Valkey everything is answered anew, soon
            valkey.kill()
            began = time.monotonic()
            assert [outcome(ada(TITLES)) for _ in range(5)] == ["MISS"] * 5
            assert time.monotonic() - began < 5
            # And when it is back, everything goes on
            valkey.start()
            deadline = time.monotonic() + 10
            while outcome(ada(TITLES)) != "HIT":
                assert time.monotonic() < deadline
                time.sleep(0.2)


async def test_on_a_websocket_that_stays_open_every_change_is_seen(ada: Api) -> None:
    # Given a socket on which a list was read, so that its answer is kept
    create(ada, title="a")
    async with ada.subscribed(TITLES) as websocket:
        assert (await websocket.next())["videos"]["totalCount"] == 1
        assert (await websocket.receive())["type"] == "complete"
        assert outcome(ada(TITLES)) == "HIT"
        # When the list changes
        create(ada, title="b")
        # Then the next reading on the same socket shows it
        await websocket.subscribe(TITLES)
        assert (await websocket.next())["videos"]["totalCount"] == 2


def test_a_voice_that_is_dropped_in_or_taken_out_is_seen_by_the_next_read(
    api_settings: Settings, ada: Api, tmp_path: Path
) -> None:
    query = "{ voices { totalCount } }"
    with served(changed(api_settings, voices_dir=tmp_path)) as address:
        for caller in callers(address):
            api = Api(caller.http, ada.token)
            assert [outcome(api(query)) for _ in range(2)] == ["MISS", "HIT"]
            count = api(query).data["voices"]["totalCount"]
            dropped = [tmp_path / f"new.onnx{suffix}" for suffix in ("", ".json")]
            for path, known in zip(dropped, (joe().files.model, joe().files.description), strict=True):
                path.symlink_to(known)
            assert api(query).data["voices"]["totalCount"] == count + 1
            for path in dropped:
                path.unlink()
            assert api(query).data["voices"]["totalCount"] == count


def test_other_settings_make_other_answers(api_settings: Settings, ada: Api) -> None:
    query = "{ avatars(first: 1) { edges { node { previewUrl } } } }"
    assert outcome(ada(query)) == "MISS"
    longer = changed(api_settings, link_expire_seconds=7200, public_url=str(ada.http.base_url).rstrip("/"))
    with served(longer) as address:
        for caller in callers(address):
            assert outcome(Api(caller.http, ada.token)(query)) == "MISS"


def test_it_can_be_switched_off(api_settings: Settings, ada: Api) -> None:
    with served(changed(api_settings, answer_cache_bytes=0)) as address:
        for caller in callers(address):
            assert [outcome(Api(caller.http, ada.token)(TITLES)) for _ in range(2)] == ["BYPASS"] * 2


def test_a_field_with_a_function_is_not_kept_unless_it_says_what_it_reads() -> None:
    schema = build(Documents.of(Settings(_env_file=None)))._schema
    # What the data version does not tell of is said to be so.
    silent = {"queuePosition", "secondsLeft", "estimateVideo"}
    found = set()
    for named in schema.type_map.values():
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType) and not named.name.startswith("__"):
            for name, field in named.fields.items():
                if reads_of(field) is Reads.ANYTHING:
                    found.add(name)
    assert silent <= found
    assert schema.mutation_type is not None
    assert set(schema.mutation_type.fields) <= found
    assert reads.of(schema, parse("{ me { id } __schema { description } }")) >= {Reads.ANYTHING}
    assert reads.of(schema, parse("subscription { videoUpdates { version } }")) >= {Reads.ANYTHING}
    assert reads.of(schema, parse("{ me { id } __typename }")) == {Reads.OWN_ROWS}
    behind = "{ node(id: 1) { ...shown } } fragment shown on Node { ... on Video { queuePosition } }"
    assert Reads.ANYTHING in reads.of(schema, parse(behind))


async def test_in_memory_the_ones_asked_for_last_are_kept_within_the_bound() -> None:
    now = 0.0
    answers = LocalAnswers(10_000, clock=lambda: now)
    for number in range(100):
        await answers.keep(str(number), b"x" * 1000, seconds=10)
        await answers.get("0")
    kept = [number for number in range(100) if await answers.get(str(number)) is not None]
    assert kept == [0, 94, 95, 96, 97, 98, 99]
    # Too long a one is not kept, and nothing beyond its time.
    await answers.keep("long", b"x" * (MAX_ANSWER_BYTES + 1), seconds=10)
    assert await answers.get("long") is None
    now = 10.0
    assert await answers.get("99") is None


def key_of(video_id: str) -> UUID:
    key = globalids.uuid_of(video_id, "Video")
    assert key is not None
    return key


async def write(settings: Settings, statement: Any) -> None:
    database = Database(settings.resolved_database_url)
    async with database.transaction() as session:
        await session.execute(statement)
    await database.close()


async def finish(settings: Settings, video_id: str) -> None:
    """As a worker does, without the film."""
    now = utc_now()
    done = {"status": VideoStatus.COMPLETED, "completed_at": now, "files_prefix": "videos/x/1"}
    await write(settings, update(Video).where(col(Video.id) == key_of(video_id)).values(done))
