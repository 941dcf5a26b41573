"""What a database does that is no fault of ours, and may be over in a moment."""

import errno
import sqlite3

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from heygen_graphql.errors import Unavailable

# A PostgreSQL that is down or restarting shows itself as one of these; asyncpg lets the bare
# ConnectionRefusedError (an OSError) through.
_PASSING_FAULTS = (OperationalError, InterfaceError, PoolTimeout, OSError)
# Of this machine's disks, which the database's way does not lead over.
_DISK_FAULTS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM)
)
_STATEMENT_TIMEOUT = "57014"
_LOCK_TIMEOUT = "55P03"
# PostgreSQL's own codes, which SQLAlchemy shows as bare DBAPIErrors (PostgreSQL, Appendix A): the connection
# broke, a deadlock, no room for one more connection, "the database system is starting up" and statements that
# took too long, a database that is "not currently accepting connections", a lock that was not to be had, and
# a transaction that was ended for having stood still.
_PASSING_SQLSTATES = ("08", "40", "53", "57", "55000", _LOCK_TIMEOUT, "25P03")
_SQLITE_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_PASSING_SQLITE_CODES = (
    *_SQLITE_LOCKED,
    *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
)


class DatabaseAway(ConnectionError):
    """The database server neither answers nor refuses."""


def is_passing_fault(error: BaseException) -> bool:
    """Whether the database may be back, or less busy, in a moment."""
    if isinstance(error, DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            # Most of what SQLite calls an operational error is a mistake of ours, like an unknown table.
            return _sqlite_code(error) in _PASSING_SQLITE_CODES
        if error.connection_invalidated or _sqlstate(error).startswith(_PASSING_SQLSTATES):
            return True
        if error.orig is not None and isinstance(error.orig.__cause__, asyncpg.InternalClientError):
            # The server has said that it ends the connection, and has not closed it yet.
            return True
    if isinstance(error, OSError) and error.errno in _DISK_FAULTS:
        return False
    return isinstance(error, _PASSING_FAULTS)


def unavailable(error: BaseException) -> Unavailable:
    """What to tell a caller of a passing fault."""
    if isinstance(error, PoolTimeout):
        return Unavailable("The server is busy. Try again in a second.", 1)
    if isinstance(error, DBAPIError):
        if _sqlstate(error) == _STATEMENT_TIMEOUT:
            return Unavailable(
                "This takes the database too long just now. Try again in five seconds, or ask for less.", 5
            )
        if _sqlstate(error) == _LOCK_TIMEOUT or _sqlite_code(error) in _SQLITE_LOCKED:
            return Unavailable("Something else is just being changed. Try again in a second.", 1)
    return Unavailable("The database cannot be reached just now. Try again in a second.", 1)


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _sqlite_code(error: DBAPIError) -> int | None:
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
