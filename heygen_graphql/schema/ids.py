"""Global ids as fields and arguments have them."""

import strawberry

from heygen_graphql import globalids
from heygen_graphql.globalids import GlobalId, decode, parse_uuid, uuid_of

__all__ = ["GlobalId", "decode", "encode", "parse_uuid", "uuid_of"]


def encode(kind: str, key: object) -> strawberry.ID:
    return strawberry.ID(globalids.encode(kind, key))
