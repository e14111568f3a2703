"""Comments, in the two shapes in which Meta tells of them.

Meta, Instagram Platform, "Webhook Notification Examples": with Instagram Login an entry has ``field`` and
``value`` itself, with Facebook Login it has ``changes``. Here one alone comes in the first shape and several
in the second, so that both are met.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def comments_body(account: str, values: Sequence[Mapping[str, Any]], *, at: datetime) -> dict[str, Any]:
    """Comments under the media of one account.

    Args:
        values: ``id``, ``from``, ``media``, ``text`` and, of a reply, ``parent_id``.
    """
    changes = [{"field": "comments", "value": value} for value in values]
    inside = changes[0] if len(changes) == 1 else {"changes": changes}
    entry = {"id": account, "time": int(at.timestamp()), **inside}
    return {"object": "instagram", "entry": [entry]}


def private_reply_body(
    account: str, person: str, message_id: str, text: str, *, at: datetime
) -> dict[str, Any]:
    """The echo of a private reply, which is a message like any other."""
    told_at = int(at.timestamp() * 1_000)
    event = {
        "sender": {"id": account},
        "recipient": {"id": person},
        "timestamp": told_at,
        "message": {"mid": message_id, "text": text, "is_echo": True},
    }
    return {"object": "instagram", "entry": [{"id": account, "time": told_at, "messaging": [event]}]}
