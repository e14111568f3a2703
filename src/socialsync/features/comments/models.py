"""Comments, our replies to them, and how far each post has been read. States: docs/states.md."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from socialsync.db.base import TenantRow


class Comment(TenantRow):
    """What somebody wrote under a medium of ours. ``work`` is what the job ``job_id`` has still to do.

    ``poll`` is the number of the poll that saw it first; None while only a webhook has told of it. A person's
    word stands in ``overruled_to``. ``parent_id`` is the platform's id of the comment that it answers.
    """

    __tablename__ = "comments"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("triage in ('pending', 'respond', 'ignore', 'escalate')", name="triage"),
        CheckConstraint("work in ('decide', 'answer', 'send', 'hide')", name="work"),
        CheckConstraint("overruled_to in ('RESPOND', 'IGNORE', 'ESCALATE')", name="overruled_to"),
        ForeignKeyConstraint(["workspace_id", "channel_id"], ["channels.workspace_id", "channels.id"]),
        ForeignKeyConstraint(["workspace_id", "post_id"], ["posts.workspace_id", "posts.id"]),
        ForeignKeyConstraint(
            ["workspace_id", "ai_decision_id"], ["ai_decisions.workspace_id", "ai_decisions.id"]
        ),
        UniqueConstraint("workspace_id", "channel_id", "platform_comment_id"),
        Index(None, "workspace_id", "post_id", "id"),
        Index(None, "workspace_id", "channel_id", "parent_id"),
        Index("ix_comments_work", "updated_at", postgresql_where=sql("work is not null")),
        Index(
            "ix_comments_overruled",
            "workspace_id",
            "overruled_at",
            postgresql_where=sql("overruled_at is not null"),
        ),
    )

    channel_id: Mapped[UUID]
    post_id: Mapped[UUID | None]
    media_id: Mapped[str | None]
    platform_comment_id: Mapped[str]
    parent_id: Mapped[str | None]
    text: Mapped[str]
    author_id: Mapped[str | None]
    username: Mapped[str | None]
    own: Mapped[bool] = mapped_column(server_default=sql("false"))
    said_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    hidden: Mapped[bool] = mapped_column(server_default=sql("false"))
    poll: Mapped[int | None] = mapped_column(BigInteger)
    triage: Mapped[str] = mapped_column(server_default=sql("'pending'"))
    ai_decision_id: Mapped[UUID | None]
    work: Mapped[str | None]
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str | None]
    overruled_to: Mapped[str | None]
    overruled_at: Mapped[datetime | None]
    overruled_by: Mapped[str | None]


class CommentReply(TenantRow):
    """What we answer. ``sending`` is the committed intent: from ``effect_at`` on the world may have seen it.
    ``under_id`` is the comment below which it is looked for; ``doubts`` counts the answers that were lost.
    """

    __tablename__ = "comment_replies"
    __table_args__ = TenantRow.table_args(
        CheckConstraint("kind in ('public', 'private')", name="kind"),
        CheckConstraint("author in ('ai', 'person')", name="author"),
        CheckConstraint(
            "status in ('queued', 'sending', 'sent', 'failed', 'unknown', 'cancelled')", name="status"
        ),
        CheckConstraint("status not in ('sending', 'unknown') or effect_at is not null", name="effect"),
        ForeignKeyConstraint(["workspace_id", "comment_id"], ["comments.workspace_id", "comments.id"]),
        Index(
            "uq_comment_replies_of_ai",
            "workspace_id",
            "comment_id",
            unique=True,
            postgresql_where=sql("author = 'ai' and status not in ('cancelled', 'failed')"),
        ),
        Index(
            "uq_comment_replies_unfinished",
            "workspace_id",
            "comment_id",
            unique=True,
            postgresql_where=sql("status in ('queued', 'sending')"),
        ),
        Index(None, "workspace_id", "comment_id", "id"),
    )

    comment_id: Mapped[UUID]
    kind: Mapped[str]
    author: Mapped[str]
    text: Mapped[str]
    under_id: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=sql("'queued'"))
    platform_reply_id: Mapped[str | None]
    effect_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    settle_job_id: Mapped[int | None] = mapped_column(BigInteger)
    doubts: Mapped[int] = mapped_column(SmallInteger, server_default=sql("0"))
    error: Mapped[str | None]


class CommentWatch(TenantRow):
    """How far a post's comments have been read. ``polls`` counts the polls that came to their end: comments
    with a ``poll`` up to it were seen by one of them, and so was all that is older.
    """

    __tablename__ = "comment_watches"
    __table_args__ = TenantRow.table_args(
        ForeignKeyConstraint(["workspace_id", "post_id"], ["posts.workspace_id", "posts.id"]),
        UniqueConstraint("workspace_id", "post_id"),
    )

    post_id: Mapped[UUID]
    polls: Mapped[int] = mapped_column(BigInteger, server_default=sql("0"))
    checked_at: Mapped[datetime | None]
    full_at: Mapped[datetime | None]
    permalink: Mapped[str | None]
    error: Mapped[str | None]
