"""Videos, what happened to them, and what they are made from."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import JSON as SqlJson
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from heygen_graphql.tables.columns import (
    NULLABLE_JSON,
    UtcDateTime,
    enum_type,
    in_values,
    owner_column,
    utc_now,
)


class VideoStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        return self in (VideoStatus.COMPLETED, VideoStatus.FAILED, VideoStatus.CANCELED)


IS_UNFINISHED = text("status IN ('PENDING', 'PROCESSING')")
"""Of a video: it waits or is being rendered. SQLite uses the index for just these words."""
PREVIEW_SECONDS = 15
"""A video that is reckoned to play no longer is somebody's preview, who looks on while it is made."""
IS_WAITING = text("status = 'PENDING'")
IS_WAITING_PREVIEW = text(f"status = 'PENDING' AND estimated_seconds <= {PREVIEW_SECONDS}")
IS_UNDER_WAY = text("status = 'PROCESSING'")


class Video(SQLModel, table=True):
    """A video and, while it is rendered, the claim on it: the row is the truth, the queue only hints."""

    __tablename__: ClassVar[str] = "videos"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=owner_column())
    title: str | None = Field(default=None, max_length=200)
    request: dict[str, Any] = Field(sa_type=SqlJson)
    """What the owner asked for, before defaults were filled in: what updateVideo changes."""
    storyboard: dict[str, Any] = Field(sa_type=SqlJson)
    """`rendering.storyboard.Storyboard` as its `to_json` writes it: every default filled in."""
    script: str
    """All scenes' scripts, joined by line breaks."""
    search_text: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    """Title and script folded for searching, since databases disagree on what a capital letter is."""
    voice_id: str = Field(max_length=100)
    avatar_id: str = Field(max_length=100)
    language: str = Field(max_length=35)
    quality: str = Field(max_length=10)
    aspect_ratio: str = Field(max_length=10)
    caption_style: str = Field(max_length=10)
    client_metadata: Any = Field(default=None, sa_column=Column("metadata", NULLABLE_JSON))

    status: VideoStatus = Field(default=VideoStatus.PENDING, sa_type=enum_type(VideoStatus))
    stage: str | None = Field(default="QUEUED", max_length=12)
    progress: float = 0.0
    seconds_left: float | None = None
    """What the worker reckoned at `updated_at` would still be needed; None before it can tell."""
    version: int = 1
    """Grows with every change that a client can see."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    queued_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    """When it last became PENDING; the queue's order."""
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Gone for everybody; the row stays until its files are removed."""

    attempt: int = 0
    """Claims since the owner last asked for a render."""
    failures: int = 0
    """Of these, how many ended in an error rather than in a crash of the server."""
    losses: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many workers fell silent over it since the owner last asked for a render."""
    fence: int = 0
    """Grows with every claim, for ever: a worker whose fence is old can change nothing."""
    lease_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    hinted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Read only by processes of before revision 0005, which may still run: to be dropped by a later one."""
    request_id: str | None = Field(default=None, max_length=100)
    """Of the request that last asked for a render: logs of the render carry it, too."""
    trace_parent: str | None = Field(default=None, max_length=55)
    """That request's place in a trace (W3C Trace Context, 3.2), where it had one."""

    files_prefix: str | None = Field(default=None, max_length=200)
    """Where the finished files lie in storage."""
    estimated_seconds: float = Field(default=0.0, sa_column_kwargs={"server_default": "0"})
    """What it was reckoned to play when asked for; until it has ended it counts against its owner's month."""
    duration_seconds: float | None = None
    file_size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    processing_seconds: float | None = None
    sha256: str | None = Field(default=None, max_length=64)
    transcript: list[dict[str, Any]] | None = Field(default=None, sa_type=NULLABLE_JSON)
    scene_timings: list[dict[str, float | bool]] | None = Field(default=None, sa_type=NULLABLE_JSON)
    quality_report: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    failure_code: str | None = Field(default=None, max_length=50)
    failure_message: str | None = Field(default=None, max_length=500)
    failure_is_retryable: bool | None = None

    __table_args__ = (
        CheckConstraint(in_values("status", VideoStatus), name="status_known"),
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress_in_range"),
        CheckConstraint(
            "status <> 'COMPLETED' OR (files_prefix IS NOT NULL AND completed_at IS NOT NULL)",
            name="completed_has_files",
        ),
        CheckConstraint("status <> 'FAILED' OR failure_code IS NOT NULL", name="failed_has_reason"),
        CheckConstraint(
            "status <> 'PROCESSING' OR lease_expires_at IS NOT NULL", name="processing_has_lease"
        ),
        Index("ix_videos_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_videos_owner_id_updated_at_id", "owner_id", "updated_at", "id"),
        Index("ix_videos_status_queued_at_id", "status", "queued_at", "id"),
        Index(
            "ix_videos_unfinished_owner_id",
            "owner_id",
            sqlite_where=IS_UNFINISHED,
            postgresql_where=IS_UNFINISHED,
        ),
        # An owner's line, from its head, and what is under way of theirs: by these a worker chooses.
        Index(
            "ix_videos_waiting_owner_id_queued_at_id",
            *("owner_id", "queued_at", "id"),
            sqlite_where=IS_WAITING,
            postgresql_where=IS_WAITING,
        ),
        Index(
            "ix_videos_waiting_preview_owner_id_queued_at_id",
            *("owner_id", "queued_at", "id"),
            sqlite_where=IS_WAITING_PREVIEW,
            postgresql_where=IS_WAITING_PREVIEW,
        ),
        Index(
            "ix_videos_under_way_owner_id",
            "owner_id",
            sqlite_where=IS_UNDER_WAY,
            postgresql_where=IS_UNDER_WAY,
        ),
        Index(
            "ix_videos_waiting_again_attempt",
            "attempt",
            sqlite_where=text("status = 'PENDING' AND attempt > 0"),
            postgresql_where=text("status = 'PENDING' AND attempt > 0"),
        ),
        Index(
            "ix_videos_deleted",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )


class VideoEvent(SQLModel, table=True):
    """A change of a video's status, written in the transaction that made it."""

    __tablename__: ClassVar[str] = "video_events"

    id: int | None = Field(default=None, primary_key=True)
    video_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("videos.id", ondelete="CASCADE"), nullable=False)
    )
    version: int
    fence: int
    status: VideoStatus = Field(sa_type=enum_type(VideoStatus))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    fanned_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its webhook deliveries were written; None until they are."""

    __table_args__ = (
        UniqueConstraint("video_id", "version"),
        CheckConstraint(in_values("status", VideoStatus), name="status_known"),
        Index(
            "ix_video_events_not_fanned_out",
            "id",
            sqlite_where=text("fanned_out_at IS NULL"),
            postgresql_where=text("fanned_out_at IS NULL"),
        ),
    )


class IdempotencyKey(SQLModel, table=True):
    """What a key was first used for, remembered for a day."""

    __tablename__: ClassVar[str] = "idempotency_keys"

    owner_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    )
    key: str = Field(primary_key=True, max_length=255)
    request_hash: str = Field(max_length=64)
    """SHA-256 of the input, by which another body under the same key is recognised."""
    video_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("videos.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)


class Template(SQLModel, table=True):
    """A video to be made again and again, with {{names}} where its scripts differ."""

    __tablename__: ClassVar[str] = "templates"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=owner_column())
    name: str = Field(max_length=100)
    request: dict[str, Any] = Field(sa_type=SqlJson)
    """`videos.VideoRequest` as its `to_dict` writes it, the {{names}} in place."""
    storyboard: dict[str, Any] = Field(sa_type=SqlJson)
    """What it shows: the request with its defaults filled in, the {{names}} in place."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_templates_owner_id_created_at_id", "owner_id", "created_at", "id"),)
