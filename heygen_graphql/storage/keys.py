"""The names of stored files: relative paths of plain ASCII names."""

from datetime import timedelta

UPLOADS_PREFIX = "uploads"
"""Where files lie that were sent and not yet looked at. In a folder nothing does: a link to a name below it
takes bytes in."""
PREVIEWS_PREFIX = "previews"
"""Where files lie that no row tells of ..."""
PREVIEWS_LAST = timedelta(days=1)
"""... and after how long each is removed."""

_SEGMENT_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class BadKey(ValueError):
    """A name that no file of ours could have."""


def checked(key: str) -> str:
    """
    Raises:
        BadKey: it is empty, or could lead out of the storage's root.
    """
    for segment in key.split("/"):
        # No name of ours begins with a dot, so "." and ".." need no rule of their own.
        if not segment or segment.startswith(".") or not _SEGMENT_LETTERS.issuperset(segment):
            raise BadKey(f"not a storage key: {key!r}")
    return key
