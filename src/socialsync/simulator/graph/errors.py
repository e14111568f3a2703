"""How Graph says no.

Shape, codes and sentences: Meta, "Graph API, Handle Errors"; "Instagram Platform, Error Codes"; "WhatsApp Cloud
API, Error Codes"; "Rate Limits".
"""

from typing import Any, NamedTuple


class GraphError(Exception):
    """An answer that is an error. ``status`` is its HTTP status, ``error`` its body without the trace."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error

    def body(self, trace: str) -> dict[str, Any]:
        return {"error": {**self.error, "fbtrace_id": trace}}


class _Known(NamedTuple):
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

_KNOWN: dict[tuple[int, int | None], _Known] = {
    (1, None): _Known(500, "An unknown error has occurred.", True),
    (2, None): _Known(503, "Service temporarily unavailable", True),
    (4, None): _Known(403, "(#4) Application request limit reached", True),
    (4, 2207051): _Known(
        403,
        "Application request limit reached",
        False,
        "Action is blocked",
        "We restrict certain activity to protect our community. Tell us if you think we made a mistake.",
    ),
    (9, 2207042): _Known(
        403,
        "Application request limit reached",
        False,
        "Too many posts",
        "You have reached the maximum number of posts that can be published by this account.",
    ),
    (10, None): _Known(403, "(#10) Application does not have permission for this action"),
    (10, 2534022): _Known(400, "(#10) This message is sent outside of allowed window."),
    (17, None): _Known(400, "(#17) User request limit reached", True),
    (24, 2207008): _Known(
        400,
        "The requested resource does not exist",
        False,
        "Media builder not found",
        "The media builder with this creation id does not exist or has expired.",
    ),
    (25, 2207050): _Known(
        403,
        "The Instagram account is restricted",
        False,
        "Account restricted",
        "Sign in to the Instagram app.",
    ),
    (32, None): _Known(403, "(#32) Page request limit reached"),
    (100, None): _Known(400, "(#100) Invalid parameter"),
    (100, 33): _Known(
        400,
        "Unsupported request. Object does not exist, cannot be loaded due to missing permissions, or does not"
        " support this operation.",
        type="GraphMethodException",
    ),
    (100, 2207028): _Known(
        400,
        "Invalid parameter",
        False,
        "Carousel validation failed",
        "The post won't work as a carousel. Use no less than 2 and no more than 10 items.",
    ),
    (100, 2207040): _Known(
        400, "Invalid parameter", False, "Too many tags", "Cannot use more than 20 tags per created media."
    ),
    (190, 458): _Known(401, f"{_TOKEN} The user has not authorized application."),
    (190, 459): _Known(
        400,
        f"{_TOKEN} You cannot access the app till you log in to www.instagram.com and follow the instructions"
        " given.",
    ),
    (190, 460): _Known(
        401,
        f"{_TOKEN} The session has been invalidated because the user changed their password or Facebook has"
        " changed the session for security reasons.",
    ),
    (190, 463): _Known(401, f"{_TOKEN} Session has expired on Tuesday, 01-Dec-25 06:00:00 PST."),
    (190, 464): _Known(
        401, f"{_TOKEN} Sessions for the user are not allowed because the user is not confirmed."
    ),
    (190, 467): _Known(401, "Invalid OAuth access token - Cannot parse access token"),
    (190, None): _Known(401, "Invalid OAuth access token."),
    (200, None): _Known(403, "(#200) Permissions error"),
    (352, 2207026): _Known(
        400,
        "The video file you selected is in a format that we don't support.",
        False,
        "Unsupported format",
        "The video format is not supported. Use MOV or MP4.",
    ),
    (368, None): _Known(403, "Temporarily blocked for policies violations"),
    (506, None): _Known(400, "Duplicate status message"),
    (551, None): _Known(400, "(#551) This person isn't available right now."),
    (613, None): _Known(400, "(#613) Calls to this api have exceeded the rate limit."),
    (2500, None): _Known(400, "Unknown path components"),
    (9004, 2207052): _Known(
        400,
        "Only photo or video can be accepted as media type.",
        False,
        "Media download failed",
        "The media could not be fetched from this URI",
    ),
    (9007, 2207027): _Known(
        400,
        "Media ID is not available",
        False,
        "Cannot publish",
        "The media is not ready to be published. Please wait a moment.",
    ),
    (36000, 2207004): _Known(
        400, "The image is too large to download.", False, "Image too large", "It should be less than 8 MiB."
    ),
    (36001, 2207005): _Known(
        400,
        "The image format is not supported.",
        False,
        "Unsupported image format",
        "The image format is not supported. Supported formats are JPEG.",
    ),
    (36003, 2207009): _Known(
        400,
        "The submitted image with aspect ratio cannot be published",
        False,
        "Aspect ratio",
        "Submit an image with a ratio between 4:5 and 1.91:1.",
    ),
    (36004, 2207010): _Known(
        400,
        "The caption was too long.",
        False,
        "Caption too long",
        "The maximum is 2,200 characters, 30 hashtags, and 20 @ tags.",
    ),
    (-1, 2207001): _Known(500, "Instagram server error. Try again.", True),
    (-1, 2207032): _Known(400, "Create media fail, please try to re-create media", False),
    (-2, 2207003): _Known(400, "Timeout", None, "Timeout", "It takes too long to download the media."),
    (-2, 2207020): _Known(
        400,
        "The media you are trying to access has expired.",
        False,
        "Media expired",
        "Please try to upload again.",
    ),
    (80001, None): _Known(403, f"(#80001) {_TOO_MANY_BUC} Page account. Wait a bit and try again."),
    (80002, None): _Known(403, f"(#80002) {_TOO_MANY_BUC} Instagram account. Wait a bit and try again."),
    (80007, None): _Known(
        400, "(#80007) Rate limit issues", details="The WhatsApp Business Account is limited."
    ),
    (130429, None): _Known(
        400, "(#130429) Rate limit hit", details="Cloud API message throughput has been reached."
    ),
    (131000, None): _Known(500, "(#131000) Something went wrong", details=_LATER),
    (131008, None): _Known(
        400, "(#131008) Required parameter is missing", details="A required parameter is missing."
    ),
    (131009, None): _Known(400, "(#131009) Parameter value is not valid", details="A value is not valid."),
    (131016, None): _Known(
        500, "(#131016) Service unavailable", details="A service is temporarily unavailable."
    ),
    (131026, None): _Known(400, "(#131026) Message undeliverable", details="Message Undeliverable."),
    (131047, None): _Known(
        400,
        "(#131047) Re-engagement message",
        details="Message failed to send because more than 24 hours have passed since the customer last replied"
        " to this number.",
    ),
    (131048, None): _Known(
        400, "(#131048) Spam rate limit hit", details="Message failed to send because of its quality."
    ),
    (131056, None): _Known(
        400,
        "(#131056) (Business Account, Consumer Account) pair rate limit hit",
        details="Message failed to send because there were too many messages sent from this phone number to the"
        " same phone number in a short period of time.",
    ),
    (132001, None): _Known(
        404,
        "(#132001) Template name does not exist in the translation",
        details="The template does not exist in this language.",
    ),
}


def graph_error(
    code: int,
    subcode: int | None = None,
    *,
    message: str | None = None,
    status: int | None = None,
    details: str | None = None,
    **other: Any,
) -> GraphError:
    """What Meta says for this code and subcode; what is given here wins. `other` are fields of the error
    object by their names in it, left out when None."""
    known = _KNOWN.get((code, subcode)) or _KNOWN.get((code, None)) or _Known(400, f"(#{code}) Error")
    details = details or known.details
    error: dict[str, Any] = {
        "message": message or known.message,
        "type": known.type,
        "code": code,
        "error_subcode": subcode,
        "is_transient": known.is_transient,
        "error_user_title": known.title,
        "error_user_msg": known.user_msg,
        "error_data": details and {"messaging_product": "whatsapp", "details": details},
    }
    error |= {name: value for name, value in other.items() if value is not None}
    return GraphError(
        status or known.status, {name: value for name, value in error.items() if value is not None}
    )


def invalid(message: str) -> GraphError:
    """Code 100 with Meta's usual prefix."""
    return graph_error(100, message=f"(#100) {message}")


def missing_object(method: str, node: str) -> GraphError:
    return graph_error(
        100,
        33,
        message=f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be loaded"
        " due to missing permissions, or does not support this operation.",
    )
