"""People, conversations, messages in and out. States: docs/states.md."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow

_OF_CHANNEL = (["workspace_id", "channel_id"], ["channels.workspace_id", "channels.id"])
_OF_CONVERSATION = (["workspace_id", "conversation_id"], ["conversations.workspace_id", "conversations.id"])
_OF_MESSAGE = (["workspace_id", "message_id"], ["messages.workspace_id", "messages.id"])


class Contact(TenantRow):
    """A person, as one channel knows them: by the platform's own id (business-scoped on WhatsApp) when it is
    told, else by phone. A phone belongs to whoever wrote from it last.
    """

    __tablename__ = "contacts"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(*_OF_CHANNEL),
        Index(
            "uq_contacts_user_id",
            "workspace_id",
            "channel_id",
            "user_id",
            unique=True,
            postgresql_where=sql("user_id is not null"),
        ),
        Index(
            "uq_contacts_phone",
            "workspace_id",
            "channel_id",
            "phone",
            unique=True,
            postgresql_where=sql("phone is not null"),
        ),
    )

    channel_id: Mapped[UUID]
    user_id: Mapped[str | None]
    phone: Mapped[str | None]
    name: Mapped[str | None]
    username: Mapped[str | None]


class Conversation(TenantRow):
    """All that is said between a channel and a person. ``mode`` says who has the floor; what was told before
    ``handed_back_at`` asks the AI for nothing. ``needs_person_at`` is set while a person is waited for.
    """

    __tablename__ = "conversations"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(*_OF_CHANNEL),
        ForeignKeyConstraint(["workspace_id", "contact_id"], ["contacts.workspace_id", "contacts.id"]),
        UniqueConstraint("workspace_id", "channel_id", "contact_id"),
        CheckConstraint("mode in ('ai', 'human')", name="mode"),
        CheckConstraint("(mode = 'human') = (taken_over_at is not null)", name="taken_over"),
    )

    channel_id: Mapped[UUID]
    contact_id: Mapped[UUID]
    mode: Mapped[str] = mapped_column(server_default="ai")
    taken_over_at: Mapped[datetime | None]
    taken_over_by: Mapped[str | None]
    handed_back_at: Mapped[datetime | None]
    needs_person_at: Mapped[datetime | None]
    needs_person_why: Mapped[str | None]
    last_inbound_at: Mapped[datetime | None]
    last_message_at: Mapped[datetime | None]
    outbox_position: Mapped[int] = mapped_column(server_default=sql("0"))


class MessageWindow(TenantRow):
    """A burst of messages that is answered as one. Open until ``closed_at``; handled once it has an outcome.

    ``waiting_since`` is when the first unanswered message came, through merged windows too; ``dropped``
    counts answers that were dropped because the person wrote on.
    """

    __tablename__ = "message_windows"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(*_OF_CONVERSATION),
        CheckConstraint(
            "outcome in ('answered', 'ignored', 'escalated', 'merged', 'taken_over')", name="outcome"
        ),
        CheckConstraint("(ended_at is null) = (outcome is null)", name="ended"),
        Index(
            "uq_message_windows_open",
            "workspace_id",
            "conversation_id",
            unique=True,
            postgresql_where=sql("closed_at is null and ended_at is null"),
        ),
        Index(
            "ix_message_windows_unended",
            "workspace_id",
            "conversation_id",
            "id",
            postgresql_where=sql("ended_at is null"),
        ),
        Index(None, "due_at", postgresql_where=sql("ended_at is null")),
    )

    conversation_id: Mapped[UUID]
    opened_at: Mapped[datetime]
    waiting_since: Mapped[datetime]
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    dropped: Mapped[int] = mapped_column(server_default=sql("0"))


class Message(TenantRow):
    """One message, in or out, under the platform's own id. ``told_at`` is the platform's time of it.
    ``unseen`` says that only its edit or deletion has come so far, and not the message itself.
    """

    __tablename__ = "messages"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(*_OF_CHANNEL),
        ForeignKeyConstraint(*_OF_CONVERSATION),
        ForeignKeyConstraint(
            ["workspace_id", "window_id"], ["message_windows.workspace_id", "message_windows.id"]
        ),
        CheckConstraint("direction in ('inbound', 'outbound')", name="direction"),
        CheckConstraint("author in ('customer', 'ai', 'operator', 'app', 'template')", name="author"),
        CheckConstraint(
            "status in ('received', 'queued', 'sending', 'sent', 'delivered', 'read', 'played', 'failed',"
            " 'unknown')",
            name="status",
        ),
        CheckConstraint("(direction = 'inbound') = (status = 'received')", name="received"),
        UniqueConstraint("workspace_id", "channel_id", "platform_message_id"),
        Index(None, "workspace_id", "conversation_id", "id"),
        Index(None, "workspace_id", "window_id", postgresql_where=sql("window_id is not null")),
    )

    channel_id: Mapped[UUID]
    conversation_id: Mapped[UUID]
    window_id: Mapped[UUID | None]
    platform_message_id: Mapped[str | None]
    direction: Mapped[str]
    author: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    reply_to: Mapped[str | None]
    status: Mapped[str]
    error: Mapped[str | None]
    told_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    unseen: Mapped[bool] = mapped_column(server_default=sql("false"))


class MessageMedia(TenantRow):
    """A file of a message, fetched by a job and kept here: the platform forgets it."""

    __tablename__ = "message_media"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(*_OF_MESSAGE),
        UniqueConstraint("workspace_id", "message_id", "place"),
        CheckConstraint("status in ('pending', 'stored', 'failed')", name="status"),
        CheckConstraint("(status = 'stored') = (content is not null)", name="stored"),
        Index("ix_message_media_pending", "updated_at", postgresql_where=sql("status = 'pending'")),
    )

    message_id: Mapped[UUID]
    place: Mapped[int]
    kind: Mapped[str]
    platform_media_id: Mapped[str | None]
    url: Mapped[str | None]
    mime_type: Mapped[str | None]
    file_name: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="pending")
    error: Mapped[str | None]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    size: Mapped[int | None] = mapped_column(BigInteger)


class MessageReaction(TenantRow):
    """What one side feels about a message of which the platform told: ours, theirs, or a broadcast's. Without
    an emoji it was taken back.
    """

    __tablename__ = "message_reactions"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(*_OF_CHANNEL),
        UniqueConstraint(
            "workspace_id",
            "channel_id",
            "platform_message_id",
            "direction",
            name="uq_message_reactions_target",
        ),
        CheckConstraint("direction in ('inbound', 'outbound')", name="direction"),
    )

    channel_id: Mapped[UUID]
    platform_message_id: Mapped[str]
    direction: Mapped[str]
    emoji: Mapped[str | None]
    told_at: Mapped[datetime]


class OutboxRow(TenantRow):
    """A message on its way out; its own id is the tracker that the platform gives back. ``sending_at`` is the
    committed intent: from then on the person may have got it. ``position`` is its place in its conversation.
    """

    __tablename__ = "outbox"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(*_OF_CONVERSATION),
        ForeignKeyConstraint(*_OF_MESSAGE),
        UniqueConstraint("workspace_id", "message_id"),
        UniqueConstraint("workspace_id", "conversation_id", "position"),
        Index(
            "ix_outbox_open",
            "workspace_id",
            "conversation_id",
            "position",
            postgresql_where=sql("finished_at is null"),
        ),
        Index(None, "updated_at", postgresql_where=sql("finished_at is null")),
    )

    conversation_id: Mapped[UUID]
    message_id: Mapped[UUID]
    position: Mapped[int]
    payload: Mapped[dict[str, Any]]
    not_before: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    settle_job_id: Mapped[int | None] = mapped_column(BigInteger)
    pauses: Mapped[int] = mapped_column(SmallInteger, server_default=sql("0"))


class ExpectedEcho(TenantRow):
    """Words that another room has sent to somebody in private: their echo is not a person who steps in."""

    __tablename__ = "expected_echoes"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(["workspace_id", "channel_id"], ["channels.workspace_id", "channels.id"]),
        Index(None, "workspace_id", "channel_id"),
    )

    channel_id: Mapped[UUID]
    text: Mapped[str]
    sent_at: Mapped[datetime]
    echo_id: Mapped[str | None]
