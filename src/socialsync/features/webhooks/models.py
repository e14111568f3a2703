"""What came in by webhook, before anything is made of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import Base, Row


class WebhookEvent(Row):
    """One body, in its bytes; the same body again only counts up ``times``. ``problem`` says what of it could
    not be read, ``parts`` how many of which kinds were in it, and which of them wait for their message. A row
    of the system: it may be about many workspaces.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        CheckConstraint("platform in ('whatsapp', 'instagram')", name="platform"),
        Index("ix_webhook_events_unhandled", "id", postgresql_where=text("handled_at is null")),
        Index(None, "created_at"),
    )

    platform: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    times: Mapped[int] = mapped_column(server_default=text("1"))
    problem: Mapped[str | None]
    parts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    handled_at: Mapped[datetime | None]


class Pulse(Base):
    """When somebody who has to be there was there last. A row of the system."""

    __tablename__ = "pulses"
    __table_args__ = {
        "comment": "When somebody who has to be there was there last: the web door, for webhooks"
    }

    name: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]
