"""What a model's server may do instead of answering: states, each with its kind.

AiError
|- Temporary
|  |- ModelUnavailable   not reached, out of order, or no answer in time; at worst it is paid twice
|  |- ModelLimited       too many calls or tokens; waits as long as the server asks
|  |- AnswerUnusable     an answer that is not what was asked for; the next may be
|  `- BudgetSpent        the workspace's month is spent: the work waits, it does not fail
`- Permanent
   |- CredentialsRefused the key is wrong, or the server's account has no money
   |- ModelUnknown       the server has no such model or call: a setting is wrong
   |- TextTooLong        more than the model reads
   `- CallRefused        refused for good, for a reason without a state of its own
"""

from socialsync.errors import Failed, Permanent, Temporary


class AiError(Failed):
    """Something that came from, or happened on the way to, a model's server."""


class ModelUnavailable(AiError, Temporary):
    """Not reached, out of order, or no answer in time."""


class ModelLimited(AiError, Temporary):
    """Too many calls or tokens."""


class AnswerUnusable(AiError, Temporary):
    """An answer that is not what was asked for."""


class BudgetSpent(AiError, Temporary):
    """The workspace has spent what it may in this month."""


class CredentialsRefused(AiError, Permanent):
    """The server does not take our key, or its account is not paid."""


class ModelUnknown(AiError, Permanent):
    """The server has no such model or call."""


class TextTooLong(AiError, Permanent):
    """More than the model reads."""


class CallRefused(AiError, Permanent):
    """Refused for good."""
