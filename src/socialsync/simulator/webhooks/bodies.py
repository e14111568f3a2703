"""What a webhook says, in Meta's shape.

Meta, WhatsApp Cloud API, "Status messages webhook reference": entries (business accounts) hold changes, and
changes hold statuses. How many of each come in one body is up to Meta.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

CHANGE_SIZE = 10
"""Statuses in one change. Meta tells no number; a larger batch shall have several changes."""


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """How one message fares.

    Args:
        business: id of the WhatsApp business account.
        metadata: the number that sent it, as webhooks show it.
        contact: who it went to; failed ones have none.
    """

    business: str
    metadata: Mapping[str, str]
    status: Mapping[str, Any]
    contact: Mapping[str, str] | None = None


def statuses_body(updates: Sequence[StatusUpdate]) -> dict[str, Any]:
    """All of them in their order, so that an account may have several entries."""
    return {
        "object": "whatsapp_business_account",
        "entry": [
            {"id": business, "changes": list(_changes(list(of_one)))}
            for business, of_one in groupby(updates, key=lambda update: update.business)
        ],
    }


def raw(body: Mapping[str, Any]) -> bytes:
    """As Meta writes JSON: anything outside ASCII escaped in lowercase, and slashes too."""
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def _changes(updates: Sequence[StatusUpdate]) -> Iterator[dict[str, Any]]:
    for first in range(0, len(updates), CHANGE_SIZE):
        some = updates[first : first + CHANGE_SIZE]
        value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": some[0].metadata}
        contacts = {str(update.contact): update.contact for update in some if update.contact}
        if contacts:
            value["contacts"] = list(contacts.values())
        value["statuses"] = [update.status for update in some]
        yield {"value": value, "field": "messages"}
