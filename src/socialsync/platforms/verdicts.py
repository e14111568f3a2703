"""The one table from a Graph error's code and subcode to what it means for us, most specific first.

Sources: Meta, "Graph API, Handle Errors" and "Rate Limits"; "WhatsApp Cloud API, Error Codes" and
"Throughput"; "Instagram Platform, Error Codes" and "Content Publishing"; what public clients learnt. Data
only: `faults` applies it. A row matches when the code and the subcode do; `ANY` matches everything, a missing
one included. Instagram's publishing subcodes (2207xxx) count alone, because a container's status text gives
nothing else.
"""

from collections.abc import Container
from datetime import timedelta
from typing import Final, NamedTuple

from socialsync.platforms import errors
from socialsync.platforms.errors import PlatformError


class Verdict(NamedTuple):
    """A state with what to tell a person: what happened, and what to do about it.

    Args:
        wait: how long at least when the answer itself does not say; None leaves it to the policy.
    """

    state: type[PlatformError]
    happened: str
    do: str
    wait: timedelta | None = None


class Row(NamedTuple):
    """A line of the table; `on_read` and `on_effect` overrule the verdict for that reach."""

    codes: Container[int] | None
    subcodes: Container[int] | None
    verdict: Verdict
    on_read: Verdict | None = None
    on_effect: Verdict | None = None


ANY: Final = None

_AGAIN = "SocialSync tries again by itself a few times; after that, start it anew"
_LOOK = "Look at the account whether it is there before sending it again"

UNAVAILABLE = Verdict(errors.PlatformUnavailable, "Meta has a passing fault", _AGAIN)
FAULTED = Verdict(
    errors.PlatformFaulted, "Meta had a fault while doing this, and may have done it all the same", _LOOK
)
ACTION_BLOCKED = Verdict(
    errors.ActionBlocked,
    "Instagram says that it blocked this action, but such posts were seen live",
    f"{_LOOK}; post less often from this account",
)
RATE_LIMITED = Verdict(errors.RateLimited, "Too many calls were made to Meta for this app or account", _AGAIN)
THROUGHPUT_REACHED = Verdict(
    errors.ThroughputReached,
    "The number sent more messages in a second than WhatsApp takes of it",
    f"{_AGAIN}; limit it to its rate with: socialsync limits set",
)
PAIR_RATE_LIMITED = Verdict(
    errors.PairRateLimited,
    "Too many messages went to this person in a short time",
    f"{_AGAIN}; WhatsApp takes one message per 6 seconds to one person",
)
QUOTA_SPENT = Verdict(
    errors.QuotaSpent,
    "The account has published as many posts in 24 hours as Instagram allows",
    "SocialSync tries again as the oldest of them leave the 24 hours; plan fewer posts a day",
    timedelta(hours=1),
)
REREAD = Verdict(errors.ObjectNotVisible, "Meta does not show the object yet", _AGAIN, timedelta(minutes=1))
NO_SUCH_OBJECT = Verdict(
    errors.PermissionMissing,
    "The account or object does not exist, or the access token may not see it",
    "Check the channel's account id and that its token has access to this account",
)

MEDIA_UNREACHABLE = Verdict(
    errors.MediaUnreachable,
    "Instagram could not fetch the media from its URL",
    "Check that the URL opens in a browser without signing in, quickly, and is not closed to robots",
)
MEDIA_NOT_READY = Verdict(
    errors.MediaNotReady, "Instagram is still preparing the media", _AGAIN, timedelta(minutes=1)
)
CONTAINER_EXPIRED = Verdict(
    errors.ContainerLost, "The prepared media expired before it was published", _AGAIN
)
CONTAINER_MISSING = Verdict(
    errors.ContainerMissing, "Instagram does not find the prepared media", _AGAIN, timedelta(seconds=30)
)
CONTAINER_FAILED = Verdict(errors.ContainerLost, "Instagram failed to prepare the media", _AGAIN)
CONTENT_REFUSED = Verdict(
    errors.ContentRefused, "The platform does not take this text or media", "Change it and post it anew"
)
MEDIA_REFUSED = Verdict(
    errors.ContentRefused,
    "Instagram does not take this media",
    "Use a JPEG of at most 8 MB with a ratio between 4:5 and 1.91:1",
)
VIDEO_REFUSED = Verdict(
    errors.ContentRefused,
    "Instagram does not take this video",
    "Use an MP4 or MOV with H.264 and AAC, from 3 seconds to 15 minutes, of at most 300 MB",
)
CAROUSEL_REFUSED = Verdict(
    errors.ContentRefused,
    "Instagram does not take this carousel",
    "Use 2 to 10 images and videos, of which each was prepared as an item",
)
CAPTION_REFUSED = Verdict(
    errors.ContentRefused,
    "Instagram does not take this caption",
    "Keep it to 2,200 characters, 30 hashtags and 20 mentions",
)
DUPLICATE = Verdict(
    errors.ContentRefused, "The very same was posted just before", "Change it, or leave it at the first one"
)

WINDOW_CLOSED = Verdict(
    errors.WindowClosed,
    "The person last wrote more than 24 hours ago, so a free text is not delivered",
    "On WhatsApp send an approved template; on Instagram wait until the person writes",
)
UNREACHABLE = Verdict(
    errors.RecipientUnreachable,
    "This person can't be reached",
    "Nothing is wrong with the channel; reach the person in another way",
)
OPTED_OUT = Verdict(
    errors.RecipientUnreachable,
    "This person does not want marketing messages from this business",
    "Take them off the list",
)
HELD_BACK = Verdict(
    errors.RecipientUnreachable,
    "Meta held the message back because this person got enough marketing messages",
    "Wait at least 24 hours before another one to this person",
)
COMMENT_GONE = Verdict(
    errors.CommentGone,
    "The comment was deleted, or is no longer shown to this account",
    "There is nothing to answer; leave it",
)
PRIVATE_REPLY_REFUSED = Verdict(
    errors.PrivateReplyRefused,
    "Instagram takes no private reply to this comment: it had its one, is older than 7 days, or is gone",
    "Answer below the comment, or wait until the person writes a message",
)
TEMPLATE_REFUSED = Verdict(
    errors.TemplateRefused,
    "WhatsApp does not take this template or its values",
    "Check its name, language, values and approval in the WhatsApp Manager",
)
REQUEST_REFUSED = Verdict(
    errors.RequestRefused, "Meta refused the request", "Change what Meta names and send it anew"
)
NOT_GRAPH = Verdict(
    errors.RequestRefused,
    "Something that is not the Graph API answered the request",
    "Check META_GRAPH_URL, INSTAGRAM_GRAPH_URL and any proxy on the way",
)
NOT_SENT = Verdict(errors.PlatformUnavailable, "The platform could not be reached; nothing was sent", _AGAIN)
NO_ANSWER = Verdict(errors.PlatformUnavailable, "The platform gave no usable answer", _AGAIN)
TOO_LONG = Verdict(errors.AnswerTooLong, "The platform's answer is longer than we read", _AGAIN)
ANSWER_LOST = Verdict(
    errors.AnswerLost, "The request left, but no usable answer came back; it may have been done", _LOOK
)

_SIGN_IN = "connect the channel again with a new access token"
TOKEN_REVOKED = Verdict(
    errors.TokenRevoked, "Meta no longer accepts the channel's access token", f"Please {_SIGN_IN}"
)
APP_REMOVED = TOKEN_REVOKED._replace(happened="The account's owner removed our app")
LOGIN_NEEDED = Verdict(
    errors.TokenRevoked,
    "Meta wants the account's owner to confirm something first",
    f"Log in at instagram.com or facebook.com, follow the instructions, then {_SIGN_IN}",
)
PASSWORD_CHANGED = TOKEN_REVOKED._replace(
    happened="The account's password changed, which ended the channel's access token"
)
TOKEN_EXPIRED = TOKEN_REVOKED._replace(happened="The channel's access token has expired")
PERMISSION_MISSING = Verdict(
    errors.PermissionMissing,
    "The channel's access token lacks a permission for this",
    "Grant the app the permission and connect the channel again",
)
BLOCKED = Verdict(
    errors.SenderBlocked,
    "Meta blocked or restricted this account for now",
    "Read the notice in Meta's Business Support Home or the WhatsApp Manager before sending anything more",
)
UNPAID = Verdict(
    errors.SenderBlocked,
    "Meta has a billing problem with this WhatsApp account",
    "Check the payment method in the WhatsApp Manager",
)
UNREGISTERED = Verdict(
    errors.SenderBlocked,
    "The phone number is not properly registered with the Cloud API",
    "Register the number again in the WhatsApp Manager",
)

TABLE: Final[tuple[Row, ...]] = (
    # Subcodes that overrule their code
    Row(ANY, {2207051}, ACTION_BLOCKED),
    Row({10}, {2534022, 2018065, 2018278}, WINDOW_CLOSED),
    Row({200}, {1545041, 2018108, 2534066}, UNREACHABLE),
    Row({100}, {2534025}, PRIVATE_REPLY_REFUSED),
    # Meta at times denies a fresh container or post to reads while publishing it works (Postiz #1562)
    Row({100}, {33}, NO_SUCH_OBJECT, on_read=REREAD),
    Row({102, 190}, {458}, APP_REMOVED),
    Row({102, 190}, {459, 464}, LOGIN_NEEDED),
    Row({102, 190}, {460}, PASSWORD_CHANGED),
    Row({102, 190}, {463}, TOKEN_EXPIRED),
    # Instagram publishing
    Row(ANY, {2207001}, UNAVAILABLE, on_effect=FAULTED),
    Row(ANY, {2207003, 2207052}, MEDIA_UNREACHABLE),
    Row(ANY, {2207020}, CONTAINER_EXPIRED),
    Row(ANY, {2207008}, CONTAINER_MISSING),
    Row(ANY, {2207032, 2207053, 2207077}, CONTAINER_FAILED),
    Row(ANY, {2207027}, MEDIA_NOT_READY),
    Row(ANY, {2207042}, QUOTA_SPENT),
    Row(ANY, {2207050}, BLOCKED),
    Row(ANY, {2207004, 2207005, 2207009}, MEDIA_REFUSED),
    Row(ANY, {2207026}, VIDEO_REFUSED),
    Row(ANY, {2207028}, CAROUSEL_REFUSED),
    Row(ANY, {2207010, 2207040}, CAPTION_REFUSED),
    Row(
        ANY,
        {2207023, 2207035, 2207036, 2207037, 2207057, 2207081, 2207082, 2207085},
        CONTENT_REFUSED,
    ),
    Row({-1}, ANY, UNAVAILABLE, on_effect=FAULTED),
    Row({-2}, ANY, UNAVAILABLE, on_effect=FAULTED),
    Row({9}, ANY, RATE_LIMITED),
    Row({24}, ANY, CONTAINER_MISSING),
    Row({25}, ANY, BLOCKED),
    Row({36000, 36001, 36003}, ANY, MEDIA_REFUSED),
    Row({352}, ANY, VIDEO_REFUSED),
    Row({36004}, ANY, CAPTION_REFUSED),
    Row({9004}, ANY, MEDIA_UNREACHABLE),
    Row({9007}, ANY, MEDIA_NOT_READY),
    # A fault of Meta's own: not even Meta says whether an effect happened
    Row({1, 2, 131000, 131016}, ANY, UNAVAILABLE, on_effect=FAULTED),
    # Limits: refused before anything was done
    Row({131056}, ANY, PAIR_RATE_LIMITED),
    Row({130429}, ANY, THROUGHPUT_REACHED),
    Row({4, 17, 32, 341, 613, 133016}, ANY, RATE_LIMITED),
    Row(range(80000, 80015), ANY, RATE_LIMITED),
    Row({131057}, ANY, UNAVAILABLE._replace(happened="Meta is upgrading this WhatsApp number")),
    # Who speaks
    Row({102, 190}, ANY, TOKEN_REVOKED),
    Row({3, 10, 131005}, ANY, PERMISSION_MISSING),
    Row(range(200, 300), ANY, PERMISSION_MISSING),
    Row({368, 130497, 131031, 131037, 131048, 131064}, ANY, BLOCKED),
    Row({131042}, ANY, UNPAID),
    Row({131045, 133010}, ANY, UNREGISTERED),
    # Who is spoken to
    Row({131047}, ANY, WINDOW_CLOSED),
    Row({551, 130472, 131021, 131026, 131030, 131062}, ANY, UNREACHABLE),
    Row({131049}, ANY, HELD_BACK),
    Row({131050}, ANY, OPTED_OUT),
    # What is said
    Row(range(132000, 133000), ANY, TEMPLATE_REFUSED),
    Row({131051, 131052, 131053}, ANY, CONTENT_REFUSED),
    Row({506}, ANY, DUPLICATE),
    Row({100, 130403, 131008, 131009}, ANY, REQUEST_REFUSED),
)
