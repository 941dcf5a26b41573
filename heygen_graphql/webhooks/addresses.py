"""Which addresses of the Internet Protocol a stranger may have us talk to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

# Beside what `ipaddress` itself knows as private.
_OTHER_IPV4 = (
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments; a cloud's metadata among them (RFC 6890)
    IPv4Network("192.88.99.0/24"),  # relays of 6to4 (RFC 7526)
    IPv4Network("168.63.129.16/32"),  # Azure's host agent, at a public address
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""What is given out so far (RFC 3587). All that is local, mapped or of the future lies outside."""
_OTHER_IPV6 = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo's tunnels among them (RFC 2928)
    IPv6Network("2001:db8::/32"),  # documentation (RFC 3849)
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address of anybody's choice inside (RFC 3056)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
_NAT64 = IPv6Network("64:ff9b::/96")
"""How a network without IPv4 reaches the world's, by the last 32 bits (RFC 6052)."""


def is_public(address: IPAddress) -> bool:
    """Whether it is some host's on the open Internet. What is not known to be is not."""
    if isinstance(address, IPv4Address):
        return (
            address.is_global
            and not address.is_multicast
            and not any(address in network for network in _OTHER_IPV4)
        )
    embedded = address.ipv4_mapped or (IPv4Address(address.packed[-4:]) if address in _NAT64 else None)
    if embedded is not None:
        return is_public(embedded)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _OTHER_IPV6)
