"""Comments over the Instagram Graph API.

Meta, Instagram Platform, "Comment Moderation", "IG Media Comments", "IG Comment Replies" and "Private
Replies": a page has at most 50 comments, newest first, without their replies unless those are asked for; only
comments have replies; one private reply per comment, within 7 days.
"""

from socialsync.platforms import faults, verdicts
from socialsync.platforms.comments import Comment, CommentPage
from socialsync.platforms.contract import Reach, Sender
from socialsync.platforms.errors import AnswerTooLong, ObjectNotVisible, PermissionMissing, PlatformError
from socialsync.platforms.graph import Graph
from socialsync.platforms.instagram import content, threads

PAGE = 50
"""Comments in one answer; Meta gives no more."""

_FEW = 5
"""Of the longest possible, with 25 replies each, these fit into one answer."""
_FIELDS = "id,text,timestamp,username,from,like_count,hidden,parent_id"
_NO_SUCH_OBJECT = (100, 33)


class Comments:
    """`CommentPlatform`, but for the media."""

    _graph: Graph

    check_reply = staticmethod(content.check_reply)
    check_private_reply = staticmethod(content.check_message)

    async def comments_page(
        self, sender: Sender, media_id: str, after: str | None = None, limit: int = PAGE
    ) -> CommentPage:
        """A read. Comments under a medium, newest first, each with its first replies.

        Args:
            after: where the last page said that the next one begins.
            limit: at most; fewer when the comments are long.

        Raises:
            ObjectNotVisible: Instagram does not show the medium, which may be deleted.
            PlatformError: others of `platforms.errors`, never an UnknownOutcome.
        """
        try:
            return await self._list_comments(sender, media_id, after, min(limit, PAGE))
        except AnswerTooLong:
            return await self._list_comments(sender, media_id, after, _FEW)

    async def _list_comments(
        self, sender: Sender, media_id: str, after: str | None, limit: int
    ) -> CommentPage:
        cursor = {"after": after} if after else {}
        fields = f"{_FIELDS},replies{{{_FIELDS}}}"
        answer = await self._graph.read(
            sender, media_id, "comments", fields=fields, limit=str(limit), **cursor
        )
        return threads.page_of(answer, sender.external_id)

    async def replies_page(self, sender: Sender, comment_id: str, after: str | None = None) -> CommentPage:
        """A read. The replies to a comment.

        Raises:
            ObjectNotVisible: Instagram does not show the comment; `comment` tells whether it is gone.
            PlatformError: others of `platforms.errors`, never an UnknownOutcome.
        """
        cursor = {"after": after} if after else {}
        answer = await self._graph.read(
            sender, comment_id, "replies", fields=_FIELDS, limit=str(PAGE), **cursor
        )
        return threads.page_of(answer, sender.external_id)

    async def comment(self, sender: Sender, comment_id: str) -> Comment | None:
        """A read. A comment or a reply as it is now, with what it is under; None when Instagram does not show
        it (any more).

        Raises:
            PlatformError: one of `platforms.errors`, never an UnknownOutcome.
        """
        fields = f"{_FIELDS},media,replies{{{_FIELDS}}}"
        try:
            answer = await self._graph.read(sender, comment_id, fields=fields)
        except ObjectNotVisible:
            return None
        found = threads.comment_of(answer.body, sender.external_id)
        if found is None:
            answer.unclear("its answer has no id or no timestamp")
        return found

    async def reply(self, sender: Sender, comment_id: str, text: str) -> str:
        """Visible. Answer a comment, for everybody to read: the reply's id. An answer to a reply stands below
        the comment that both belong to.

        Raises:
            Invalid: an empty or too long text; nothing was sent.
            CommentGone: nothing to answer.
            UnknownOutcome: AnswerLost or PlatformFaulted: look among the replies before anything else.
            PlatformError: others of `platforms.errors`; RequestRefused for a comment that is hidden, or where
                comments are turned off.
        """
        content.check_reply(text)
        try:
            answer = await self._graph.write(
                sender, Reach.EFFECT, comment_id, "replies", body={"message": text}
            )
        except PermissionMissing as refused:
            raise _gone_or(refused) from None
        return answer.text("id")

    async def reply_privately(self, sender: Sender, comment_id: str, text: str) -> str:
        """Visible to one person. Write a message to who wrote the comment: its message id. A comment gets
        one, within 7 days, whatever window of messages is open.

        Raises:
            Invalid: an empty or too long text; nothing was sent.
            PrivateReplyRefused: no private reply to this one, or no second.
            UnknownOutcome: AnswerLost or PlatformFaulted; its echo may tell.
            PlatformError: others of `platforms.errors`.
        """
        content.check_message(text)
        body = {"recipient": {"comment_id": comment_id}, "message": {"text": text}}
        answer = await self._graph.write(sender, Reach.EFFECT, sender.external_id, "messages", body=body)
        return answer.text("message_id")

    async def hide(self, sender: Sender, comment_id: str, *, hidden: bool) -> None:
        """Harmless, as often as one likes. Have a comment seen by nobody but its author and the account, or
        by everybody again. Instagram hides none of the account's own.

        Raises:
            CommentGone: nothing to hide.
            PlatformError: others of `platforms.errors`, never an UnknownOutcome.
        """
        try:
            answer = await self._graph.write(sender, Reach.HARMLESS, comment_id, body={"hide": hidden})
        except PermissionMissing as refused:
            raise _gone_or(refused) from None
        if answer.body.get("success") is not True:
            answer.unclear("its answer does not say that it was done")


def _gone_or(refused: PlatformError) -> PlatformError:
    """Of a comment, 100/33 says nothing about the channel."""
    if (refused.said.code, refused.said.subcode) == _NO_SUCH_OBJECT:
        return faults.raised(verdicts.COMMENT_GONE, refused.said)
    return refused
