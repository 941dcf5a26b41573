"""Files of users, and presenters made of them."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from heygen_graphql.tables.columns import (
    UtcDateTime,
    enum_type,
    in_values,
    owner_column,
    utc_now,
)


class AssetState(StrEnum):
    AWAITING_BYTES = "AWAITING_BYTES"
    COMPLETE = "COMPLETE"


class Asset(SQLModel, table=True):
    """A file of its owner's: announced, then sent, then complete and never changed again."""

    __tablename__: ClassVar[str] = "assets"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=owner_column())
    filename: str = Field(max_length=255)
    """As the owner calls it; no path is ever made of it."""
    content_type: str = Field(max_length=50)
    size_bytes: int = Field(sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    """In hexadecimal: as announced, if it was, and as measured once it is COMPLETE."""
    storage_key: str | None = Field(default=None, max_length=200, unique=True)
    """Where the bytes that came last lie; no key is used twice. None before any have come."""
    state: AssetState = Field(default=AssetState.AWAITING_BYTES, sa_type=enum_type(AssetState))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Gone for everybody; the row stays until its file is removed."""

    __table_args__ = (
        CheckConstraint(in_values("state", AssetState), name="state_known"),
        CheckConstraint("size_bytes > 0", name="size_positive"),
        CheckConstraint(
            "state <> 'COMPLETE' OR (sha256 IS NOT NULL AND storage_key IS NOT NULL)",
            name="complete_has_file",
        ),
        Index("ix_assets_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_assets_state_created_at", "state", "created_at"),
        Index("ix_assets_deleted_at", "deleted_at"),
    )


class PhotoAvatar(SQLModel, table=True):
    """A presenter made of a portrait, for its owner alone."""

    __tablename__: ClassVar[str] = "photo_avatars"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=owner_column())
    avatar_id: str = Field(max_length=40, unique=True)
    """The short name that inputs take: "photo-" and a few letters."""
    name: str = Field(max_length=100)
    consent_given_at: datetime = Field(sa_type=UtcDateTime)
    """When its owner said that they may use this person's likeness."""
    files_prefix: str | None = Field(default=None, max_length=200)
    """Where its rig and its preview lie; None once they are removed."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Gone for new videos; the row stays, so that the old ones can tell its name. Set while it is being made,
    too: what a crash leaves behind is removed like any deleted one's."""

    __table_args__ = (
        CheckConstraint("deleted_at IS NOT NULL OR files_prefix IS NOT NULL", name="usable_has_files"),
        Index("ix_photo_avatars_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_photo_avatars_deleted_at", "deleted_at"),
    )

    @property
    def rig_key(self) -> str:
        """The name of its rig in storage and in storyboards."""
        return f"{self.files_prefix}/rig"

    @property
    def preview_key(self) -> str:
        return f"{self.files_prefix}/preview.png"
