"""many machines"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


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


def downgrade() -> None:
    op.drop_column("videos", "trace_parent")
    op.drop_column("videos", "request_id")
    op.drop_column("videos", "losses")
    op.drop_column("users", "last_served_at")
    op.drop_table("video_scenes")
    op.drop_table("workers")
