"""many machines"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# An owner's line from its head, the previews in it, what is under way of theirs, and what waits again.
_PARTIAL_INDEXES = {
    "ix_videos_waiting_owner_id_queued_at_id": (("owner_id", "queued_at", "id"), "status = 'PENDING'"),
    "ix_videos_waiting_preview_owner_id_queued_at_id": (
        ("owner_id", "queued_at", "id"),
        "status = 'PENDING' AND estimated_seconds <= 15",
    ),
    "ix_videos_under_way_owner_id": (("owner_id",), "status = 'PROCESSING'"),
    "ix_videos_waiting_again_attempt": (("attempt",), "status = 'PENDING' AND attempt > 0"),
}


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("renders_at_once", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_seen_at", "workers", ["seen_at"])
    op.create_table(
        "video_scenes",
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("video_fence", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_video_scenes_video_id_videos"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("video_id", "key", name=op.f("pk_video_scenes")),
    )
    # One by one and not in a batch: on SQLite a batch makes the table anew, and its triggers would be lost.
    op.add_column("users", sa.Column("last_served_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("videos", sa.Column("losses", sa.Integer(), server_default="0", nullable=False))
    op.add_column("videos", sa.Column("request_id", sa.String(100), nullable=True))
    op.add_column("videos", sa.Column("trace_parent", sa.String(55), nullable=True))
    for name, (columns, condition) in _PARTIAL_INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "videos", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_index("ix_webhook_deliveries_created_at", "webhook_deliveries", ["created_at"])
    is_waiting = sa.text("status = 'PENDING'")
    op.create_index(
        "ix_webhook_deliveries_waiting_webhook_id",
        "webhook_deliveries",
        ["webhook_id"],
        sqlite_where=is_waiting,
        postgresql_where=is_waiting,
    )


def downgrade() -> None:
    op.drop_index("ix_webhook_deliveries_waiting_webhook_id", "webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_created_at", "webhook_deliveries")
    op.drop_index("ix_idempotency_keys_created_at", "idempotency_keys")
    op.drop_index("ix_sessions_expires_at", "sessions")
    for name in _PARTIAL_INDEXES:
        op.drop_index(name, "videos")
    op.drop_column("videos", "trace_parent")
    op.drop_column("videos", "request_id")
    op.drop_column("videos", "losses")
    op.drop_column("users", "last_served_at")
    op.drop_table("video_scenes")
    op.drop_table("workers")
