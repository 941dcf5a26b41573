"""Where a webhook may lead: what its URL may look like, and which addresses its name may stand for."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address

import httpx

from heygen_graphql.errors import HeygenError, UserErrorCode
from heygen_graphql.webhooks.addresses import IPAddress, is_public

MAX_URL_LENGTH = 2000
_MAX_HOST_LENGTH = 253
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_ENDS_IN_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""A name that resolvers may read as an address in an old spelling (https://url.spec.whatwg.org, "ends in a
number checker"): they differ in which address."""
_OCTAL = re.compile(r"https?://[0-9]+(\.[0-9]+){1,3}(?![\w.-])", re.IGNORECASE)
_DEFAULT_PORTS = {"https": 443, "http": 80}
_FIRST_FREE_PORT = 1024
_LAST_PORT = 65535
_LOOK_UPS_AT_ONCE = 32
_LOOK_UP_SECONDS = 5.0


class UnusableUrl(HeygenError):
    """A URL that nothing may be sent to; its text says why, and what to give instead."""

    def __init__(self, code: UserErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Unresolved(HeygenError):
    """There is no address to a name, now."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart once: what is checked is what is called."""

    url: httpx.URL
    host: str
    """In ASCII, without brackets."""
    port: int
    is_trusted: bool
    """The server's operator has named it: it may be private, and spoken to without TLS."""


class Targets:
    """`allowed_hosts`: the operator's own, as `host` or `host:port`; a port narrows it to that port."""

    def __init__(self, allowed_hosts: Sequence[str] = ()) -> None:
        self._allowed = {host.lower() for host in allowed_hosts}
        # Not the loop's own threads: a name server that does not answer would keep them from all else.
        self._threads = ThreadPoolExecutor(_LOOK_UPS_AT_ONCE, thread_name_prefix="webhook-names")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, text: str) -> str:
        """The URL as it is to be stored. A name that has no address as yet passes: it is looked up at every
        attempt.

        Raises:
            UnusableUrl: INVALID or UNSAFE_URL.
        """
        target = self.parse(text)
        with contextlib.suppress(Unresolved):
            await self.resolve(target)
        # Said last: of what is wrong with http://127.0.0.1, TLS is the least.
        require_tls(target)
        return str(target.url)

    def parse(self, text: str) -> Target:
        """
        Raises:
            UnusableUrl: it is no URL that a request could be sent to.
        """
        if len(text) > MAX_URL_LENGTH:
            raise _invalid(f"The URL has {len(text):,} characters; at most {MAX_URL_LENGTH:,} are stored.")
        try:
            url = httpx.URL(text.strip())
            # A surrogate that has lost its other half can be neither stored nor sent.
            str(url).encode()
        except (httpx.InvalidURL, ValueError):
            if _OCTAL.match(text.strip()):
                raise _unsafe("An address in octal numbers") from None
            raise _invalid("This is no URL. Write it like https://example.com/hooks.") from None
        host = url.raw_host.decode("ascii").lower()
        if url.scheme not in _DEFAULT_PORTS or not host:
            raise _invalid("This is no address of a web server. Write it like https://example.com/hooks.")
        if url.userinfo:
            raise _invalid("The URL carries a name or a password. Leave it out, and verify signatures.")
        if url.fragment:
            raise _invalid("What follows # is never sent. Leave it out.")
        if len(str(url)) > MAX_URL_LENGTH:
            raise _invalid(
                f"The URL, escaped, has {len(str(url)):,} characters; at most {MAX_URL_LENGTH:,} are stored."
            )
        if _literal(host) is None and (len(host) > _MAX_HOST_LENGTH or not _NAME.fullmatch(host)):
            raise _invalid(f"{host[:80]!r} is no host's name.")
        port = url.port if url.port is not None else _DEFAULT_PORTS[url.scheme]
        if not 1 <= port <= _LAST_PORT:
            raise _invalid(f"There is no port {port}.")
        shown = f"[{host}]" if ":" in host else host
        is_trusted = bool(self._allowed & {host, shown, f"{shown}:{port}"})
        if port < _FIRST_FREE_PORT and port not in _DEFAULT_PORTS.values() and not is_trusted:
            raise _invalid(f"Port {port} is not for web servers. Use 443, or one from {_FIRST_FREE_PORT} on.")
        return Target(url, host, port, is_trusted)

    async def resolve(self, target: Target) -> list[IPAddress]:
        """The addresses that stand for the target now, in the order to try them.

        Raises:
            UnusableUrl: one of them is not public, and the operator has not allowed it.
            Unresolved: there are none.
        """
        literal = _literal(target.host)
        if literal is None and not target.is_trusted and _is_of_this_machine(target.host):
            raise _unsafe(target.host[:80])
        addresses = [literal] if literal is not None else await self._look_up(target)
        if not target.is_trusted and not all(is_public(address) for address in addresses):
            raise _unsafe(target.host[:80])
        return addresses

    async def _look_up(self, target: Target) -> list[IPAddress]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LOOK_UP_SECONDS):
                found = await loop.run_in_executor(self._threads, _addresses_of, target.host, target.port)
        except (OSError, UnicodeError, TimeoutError):
            found = []
        if not found:
            raise Unresolved(f"No address was found for the name {target.host[:80]}.")
        return found


def require_tls(target: Target) -> None:
    """
    Raises:
        UnusableUrl: it would be called without TLS, and the operator has not allowed that.
    """
    if target.url.scheme != "https" and not target.is_trusted:
        raise _invalid("Only https:// is called: what is sent in the clear can be read and changed.")


def _addresses_of(host: str, port: int) -> list[IPAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


def _literal(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_of_this_machine(name: str) -> bool:
    # Whatever the name servers say (RFC 6761, section 6.3), or before they are asked.
    name = name.rstrip(".")
    return name == "localhost" or name.endswith(".localhost") or bool(_ENDS_IN_NUMBER.fullmatch(name))


def _unsafe(host: str) -> UnusableUrl:
    return UnusableUrl(
        UserErrorCode.UNSAFE_URL,
        f"{host} is, or stands for, an address that is not on the public Internet. "
        "Give one that everybody can reach, or ask this server's operator to allow the host.",
    )


def _invalid(message: str) -> UnusableUrl:
    return UnusableUrl(UserErrorCode.INVALID, message)
