"""Keyset pages in Relay's terms (GraphQL Cursor Connections Specification).

A cursor names the last row's place in the order, not an offset: rows that come or go between two
pages are neither shown twice nor skipped.
"""

import base64
import binascii
import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, or_
from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.errors import BadRequest
from heygen_graphql.settings import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """What a caller asks for: of what lies between two cursors, `size` rows from one end."""

    size: int
    is_backward: bool
    """From the end."""
    after: str | None = None
    before: str | None = None

    @classmethod
    def of(cls, first: int | None, after: str | None, last: int | None, before: str | None) -> "Window":
        """With neither size, the default's worth: before `before` if that is the only cursor, else from the
        start.

        Raises:
            BadRequest: both sizes, or one that is not 1 to 100.
        """
        if first is not None and last is not None:
            raise BadRequest("Give `first` or `last`, not both.")
        is_backward = last is not None or (first is None and after is None and before is not None)
        size = last if last is not None else first if first is not None else DEFAULT_PAGE_SIZE
        if not 1 <= size <= MAX_PAGE_SIZE:
            name = "last" if last is not None else "first"
            raise BadRequest(f"`{name}` is {size}; it must be 1 to {MAX_PAGE_SIZE}.")
        return cls(size, is_backward, after, before)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`has_next` and `has_previous`: whether rows lie beyond the page's end and start. What a cursor names
    counts as lying beyond it, even when it has gone since."""

    items: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, slots=True)
class Keyset(Generic[T]):
    """The order of a list that the database holds: by `key` and, where that is the same, by `id`."""

    name: str
    """Marks the list's cursors: those of another list or another order are refused."""
    key: SQLColumnExpression[Any]
    id: SQLColumnExpression[UUID]
    place: Callable[[T], tuple[str | float, UUID]]
    """A row's key, in the form in which a cursor carries it, and its id."""
    decode: Callable[[str | float], object]
    """The key of that form; raises BadRequest."""
    is_descending: bool = True

    def within(self, query: SelectOfScalar[T], window: Window) -> SelectOfScalar[T]:
        """The rows that the window shows and, if there is one, the next: `page` makes a page of them.

        Raises:
            BadRequest: a cursor is of another list or another order, or was altered.
        """
        if window.after is not None:
            query = query.where(self._is_beyond(window.after, is_behind=True))
        if window.before is not None:
            query = query.where(self._is_beyond(window.before, is_behind=False))
        # Going backward through a descending list is reading it ascending.
        is_descending = self.is_descending != window.is_backward
        order = (self.key.desc(), self.id.desc()) if is_descending else (self.key.asc(), self.id.asc())
        return query.order_by(*order).limit(window.size + 1)

    def page(self, rows: Sequence[T], window: Window) -> Page[T]:
        """Of the rows that `within` selects, in the list's own order."""
        has_more = len(rows) > window.size
        shown = rows[: window.size]
        if window.is_backward:
            shown = shown[::-1]
        places = (self.place(row) for row in shown)
        return Page(
            shown,
            [encode_cursor(self.name, key, str(id)) for key, id in places],
            has_next=window.before is not None or (has_more and not window.is_backward),
            has_previous=window.after is not None or (has_more and window.is_backward),
        )

    def _is_beyond(self, cursor: str, *, is_behind: bool) -> ColumnElement[bool]:
        place, id_part = decode_cursor(cursor, self.name, 2)
        key, id = self.decode(place), decode_uuid(id_part)
        if is_behind != self.is_descending:
            return or_(self.key > key, and_(self.key == key, self.id > id))
        return or_(self.key < key, and_(self.key == key, self.id < id))


class _Dated(Protocol):
    id: UUID
    created_at: datetime


Dated = TypeVar("Dated", bound=_Dated)


def newest_first(name: str, table: type[Dated]) -> Keyset[Dated]:
    """The order of most lists."""
    return Keyset(
        name,
        col(table.created_at),
        col(table.id),
        place=lambda row: (row.created_at.isoformat(), row.id),
        decode=decode_instant,
    )


def slice_page(items: Sequence[T], keys: Sequence[str], window: Window) -> Page[T]:
    """A page of a list that is whole in memory; `keys` ascend, and none is there twice.

    Raises:
        BadRequest: a cursor is of another list, or was altered.
    """
    start = 0 if window.after is None else bisect_right(keys, _key_of(window.after))
    end = len(items) if window.before is None else bisect_left(keys, _key_of(window.before))
    chosen = range(start, max(start, end))
    chosen = chosen[-window.size :] if window.is_backward else chosen[: window.size]
    return Page(
        [items[index] for index in chosen],
        [encode_cursor("key", keys[index]) for index in chosen],
        has_next=chosen.stop < len(items),
        has_previous=chosen.start > 0,
    )


def _key_of(cursor: str) -> str:
    (key,) = decode_cursor(cursor, "key", 1)
    if not isinstance(key, str):
        raise _altered()
    return key


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
