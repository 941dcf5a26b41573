"""Errors that a person at a terminal can mend, in a line each."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from heygen_graphql.errors import HeygenError, InvalidInput

# Their values hold passwords, which have no business on a screen.
_SECRET = frozenset({"SECRET_KEY", "SECRET_KEY_PREVIOUS", "DATABASE_URL", "REDIS_URL", "STORAGE_URL"})


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """End the process with a line for each fault that a person can mend; a bug keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        lines = explain(error)
        if lines is None:
            raise
        for line in lines:
            typer.echo(f"heygen-graphql: {line}", err=True)
        sys.exit(1)


def explain(error: Exception) -> list[str] | None:
    """What to tell the person; None for a bug, which needs its traceback."""
    # Here: the command line must not load the rendering library to print its help.
    from heygen_graphql.rendering.errors import RenderError

    match error:
        case ValidationError() if error.title == "Settings":
            return [_explain_setting(details) for details in error.errors(include_url=False)]
        case InvalidInput():
            return [_explain_fault(fault.field, fault.message) for fault in error.faults]
        case HeygenError() | RenderError():
            return [" ".join(str(error).split())]
        case OSError() if error.filename is not None:
            return [f"{error.filename}: {error.strerror}"]
    return None


def _explain_fault(field: tuple[str, ...] | None, message: str) -> str:
    return f"{'.'.join(field)}: {message}" if field else message


def _explain_setting(details: ErrorDetails) -> str:
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:
        return message
    name = str(details["loc"][0]).upper()
    value = "" if name in _SECRET else f"={details['input']}"
    return f"{name}{value}: {message}"
