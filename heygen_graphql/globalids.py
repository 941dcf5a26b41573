"""Relay global ids: opaque to clients, a kind and a key to us."""

import base64
import binascii
from typing import NamedTuple
from uuid import UUID


class GlobalId(NamedTuple):
    kind: str
    """The object type's name in the schema."""
    key: str
    """What tells objects of one kind apart: a UUID, or the short name of a catalogue's entry."""


def encode(kind: str, key: object) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode()


def decode(text: str) -> GlobalId | None:
    """None for anything that `encode` cannot have written: such an id is a miss, not a fault."""
    try:
        kind, colon, key = base64.b64decode(text, altchars=b"-_", validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return GlobalId(kind, key) if colon else None


def uuid_of(text: str, kind: str) -> UUID | None:
    """The key of an id of this kind; None when it is malformed or of another kind."""
    found = decode(text)
    if found is None or found.kind != kind:
        return None
    return parse_uuid(found.key)


def parse_uuid(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None
