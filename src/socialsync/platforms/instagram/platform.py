"""Publishing over the Instagram Graph API.

Meta, Instagram Platform, "Content Publishing": ``POST /{ig-id}/media`` prepares a container that nobody sees,
``GET /{container}`` tells how far it is, ``POST /{ig-id}/media_publish`` makes it public. "IG User Media"
lists what is public, "Refresh Access Token" prolongs a token.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from socialsync import clock
from socialsync.platforms import faults, verdicts
from socialsync.platforms.comments import MediaPage
from socialsync.platforms.contract import (
    ContainerState,
    ContainerStatus,
    FreshToken,
    Media,
    Quota,
    Reach,
    Sender,
)
from socialsync.platforms.errors import PlatformError, RateLimited, RequestRefused, Said, TokenRevoked
from socialsync.platforms.graph import Answer, Doors
from socialsync.platforms.instagram import content, conversations, formats, reading
from socialsync.platforms.instagram.comments import Comments
from socialsync.platforms.news import Recalled

PARAMETER = 100
"""Graph's code for what it does not know, a field among them."""
PAGES = 5
"""Of recent media that are searched; 50 each, far more than an account may publish while one is in doubt."""
_SHOWN = "id,caption,timestamp,media_type,media_product_type,permalink,media_url"


class Instagram(Comments):
    """`PublishesMedia`, `CommentPlatform`, `ShowsPresence` and `RemembersConversations` over the Instagram
    Graph API.
    """

    check_post = staticmethod(content.check_post)
    kind_of = staticmethod(formats.kind_of)
    formats_of = staticmethod(formats.formats_of)

    def __init__(self, doors: Doors) -> None:
        self._graph = doors.instagram

    async def create_container(
        self, sender: Sender, media: Media, caption: str, *, media_type: Literal["image", "reel", "story"]
    ) -> str:
        """Harmless. Let Instagram fetch the medium: the container's id, good for 24 hours.

        Raises:
            Invalid: a medium or caption that Instagram would refuse; it was not asked.
            PlatformError: MediaUnreachable, ContentRefused and others of `platforms.errors`, never an
                UnknownOutcome but ActionBlocked.
        """
        formats.check_medium(media, media_type)
        content.check_caption(caption)
        kind = {"image": {}, "reel": {"media_type": "REELS"}, "story": {"media_type": "STORIES"}}[media_type]
        return await self._prepare(sender, {**kind, **_source(media), "caption": caption})

    async def create_child(self, sender: Sender, media: Media) -> str:
        """Harmless. Let Instagram fetch one item of a carousel: its container's id. Raises as
        `create_container`.
        """
        formats.check_medium(media, "carousel")
        kind = {"media_type": "VIDEO"} if media.kind == "video" else {}
        return await self._prepare(sender, {**kind, **_source(media), "is_carousel_item": True})

    async def create_carousel(self, sender: Sender, children: Sequence[str], caption: str) -> str:
        """Harmless. Bind 2 to 10 FINISHED items together: the container's id. Raises as `create_container`,
        and ContainerMissing or ContainerLost for an item that is gone.
        """
        content.check_caption(caption)
        body = {"media_type": "CAROUSEL", "children": list(children), "caption": caption}
        return await self._prepare(sender, body)

    async def container_status(self, sender: Sender, container_id: str) -> ContainerStatus:
        """A read. Instagram asks for no more than one a minute, for no more than five minutes.

        Raises:
            ObjectNotVisible: Instagram denies the container, which it sometimes does for good while
                publishing it works all the same.
            PlatformError: others of `platforms.errors`.
        """
        answer = await self._graph.read(sender, container_id, fields="status_code,status")
        word, detail = answer.text("status_code"), answer.body.get("status")
        try:
            state = ContainerState(word)
        except ValueError:
            answer.unclear("its answer has a status_code we do not know")
        detail = detail if isinstance(detail, str) else None
        return ContainerStatus(state, detail, _failure(state, detail))

    async def publish_container(self, sender: Sender, container_id: str) -> str:
        """Visible. Publish a FINISHED container: the media's id.

        Raises:
            MediaNotReady: not published; the same container later.
            ContainerMissing, ContainerLost: not published.
            UnknownOutcome: AnswerLost, PlatformFaulted or ActionBlocked: ask the container's status and look
                among the account's media before anything else.
            PlatformError: others of `platforms.errors`.
        """
        answer = await self._graph.write(
            sender,
            Reach.EFFECT,
            sender.external_id,
            "media_publish",
            body={"creation_id": container_id},
        )
        return answer.text("id")

    async def publishing_quota(self, sender: Sender) -> Quota | None:
        """A read. What Instagram says at this moment, because its pages name four different numbers; None
        when it can't be told, which is no obstacle.

        Raises:
            TokenRevoked, RateLimited.
        """
        try:
            answer = await self._graph.read(
                sender, sender.external_id, "content_publishing_limit", fields="config,quota_usage"
            )
        except (TokenRevoked, RateLimited):
            raise
        except PlatformError:
            return None
        return reading.quota_of(answer.body)

    async def find_media(
        self, sender: Sender, *, caption: str, since: datetime, but: Collection[str] = ()
    ) -> str | None:
        """Reads. Look among the account's recent media, newest first, which have no stories among them.

        Args:
            caption: as it was sent; Instagram may have changed its white space.
            since: when it was published at the earliest, to the second.
            but: media ids that are somebody else's.

        Raises:
            PlatformError: one of `platforms.errors`, never an UnknownOutcome.
        """
        after: str | None = None
        for _ in range(PAGES):
            page = await self._list_media(sender, after, "id,caption,timestamp")
            for media in page.media:
                fits = reading.published_since(media, since) and reading.has_caption(media, caption)
                if fits and media.id not in but:
                    return media.id
            after = page.after
            if after is None or not all(reading.published_since(media, since) for media in page.media):
                break
        return None

    async def recent_media(self, sender: Sender, after: str | None = None) -> MediaPage:
        """A read. 50 of the account's media, newest first, which have no stories among them.

        Args:
            after: where the last page said that the next one begins.

        Raises:
            PlatformError: one of `platforms.errors`, never an UnknownOutcome.
        """
        return await self._list_media(sender, after, _SHOWN)

    async def send_text(
        self,
        sender: Sender,
        to: str,
        text: str,
        tracker: str,  # noqa: ARG002 - as every platform is called
        *,
        tagged: bool = False,
    ) -> str:
        """Visible. Send a text of at most 1,000 bytes to a person who wrote: its message id.

        Args:
            to: the person's id.
            tracker: not sent: Instagram has no place for it, its echoes have the message's id.
            tagged: as a person's answer, which is taken for 7 days instead of 24 hours.

        Raises:
            Invalid: an empty or too long text; nothing was sent.
            PlatformError: one of `platforms.errors`.
        """
        content.check_message(text)
        body: dict[str, Any] = {"recipient": {"id": to}, "message": {"text": text}}
        if tagged:
            body |= {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        answer = await self._graph.write(sender, Reach.EFFECT, sender.external_id, "messages", body=body)
        return answer.text("message_id")

    async def mark_read(
        self,
        sender: Sender,
        to: str,
        message_id: str,  # noqa: ARG002 - as every platform is called; Instagram marks all until now
        *,
        typing: bool,
    ) -> None:
        """Harmless. Show the person that their messages were read and, if so, that somebody is typing. Meta,
        "Sender Actions": each in a call of its own.

        Raises:
            PlatformError: one of `platforms.errors`, never an UnknownOutcome.
        """
        for action in ("mark_seen", "typing_on") if typing else ("mark_seen",):
            body = {"recipient": {"id": to}, "sender_action": action}
            await self._graph.write(sender, Reach.HARMLESS, sender.external_id, "messages", body=body)

    async def recall(self, sender: Sender, *, after: str | None = None) -> Recalled:
        """A read. A page of the account's conversations, those with the newest messages first, each with its
        20 last messages. Instagram takes two such calls a second. Should it not know all that is asked for,
        it is asked for less.

        Raises:
            PlatformError: one of `platforms.errors`.
        """
        try:
            answer = await self._recall(sender, conversations.FIELDS, after)
        except RequestRefused as refused:
            if refused.said.code != PARAMETER:
                raise
            answer = await self._recall(sender, conversations.PLAIN_FIELDS, after)
        return conversations.page_of(answer, sender.external_id, now=clock.now())

    async def fetch_media(self, sender: Sender, url: str, *, most: int) -> tuple[bytes, str | None]:
        """A read. A file that somebody sent, at the address that its webhook told: its bytes and their type.

        Raises:
            ContentRefused: too large, or gone.
            PlatformError: others of `platforms.errors`.
        """
        return await self._graph.download(sender, url, most=most, signed=False)

    async def check_token(self, sender: Sender) -> None:
        """A read that does nothing: the second look at a token that was refused.

        Raises:
            TokenRevoked: it is refused again.
            PlatformError: others of `platforms.errors`, which say nothing about the token.
        """
        await self._graph.read(sender, "me", fields="id")

    async def check_account(self, sender: Sender) -> None:
        """A read that does nothing, of the account itself: whether the token is good for this very account.

        Raises:
            Temporary: it could not be asked.
            PlatformError: it is not, or not known to be.
        """
        await self._graph.read(sender, sender.external_id, fields="username")

    async def refresh_token(self, sender: Sender) -> FreshToken:
        """A read to us: the old token stays good. Instagram refreshes tokens that are at least 24 hours old
        and not expired, for 60 days.

        Raises:
            TokenRevoked: it expired; only a new login helps.
            PlatformError: others of `platforms.errors`.
        """
        answer = await self._graph.read(sender, "refresh_access_token", grant_type="ig_refresh_token")
        return reading.token_of(answer)

    async def _list_media(self, sender: Sender, after: str | None, fields: str) -> MediaPage:
        cursor = {"after": after} if after else {}
        answer = await self._graph.read(
            sender, sender.external_id, "media", fields=fields, limit="50", **cursor
        )
        return reading.media_page_of(answer)

    async def _recall(self, sender: Sender, fields: str, after: str | None) -> Answer:
        asked = {"platform": "instagram", "fields": fields, "limit": str(conversations.PAGE)}
        cursor = {"after": after} if after else {}
        return await self._graph.read(sender, sender.external_id, "conversations", **asked, **cursor)

    async def _prepare(self, sender: Sender, body: Mapping[str, Any]) -> str:
        answer = await self._graph.write(sender, Reach.HARMLESS, sender.external_id, "media", body=body)
        return answer.text("id")


def _source(media: Media) -> dict[str, str]:
    if media.kind == "video":
        return {"video_url": media.url}
    return {"image_url": media.url, **({"alt_text": media.alt_text} if media.alt_text else {})}


def _failure(state: ContainerState, detail: str | None) -> PlatformError | None:
    if state is ContainerState.ERROR:
        return faults.from_container(detail)
    if state is ContainerState.EXPIRED:
        return faults.raised(verdicts.CONTAINER_EXPIRED, Said(detail=detail))
    return None
