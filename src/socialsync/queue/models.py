"""Our own tables of the queue engine. Procrastinate's are its own; ours never appear in its migrations."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import NOW, Base


class Schedule(Base):
    """A job that is deferred again and again, by cron in its zone or every so many seconds.

    Seeded once from ``timetable.py``, then the operators': ``removed_at`` keeps a removed one from being
    seeded again.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint("num_nonnulls(cron, every_s) = 1", name="cron_or_every"),
        CheckConstraint("every_s >= 0.1", name="every"),
        Index("ix_schedules_due", "next_at", postgresql_where=text("enabled and removed_at is null")),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str]
    cron: Mapped[str | None]
    every_s: Mapped[float | None]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    args: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    queue: Mapped[str | None]
    expires_s: Mapped[float | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    next_at: Mapped[datetime]
    last_at: Mapped[datetime | None]
    last_job_id: Mapped[int | None] = mapped_column(BigInteger)
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
