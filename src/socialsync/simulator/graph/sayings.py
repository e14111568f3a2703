"""What Meta is known to say for each code and subcode.

Meta, "Graph API, Handle Errors" and "Rate Limits"; "Instagram Platform, Error Codes"; "WhatsApp Cloud API,
Error Codes". Where Meta documents no HTTP status, the one that was seen, or 400.
"""

from typing import NamedTuple


class Saying(NamedTuple):
    """What Meta says for a code and subcode; ``details`` are WhatsApp's."""

    status: int
    message: str
    is_transient: bool | None = None
    title: str | None = None
    user_msg: str | None = None
    details: str | None = None
    type: str = "OAuthException"


_TOO_MANY_BUC = "There have been too many calls to this"
_TOKEN = "Error validating access token:"  # noqa: S105 - a sentence, not a token
_LATER = "Please try again later."

SAYINGS: dict[tuple[int, int | None], Saying] = {
    (1, None): Saying(500, "An unknown error has occurred.", True),
    (2, None): Saying(503, "Service temporarily unavailable", True),
    (4, None): Saying(403, "(#4) Application request limit reached", True),
    (4, 2207051): Saying(
        403,
        "Application request limit reached",
        False,
        "Action is blocked",
        "We restrict certain activity to protect our community. Tell us if you think we made a mistake.",
    ),
    (9, 2207042): Saying(
        403,
        "Application request limit reached",
        False,
        "Too many posts",
        "You have reached the maximum number of posts that can be published by this account.",
    ),
    (10, None): Saying(403, "(#10) Application does not have permission for this action"),
    (10, 2534022): Saying(400, "(#10) This message is sent outside of allowed window."),
    (17, None): Saying(400, "(#17) User request limit reached", True),
    (24, 2207008): Saying(
        400,
        "The requested resource does not exist",
        False,
        "Media builder not found",
        "The media builder with this creation id does not exist or has expired.",
    ),
    (25, 2207050): Saying(
        403,
        "The Instagram account is restricted",
        False,
        "Account restricted",
        "Sign in to the Instagram app.",
    ),
    (32, None): Saying(403, "(#32) Page request limit reached"),
    (100, None): Saying(400, "(#100) Invalid parameter"),
    (100, 33): Saying(
        400,
        "Unsupported request. Object does not exist, cannot be loaded due to missing permissions, or does not"
        " support this operation.",
        type="GraphMethodException",
    ),
    (100, 2207028): Saying(
        400,
        "Invalid parameter",
        False,
        "Carousel validation failed",
        "The post won't work as a carousel. Use no less than 2 and no more than 10 items.",
    ),
    (100, 2207040): Saying(
        400, "Invalid parameter", False, "Too many tags", "Cannot use more than 20 tags per created media."
    ),
    (100, 2534025): Saying(400, "The comment is invalid for a private reply"),
    (190, 458): Saying(401, f"{_TOKEN} The user has not authorized application."),
    (190, 459): Saying(
        400,
        f"{_TOKEN} You cannot access the app till you log in to www.instagram.com and follow the instructions"
        " given.",
    ),
    (190, 460): Saying(
        401,
        f"{_TOKEN} The session has been invalidated because the user changed their password or Facebook has"
        " changed the session for security reasons.",
    ),
    (190, 463): Saying(401, f"{_TOKEN} Session has expired on Tuesday, 01-Dec-25 06:00:00 PST."),
    (190, 464): Saying(
        401, f"{_TOKEN} Sessions for the user are not allowed because the user is not confirmed."
    ),
    (190, 467): Saying(401, "Invalid OAuth access token - Cannot parse access token"),
    (190, None): Saying(401, "Invalid OAuth access token."),
    (200, None): Saying(403, "(#200) Permissions error"),
    (352, 2207026): Saying(
        400,
        "The video file you selected is in a format that we don't support.",
        False,
        "Unsupported format",
        "The video format is not supported. Use MOV or MP4.",
    ),
    (368, None): Saying(403, "Temporarily blocked for policies violations"),
    (506, None): Saying(400, "Duplicate status message"),
    (551, None): Saying(400, "(#551) This person isn't available right now."),
    (613, None): Saying(400, "(#613) Calls to this api have exceeded the rate limit."),
    (2500, None): Saying(400, "Unknown path components"),
    (9004, 2207052): Saying(
        400,
        "Only photo or video can be accepted as media type.",
        False,
        "Media download failed",
        "The media could not be fetched from this URI",
    ),
    (9007, 2207027): Saying(
        400,
        "Media ID is not available",
        False,
        "Cannot publish",
        "The media is not ready to be published. Please wait a moment.",
    ),
    (36000, 2207004): Saying(
        400, "The image is too large to download.", False, "Image too large", "It should be less than 8 MiB."
    ),
    (36001, 2207005): Saying(
        400,
        "The image format is not supported.",
        False,
        "Unsupported image format",
        "The image format is not supported. Supported formats are JPEG.",
    ),
    (36003, 2207009): Saying(
        400,
        "The submitted image with aspect ratio cannot be published",
        False,
        "Aspect ratio",
        "Submit an image with a ratio between 4:5 and 1.91:1.",
    ),
    (36004, 2207010): Saying(
        400,
        "The caption was too long.",
        False,
        "Caption too long",
        "The maximum is 2,200 characters, 30 hashtags, and 20 @ tags.",
    ),
    (-1, 2207001): Saying(500, "Instagram server error. Try again.", True),
    (-1, 2207032): Saying(400, "Create media fail, please try to re-create media", False),
    (-2, 2207003): Saying(400, "Timeout", None, "Timeout", "It takes too long to download the media."),
    (-2, 2207020): Saying(
        400,
        "The media you are trying to access has expired.",
        False,
        "Media expired",
        "Please try to upload again.",
    ),
    (80001, None): Saying(403, f"(#80001) {_TOO_MANY_BUC} Page account. Wait a bit and try again."),
    (80002, None): Saying(403, f"(#80002) {_TOO_MANY_BUC} Instagram account. Wait a bit and try again."),
    (80007, None): Saying(
        400, "(#80007) Rate limit issues", details="The WhatsApp Business Account is limited."
    ),
    (130429, None): Saying(
        400, "(#130429) Rate limit hit", details="Cloud API message throughput has been reached."
    ),
    (131000, None): Saying(500, "(#131000) Something went wrong", details=_LATER),
    (131008, None): Saying(
        400, "(#131008) Required parameter is missing", details="A required parameter is missing."
    ),
    (131009, None): Saying(400, "(#131009) Parameter value is not valid", details="A value is not valid."),
    (131016, None): Saying(
        500, "(#131016) Service unavailable", details="A service is temporarily unavailable."
    ),
    (131026, None): Saying(400, "(#131026) Message undeliverable", details="Message Undeliverable."),
    (131047, None): Saying(
        400,
        "(#131047) Re-engagement message",
        details="Message failed to send because more than 24 hours have passed since the customer last"
        " replied to this number.",
    ),
    (131048, None): Saying(
        400, "(#131048) Spam rate limit hit", details="Message failed to send because of its quality."
    ),
    (131049, None): Saying(
        400,
        "(#131049) This message was not delivered to maintain healthy ecosystem engagement.",
        details="In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    ),
    (131050, None): Saying(
        400,
        "(#131050) Unable to deliver the message. This recipient has chosen to stop receiving marketing"
        " messages on WhatsApp from your business",
        details="The recipient has stopped messages of this business.",
    ),
    (131051, None): Saying(400, "(#131051) Unsupported message type", details="Unsupported message type."),
    (131052, None): Saying(
        400, "(#131052) Media download error", details="The media sent by the user could not be downloaded."
    ),
    (131053, None): Saying(400, "(#131053) Media upload error", details="The media could not be uploaded."),
    (131056, None): Saying(
        400,
        "(#131056) (Business Account, Consumer Account) pair rate limit hit",
        details="Message failed to send because there were too many messages sent from this phone number to"
        " the same phone number in a short period of time.",
    ),
    (132001, None): Saying(
        404,
        "(#132001) Template name does not exist in the translation",
        details="The template does not exist in this language.",
    ),
}
