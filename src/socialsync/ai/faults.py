"""From what OpenAI's library raises to the states of ``ai.errors``.

OpenAI, "Error codes": 401 and 403 are the key, 429 is a limit unless its code is ``insufficient_quota``, 400
with ``context_length_exceeded`` is a text that is too long; 408, 409 and 5xx pass.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from socialsync.ai.errors import (
    AiError,
    AnswerUnusable,
    CallRefused,
    CredentialsRefused,
    ModelLimited,
    ModelUnavailable,
    ModelUnknown,
    TextTooLong,
)
from socialsync.ai.ledger import Used
from socialsync.ai.library import openai
from socialsync.errors import SocialSyncError

_PASSING = frozenset({408, 409, 425})
_LONGEST_WAIT = timedelta(hours=1)
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})
_CHECK_MODEL = "Check SOCIALSYNC_CHAT_MODEL, SOCIALSYNC_EMBEDDING_MODEL and OPENAI_BASE_URL."
_CHECK_KEY = "Check OPENAI_API_KEY and OPENAI_BASE_URL."


def understood(error: Exception) -> SocialSyncError:
    """The state that this error is. What is none of the library's stays what it is, if it is one of ours.

    Messages of ours only: the server's may quote the prompt, and the prompt a customer.
    """
    if isinstance(error, SocialSyncError):
        return error
    if isinstance(error, openai.APIConnectionError):  # a timeout too
        return ModelUnavailable("The model's server was not reached, or gave no answer in time.")
    if isinstance(error, openai.APIStatusError):
        return _of_status(error)
    if isinstance(error, openai.OpenAIError | ValueError | TypeError | LookupError | AttributeError):
        return AnswerUnusable("The model's server gave an answer that makes no sense.")
    return ModelUnavailable("Asking the model failed.")


def paid(error: AiError, used: Used) -> AiError:
    """Remember with an error what the answer that caused it cost."""
    error.used = used  # type: ignore[attr-defined] # read by cost_of only
    return error


def was_answered(error: Exception) -> bool:
    """Whether the server said anything; where it did not, what the call cost is not known."""
    return not isinstance(error, openai.APIConnectionError)


def cost_of(error: Exception) -> Used | None:
    return getattr(error, "used", None)


def _of_status(error: Any) -> AiError:
    status, code = error.status_code, getattr(error, "code", None)
    if code == "insufficient_quota":
        failure: AiError = CredentialsRefused(
            "The account at the model's server has no money left.", fix="Pay it."
        )
    elif status in {401, 403}:
        failure = CredentialsRefused("The model's server does not take our key.", fix=_CHECK_KEY)
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        failure = ModelLimited(
            "The model's server takes no more calls at the moment.", retry_after=_wait(error)
        )
    elif status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        failure = ModelUnavailable("The model's server has a passing fault.", retry_after=_wait(error))
    elif code in _TOO_LONG or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        failure = TextTooLong("The text is longer than the model reads.", fix="Shorten it.")
    elif status == HTTPStatus.NOT_FOUND:
        failure = ModelUnknown("The model's server does not know this model or this call.", fix=_CHECK_MODEL)
    else:
        failure = CallRefused(f"The model's server refused the call ({status}).")
    return failure


def _wait(error: Any) -> timedelta | None:
    """``retry-after-ms``, or ``Retry-After`` in seconds."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if seconds > 0:
            return min(timedelta(seconds=min(seconds, 1e6)), _LONGEST_WAIT)
    return None
