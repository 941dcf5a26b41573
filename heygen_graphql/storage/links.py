"""The server's own links to stored files, and to take files in."""

import hashlib
import hmac
import json
from datetime import datetime
from urllib.parse import quote, urlencode

MEDIA_PATH = "/media/"


class Links:
    """Links to files that show they come from us, and until when they hold."""

    def __init__(self, key: bytes, previous_key: bytes | None = None) -> None:
        """What `previous_key` signed is believed; nothing is signed with it."""
        self._key = _own_key(key)
        self._keys = [self._key] if previous_key is None else [self._key, _own_key(previous_key)]

    def sign(self, key: str, expires_at: datetime, *, filename: str | None = None) -> str:
        """The path and query of a link; `filename` is the name under which a browser saves the file."""
        expires = str(int(expires_at.timestamp()))
        query = {"expires": expires, "signature": _signature(self._key, key, expires, filename)}
        if filename is not None:
            query["filename"] = filename
        return f"{MEDIA_PATH}{quote(key)}?{urlencode(query)}"

    def verify(
        self, key: str, expires: str, signature: str, now: datetime, *, filename: str | None = None
    ) -> bool:
        """Whether the parts of a link are as they were signed, and its time has not passed."""
        # Compared as bytes: text that is not ASCII would raise.
        is_ours = any(
            hmac.compare_digest(_signature(own, key, expires, filename).encode(), signature.encode())
            for own in self._keys
        )
        # Ours means that `expires` was written by `sign`, so it is a number.
        return is_ours and now.timestamp() < int(expires)


def _own_key(secret: bytes) -> bytes:
    """A key of its own: a signature made here means nothing where else the secret is used."""
    return hmac.digest(secret, b"heygen_graphql media links", "sha256")


def _signature(own: bytes, key: str, expires: str, filename: str | None) -> str:
    # JSON parts the fields: run together, "a" + "1" and "a1" + "" would be signed alike.
    signed = json.dumps([key, expires, filename]).encode()
    return hmac.new(own, signed, hashlib.sha256).hexdigest()
