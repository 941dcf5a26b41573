"""Access tokens (JWT, short-lived) and refresh tokens (random, remembered as a hash)."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import jwt

from heygen_graphql.errors import Unauthenticated

_ISSUER = "heygen_graphql"


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

    def read_access(self, token: str) -> Claims:
        """
        Raises:
            Unauthenticated: it is not one of ours, was altered, or has ended.
        """
        try:
            payload = jwt.decode(
                token,
                self.key,
                algorithms=[self.algorithm],
                issuer=_ISSUER,
                options={"require": ["exp", "sub", "sid"], "enforce_minimum_key_length": True},
            )
            return Claims(user_id=UUID(payload["sub"]), session_id=UUID(payload["sid"]))
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(
                "The access token has expired. Get a new one with refreshSession."
            ) from None
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthenticated("The access token is not valid. Get one with logIn.") from None

    def refresh_lifetime(self) -> timedelta:
        return timedelta(days=self.refresh_days)


def new_refresh_token() -> str:
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What is stored of a refresh token. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
