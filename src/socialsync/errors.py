"""Every error says its kind: what the caller may do about it.

Raise a kind, or a state that inherits from one (``ReplyWindowClosed(Conflict)``). Only ``api/errors.py``
(kind to HTTP status) and ``queue/policies.py`` (kind to retry) translate kinds; nobody else branches on them.

    SocialSyncError
    |- Refused                     somebody asked for what cannot be
    |  |- Invalid                  422  the input is wrong: names field, problem and fix
    |  |- Unauthenticated          401  no key, or one we don't know
    |  |- Forbidden                403  a known key that may not do this
    |  |- NotFound                 404
    |  `- Conflict                 409  right in itself, but not in this state
    `- Failed                      the world did not do what we asked
       |- Temporary(retry_after)   try again; nothing happened
       |- Permanent                never try again
       `- UnknownOutcome           it may have happened: never repeat it blindly
"""

from collections.abc import Sequence
from datetime import timedelta


class SocialSyncError(Exception):
    """An error with a sentence for a person.

    Args:
        message: what is wrong, in a sentence without secrets.
        field: the input that is wrong, as the caller spells it (``publish_at``), where there is one.
        fix: what the caller can do about it.
        also: more that is wrong with the same request.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        fix: str | None = None,
        also: Sequence["SocialSyncError"] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.fix = fix
        self.also = tuple(also)

    @property
    def code(self) -> str:
        return type(self).__name__


class Refused(SocialSyncError):
    """Somebody asked for what cannot be; asking again the same way gets the same answer."""


class Invalid(Refused):
    """The input is wrong."""


class Unauthenticated(Refused):
    """No key, or one that we don't know."""


class Forbidden(Refused):
    """A known caller that may not do this."""


class NotFound(Refused):
    """No such thing, or not in the caller's workspace."""


class Conflict(Refused):
    """Right in itself, but not in the present state."""


class Failed(SocialSyncError):
    """The world did not do what we asked."""


class Temporary(Failed):
    """Nothing happened, and trying again later is safe.

    Args:
        retry_after: how long to wait at least; None leaves it to the policy.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        field: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message, field=field, fix=fix)
        self.retry_after = retry_after


class Permanent(Failed):
    """It did not happen and never will in this form."""


class UnknownOutcome(Failed):
    """It may have happened: the answer was lost. Never repeated blindly."""
