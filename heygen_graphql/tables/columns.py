"""What the tables' columns are made of."""

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON as SqlJson
from sqlalchemy import Column, DateTime, Dialect, ForeignKey, MetaData, TypeDecorator, Uuid
from sqlalchemy import Enum as SqlEnum
from sqlmodel import SQLModel

# Named constraints, so that a migration on SQLite can find the one it replaces.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata

# None is the database's NULL, not JSON's null.
NULLABLE_JSON = SqlJson(none_as_null=True)


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


def in_values(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def enum_type(values: type[StrEnum]) -> SqlEnum:
    # Text and a CHECK of our own: a native enumeration cannot lose or rename a value in a migration.
    return SqlEnum(values, native_enum=False, create_constraint=False, length=20, values_callable=list)


def owner_column() -> Column[UUID]:
    return Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
