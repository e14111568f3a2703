"""What people do, in the shape in which Meta tells it to the account.

Meta, WhatsApp Cloud API, "Messages webhook reference"; Instagram Platform, "Webhooks".
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def whatsapp_body(
    business: str,
    metadata: Mapping[str, str],
    message_id: str,
    content: Mapping[str, Any],
    *,
    person: str,
    name: str | None,
    at: datetime,
) -> dict[str, Any]:
    """A message to a number.

    Args:
        business: id of the WhatsApp business account.
        metadata: the number, as webhooks show it.
        person: a phone number, or a business-scoped user id.
        content: ``type`` and what belongs to it.
    """
    digits = person.removeprefix("+")
    is_phone = digits.isdigit()
    known = {"wa_id": digits} if is_phone else {"user_id": person}
    message = {
        ("from" if is_phone else "from_user_id"): digits if is_phone else person,
        "id": message_id,
        "timestamp": str(int(at.timestamp())),
        **content,
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": metadata,
        "contacts": [{"profile": {"name": name or person}, **known}],
        "messages": [message],
    }
    change = {"value": value, "field": "messages"}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": business, "changes": [change]}],
    }


def instagram_body(
    account: str, person: str, content: Mapping[str, Any], *, at: datetime, echo: bool = False
) -> dict[str, Any]:
    """An event of this account's.

    Args:
        content: ``message``, ``reaction``, ``read`` and the like.
        echo: the account did it, not the person.
    """
    told_at = int(at.timestamp() * 1_000)
    sides = [{"id": person}, {"id": account}]
    sender, recipient = reversed(sides) if echo else sides
    event = {"sender": sender, "recipient": recipient, "timestamp": told_at, **content}
    return {"object": "instagram", "entry": [{"id": account, "time": told_at, "messaging": [event]}]}


def instagram_id(wamid: str) -> str:
    """A message id as Instagram's look."""
    return "aWdfZAG1faXRlbToxOk" + base64.urlsafe_b64encode(wamid.encode()).decode().rstrip("=")[-60:]
