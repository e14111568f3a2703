"""What people write under an account's media, and what it answers: seen from its time on, until deleted.

A comment may be known before its time, so that a crowd comes at its pace by the world's own clock.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from socialsync.simulator.world.accounts import scoped_id, username


@dataclass(slots=True)
class Comment:
    """Under a medium, or, with a parent, under a comment.

    Args:
        account: whose medium it is.
        author: who wrote it: the account itself, or a person as the account knows them.
    """

    id: str
    media_id: str
    account: str
    author: str
    username: str
    text: str
    at: datetime
    parent_id: str | None = None
    hidden: bool = False
    like_count: int = 0
    replied_privately: bool = False

    @property
    def own(self) -> bool:
        return self.author == self.account

    @property
    def author_shown(self) -> dict[str, str]:
        """As ``from`` has it: the account itself has another id among people."""
        itself = {"self_ig_scoped_id": scoped_id(self.account, username(self.account))} if self.own else {}
        return {"id": self.author, "username": self.username, **itself}


@dataclass(slots=True)
class Comments:
    """Lists are kept oldest first; ``closed`` are the media that take no comments."""

    closed: set[str] = field(default_factory=set)
    _by_id: dict[str, Comment] = field(default_factory=dict)
    _below: dict[str, list[Comment]] = field(default_factory=dict)

    def add(self, comment: Comment) -> None:
        self._by_id[comment.id] = comment
        insort(self._below.setdefault(comment.parent_id or comment.media_id, []), comment, key=_at)

    def get(self, comment_id: str, now: datetime) -> Comment | None:
        comment = self._by_id.get(comment_id)
        return comment if comment is not None and comment.at <= now else None

    def under(self, node: str, now: datetime) -> Sequence[Comment]:
        """What stands by now under a medium or a comment, oldest first."""
        comments = self._below.get(node, [])
        return comments[: bisect_right(comments, now, key=_at)]

    def count(self, media_id: str, now: datetime) -> int:
        """With the replies, as Meta counts."""
        comments = self.under(media_id, now)
        return len(comments) + sum(len(self.under(comment.id, now)) for comment in comments)

    def delete(self, comment: Comment) -> None:
        """With its replies."""
        for reply in self._below.pop(comment.id, []):
            self._by_id.pop(reply.id, None)
        self._by_id.pop(comment.id, None)
        siblings = self._below.get(comment.parent_id or comment.media_id, [])
        siblings[:] = [each for each in siblings if each.id != comment.id]


def _at(comment: Comment) -> datetime:
    return comment.at
