"""One database for all: SQLite on one machine, PostgreSQL for many."""

from heygen_graphql.database.engines import MIGRATING, Bounds, open_engine
from heygen_graphql.database.faults import DatabaseAway, is_passing_fault, unavailable
from heygen_graphql.database.migrating import (
    MIGRATION_LOCK,
    alembic_config,
    migrate,
    reaching,
    require_newest_schema,
)
from heygen_graphql.database.transactions import Database

__all__ = [
    "MIGRATING",
    "MIGRATION_LOCK",
    "Bounds",
    "Database",
    "DatabaseAway",
    "alembic_config",
    "is_passing_fault",
    "migrate",
    "open_engine",
    "reaching",
    "require_newest_schema",
    "unavailable",
]
