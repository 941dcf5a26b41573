"""People, and what they sign in with and may use."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Uuid
from sqlmodel import Field, SQLModel

from heygen_graphql.tables.columns import (
    UtcDateTime,
    owner_column,
    utc_now,
)


class User(SQLModel, table=True):
    __tablename__: ClassVar[str] = "users"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(max_length=254)
    """As the person writes it."""
    email_key: str = Field(max_length=254, unique=True)
    """`accounts.people.email_key`: two accounts never differ by case or Unicode form alone."""
    full_name: str | None = Field(default=None, max_length=200)
    password_hash: str
    is_active: bool = True
    is_superuser: bool = False
    monthly_seconds_limit: int | None = None
    """Seconds of finished video in a calendar month (UTC); None leaves it to the server's setting."""
    concurrent_limit: int | None = None
    """Renders at once; None leaves it to the server's setting."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    last_login_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_served_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When a worker last took up a video of theirs: whoever waits and was served longest ago is next."""
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Nobody's account any more; the row stays until all that was its owner's is removed."""

    __table_args__ = (
        Index("ix_users_deleted_at", "deleted_at"),
        Index("ix_users_created_at_id", "created_at", "id"),
    )


class ViewerVersion(SQLModel, table=True):
    """Grows with every change of a row that the API shows to this user.

    Written by the database's own triggers (migration 0004) in the transaction of the change, whoever makes
    it. What is read after a version is never older than that version.
    """

    __tablename__: ClassVar[str] = "viewer_versions"

    user_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    version: int = Field(sa_type=BigInteger)


class Session(SQLModel, table=True):
    """One sign-in. Its refresh token changes at every use; an old one that comes back ends the session."""

    __tablename__: ClassVar[str] = "sessions"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID = Field(sa_column=owner_column())
    token_hash: str = Field(max_length=64, unique=True)
    """SHA-256 of the refresh token that is valid now."""
    origin: str | None = Field(default=None, max_length=64)
    """`Tokens.mark` of the address that signed in, by which it is known again."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    refreshed_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_sessions_user_id", "user_id"),
        Index("ix_sessions_expires_at", "expires_at"),
    )


class ApiKey(SQLModel, table=True):
    """What a program signs in with instead of a person's session."""

    __tablename__: ClassVar[str] = "api_keys"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=owner_column())
    name: str = Field(max_length=100)
    prefix: str = Field(max_length=20)
    """The key's first characters, to recognise it by."""
    key_hash: str = Field(max_length=64, unique=True)
    """SHA-256 of the whole key, which is random enough to need no slow hash."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_api_keys_owner_id_created_at_id", "owner_id", "created_at", "id"),)


class Usage(SQLModel, table=True):
    """What a user's finished videos came to in one calendar month; deleting a video takes nothing back."""

    __tablename__: ClassVar[str] = "usage"

    owner_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    month: str = Field(primary_key=True, max_length=7)
    """Like 2026-11, in UTC."""
    videos_completed: int = 0
    seconds_rendered: float = 0.0
