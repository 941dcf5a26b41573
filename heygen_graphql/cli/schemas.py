"""The schema in a file, compared with the one that the code makes."""

from pathlib import Path

from heygen_graphql.errors import HeygenError
from heygen_graphql.schema.comparing import NotASchema, broken, undescribed


def write(text: str, path: Path) -> list[str]:
    """Write it; what the change breaks for clients of the schema that stood there."""
    before = path.read_text(encoding="utf-8") if path.exists() else text
    path.write_text(text, encoding="utf-8")
    try:
        return broken(before, text)
    except NotASchema:
        # What a conflicting merge left there is nobody's schema.
        return []


def check(text: str, path: Path) -> None:
    """
    Raises:
        HeygenError: the file says something else, or something in it has no description.
    """
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        raise HeygenError(f"{path} is not what the code says; write it with: heygen-graphql schema --write")
    if missing := undescribed(text):
        raise HeygenError(_listed(f"{path} describes everything but", missing))


def require_kept(old: Path, text: str) -> None:
    """
    Raises:
        HeygenError: clients of the schema in the file `old` would miss something, or it holds none.
    """
    try:
        changes = broken(old.read_text(encoding="utf-8"), text)
    except NotASchema as error:
        raise HeygenError(f"{old} holds no GraphQL schema: {error}") from error
    if changes:
        raise HeygenError(_listed(f"clients of {old} would break", changes))


def _listed(head: str, lines: list[str]) -> str:
    return f"{head}: {'; '.join(lines)}"
