"""Rendering shared by many processes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import Column, ForeignKey, Index, Uuid
from sqlmodel import Field, SQLModel

from heygen_graphql.tables.columns import (
    UtcDateTime,
    utc_now,
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
    participant_id: UUID | None = None
    """Who renders it: one worker's part in the video, which may be several scenes at once. None: nobody."""
    lease_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its participant is taken for lost, unless it is heard of; set with `participant_id`."""
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
