"""viewer versions"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Every table whose rows the API shows to their owner, and the columns whose change alone is no reason to
# read anything anew.
_OWNED: dict[str, frozenset[str]] = {
    "api_keys": frozenset({"last_used_at"}),
    "assets": frozenset(),
    "photo_avatars": frozenset(),
    "templates": frozenset(),
    "usage": frozenset(),
    # The queue's and the workers' own: they are written every few seconds, for many owners at once.
    "videos": frozenset({"hinted_at", "lease_expires_at"}),
    "webhook_deliveries": frozenset(),
    "webhooks": frozenset(),
}
# A step of random width: a version grows all the same, and after a restored backup or a failover that lost
# commits it is none that was there before.
_STEP = {
    "sqlite": "1 + abs(random() % 16777216)",
    "postgresql": "1 + floor(random() * 16777216)::bigint",
}


def upgrade() -> None:
    op.create_table(
        "viewer_versions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_viewer_versions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_viewer_versions")),
    )
    dialect = op.get_bind().dialect.name
    op.execute(f"INSERT INTO viewer_versions (user_id, version) SELECT id, {_STEP[dialect]} FROM users")
    for statement in _sqlite_triggers() if dialect == "sqlite" else _postgresql_triggers():
        op.execute(statement)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in ("users", *_OWNED):
        for event in ("insert", "update", "delete") if is_sqlite else ("insert", "change"):
            on_table = "" if is_sqlite else f" ON {table}"
            op.execute(f"DROP TRIGGER IF EXISTS viewer_version_{table}_{event}{on_table}")
    if not is_sqlite:
        for function in ("user_added", "user_changed", "owned_changed"):
            op.execute(f"DROP FUNCTION viewer_version_{function}()")
    op.drop_table("viewer_versions")


def _updates_of(table: str) -> str:
    """The event of a trigger, narrowed to the columns that count."""
    ignored = _OWNED.get(table, frozenset())
    if not ignored:
        return "UPDATE"
    columns = [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]
    return f"UPDATE OF {', '.join(name for name in columns if name not in ignored)}"


def _sqlite_triggers() -> Iterator[str]:
    step = _STEP["sqlite"]
    yield (
        "CREATE TRIGGER viewer_version_users_insert AFTER INSERT ON users BEGIN "
        f"INSERT INTO viewer_versions (user_id, version) VALUES (NEW.id, {step}); END"
    )
    events = {"insert": "NEW.{0}", "update": "OLD.{0}, NEW.{0}", "delete": "OLD.{0}"}
    for table in ("users", *_OWNED):
        for event, owners in events.items():
            if table == "users" and event != "update":
                continue
            when = _updates_of(table) if event == "update" else event.upper()
            owner = owners.format("id" if table == "users" else "owner_id")
            yield (
                f"CREATE TRIGGER viewer_version_{table}_{event} AFTER {when} ON {table} BEGIN "
                f"UPDATE viewer_versions SET version = version + {step} WHERE user_id IN ({owner}); END"
            )


def _postgresql_triggers() -> Iterator[str]:
    step = _STEP["postgresql"]
    # Once in a transaction is enough, and more would take time with the square: every update leaves a row that
    # the next has to step over until the commit. What deletes a webhook deletes its log, too.
    is_first = "xmin <> pg_current_xact_id()::xid"
    grow = f"UPDATE viewer_versions SET version = version + {step} WHERE {is_first} AND user_id ="
    yield _function(
        "user_added", f"INSERT INTO viewer_versions (user_id, version) VALUES (NEW.id, {step}); RETURN NULL;"
    )
    yield _function("user_changed", f"{grow} NEW.id; RETURN NULL;")
    yield _function(
        "owned_changed",
        f"IF TG_OP = 'INSERT' THEN {grow} NEW.owner_id; ELSE {grow} OLD.owner_id; END IF; "
        f"IF TG_OP = 'UPDATE' AND NEW.owner_id <> OLD.owner_id THEN {grow} NEW.owner_id; END IF; "
        "RETURN NULL;",
    )
    yield (
        "CREATE TRIGGER viewer_version_users_insert AFTER INSERT ON users "
        "FOR EACH ROW EXECUTE FUNCTION viewer_version_user_added()"
    )
    for table in ("users", *_OWNED):
        events, function = f"INSERT OR DELETE OR {_updates_of(table)}", "owned_changed"
        if table == "users":
            events, function = "UPDATE", "user_changed"
        # Deferred to the commit: whoever waits for a version's lock then waits for nothing else, so
        # transactions of one owner, however many rows they change, cannot wait for each other in a circle.
        yield (
            f"CREATE CONSTRAINT TRIGGER viewer_version_{table}_change AFTER {events} ON {table} "
            "DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION viewer_version_{function}()"
        )


def _function(name: str, body: str) -> str:
    return (
        f"CREATE FUNCTION viewer_version_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
    )
