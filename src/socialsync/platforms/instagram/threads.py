"""What Instagram's answers and webhooks say of comments and of the replies under them. Pure.

Meta, Instagram Platform, "IG Comment", "IG Media Comments" and "Webhooks, comments".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from socialsync.platforms import bodies
from socialsync.platforms.bodies import Notes
from socialsync.platforms.comments import Comment, CommentPage
from socialsync.platforms.graph import Answer
from socialsync.platforms.instagram import reading
from socialsync.platforms.news import CommentMade

_MILLISECONDS = 12
"""Digits of a time from which on it can't be in seconds."""


def page_of(answer: Answer, account: str) -> CommentPage:
    """Raises PlatformUnavailable: it is no list."""
    entries, after = reading.listed(answer, "comments")
    comments = [found for each in entries if (found := comment_of(each, account))]
    return CommentPage(comments, after, len(entries) - len(comments))


def comment_of(entry: Any, account: str) -> Comment | None:
    """A comment as an answer has it, with those replies that stand in it; None when it can't be told which
    one it is and when it was written.
    """
    comment_id, at = bodies.id_of(_field(entry, "id")), reading.moment_of(_field(entry, "timestamp"))
    if comment_id is None or at is None:
        return None
    likes, below = entry.get("like_count"), bodies.inner(entry, "replies")
    replies = [comment_of(each, account) for each in bodies.items(below.get("data"))]
    author_id, username, own = _author(entry, account)
    return Comment(
        id=comment_id,
        text=bodies.said(entry.get("text")) or "",
        at=at,
        author_id=author_id,
        username=username or bodies.text_of(entry.get("username")),
        own=own,
        parent_id=bodies.id_of(entry.get("parent_id")),
        hidden=entry.get("hidden") is True,
        like_count=likes if type(likes) is int and likes >= 0 else None,
        replies=tuple(reply for reply in replies if reply),
        replies_truncated=reading.after_of(below) is not None or None in replies,
        media_id=bodies.id_of(bodies.inner(entry, "media").get("id")),
    )


def made(
    value: Mapping[str, Any], entry: Mapping[str, Any], account: str, notes: Notes, now: datetime
) -> CommentMade | None:
    """What a webhook tells of a new comment. It has no time of its own: the entry's is when it was told."""
    comment_id = bodies.id_of(value.get("id"))
    if comment_id is None:
        notes.is_odd("A comment has no id")
        return None
    author_id, username, own = _author(value, account)
    media_id = bodies.id_of(bodies.inner(value, "media").get("id"))
    comment = Comment(
        id=comment_id,
        text=bodies.said(value.get("text")) or "",
        at=_told_at(entry.get("time"), now),
        author_id=author_id,
        username=username,
        own=own,
        parent_id=bodies.id_of(value.get("parent_id")),
        media_id=media_id,
    )
    return CommentMade(media_id, comment)


def _author(entry: Mapping[str, Any], account: str) -> tuple[str | None, str | None, bool]:
    """Id, name, and whether it is the account itself, which has another id among people."""
    author = bodies.inner(entry, "from")
    author_id, itself = bodies.id_of(author.get("id")), bodies.id_of(author.get("self_ig_scoped_id"))
    own = author_id in {account, itself} if author_id is not None else itself is not None
    return author_id, bodies.text_of(author.get("username")), own


def _told_at(time: Any, now: datetime) -> datetime:
    """In seconds with Instagram Login, often in milliseconds with Facebook Login."""
    in_milliseconds = len(str(time)) >= _MILLISECONDS
    return bodies.moment(time, now, per_second=1_000 if in_milliseconds else 1)


def _field(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, Mapping) else None
