"""``POST /{ig-id}/messages``: a direct message, and its echo; or what its writer does meanwhile.

Meta, Instagram Platform, "Send messages": text of at most 1,000 bytes in UTF-8. Whoever is subscribed hears
of every message of the account, its own too. "Sender actions" come alone, without a message.
"""

from datetime import datetime
from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import graph_error, invalid
from socialsync.simulator.kinds import Kind
from socialsync.simulator.webhooks import Parcel, people, raw
from socialsync.simulator.world import World
from socialsync.simulator.world.directs import Direct

TEXT_LIMIT = 1_000

_PARAMS = frozenset({"recipient", "message", "messaging_type", "tag"})
_TAGS = {None, "HUMAN_AGENT"}
_ACTIONS = {"typing_on", "typing_off", "mark_seen"}


def send(call: Call, world: World) -> dict[str, Any]:
    """``{"recipient_id", "message_id"}``."""
    params = call.params
    params.only(_PARAMS)
    person = _person(call)
    text = (params.mapping("message") or {}).get("text")
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
    at = world.now()
    world.directs.note(call.actor, person, Direct(message_id, at, echo=True, content={"text": text}))
    if world.webhooks.is_called_for:
        world.webhooks.hand_over(Parcel("instagram", raw(_echo(call.actor, person, message_id, text, at)), 1))
    return {"recipient_id": person, "message_id": message_id}


def act(call: Call, world: World) -> dict[str, Any]:
    """``sender_action``: show that somebody types, or has read -> ``{"recipient_id"}``."""
    params = call.params
    params.only({"recipient", "sender_action"})
    person, action = _person(call), params.text("sender_action")
    if action not in _ACTIONS:
        raise invalid("Param sender_action must be one of {MARK_SEEN, TYPING_OFF, TYPING_ON}.")
    world.accounts.remember(call.actor, "instagram", call.bearer)
    details = {"action": action, "typing": action == "typing_on"}
    world.ledger.record(Kind.INSTAGRAM_ACTION, call.actor, person, details)
    return {"recipient_id": person}


def _person(call: Call) -> str:
    person = (call.params.mapping("recipient") or {}).get("id")
    if not isinstance(person, str) or not person.isdigit():
        raise invalid("Param recipient[id] must be a valid ID string.")
    return person


def _echo(account: str, person: str, message_id: str, text: str, at: datetime) -> dict[str, Any]:
    return people.instagram_body(
        account, person, {"message": {"mid": message_id, "text": text, "is_echo": True}}, at=at, echo=True
    )
