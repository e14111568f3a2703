"""Reading the comments of one post, down to what is known, and storing them page by page."""

import itertools
import time
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.features.comments import arrivals, polling, watches
from socialsync.features.comments.arrivals import Place
from socialsync.features.comments.watches import Outcome, Watched
from socialsync.platforms import Sender
from socialsync.platforms.comments import Comment
from socialsync.platforms.errors import RateLimited
from socialsync.queue import limits
from socialsync.resources import Resources

MOST_WALKS = 3
MISSING = 50
"""Comments that are asked for one by one, at most, in a full pass."""


class Reader:
    """Reads the comments of one post, page by page, and stores each page.

    A cursor is a position: what is deleted while we read shifts others past us, and what comes shows us some
    again. So a walk of several pages is repeated until it brings nothing that an earlier walk should have.
    """

    def __init__(self, opened: Resources, watched: Watched, sender: Sender, deadline: float) -> None:
        self._opened = opened
        self._watched = watched
        self._sender = sender
        self._deadline = deadline
        self._platform = opened.platforms.instagram
        self._place = Place(
            watched.workspace_id, watched.channel_id, watched.post_id, watched.media_id, watched.history_until
        )
        self._full = polling.needs_full_pass(watched.published_at, watched.full_at, clock.now())
        self._ids: set[str] = set()
        self.found = 0

    async def read(self) -> Outcome:
        """
        Raises:
            PlatformError: the poll did not come to its end; what was read is stored.
        """
        before: datetime | None = None
        for _ in range(MOST_WALKS):
            began = clock.now()
            pages, oldest, ended = await self._walk()
            if not ended:
                return Outcome(self._watched, self.found, unfinished=True)
            if pages <= 1 or (before is not None and (oldest is None or oldest >= before)):
                break
            before = began
        else:  # it still shifts: what was read is not taken for all there is
            return Outcome(self._watched, self.found)
        if self._full:
            await self._note_deleted()
        return Outcome(self._watched, self.found, completed=True, full=self._full)

    async def _walk(self) -> tuple[int, datetime | None, bool]:
        """From the top down to what was known: how many pages, when the oldest that is new was written, and
        whether there was time for all.
        """
        after: str | None = None
        oldest: datetime | None = None
        for page_number in itertools.count(1):
            if page_number > 1:
                await self._take_leave()
            page = await self._platform.comments_page(self._sender, self._watched.media_id, after)
            comments = [await self._whole(each) for each in page.comments]
            known: frozenset[str] = frozenset()
            if comments:
                async with self._transaction() as session:
                    arrived = await arrivals.receive(
                        session, self._place, comments, poll=self._watched.polls + 1, now=clock.now()
                    )
                self.found += arrived.new
                known = arrived.known
                if arrived.oldest_new is not None:
                    oldest = min(oldest or arrived.oldest_new, arrived.oldest_new)
            after = page.after
            reached = bool(comments) and comments[-1].id in known and not self._full
            if after is None or reached:
                return page_number, oldest, True
            if time.monotonic() > self._deadline:
                return page_number, oldest, False
        raise AssertionError("pages are counted without end")

    async def _whole(self, comment: Comment) -> Comment:
        """With all of its replies, where a page has only some of them."""
        self._ids.add(comment.id)
        self._ids.update(reply.id for reply in comment.replies)
        if not comment.replies_truncated:
            return comment
        replies: list[Comment] = list(comment.replies)
        after: str | None = None
        while True:
            await self._take_leave()
            page = await self._platform.replies_page(self._sender, comment.id, after)
            replies += page.comments
            after = page.after
            if after is None:
                break
        self._ids.update(reply.id for reply in replies)
        return watches.with_replies(comment, replies)

    async def _note_deleted(self) -> None:
        """Of what a full pass did not meet, what the platform does not know any more."""
        async with self._transaction() as session:
            missing = await watches.list_missing(session, self._place, self._ids, limit=MISSING)
        gone = []
        for each in missing:
            await self._take_leave()
            if await self._platform.comment(self._sender, each) is None:
                gone.append(each)
        if gone:
            async with self._transaction() as session:
                await watches.mark_deleted(session, self._place, gone, now=clock.now())

    async def _take_leave(self) -> None:
        """For one more call; the first one's was taken with those of the channel's other posts.

        Raises:
            RateLimited: the account is to be left alone.
        """
        if wait := await limits.take(self._opened.database, self._sender.limit_key, blocks=False):
            raise RateLimited("The account is to be left alone for a while.", retry_after=wait)

    def _transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self._opened.database.transaction(self._watched.workspace_id)
