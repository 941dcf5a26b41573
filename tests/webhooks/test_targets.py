"""Which URLs may be called, in every spelling that leads into the server's own network."""

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygen_graphql.webhooks.addresses import is_public
from heygen_graphql.webhooks.targets import Targets, UnusableUrl


@pytest.fixture(scope="module")
def targets() -> Iterator[Targets]:
    targets = Targets(("intranet.example", "localhost:8080", "[::1]:9000"))
    yield targets
    targets.close()


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.192", "168.63.129.16"),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::"),
        *("2001::1", "3fff::1", "5f00::1"),
    ],
)
def test_addresses_of_any_other_network_are_not(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "[fe80::1]", "[::]"),
        *(
            "169.254.169.254",
            "[fd00:ec2::254]",
            "10.0.0.1",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "127.0.0.1.",
        ),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_no_spelling_of_a_private_address_is_taken(targets: Targets, scheme: str, host: str) -> None:
    with pytest.raises(UnusableUrl) as raised:
        await targets.check(f"{scheme}://{host}/hook")
    assert raised.value.code == "UNSAFE_URL"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            " ",
            "example.com/hook",
            "/hook",
            "https://",
            "https:///hook",
            "ftp://example.com",
            "javascript:1",
        ),
        *("https://user@example.com", "https://user:password@example.com", "https://example.com/#part"),
        *("https://exa mple.com", "https://example.com:0x50", "https://example.com:70000", "https://-.-%00/"),
        *(
            "https://example.com:25/",
            "https://example.com:22/",
            "http://example.com/",
            "https://[::1",
            "https://a..b",
        ),
        *(
            "https://１２７.0.0.1/",
            "https://ex%61mple.com",
            "https://[fe80::1%25eth0]/",
            "https://a\0b.example",
        ),
        *(
            "https://example.com/\ud800",
            "https://example.com/" + "x" * 2000,
            "https://" + "a" * 64 + ".example",
        ),
        "https://example.com/" + "é" * 600,
    ],
)
async def test_what_is_no_https_url_is_refused(targets: Targets, url: str) -> None:
    with pytest.raises(UnusableUrl):
        await targets.check(url)


async def test_what_is_taken_is_kept_as_it_will_be_called(targets: Targets) -> None:
    assert (
        await targets.check(" https://bücher.example/hä?q=1 ") == "https://xn--bcher-kva.example/h%C3%A4?q=1"
    )
    assert await targets.check("https://example.com:8443") == "https://example.com:8443"


async def test_what_the_operator_allows_may_be_private_and_in_the_clear(targets: Targets) -> None:
    for url in ("http://intranet.example:81/", "http://localhost:8080/hook", "http://[::1]:9000/"):
        assert await targets.check(url) == url
    with pytest.raises(UnusableUrl):
        await targets.check("http://localhost:8081/hook")


@given(st.text())
async def test_whatever_is_written_is_taken_or_refused(text: str) -> None:
    targets = Targets()
    try:
        targets.parse(f"https://{text}")
    except UnusableUrl as error:
        str(error).encode("utf-8", "surrogatepass")
    finally:
        targets.close()
