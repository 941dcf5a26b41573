"""Every table. Rules that must hold whatever the code does are constraints here, not checks elsewhere."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import JSON as SqlJson
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy import Enum as SqlEnum
from sqlmodel import Field, SQLModel

# Named constraints, so that a migration on SQLite can find the one it replaces.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC on every backend; SQLite alone would hand back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime reached the database: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


class VideoStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        return self in (VideoStatus.COMPLETED, VideoStatus.FAILED, VideoStatus.CANCELED)


class AssetState(StrEnum):
    AWAITING_BYTES = "AWAITING_BYTES"
    COMPLETE = "COMPLETE"


class WebhookDeliveryStatus(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


def _in_values(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def _enum_type(values: type[StrEnum]) -> SqlEnum:
    # Text and a CHECK of our own: a native enumeration cannot lose or rename a value in a migration.
    return SqlEnum(values, native_enum=False, create_constraint=False, length=20, values_callable=list)


IS_UNFINISHED = text("status IN ('PENDING', 'PROCESSING')")
"""Of a video: it waits or is being rendered. SQLite uses the index for just these words."""

# None is the database's NULL, not JSON's null.
_NULLABLE_JSON = SqlJson(none_as_null=True)


def _owner_column() -> Column[UUID]:
    return Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


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
    user_id: UUID = Field(sa_column=_owner_column())
    token_hash: str = Field(max_length=64, unique=True)
    """SHA-256 of the refresh token that is valid now."""
    origin: str | None = Field(default=None, max_length=64)
    """`Tokens.mark` of the address that signed in, by which it is known again."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    refreshed_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)

    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)


class Video(SQLModel, table=True):
    """A video and, while it is rendered, the claim on it: the row is the truth, the queue only hints."""

    __tablename__: ClassVar[str] = "videos"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=_owner_column())
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
    client_metadata: Any = Field(default=None, sa_column=Column("metadata", _NULLABLE_JSON))

    status: VideoStatus = Field(default=VideoStatus.PENDING, sa_type=_enum_type(VideoStatus))
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
    """When the queue is to be told of it again, if nobody has taken it by then."""
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
    transcript: list[dict[str, Any]] | None = Field(default=None, sa_type=_NULLABLE_JSON)
    scene_timings: list[dict[str, float | bool]] | None = Field(default=None, sa_type=_NULLABLE_JSON)
    quality_report: dict[str, Any] | None = Field(default=None, sa_type=_NULLABLE_JSON)
    failure_code: str | None = Field(default=None, max_length=50)
    failure_message: str | None = Field(default=None, max_length=500)
    failure_is_retryable: bool | None = None

    __table_args__ = (
        CheckConstraint(_in_values("status", VideoStatus), name="status_known"),
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
        Index(
            "ix_videos_deleted",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )


class VideoScene(SQLModel, table=True):
    """A scene that a video under way still lacks, and the claim on it of the worker that renders it.

    Rows are those of one claim of the video; whoever claims the video anew plans anew.
    """

    __tablename__: ClassVar[str] = "video_scenes"

    video_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True)
    )
    key: str = Field(max_length=64, primary_key=True)
    """Of its segment (`rendering.segments.segment_keys`)."""
    position: int
    """Of the first of the storyboard's scenes that it is."""
    weight: float
    """Its share of the work that the video takes; only proportions count."""
    video_fence: int
    """The claim of the video that it belongs to."""
    fence: int = 0
    """Grows with every claim of the scene."""
    lease_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """None while nobody has it."""
    progress: float = 0.0
    is_done: bool = False
    """Its segment is stored."""


class Worker(SQLModel, table=True):
    """A process that renders, as it last told of itself."""

    __tablename__: ClassVar[str] = "workers"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str = Field(max_length=200)
    """Its host and process number."""
    version: str = Field(max_length=50)
    renders_at_once: int
    started_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_workers_seen_at", "seen_at"),)


class VideoEvent(SQLModel, table=True):
    """A change of a video's status, written in the transaction that made it."""

    __tablename__: ClassVar[str] = "video_events"

    id: int | None = Field(default=None, primary_key=True)
    video_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("videos.id", ondelete="CASCADE"), nullable=False)
    )
    version: int
    fence: int
    status: VideoStatus = Field(sa_type=_enum_type(VideoStatus))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    fanned_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its webhook deliveries were written; None until they are."""

    __table_args__ = (
        UniqueConstraint("video_id", "version"),
        CheckConstraint(_in_values("status", VideoStatus), name="status_known"),
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


class Asset(SQLModel, table=True):
    """A file of its owner's: announced, then sent, then complete and never changed again."""

    __tablename__: ClassVar[str] = "assets"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=_owner_column())
    filename: str = Field(max_length=255)
    """As the owner calls it; no path is ever made of it."""
    content_type: str = Field(max_length=50)
    size_bytes: int = Field(sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    """In hexadecimal: as announced, if it was, and as measured once it is COMPLETE."""
    storage_key: str | None = Field(default=None, max_length=200, unique=True)
    """Where the bytes that came last lie; no key is used twice. None before any have come."""
    state: AssetState = Field(default=AssetState.AWAITING_BYTES, sa_type=_enum_type(AssetState))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Gone for everybody; the row stays until its file is removed."""

    __table_args__ = (
        CheckConstraint(_in_values("state", AssetState), name="state_known"),
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
    owner_id: UUID = Field(sa_column=_owner_column())
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


class ApiKey(SQLModel, table=True):
    """What a program signs in with instead of a person's session."""

    __tablename__: ClassVar[str] = "api_keys"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=_owner_column())
    name: str = Field(max_length=100)
    prefix: str = Field(max_length=20)
    """The key's first characters, to recognise it by."""
    key_hash: str = Field(max_length=64, unique=True)
    """SHA-256 of the whole key, which is random enough to need no slow hash."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_api_keys_owner_id_created_at_id", "owner_id", "created_at", "id"),)


class Template(SQLModel, table=True):
    """A video to be made again and again, with {{names}} where its scripts differ."""

    __tablename__: ClassVar[str] = "templates"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=_owner_column())
    name: str = Field(max_length=100)
    request: dict[str, Any] = Field(sa_type=SqlJson)
    """`videos.VideoRequest` as its `to_dict` writes it, the {{names}} in place."""
    storyboard: dict[str, Any] = Field(sa_type=SqlJson)
    """What it shows: the request with its defaults filled in, the {{names}} in place."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_templates_owner_id_created_at_id", "owner_id", "created_at", "id"),)


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


class Webhook(SQLModel, table=True):
    """Where an owner's events are sent."""

    __tablename__: ClassVar[str] = "webhooks"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=_owner_column())
    url: str = Field(max_length=2000)
    events: list[str] = Field(sa_type=SqlJson)
    is_active: bool = True
    secret: str = Field(max_length=100)
    """As Standard Webhooks writes it: whsec_ and base64."""
    previous_secret: str | None = Field(default=None, max_length=100)
    previous_secret_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Until then the previous secret signs, too."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_webhooks_owner_id_created_at_id", "owner_id", "created_at", "id"),)


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one webhook."""

    __tablename__: ClassVar[str] = "webhook_deliveries"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=_owner_column())
    webhook_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False)
    )
    message_id: str = Field(max_length=64)
    """The header webhook-id: a replay carries the first delivery's, so that a receiver can tell."""
    event: str = Field(max_length=30)
    video_event_id: int | None = None
    """What it tells of; None for a ping and a replay. The row may be gone: videos are deleted."""
    payload: dict[str, Any] = Field(sa_type=SqlJson)
    status: WebhookDeliveryStatus = Field(
        default=WebhookDeliveryStatus.PENDING, sa_type=_enum_type(WebhookDeliveryStatus)
    )
    attempts: int = 0
    response_status: int | None = None
    """What the last attempt was answered with; None when there was no answer."""
    failure: str | None = Field(default=None, max_length=300)
    """Why the last attempt failed, in words."""
    next_attempt_at: datetime | None = Field(default_factory=utc_now, sa_type=UtcDateTime)
    """When it is due; while it is being sent, when it may be taken over. None when it is at its end."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        CheckConstraint(_in_values("status", WebhookDeliveryStatus), name="status_known"),
        UniqueConstraint("webhook_id", "video_event_id"),
        Index("ix_webhook_deliveries_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_webhook_deliveries_status_next_attempt_at", "status", "next_attempt_at"),
    )
