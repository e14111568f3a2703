"""Refusals, as OpenAI says them: ``{"error": {message, type, param, code}}`` (OpenAI, "Error codes")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OF_STATUS = {
    401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    403: ("You are not allowed to make this call.", "invalid_request_error", None),
    404: ("No such object.", "invalid_request_error", None),
    429: ("Rate limit reached. Please try again later.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    502: ("Bad gateway.", "cf_bad_gateway", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", "overloaded"),
}


@dataclass(eq=False)
class OpenAIError(Exception):
    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None

    def body(self) -> Mapping[str, Any]:
        said = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": said}


def invalid(message: str, param: str | None = None, code: str | None = None) -> OpenAIError:
    return OpenAIError(400, message, param=param, code=code)


def of_status(status: int) -> OpenAIError:
    """The error that goes with a status when nobody says which."""
    nearest = status if status in _OF_STATUS else 500
    if nearest != status and status < 500:  # noqa: PLR2004 - HTTP's classes
        return OpenAIError(status, "The request was refused.")
    message, type_, code = _OF_STATUS[nearest]
    return OpenAIError(status, message, type_, code=code)


def no_key() -> OpenAIError:
    return OpenAIError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using"
        " Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    )


def wrong_key(key: str) -> OpenAIError:
    return OpenAIError(401, f"Incorrect API key provided: {key[:4]}***.", code="invalid_api_key")


def no_quota() -> OpenAIError:
    return OpenAIError(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        code="insufficient_quota",
    )


def no_model(model: str) -> OpenAIError:
    return OpenAIError(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        param="model",
        code="model_not_found",
    )


def too_long(limit: int, tokens: int, param: str) -> OpenAIError:
    return invalid(
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in {tokens}"
        " tokens. Please reduce the length of the messages.",
        param,
        "context_length_exceeded",
    )
