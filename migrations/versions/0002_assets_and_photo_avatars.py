"""assets and photo avatars"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "assets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("content_type", sa.String(50), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("storage_key", sa.String(200), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'COMPLETE' OR (sha256 IS NOT NULL AND storage_key IS NOT NULL)",
            name=op.f("ck_assets_complete_has_file"),
        ),
        sa.CheckConstraint("state IN ('AWAITING_BYTES', 'COMPLETE')", name=op.f("ck_assets_state_known")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_assets_size_positive")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_assets_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_assets_storage_key")),
    )
    with op.batch_alter_table("assets", schema=None) as batch_op:
        batch_op.create_index("ix_assets_deleted_at", ["deleted_at"], unique=False)
        batch_op.create_index(
            "ix_assets_owner_id_created_at_id", ["owner_id", "created_at", "id"], unique=False
        )
        batch_op.create_index("ix_assets_state_created_at", ["state", "created_at"], unique=False)

    op.create_table(
        "photo_avatars",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("avatar_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("consent_given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("files_prefix", sa.String(200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "deleted_at IS NOT NULL OR files_prefix IS NOT NULL",
            name=op.f("ck_photo_avatars_usable_has_files"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_photo_avatars_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_avatars")),
        sa.UniqueConstraint("avatar_id", name=op.f("uq_photo_avatars_avatar_id")),
    )
    with op.batch_alter_table("photo_avatars", schema=None) as batch_op:
        batch_op.create_index("ix_photo_avatars_deleted_at", ["deleted_at"], unique=False)
        batch_op.create_index(
            "ix_photo_avatars_owner_id_created_at_id", ["owner_id", "created_at", "id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("photo_avatars", schema=None) as batch_op:
        batch_op.drop_index("ix_photo_avatars_owner_id_created_at_id")
        batch_op.drop_index("ix_photo_avatars_deleted_at")

    op.drop_table("photo_avatars")
    with op.batch_alter_table("assets", schema=None) as batch_op:
        batch_op.drop_index("ix_assets_state_created_at")
        batch_op.drop_index("ix_assets_owner_id_created_at_id")
        batch_op.drop_index("ix_assets_deleted_at")

    op.drop_table("assets")
