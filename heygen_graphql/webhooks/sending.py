"""One attempt: a request to where a stranger says, and what came of it.

The name is looked up once, all its addresses are checked, and the connection goes to one of those; a name
that changes its mind in between gains nothing. httpx-secure looks at the address a second time, where the
connection is made.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection

from heygen_graphql import __version__
from heygen_graphql.webhooks.addresses import IPAddress, is_public
from heygen_graphql.webhooks.targets import Target, Targets, Unresolved, UnusableUrl, require_tls

GONE = 410
_MAX_ADDRESSES = 4
_MAX_ANSWER_BYTES = 64 * 1024
_ANSWER_SECONDS = 2.0
"""What an answer says is of no interest. It is read a little way for the sake of receivers that stop working
when nobody listens any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int | None
    """None when there was no answer."""
    failure: str | None
    """In words that may be shown to the webhook's owner; None when the delivery was taken."""


class Sender:
    """`ca_file`: certificates of authorities that are trusted beside the well-known ones, in PEM form."""

    def __init__(self, targets: Targets, *, timeout_seconds: float, ca_file: Path | None = None) -> None:
        self._targets = targets
        self._timeout_seconds = timeout_seconds
        self._tls = httpx.create_ssl_context(trust_env=False)
        if ca_file is not None:
            self._tls.load_verify_locations(cafile=ca_file)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Never raises for what the other side does; redirects are failures."""
        try:
            # The whole of it has one limit: single reads could go on for ever, a byte at a time.
            async with asyncio.timeout(self._timeout_seconds) as limit:
                target = self._targets.parse(url)
                require_tls(target)
                addresses = await self._targets.resolve(target)
                return _judged(await self._status(target, addresses, headers, body, limit))
        except (UnusableUrl, Unresolved) as error:
            return Outcome(None, str(error))
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(None, f"There was no answer within {self._timeout_seconds:g} seconds.")
        except httpx.HTTPError as error:
            return Outcome(None, _told(error))

    async def _status(
        self,
        target: Target,
        addresses: list[IPAddress],
        headers: Mapping[str, str],
        body: bytes,
        limit: asyncio.Timeout,
    ) -> int:
        tried = addresses[:_MAX_ADDRESSES]
        for address in tried[:-1]:
            with contextlib.suppress(httpx.ConnectError):
                return await self._status_at(target, address, headers, body, limit)
        return await self._status_at(target, tried[-1], headers, body, limit)

    async def _status_at(
        self,
        target: Target,
        address: IPAddress,
        headers: Mapping[str, str],
        body: bytes,
        limit: asyncio.Timeout,
    ) -> int:
        async with (
            _client(self._tls, is_trusted=target.is_trusted) as client,
            client.stream(
                "POST",
                target.url.copy_with(host=str(address)),
                content=body,
                headers={
                    "Host": target.url.netloc.decode("ascii"),
                    "Content-Type": "application/json",
                    "User-Agent": f"heygen_graphql/{__version__}",
                    "Accept": "*/*",
                    **headers,
                },
                # The certificate has to be the name's, not the address's.
                extensions={"sni_hostname": target.host},
            ) as response,
        ):
            # It has answered in time.
            limit.reschedule(None)
            await _read_a_little(response)
            return response.status_code


@contextlib.asynccontextmanager
async def _client(tls: ssl.SSLContext, *, is_trusted: bool) -> AsyncIterator[httpx.AsyncClient]:
    # One for each request: cookies and connections of one receiver are nothing to another, who may share its
    # address.
    async with httpx.AsyncClient(
        verify=tls,
        trust_env=False,
        follow_redirects=False,
        timeout=None,
        headers={"Accept-Encoding": "identity"},
    ) as client:
        if not is_trusted:
            httpx_ssrf_protection(client, custom_validator=lambda _host, address, _port: is_public(address))
        yield client


async def _read_a_little(response: httpx.Response) -> None:
    seen = 0
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            # Not unpacked: a few bytes could become gigabytes.
            async for chunk in response.aiter_raw():
                seen += len(chunk)
                if seen > _MAX_ANSWER_BYTES:
                    return


def _judged(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(status, None)
    if 300 <= status < 400:
        return Outcome(status, f"It answered {status}: redirects are not followed. Give the final URL.")
    if status == GONE:
        return Outcome(status, f"It answered {status}, Gone: the webhook was switched off.")
    return Outcome(status, f"It answered {status}; a delivery is taken by answering 200 to 299.")


def _told(error: httpx.HTTPError) -> str:
    if isinstance(error, SSRFProtectionError):
        return "Its address is not on the public Internet."
    tls = _tls_error(error)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return f"Its TLS certificate does not hold: {tls.verify_message}."[:300]
    if tls is not None:
        return "It does not speak TLS, or not as is needed."
    if isinstance(error, httpx.ConnectError):
        return "No connection came about."
    return "It closed the connection, or broke off, before it had answered."


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = seen.__cause__ or seen.__context__
    return seen
