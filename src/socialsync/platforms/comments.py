"""What everybody sees of an account: its media and what people write under them, in words that belong to no
platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Comment:
    """What somebody wrote under a medium, or the account itself.

    Args:
        text: empty when there are no words in it.
        author_id: the platform's own id of who wrote it, valid for this account only, where it is told.
        own: the account itself wrote it, by the ids; a name proves nothing.
        parent_id: the comment that it answers. A reply to a reply answers the comment above both.
        hidden: only its author and the account see it.
        replies: some of them; replies have none.
        replies_truncated: there are more, which `replies_page` has.
        media_id: what it is under, where it is told.
    """

    id: str
    text: str
    at: datetime
    author_id: str | None
    username: str | None
    own: bool = False
    parent_id: str | None = None
    hidden: bool = False
    like_count: int | None = None
    replies: tuple["Comment", ...] = ()
    replies_truncated: bool = False
    media_id: str | None = None


@dataclass(frozen=True)
class CommentPage:
    """Comments as the platform orders them, and where the next page begins; None on the last.

    The cursor is good for going on at once. New comments may shift what is behind it: one may come twice, and
    after a pause others are passed over.

    Args:
        unreadable: how many more there were, of which not even the id could be told.
    """

    comments: Sequence[Comment]
    after: str | None = None
    unreadable: int = 0


@dataclass(frozen=True)
class PublishedMedia:
    """One of the account's media, wherever it was published from.

    Args:
        caption: empty without one.
        media_type: ``image``, ``carousel``, ``reel``, ``story`` or ``video``, where it is told.
        media_url: its file, good for a while; not told of all.
    """

    id: str
    caption: str
    at: datetime
    media_type: str | None = None
    permalink: str | None = None
    media_url: str | None = None


@dataclass(frozen=True)
class MediaPage:
    """Media newest first, and where the next page begins; None on the last."""

    media: Sequence[PublishedMedia]
    after: str | None = None
