"""Fields of an input that may be left out, which is not the same as null."""

from typing import TypeVar

import strawberry

from heygen_graphql.changes import KEEP, Keep

Value = TypeVar("Value")


def given(value: Value) -> Value | Keep:
    """KEEP for what was left out."""
    return KEEP if value is strawberry.UNSET else value
