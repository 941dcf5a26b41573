import asyncio
import errno
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from heygen_graphql.database import (
    Bounds,
    Database,
    is_passing_fault,
    migrate,
    require_newest_schema,
    unavailable,
)
from heygen_graphql.errors import BadSettings

SLEEP = text("SELECT pg_sleep(20)")
DIRECT_OR_POOLED = pytest.mark.parametrize("is_pooled", [False, True], ids=["direct", "pooled"])


@asynccontextmanager
async def opened(url: str, bounds: Bounds | None = None) -> AsyncIterator[Database]:
    database = Database(url, bounds)
    yield database
    await database.close()


async def test_what_postgresql_will_have_got_over_in_a_moment_is_a_passing_fault(postgres_url: str) -> None:
    passing = {
        "57P03": True,  # the database system is starting up
        "53300": True,  # too many connections
        "40P01": True,  # deadlock
        "25P03": True,  # a transaction that stood still was ended
        "57014": True,  # a statement took too long
        "55P03": True,  # a lock was not to be had
        "22021": False,  # NUL in a text
        "42601": False,  # no SQL
    }
    found = {}
    async with opened(postgres_url) as database:
        for sqlstate in passing:
            with pytest.raises(DBAPIError) as raised:
                async with database.reading() as session:
                    await session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))
            found[sqlstate] = is_passing_fault(raised.value)
    assert found == passing


async def test_a_transaction_that_stands_still_gives_up_its_locks(postgres_url: str) -> None:
    patient = Bounds(lock_seconds=20, statement_seconds=20)

    async def lock_the_users_until_they_are_counted(sleeper: Database, other: Database) -> None:
        async with sleeper.transaction() as session:
            await session.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
            async with asyncio.timeout(20), other.reading() as reader:
                await reader.execute(text("SELECT count(*) FROM users"))
            await session.execute(text("SELECT 1"))

    async with (
        opened(postgres_url, Bounds(idle_seconds=0.5)) as sleeper,
        opened(postgres_url, patient) as other,
    ):
        with pytest.raises(DBAPIError) as raised:
            await lock_the_users_until_they_are_counted(sleeper, other)
    assert is_passing_fault(raised.value)


@DIRECT_OR_POOLED
async def test_a_statement_that_takes_too_long_ends_and_its_caller_may_come_again(
    postgres_url: str, is_pooled: bool
) -> None:
    async with opened(postgres_url, Bounds(statement_seconds=0.2, is_pooled=is_pooled)) as database:
        with pytest.raises(DBAPIError) as raised:
            async with asyncio.timeout(10), database.reading() as session:
                await session.execute(SLEEP)
        assert is_passing_fault(raised.value)
        told = unavailable(raised.value)
        assert (told.code, told.retry_after_seconds) == ("UNAVAILABLE", 5)
        assert "too long" in str(told)
        # The connection serves the next.
        async with database.reading() as session:
            assert await session.scalar(text("SELECT 1")) == 1


@DIRECT_OR_POOLED
async def test_a_row_that_another_holds_is_not_waited_for_without_end(
    postgres_url: str, is_pooled: bool
) -> None:
    bounds = Bounds(lock_seconds=0.2, is_pooled=is_pooled)
    lock = text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    async with opened(postgres_url, bounds) as database, database.transaction() as holder:
        await holder.execute(lock)
        with pytest.raises(DBAPIError) as raised:
            async with database.transaction() as session:
                await session.execute(lock)
    assert "being changed" in str(unavailable(raised.value))


async def test_a_call_that_finds_every_connection_taken_is_told_to_come_again(database_url: str) -> None:
    bounds = Bounds(pool_size=1, overflow=0, wait_seconds=0.2)

    async def ask(session: AsyncSession) -> None:
        await session.execute(text("SELECT 1"))

    async with opened(database_url, bounds) as database, database.reading() as first:
        await ask(first)
        with pytest.raises(Exception, match="QueuePool") as raised:
            async with database.reading() as second:
                await ask(second)
    assert is_passing_fault(raised.value)
    assert "busy" in str(unavailable(raised.value))


async def test_behind_a_pooler_nothing_is_left_on_a_connection(postgres_url: str) -> None:
    """It hands the next transaction to another connection, and lets no bounds through when one is made."""
    prepared = text("SELECT count(*) FROM pg_prepared_statements")
    where_from = text("SELECT source FROM pg_settings WHERE name = 'statement_timeout'")

    async def told(is_pooled: bool) -> tuple[bool, str]:
        async with opened(postgres_url, Bounds(is_pooled=is_pooled)) as database:
            for _ in range(2):
                async with database.reading() as session:
                    count = await session.scalar(prepared)
                    source = await session.scalar(where_from)
        assert isinstance(count, int)
        return count > 0, str(source)

    assert await told(is_pooled=False) == (True, "client")
    assert await told(is_pooled=True) == (False, "session")


async def test_a_connection_that_died_idle_is_replaced_unseen(postgres_url: str) -> None:
    mine = text("SELECT pg_backend_pid()")
    async with opened(postgres_url) as database, opened(postgres_url) as other:
        async with database.reading() as session:
            pid = await session.scalar(mine)
        async with other.reading() as session:
            await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        await asyncio.sleep(0.1)
        async with database.reading() as session:
            assert await session.scalar(mine) != pid


async def test_a_connection_that_is_just_being_ended_by_the_server_is_replaced_unseen(
    postgres_url: str,
) -> None:
    """As a backend ends whose postmaster was killed: it says so, and closes a moment later."""
    one = text("SELECT 1")
    async with saying_farewell(postgres_url) as (url, say_farewell), opened(url) as database:
        async with database.reading() as session:
            await session.execute(one)
        # Longer than a connection is taken to be alive without being asked.
        await asyncio.sleep(1.1)
        await say_farewell()
        async with database.reading() as session:
            assert await session.scalar(one) == 1


@pytest.mark.parametrize("answers", range(1, 9))
async def test_a_first_connection_that_the_server_ends_at_any_point_is_a_passing_fault(
    postgres_url: str, answers: int
) -> None:
    async with saying_farewell(postgres_url, after_answers=answers) as (url, _), opened(url) as database:
        with pytest.raises(DBAPIError) as raised:
            async with database.reading() as session:
                await session.execute(text("SELECT 1"))
    assert is_passing_fault(raised.value)


@asynccontextmanager
async def saying_farewell(
    url: str, *, after_answers: int | None = None
) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """A way to PostgreSQL, and what has each of its connections told, without its end, that it is ended.

    With `after_answers` a connection is told so when the server has been ready for so many statements.
    """
    fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
    farewell = b"E" + struct.pack("!i", 4 + len(fields)) + fields
    address = make_url(url)
    clients: list[asyncio.StreamWriter] = []
    is_ready = (b"Z\0\0\0\5I", b"Z\0\0\0\5T")

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        answers = 0
        while data := await source.read(65536):
            answers += data.endswith(is_ready)
            target.write(data + farewell if answers == after_answers else data)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(writer)
        there, to_there = await asyncio.open_connection(address.host, address.port)
        with suppress(ConnectionError):
            await asyncio.gather(pump(reader, to_there), pump(there, writer))

    async def say_farewell() -> None:
        while clients:
            clients.pop().write(farewell)
        await asyncio.sleep(0.1)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield address.set(host="127.0.0.1", port=port).render_as_string(hide_password=False), say_farewell


@asynccontextmanager
async def behind_tls(url: str, authority: trustme.CA) -> AsyncIterator[str]:
    """The address of a PostgreSQL that is spoken to by TLS alone, as its protocol begins it (PostgreSQL,
    "SSL Session Encryption"): the wheel's own is built without."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    address = make_url(url)

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ssl.SSLError, ConnectionError):
            assert await reader.readexactly(8) == struct.pack("!ii", 8, 80877103)
            writer.write(b"S")
            await writer.start_tls(context)
            there, to_there = await asyncio.open_connection(address.host, address.port)
            await asyncio.gather(pump(reader, to_there), pump(there, writer))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield str(address.set(port=server.sockets[0].getsockname()[1]).render_as_string(hide_password=False))


async def test_the_url_asks_for_tls_and_whom_to_trust_as_it_does_of_libpq(
    postgres_url: str, tmp_path: Path
) -> None:
    ours, another = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    another.cert_pem.write_to_path(str(tmp_path / "another.pem"))
    async with behind_tls(postgres_url, ours) as url:
        trusted = f"{url}?sslmode=verify-full&sslrootcert={tmp_path / 'ours.pem'}"
        async with opened(trusted) as database, database.reading() as session:
            assert await session.scalar(text("SELECT 1")) == 1
        await asyncio.to_thread(require_newest_schema, trusted)
        mistrusted = f"{url}?sslmode=verify-full&sslrootcert={tmp_path / 'another.pem'}"
        for ask in (migrate, require_newest_schema):
            with pytest.raises(BadSettings, match="certificate verify failed"):
                await asyncio.to_thread(ask, mistrusted)


async def test_what_a_statement_was_given_is_in_no_error(database_url: str) -> None:
    async with opened(database_url) as database:
        with pytest.raises(DBAPIError) as failed:
            async with database.transaction() as session:
                await session.execute(
                    text("INSERT INTO nothing (secret) VALUES (:secret)"), {"secret": "whsec_1234"}
                )
    assert "whsec_1234" not in str(failed.value)


def test_a_full_disk_of_this_machine_is_no_fault_of_the_database() -> None:
    assert not is_passing_fault(OSError(errno.ENOSPC, "No space left on device"))
    assert is_passing_fault(ConnectionRefusedError())
