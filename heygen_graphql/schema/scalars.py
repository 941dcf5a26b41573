"""The schema's own scalars. What cannot be read is the caller's fault and says what was expected."""

import re
from datetime import UTC, datetime
from typing import NewType

import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.scalar import ScalarDefinition

Url = NewType("Url", str)
BigInt = NewType("BigInt", int)
Json = NewType("Json", object)
HexColor = NewType("HexColor", str)


def _read_instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise StrawberryInputCoercionError(f"DateTime expects text in ISO 8601, not {value!r}.")
    try:
        instant = datetime.fromisoformat(value)
        # An offset can carry the instant past the years 1 to 9999.
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise StrawberryInputCoercionError(
            f"{value[:50]!r} is no instant in ISO 8601; write it like 2026-01-31T12:00:00Z."
        ) from None


def _write_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise StrawberryInputCoercionError(f"Expected text, not {value!r}.")
    return value


def _read_big_integer(value: object) -> int:
    # As text, too: what a JavaScript number cannot hold is sent that way.
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise StrawberryInputCoercionError("BigInt expects an integer of up to 63 bits and a sign.")
    return value


def _as_it_is(value: object) -> object:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in ISO 8601, like `2026-01-31T12:00:00Z`. Answers are in UTC; an input "
        "without an offset is read as UTC.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_write_instant,
        parse_value=_read_instant,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="An absolute http or https address.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=_read_text,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="An integer of up to 63 bits and a sign; inputs may give it as text, too.",
        serialize=int,
        parse_value=_read_big_integer,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
    HexColor: strawberry.scalar(
        name="HexColor",
        description="A colour as `#RRGGBB`; inputs may shorten it to `#RGB`.",
        serialize=str,
        parse_value=_read_text,
    ),
}
