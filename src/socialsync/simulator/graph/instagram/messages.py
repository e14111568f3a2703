"""``POST /{ig-id}/messages``: a direct message, and its echo.

Meta, Instagram Platform, "Send messages": text of at most 1,000 bytes in UTF-8. Whoever is subscribed hears
of every message of the account, its own too.
"""

from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import graph_error, invalid
from socialsync.simulator.kinds import Kind
from socialsync.simulator.webhooks import Parcel, raw
from socialsync.simulator.world import World

TEXT_LIMIT = 1_000

_PARAMS = frozenset({"recipient", "message", "messaging_type", "tag"})
_TAGS = {None, "HUMAN_AGENT"}


def send(call: Call, world: World) -> dict[str, Any]:
    """``{"recipient_id", "message_id"}``."""
    params = call.params
    params.only(_PARAMS)
    person = (params.mapping("recipient") or {}).get("id")
    text = (params.mapping("message") or {}).get("text")
    if not isinstance(person, str) or not person.isdigit():
        raise invalid("Param recipient[id] must be a valid ID string.")
    if not isinstance(text, str) or not text:
        raise invalid("Param message[text] must be a string.")
    if len(text.encode()) > TEXT_LIMIT:
        raise graph_error(100, 2534038, details="The message is too long.")
    tag = params.text("tag")
    if tag not in _TAGS:
        raise invalid("Param tag must be one of {HUMAN_AGENT}.")
    message_id = world.ids.message(person).replace("wamid.", "aWdfZAG1f")
    world.accounts.remember(call.actor, "instagram", call.bearer)
    details = {"recipient": person, "text": text, "tag": tag}
    world.ledger.record(Kind.INSTAGRAM_MESSAGE, call.actor, message_id, details)
    if world.webhooks.is_called_for:
        world.webhooks.hand_over(
            Parcel("instagram", raw(_echo(call.actor, person, message_id, text, world)), 1)
        )
    return {"recipient_id": person, "message_id": message_id}


def _echo(account: str, person: str, message_id: str, text: str, world: World) -> dict[str, Any]:
    at = int(world.now().timestamp() * 1_000)
    event = {
        "sender": {"id": account},
        "recipient": {"id": person},
        "timestamp": at,
        "message": {"mid": message_id, "text": text, "is_echo": True},
    }
    return {"object": "instagram", "entry": [{"id": account, "time": at, "messaging": [event]}]}
