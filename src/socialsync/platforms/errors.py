"""What a platform may answer instead of doing what we asked: states, each with its kind.

PlatformError
|- Temporary: nothing happened, again later
|  |- PlatformUnavailable     not reached, or out of order
|  |  `- AnswerTooLong        ask for less
|  |- RateLimited             too many calls
|  |  |- ThroughputReached    more in a second than this number may send; a second later it may
|  |  |- PairRateLimited      too many to this one person; others are fine
|  |  `- QuotaSpent           the day's posts are used up
|  |- MediaUnreachable        the platform could not fetch our media's URL
|  |- MediaNotReady           publish this same container later
|  |- ObjectNotVisible        a read does not find what may well exist: read again later
|  |- ContainerMissing        shortly again with this container, then with a new one
|  `- ContainerLost           this container is dead: make a new one
|- Permanent: not in this form, ever
|  |- TokenRevoked            only this may disable a channel, and only after a second look
|  |- PermissionMissing       the token is good but may not do this
|  |- SenderBlocked           the account is blocked, restricted or unpaid: stop sending, tell a person
|  |- WindowClosed            the person wrote too long ago for a free text
|  |- RecipientUnreachable    this person only
|  |- TemplateRefused
|  |- CommentGone             deleted, or no longer shown to us
|  |- PrivateReplyRefused     this comment gets no private reply (any more)
|  |- ContentRefused          text or media that this platform does not take
|  `- RequestRefused          anything else it refused for good
`- UnknownOutcome: it may have happened, look before doing it again
   |- AnswerLost              the request may have left, no usable answer came
   |- PlatformFaulted         the platform failed at some point of doing it
   `- ActionBlocked           it says blocked; the post may be live all the same
"""

from dataclasses import dataclass

from socialsync.errors import Failed, Permanent, Temporary, UnknownOutcome


@dataclass(frozen=True)
class Said:
    """What the platform said, for the log and for its support; callers branch on the state instead.

    Args:
        status: HTTP status; None when the error came by webhook or no answer came.
        code: Graph ``code``.
        subcode: Graph ``error_subcode``.
        fbtrace_id: what Meta's support asks for.
        detail: its own sentence, shortened and without secrets.
    """

    status: int | None = None
    code: int | None = None
    subcode: int | None = None
    fbtrace_id: str | None = None
    detail: str | None = None


class PlatformError(Failed):
    """Something that came from, or happened on the way to, a platform."""

    said: Said = Said()


class PlatformUnavailable(PlatformError, Temporary):
    """Not reached, or out of order."""


class AnswerTooLong(PlatformUnavailable):
    """More than we read of one answer: ask for less of a list."""


class RateLimited(PlatformError, Temporary):
    """Too many calls. Calling on while limited makes it longer."""


class ThroughputReached(RateLimited):
    """The number sent more in a second than it may. Over after about a second."""


class PairRateLimited(RateLimited):
    """Too many messages to this one person. Meta advises to wait 4^attempt seconds."""


class QuotaSpent(RateLimited):
    """The account's posts of the last 24 hours are used up; one by one they become free again."""


class MediaUnreachable(PlatformError, Temporary):
    """The platform could not fetch the media from its URL."""


class MediaNotReady(PlatformError, Temporary):
    """The same container can be published once its status is FINISHED."""


class ObjectNotVisible(PlatformError, Temporary):
    """A read did not find an object that may exist. Never a reason to call a post failed."""


class ContainerMissing(PlatformError, Temporary):
    """The platform does not find the container; it may appear shortly."""


class ContainerLost(PlatformError, Temporary):
    """The container is dead; nothing was published and a new one may succeed."""


class TokenRevoked(PlatformError, Permanent):
    """The platform no longer accepts the token. Look a second time before disabling the channel."""


class PermissionMissing(PlatformError, Permanent):
    """The token is accepted but may not do this, or not for this account."""


class SenderBlocked(PlatformError, Permanent):
    """The account is blocked, restricted or unpaid: stop sending and tell a person."""


class WindowClosed(PlatformError, Permanent):
    """The person's last message is too old for a free text."""


class RecipientUnreachable(PlatformError, Permanent):
    """This person can't be reached. Says nothing about the channel or anybody else."""


class TemplateRefused(PlatformError, Permanent):
    """The template, or what was filled into it."""


class CommentGone(PlatformError, Permanent):
    """The comment was deleted, or is no longer shown to the account."""


class PrivateReplyRefused(PlatformError, Permanent):
    """This comment had its one private reply, is older than 7 days, or is gone; Meta does not say which."""


class ContentRefused(PlatformError, Permanent):
    """The platform does not take this text or media."""


class RequestRefused(PlatformError, Permanent):
    """Refused for good, for a reason without a state of its own."""


class AnswerLost(PlatformError, UnknownOutcome):
    """The request may have left, and no usable answer came back."""


class PlatformFaulted(PlatformError, UnknownOutcome):
    """The platform answered with a fault of its own, perhaps after doing it."""


class ActionBlocked(PlatformError, UnknownOutcome):
    """Instagram says the action is blocked; posts were seen live all the same."""
