"""Keyset pages in Relay's terms (GraphQL Cursor Connections Specification).

A cursor names the last row's place in the order, not an offset: rows that come or go between two
pages are neither shown twice nor skipped.
"""

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from heygen_graphql.errors import BadRequest

T = TypeVar("T")

DEFAULT_SIZE = 20
MAX_SIZE = 100


@dataclass(frozen=True, slots=True)
class Window:
    """What a caller asks for: `size` rows after (or, when `is_backward`, before) a cursor."""

    size: int
    is_backward: bool
    cursor: str | None

    @classmethod
    def of(cls, first: int | None, after: str | None, last: int | None, before: str | None) -> "Window":
        """
        Raises:
            BadRequest: both directions at once, or a size that is not 1 to 100.
        """
        if first is not None and last is not None:
            raise BadRequest("Give `first` or `last`, not both.")
        is_backward = last is not None or (first is None and before is not None)
        if is_backward and after is not None:
            raise BadRequest("`after` goes with `first`, `before` with `last`.")
        if not is_backward and before is not None:
            raise BadRequest("`before` goes with `last`, `after` with `first`.")
        size = last if last is not None else first if first is not None else DEFAULT_SIZE
        if not 1 <= size <= MAX_SIZE:
            name = "last" if last is not None else "first"
            raise BadRequest(f"`{name}` is {size}; it must be 1 to {MAX_SIZE}.")
        return cls(size, is_backward, before if is_backward else after)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


def page_of(rows: Sequence[T], cursors: Sequence[str], window: Window) -> Page[T]:
    """Of `size` + 1 rows read in the window's direction, the page in the list's own order."""
    has_more = len(rows) > window.size
    rows, cursors = rows[: window.size], cursors[: window.size]
    if window.is_backward:
        return Page(rows[::-1], cursors[::-1], has_next=window.cursor is not None, has_previous=has_more)
    return Page(rows, cursors, has_next=has_more, has_previous=window.cursor is not None)


def slice_page(items: Sequence[T], keys: Sequence[str], window: Window) -> Page[T]:
    """A page of a list that is whole in memory; `keys` are stable and unique."""
    cursors = [encode_cursor("key", key) for key in keys]
    start, end = 0, len(items)
    if window.cursor is not None:
        (key,) = decode_cursor(window.cursor, "key", 1)
        if key not in keys:
            raise BadRequest("This cursor is not of this list.")
        place = list(keys).index(str(key))
        start, end = (start, place) if window.is_backward else (place + 1, end)
    chosen = range(start, end)
    chosen = chosen[-window.size :] if window.is_backward else chosen[: window.size]
    return Page(
        [items[index] for index in chosen],
        [cursors[index] for index in chosen],
        has_next=bool(chosen) and chosen[-1] + 1 < len(items),
        has_previous=bool(chosen) and chosen[0] > 0,
    )


def encode_cursor(order: str, *place: str | float) -> str:
    """`order` names the list's order: a cursor of one order means nothing in another."""
    return base64.urlsafe_b64encode(json.dumps([order, *place]).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, order: str, length: int) -> list[str | float]:
    """
    Raises:
        BadRequest: it was not made by `encode_cursor` for this order.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, list) or len(decoded) != length + 1 or decoded[0] != order:
        raise BadRequest("This cursor is not of this list in this order. Start without one.")
    if not all(isinstance(part, str | int | float) for part in decoded):
        raise BadRequest("This cursor is not of this list in this order. Start without one.")
    return decoded[1:]


def decode_instant(part: str | float) -> datetime:
    try:
        instant = datetime.fromisoformat(str(part))
        if instant.tzinfo is None:
            raise _altered()
        # An offset can carry the instant past the years 1 to 9999.
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _altered() from None


def decode_number(part: str | float) -> float:
    try:
        number = float(part)
    except (ValueError, OverflowError):
        raise _altered() from None
    if not math.isfinite(number):
        raise _altered()
    return number


def decode_uuid(part: str | float) -> UUID:
    try:
        return UUID(str(part))
    except ValueError:
        raise _altered() from None


def _altered() -> BadRequest:
    return BadRequest("This cursor has been altered. Start without one.")
