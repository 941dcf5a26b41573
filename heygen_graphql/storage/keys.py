"""The names of stored files: relative paths of plain ASCII names."""

from datetime import timedelta
from pathlib import PurePosixPath

UPLOADS_PREFIX = "uploads"
"""Where files lie that were sent and not yet looked at. In a folder nothing does: a link to a name below it
takes bytes in."""
PREVIEWS_PREFIX = "previews"
"""Where files lie that no row tells of ..."""
PREVIEWS_LAST = timedelta(days=1)
"""... and after how long each is removed."""

_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".m4a": "audio/mp4",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".srt": "application/x-subrip; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".webp": "image/webp",
}
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


def content_type(key: str) -> str:
    """What a file is told to be to whoever fetches it."""
    return _CONTENT_TYPES.get(PurePosixPath(key).suffix, "application/octet-stream")
