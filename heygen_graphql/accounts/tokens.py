"""Access tokens, short-lived, and refresh tokens, each good for one use: JWTs both.

Of a session's refresh tokens the newest is remembered by its hash. An older one still carries our
signature and the session's id, which is how a spent one is told from a forged one.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from heygen_graphql.errors import Unauthenticated

_ISSUER = "heygen_graphql"
# Access tokens carry no audience: neither kind passes for the other.
_REFRESH_AUDIENCE = "refresh"


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class Tokens:
    key: bytes = field(repr=False)
    algorithm: str
    access_minutes: int
    refresh_days: int
    previous_key: bytes | None = field(default=None, repr=False)
    """What it signed is believed; nothing is signed with it."""

    def issue_access(self, claims: Claims, now: datetime) -> tuple[str, datetime]:
        """A token and the instant at which it ends."""
        expires_at = (now + timedelta(minutes=self.access_minutes)).replace(microsecond=0)
        payload = {
            "iss": _ISSUER,
            "sub": str(claims.user_id),
            "sid": str(claims.session_id),
            "iat": now,
            "exp": expires_at,
        }
        return jwt.encode(payload, self.key, algorithm=self.algorithm), expires_at

    def read_access(self, token: str) -> tuple[Claims, datetime]:
        """What it claims, and the instant at which it ends.

        Raises:
            Unauthenticated: it is not one of ours, was altered, or has ended.
        """
        try:
            payload = self._payload(token, require=["exp", "sub", "sid"])
            claims = Claims(user_id=UUID(payload["sub"]), session_id=UUID(payload["sid"]))
            return claims, datetime.fromtimestamp(payload["exp"], UTC)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(
                "The access token has expired. Get a new one with refreshSession."
            ) from None
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthenticated("The access token is not valid. Get one with logIn.") from None

    def issue_refresh(self, session_id: UUID, now: datetime) -> tuple[str, datetime]:
        """A token and the instant at which it, and the session with it, ends."""
        expires_at = (now + timedelta(days=self.refresh_days)).replace(microsecond=0)
        payload = {
            "iss": _ISSUER,
            "aud": _REFRESH_AUDIENCE,
            "sid": str(session_id),
            "jti": secrets.token_urlsafe(16),
            "exp": expires_at,
        }
        return jwt.encode(payload, self.key, algorithm=self.algorithm), expires_at

    def read_refresh(self, token: str) -> UUID | None:
        """The session it was made for, spent or not; None when it is not one of ours or has ended."""
        try:
            payload = self._payload(token, require=["exp", "sid", "jti"], audience=_REFRESH_AUDIENCE)
            return UUID(payload["sid"])
        except (jwt.InvalidTokenError, ValueError):
            return None

    def mark(self, text: str) -> str:
        """What is stored of something that is easily guessed: only this server can tell whether it fits."""
        return _mark(self.key, text)

    def marks(self, text: str) -> list[str]:
        """What may have been stored of it."""
        return [_mark(key, text) for key in (self.key, self.previous_key) if key is not None]

    def _payload(self, token: str, *, require: list[str], audience: str | None = None) -> dict[str, Any]:
        """
        Raises:
            jwt.InvalidTokenError: none of the keys has signed it, or it does not hold.
        """

        def read(key: bytes) -> dict[str, Any]:
            payload: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[self.algorithm],
                issuer=_ISSUER,
                audience=audience,
                options={"require": require, "enforce_minimum_key_length": True},
            )
            return payload

        try:
            return read(self.key)
        except jwt.InvalidSignatureError:
            if self.previous_key is None:
                raise
            return read(self.previous_key)


def _mark(key: bytes, text: str) -> str:
    return hmac.new(key, b"mark:" + text.encode(), hashlib.sha256).hexdigest()


def fingerprint(token: str) -> str:
    """What is stored of a refresh token or an API key. They are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
