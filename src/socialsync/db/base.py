"""What every table has: names for its constraints, uuid7 keys, times in UTC, and its workspace."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Dialect, ForeignKey, MetaData, Text, TypeDecorator, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from typing_extensions import override

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

NOW = text("now()")


class UtcDateTime(TypeDecorator[datetime]):
    """``timestamptz`` that takes aware times only and gives them back in UTC.

    Raises:
        ValueError: for a naive time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"A naive time cannot be stored: {value.isoformat()}")
        return value

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text, datetime: UtcDateTime, dict[str, Any]: JSONB, list[Any]: JSONB}


class Row(Base):
    """A row with a uuid7 key (sortable by birth) and the times of its birth and last change."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class TenantRow(Row):
    """A row of one workspace: walled by row-level security, pointed at by ``(workspace_id, id)``."""

    __abstract__ = True

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))

    @classmethod
    def table_args(cls, *arguments: Any) -> tuple[Any, ...]:
        """The unique key that composite foreign keys point at, and what else the table needs."""
        return (UniqueConstraint("workspace_id", "id"), *arguments)
