"""What a platform can do for us, in words that belong to no platform.

Every call is either harmless (repeat it at will) or an effect that the public sees. The two never share a
method, so that a caller can commit its intent between the preparation and the effect. Platforms load
nothing: a `Sender` brings who speaks and the token to speak with.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from socialsync.errors import Failed, Invalid
from socialsync.platforms.comments import Comment, CommentPage, MediaPage
from socialsync.platforms.news import Recalled

_PLATFORM_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HEADER_SAFE = re.compile(r"[!-~]+")

MediaKind = Literal["image", "video", "audio", "document"]
Heed = Callable[[str, timedelta], Awaitable[None]]
"""Told a limit key and for how long its account should be left alone. It must not raise."""


class Reach(Enum):
    """How far a call reaches into the world, which decides what a lost answer means."""

    READ = "read"
    HARMLESS = "harmless"
    """It writes, but nobody sees it: an Instagram container that is never published."""
    EFFECT = "effect"
    """Somebody sees it and it can't be taken back: a lost answer is an unknown outcome."""


@dataclass(frozen=True)
class Sender:
    """In whose name we speak. Prints without its token.

    Args:
        external_id: the platform's id of the account: WhatsApp phone number id, Instagram user id.
        token: the access token, decrypted.
        limit_key: whose rate limit a call counts against; only for logs and limits.

    Raises:
        Invalid: an id or a token that can't be put into a request; the value is never shown.
    """

    external_id: str
    token: str = field(repr=False)
    limit_key: str

    def __post_init__(self) -> None:
        if not _PLATFORM_ID.fullmatch(self.external_id):
            raise Invalid(
                "The account id has characters that no platform uses",
                field="external_id",
                fix="Use the id that the platform's own pages show, digits only for Meta",
            )
        check_characters(self.token)


def check_characters(token: str) -> None:
    """Refuse a token that no header can carry.

    Raises:
        Invalid: names ``access_token``; the value is never shown.
    """
    if not _HEADER_SAFE.fullmatch(token):
        raise Invalid(
            "The access token is empty or has spaces, line breaks or other characters no token has",
            field="access_token",
            fix="Copy the token again, without anything around it",
        )


@dataclass(frozen=True)
class Media:
    """An image, a video or another file that the platform fetches itself, from a public URL.

    Args:
        url: absolute http or https URL.
        alt_text: what an image shows, for people who can't see it; Instagram takes up to 1,000 characters.
    """

    url: str
    kind: MediaKind
    alt_text: str | None = None


@dataclass(frozen=True)
class Format:
    """What a platform takes as one kind of medium, as far as a look at it can tell.

    Args:
        takes: in words, ``a JPEG image``.
        limit: bytes above which it is surely refused.
        types: content types, by every name that servers give them; none is anything but a web page.
        near: families of content types, besides its own, that servers confuse with it.
        pictures: of images, the formats as `pictures` names them.
        ratios: of images, the narrowest and the widest, as width by height.
    """

    takes: str
    limit: int
    types: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    pictures: frozenset[str] = frozenset()
    ratios: tuple[float, float] | None = None


@dataclass(frozen=True)
class Template:
    """A message form that Meta approved beforehand, the only thing WhatsApp delivers outside its window.

    Args:
        name: as registered.
        language: its code, ``en`` or ``en_US``.
        components: the values to fill in, in WhatsApp's own JSON shape.
    """

    name: str
    language: str
    components: Sequence[Mapping[str, Any]] = ()


class ContainerState(StrEnum):
    """Meta, Instagram Platform, IG Container: ``status_code``."""

    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    ERROR = "ERROR"
    EXPIRED = "EXPIRED"
    PUBLISHED = "PUBLISHED"


@dataclass(frozen=True)
class ContainerStatus:
    """How far the preparation of a media is.

    Args:
        detail: the platform's own sentence about it, where it gives one.
        failure: why it can't be published, exactly when the state is ERROR or EXPIRED, ready to be raised:
            Temporary when a new container may succeed, Permanent when the media itself is refused.
    """

    state: ContainerState
    detail: str | None = None
    failure: Failed | None = None


@dataclass(frozen=True)
class Quota:
    """How many posts an account has published in the window, and how many the platform allows."""

    used: int
    total: int
    window: timedelta


@dataclass(frozen=True)
class FreshToken:
    """A new access token in place of the old one, which stays good for a while. Prints without it."""

    token: str = field(repr=False)
    expires_in: timedelta


class Platform(Protocol):
    """What every platform has: its rules for content, which need neither network nor account."""

    @staticmethod
    def check_post(
        *,
        text: str,
        media_urls: Sequence[str],
        recipients: Sequence[str],
        template: Template | None,
        media_type: str | None,
        alt_texts: Sequence[str],
    ) -> str | None:
        """Refuse what the platform would refuse.

        Returns:
            the media type that the post has, given or told by its media; None without media.

        Raises:
            Invalid: with the field (``text``, ``media_urls[0]``, ``recipients[3]``) and the fix.
        """

    @staticmethod
    def kind_of(url: str, media_type: str) -> MediaKind:
        """What this file of a post of this media type is, by its ending where the type leaves it open."""

    @staticmethod
    def formats_of(media_type: str) -> Mapping[MediaKind, Format]:
        """What the media of a post of this media type have to be."""

    async def check_token(self, sender: Sender) -> None:
        """A read that does nothing: the second look at a token that was refused.

        Raises:
            TokenRevoked: it is refused again.
            PlatformError: others of `platforms.errors`, which say nothing about the token.
        """

    async def check_account(self, sender: Sender) -> None:
        """A read that does nothing, of the account itself: whether the token is good for this very account.

        Raises:
            Temporary: it could not be asked.
            PlatformError: it is not, or not known to be.
        """


@runtime_checkable
class PublishesMedia(Platform, Protocol):
    """Publishing in three steps; only the last is visible. All raise the states of `platforms.errors`."""

    async def create_container(
        self, sender: Sender, media: Media, caption: str, *, media_type: Literal["image", "reel", "story"]
    ) -> str:
        """Prepare a post of one medium, harmlessly: the container's id."""

    async def create_child(self, sender: Sender, media: Media) -> str:
        """Prepare one item of a carousel, harmlessly: its container's id."""

    async def create_carousel(self, sender: Sender, children: Sequence[str], caption: str) -> str:
        """Prepare a carousel of items that are prepared, harmlessly: the container's id."""

    async def container_status(self, sender: Sender, container_id: str) -> ContainerStatus:
        """How far the platform is with it. Ask about once a minute."""

    async def publish_container(self, sender: Sender, container_id: str) -> str:
        """The visible effect, after a committed intent: the media's id."""

    async def publishing_quota(self, sender: Sender) -> Quota | None:
        """How much of its posts the account has used; None when the platform does not say."""

    async def find_media(
        self, sender: Sender, *, caption: str, since: datetime, but: Collection[str] = ()
    ) -> str | None:
        """The newest published media with this caption that is not in ``but``."""

    async def refresh_token(self, sender: Sender) -> FreshToken:
        """A token that lasts longer. Harmless: the old one stays good."""


@runtime_checkable
class CommentPlatform(Platform, Protocol):
    """What people write under an account's media, and answering them. All raise the states of
    `platforms.errors`. What is public is lost only when it is deleted: `comment` tells.
    """

    @staticmethod
    def check_reply(text: str) -> None:
        """Raises Invalid, naming ``text``."""

    @staticmethod
    def check_private_reply(text: str) -> None:
        """Raises Invalid, naming ``text``."""

    async def recent_media(self, sender: Sender, after: str | None = None) -> MediaPage:
        """A read. What the account has published, newest first, wherever it was published from."""

    async def comments_page(
        self, sender: Sender, media_id: str, after: str | None = None, limit: int = 50
    ) -> CommentPage:
        """A read. Comments under a medium, newest first, each with some of its replies."""

    async def replies_page(self, sender: Sender, comment_id: str, after: str | None = None) -> CommentPage:
        """A read. The replies to a comment."""

    async def comment(self, sender: Sender, comment_id: str) -> Comment | None:
        """A read. A comment or a reply as it is now; None when it is gone."""

    async def reply(self, sender: Sender, comment_id: str, text: str) -> str:
        """The visible effect, after a committed intent: the reply's id."""

    async def reply_privately(self, sender: Sender, comment_id: str, text: str) -> str:
        """A message to who wrote the comment, after a committed intent: the message's id. One a comment."""

    async def hide(self, sender: Sender, comment_id: str, *, hidden: bool) -> None:
        """Harmless: have the comment seen by nobody else, or by everybody again."""


@runtime_checkable
class SendsMessages(Platform, Protocol):
    """Writing to a person, always visible: call it after a committed intent. The answer means accepted,
    not delivered.

    Args of all:
        to: phone number in E.164 or the platform's id of the person.
        tracker: our own id of this message, which comes back in status webhooks.
    """

    async def send_text(self, sender: Sender, to: str, text: str, tracker: str) -> str:
        """Send a text: the message's id."""

    async def send_media(self, sender: Sender, to: str, media: Media, caption: str, tracker: str) -> str:
        """Send an image, a video, a sound or a document, with or without a caption: the message's id."""

    async def send_template(self, sender: Sender, to: str, template: Template, tracker: str) -> str:
        """Send an approved template: the message's id."""


@runtime_checkable
class ShowsPresence(Platform, Protocol):
    """Letting a person see that somebody is there. A courtesy, which nothing depends on."""

    async def mark_read(self, sender: Sender, to: str, message_id: str, *, typing: bool) -> None:
        """Harmless. Show the person that their messages were read until this one and, if so, that somebody
        is typing, which ends with the next message or after some seconds.
        """


@runtime_checkable
class RemembersConversations(Platform, Protocol):
    """Telling again what was said, to whoever was not there when it was told."""

    async def recall(self, sender: Sender, *, after: str | None = None) -> Recalled:
        """A read. A page of the account's conversations, those with the newest messages first."""
