"""One attempt against receivers that fail in every way, on real connections."""

import asyncio
import datetime
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from heygen_graphql.webhooks import Targets
from heygen_graphql.webhooks.sending import Outcome, Sender
from tests.servers import free_port
from tests.webhooks.receiver import Receiver, receiving

LIMIT = 0.5


@asynccontextmanager
async def sending(*allowed_hosts: str, ca_file: Path | None = None) -> AsyncIterator[Sender]:
    targets = Targets(allowed_hosts)
    yield Sender(targets, timeout_seconds=LIMIT, ca_file=ca_file)
    targets.close()


async def sent(receiver: Receiver, path: str) -> Outcome:
    async with sending(f"localhost:{receiver.port}") as sender:
        return await sender.post(receiver.url(path), {"webhook-id": "msg_1"}, b'{"a":1}')


@pytest.mark.parametrize(
    ("path", "status", "failure"),
    [
        ("/ok", 200, None),
        ("/status/204", 204, None),
        ("/status/500", 500, "500"),
        ("/status/404", 404, "404"),
        ("/status/410", 410, "switched off"),
        ("/redirect", 302, "redirects are not followed"),
        ("/closes", None, "before it had answered"),
        ("/babbles", None, "before it had answered"),
        ("/silent", None, "no answer within 0.5 seconds"),
        ("/drips-headers", None, "no answer within 0.5 seconds"),
    ],
)
async def test_an_attempt_tells_what_came_of_it(
    receiver: Receiver, path: str, status: int | None, failure: str | None
) -> None:
    began = time.monotonic()
    outcome = await sent(receiver, path)
    assert time.monotonic() - began < 5
    assert outcome.status == status
    assert (failure is None) == (outcome.failure is None)
    assert (failure or "") in (outcome.failure or "")
    (received,) = receiver.at(path)
    assert received.body == b'{"a":1}'
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"localhost:{receiver.port}"
    assert receiver.at("/redirected") == []


@pytest.mark.parametrize("path", ["/drips-body", "/endless"])
async def test_an_answer_counts_though_its_body_never_ends(receiver: Receiver, path: str) -> None:
    began = time.monotonic()
    assert await sent(receiver, path) == Outcome(200, None)
    assert time.monotonic() - began < 5


async def test_no_cookie_of_a_receiver_comes_back(receiver: Receiver) -> None:
    for _ in range(2):
        await sent(receiver, "/ok")
    assert not any("cookie" in one.headers for one in receiver.at("/ok"))


async def test_a_refused_connection_and_a_name_without_address_are_told() -> None:
    port = free_port()
    async with sending("localhost", "nowhere.invalid") as sender:
        refused = await sender.post(f"http://localhost:{port}/", {}, b"")
        assert refused == Outcome(None, "No connection came about.")
        unknown = await sender.post("http://nowhere.invalid/", {}, b"")
        assert unknown.failure is not None
        assert "nowhere.invalid" in unknown.failure


async def test_nothing_reaches_a_private_address_that_is_not_allowed(receiver: Receiver) -> None:
    async with sending() as sender:
        for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
            outcome = await sender.post(f"https://{host}:{receiver.port}/ok", {}, b"")
            assert outcome.status is None
            assert outcome.failure is not None
            assert "public Internet" in outcome.failure
        clear = await sender.post("http://192.0.2.1/", {}, b"")
        assert clear.failure is not None
        assert "https" in clear.failure
    assert receiver.received == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served_by(issuer: trustme.CA, name: str, *, is_over: bool = False) -> ssl.SSLContext:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = issuer.issue_cert(name, not_after=past if is_over else None)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    return tls


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (None, None),
        ("nobody signed it", "unable to get local issuer"),
        ("expired", "expired"),
        ("another's", "not valid for 'localhost'"),
    ],
)
async def test_a_certificate_has_to_hold_for_the_name(
    authority: trustme.CA, tmp_path: Path, fault: str | None, failure: str | None
) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    issuer = trustme.CA() if fault == "nobody signed it" else authority
    name = "other.example" if fault == "another's" else "localhost"
    with receiving(served_by(issuer, name, is_over=fault == "expired")) as receiver:
        async with sending("localhost", ca_file=ca_file) as sender:
            outcome = await sender.post(receiver.url("/ok"), {}, b"")
        if failure is None:
            assert outcome == Outcome(200, None)
        else:
            assert outcome.failure is not None
            assert failure in outcome.failure
            assert receiver.received == []


async def test_a_receiver_that_speaks_no_tls_is_told(receiver: Receiver) -> None:
    async with sending("localhost") as sender:
        outcome = await sender.post(f"https://localhost:{receiver.port}/ok", {}, b"")
    assert outcome == Outcome(None, "It does not speak TLS, or not as is needed.")


async def test_many_are_sent_side_by_side(receiver: Receiver) -> None:
    began = time.monotonic()
    async with sending("localhost") as sender:
        sends = [sender.post(receiver.url("/silent"), {}, b"") for _ in range(20)]
        outcomes = await asyncio.gather(*sends, sender.post(receiver.url("/ok"), {}, b""))
    assert outcomes[-1] == Outcome(200, None)
    assert time.monotonic() - began < 20 * LIMIT
