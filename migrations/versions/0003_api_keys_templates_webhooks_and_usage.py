"""api keys templates webhooks and usage"""

import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from heygen_graphql.errors import HeygenError

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _fold_emails()
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("prefix", sa.String(20), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_api_keys_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(
            "ix_api_keys_owner_id_created_at_id", ["owner_id", "created_at", "id"], unique=False
        )

    op.create_table(
        "templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("storyboard", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_templates_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
    )
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.create_index(
            "ix_templates_owner_id_created_at_id", ["owner_id", "created_at", "id"], unique=False
        )

    op.create_table(
        "usage",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("videos_completed", sa.Integer(), nullable=False),
        sa.Column("seconds_rendered", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_usage_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "month", name=op.f("pk_usage")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("previous_secret", sa.String(100), nullable=True),
        sa.Column("previous_secret_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_webhooks_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhooks_owner_id_created_at_id", ["owner_id", "created_at", "id"], unique=False
        )

    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(64), nullable=False),
        sa.Column("event", sa.String(30), nullable=False),
        sa.Column("video_event_id", sa.Integer(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("failure", sa.String(300), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('PENDING', 'DELIVERED', 'FAILED')", name=op.f("ck_webhook_deliveries_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_webhook_deliveries_owner_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name=op.f("fk_webhook_deliveries_webhook_id_webhooks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "webhook_id", "video_event_id", name=op.f("uq_webhook_deliveries_webhook_id_video_event_id")
        ),
    )
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_deliveries_owner_id_created_at_id", ["owner_id", "created_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_webhook_deliveries_status_next_attempt_at", ["status", "next_attempt_at"], unique=False
        )

    # Without batches: those would copy tables that others refer to.
    op.add_column("users", sa.Column("monthly_seconds_limit", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("concurrent_limit", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_users_deleted_at", "users", ["deleted_at"], unique=False)
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"], unique=False)
    op.add_column("sessions", sa.Column("origin", sa.String(64), nullable=True))
    op.add_column("video_events", sa.Column("fanned_out_at", sa.DateTime(timezone=True), nullable=True))
    # There were no webhooks to tell of what has happened so far.
    op.execute("UPDATE video_events SET fanned_out_at = created_at")
    op.create_index(
        "ix_video_events_not_fanned_out",
        "video_events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("fanned_out_at IS NULL"),
        postgresql_where=sa.text("fanned_out_at IS NULL"),
    )
    # The defaults are for the rows that are there: NOT NULL needs something for them.
    op.add_column(
        "videos", sa.Column("search_text", sa.String(), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("videos", sa.Column("estimated_seconds", sa.Float(), nullable=False, server_default="0"))
    # Every video that is asked for is counted with its owner's unfinished ones.
    op.create_index(
        "ix_videos_unfinished_owner_id",
        "videos",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
        postgresql_where=sa.text("status IN ('PENDING', 'PROCESSING')"),
    )
    # The sweep looks for them every few seconds.
    op.create_index(
        "ix_videos_deleted",
        "videos",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    _fold_texts()
    _count_usage()


def _fold_texts() -> None:
    """As the videos that are made from now on have it; searching looks nowhere else."""
    connection = op.get_bind()
    videos = sa.table("videos", *(sa.column(name) for name in ("id", "title", "script", "search_text")))
    rows = connection.execute(sa.select(videos.c.id, videos.c.title, videos.c.script)).all()
    for video_id, title, script in rows:
        folded = unicodedata.normalize(
            "NFC", unicodedata.normalize("NFC", f"{title or ''}\n{script}").casefold()
        )
        connection.execute(videos.update().where(videos.c.id == video_id).values(search_text=folded))


def _fold_emails() -> None:
    """Until now keys were folded by case alone; `_email_key` folds by Unicode form, too."""
    users = sa.table(
        "users", sa.column("id", sa.Uuid()), sa.column("email", sa.Text()), sa.column("email_key", sa.Text())
    )
    connection = op.get_bind()
    owners: dict[str, str] = {}
    changes = []
    for id_, email, key in connection.execute(sa.select(users.c.id, users.c.email, users.c.email_key)):
        folded = _email_key(email)
        if folded in owners:
            raise HeygenError(
                f"the accounts {owners[folded]!r} and {email!r} have one address, written in two Unicode forms; "
                "give one of them another in users.email and users.email_key, and migrate again"
            )
        owners[folded] = email
        if folded != key:
            changes.append((id_, folded))
    for id_, folded in changes:
        connection.execute(sa.update(users).where(users.c.id == id_).values(email_key=folded))


def _email_key(address: str) -> str:
    # As accounts.people has it today; a migration must go on doing what it did.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", address).casefold()).casefold()
    return unicodedata.normalize("NFKC", folded)


def _count_usage() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # SQLite keeps instants as text in UTC.
    month = (
        "substr(completed_at, 1, 7)" if is_sqlite else "to_char(completed_at AT TIME ZONE 'UTC', 'YYYY-MM')"
    )
    op.execute(
        f"INSERT INTO usage (owner_id, month, videos_completed, seconds_rendered) "
        f"SELECT owner_id, {month}, count(*), sum(coalesce(duration_seconds, 0)) "
        f"FROM videos WHERE status = 'COMPLETED' GROUP BY owner_id, {month}"
    )


def downgrade() -> None:
    op.drop_index("ix_videos_deleted", table_name="videos")
    op.drop_index("ix_videos_unfinished_owner_id", table_name="videos")
    op.drop_column("videos", "estimated_seconds")
    op.drop_column("videos", "search_text")
    op.drop_index("ix_video_events_not_fanned_out", table_name="video_events")
    op.drop_column("video_events", "fanned_out_at")
    op.drop_column("sessions", "origin")
    op.drop_index("ix_users_created_at_id", table_name="users")
    op.drop_index("ix_users_deleted_at", table_name="users")
    op.drop_column("users", "deleted_at")
    op.drop_column("users", "concurrent_limit")
    op.drop_column("users", "monthly_seconds_limit")

    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_deliveries_status_next_attempt_at")
        batch_op.drop_index("ix_webhook_deliveries_owner_id_created_at_id")

    op.drop_table("webhook_deliveries")
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.drop_index("ix_webhooks_owner_id_created_at_id")

    op.drop_table("webhooks")
    op.drop_table("usage")
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.drop_index("ix_templates_owner_id_created_at_id")

    op.drop_table("templates")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_api_keys_owner_id_created_at_id")

    op.drop_table("api_keys")
