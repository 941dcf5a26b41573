"""How results are written, whichever way they go."""

import json
from typing import Any

from strawberry.types import ExecutionResult


def body_of(result: ExecutionResult, *, is_executed: bool) -> dict[str, Any]:
    """What was refused before anything ran has no data, not even null (GraphQL, section 7.1)."""
    body: dict[str, Any] = {"data": result.data} if is_executed else {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        body["extensions"] = result.extensions
    return body


def encoded(body: object) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
