"""Global ids as fields and arguments have them."""

import re
from uuid import UUID

import strawberry

from heygen_graphql import globalids
from heygen_graphql.errors import InvalidInput, UserErrorCode
from heygen_graphql.globalids import GlobalId, decode, parse_uuid, uuid_of

__all__ = ["GlobalId", "decode", "encode", "parse_uuid", "required", "uuid_of"]


def encode(kind: str, key: object) -> strawberry.ID:
    return strawberry.ID(globalids.encode(kind, key))


def required(id: str, kind: str) -> UUID:
    """The key of what a mutation's argument `id` names.

    Raises:
        InvalidInput: it is no id of this kind, and so of nothing that is the viewer's.
    """
    key = uuid_of(id, kind)
    if key is None:
        noun = re.sub("(?<=[a-z])(?=[A-Z])", " ", kind).lower()
        raise InvalidInput.one(UserErrorCode.NOT_FOUND, f"You have no {noun} of this id.", "id")
    return key
