"""``POST /{phone-number-id}/messages``: a message, or a mark that one was read."""

import re
from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import graph_error, invalid
from socialsync.simulator.graph.params import Params
from socialsync.simulator.graph.whatsapp.content import CHECKS, check_content
from socialsync.simulator.graph.whatsapp.limits import admit
from socialsync.simulator.graph.whatsapp.statuses import announce
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World
from socialsync.simulator.world.whatsapp import Message

TRACKER_LIMIT = 512

_PARAMS = frozenset(
    {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data"}
)
_READ_PARAMS = frozenset({"messaging_product", "status", "message_id", "typing_indicator"})
_DECORATION = re.compile(r"[\s()+.-]")
_PHONE = re.compile(r"[0-9]{5,15}")
_SCOPED_USER = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


def send(call: Call, world: World) -> dict[str, Any]:
    """``{"messaging_product", "contacts": [...], "messages": [{"id": wamid}]}``."""
    params = call.params
    _check_product(params)
    kind = _type(params)
    params.only(_PARAMS | CHECKS.keys())
    contact = _contact(params)
    content = params.mapping(kind)
    if content is None:
        raise graph_error(131008, details=f"Parameter {kind} is required.")
    check_content(kind, content)
    tracker = _tracker(params)
    details = {
        "to": params.text("to"),
        "recipient": params.text("recipient"),
        "type": kind,
        "text": None,
        kind: content["body"] if kind == "text" else content,
        "context": params.mapping("context"),
        "biz_opaque_callback_data": tracker,
    }
    person = contact.get("wa_id") or contact["user_id"]
    admit(call.actor, person, world)
    wamid = world.ids.message(person)
    world.accounts.remember(call.actor, "whatsapp", call.bearer)
    world.ledger.record(Kind.WHATSAPP_MESSAGE, call.actor, wamid, details)
    sent = Message(wamid, call.actor, contact, kind, tracker)
    world.whatsapp.messages[wamid] = sent
    announce(sent, call, world)
    message = {"id": wamid, "message_status": "accepted"} if kind == "template" else {"id": wamid}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def read(call: Call, world: World) -> dict[str, Any]:
    """``status: read``, with or without a typing indicator -> ``{"success": true}``."""
    params = call.params
    _check_product(params)
    params.only(_READ_PARAMS)
    if params.text("status") != "read":
        raise invalid("Param status must be one of {READ} - got another.")
    message_id = params.required("message_id")
    typing = params.mapping("typing_indicator")
    if typing is not None and typing.get("type") != "text":
        raise invalid("Param typing_indicator['type'] must be one of {TEXT}.")
    world.accounts.remember(call.actor, "whatsapp", call.bearer)
    world.ledger.record(Kind.WHATSAPP_READ, call.actor, message_id, {"typing": typing is not None})
    return {"success": True}


def _check_product(params: Params) -> None:
    if params.required("messaging_product") != "whatsapp":
        raise invalid("Param messaging_product must be one of {WHATSAPP}.")


def _type(params: Params) -> str:
    kind = params.text("type") or "text"
    if kind not in CHECKS:
        raise invalid(f'Param type must be one of {{{", ".join(CHECKS).upper()}}} - got "{kind}".')
    return kind


def _contact(params: Params) -> dict[str, str]:
    """The recipient as answers have it: ``to`` wins over ``recipient``, as Meta says."""
    if params.text("recipient_type") not in {None, "individual"}:
        raise invalid("Param recipient_type must be one of {INDIVIDUAL}.")
    if to := params.text("to"):
        number = _DECORATION.sub("", to)
        if not _PHONE.fullmatch(number):
            raise graph_error(131009, details="Parameter to is not a phone number.")
        return {"input": to, "wa_id": number}
    if user := params.text("recipient"):
        if not _SCOPED_USER.fullmatch(user):
            raise graph_error(131009, details="Parameter recipient is not a business-scoped user id.")
        return {"input": user, "user_id": user}
    raise invalid("The parameter to is required.")


def _tracker(params: Params) -> str | None:
    tracker = params.text("biz_opaque_callback_data")
    if len(tracker or "") > TRACKER_LIMIT:
        raise invalid(f"Param biz_opaque_callback_data must be at most {TRACKER_LIMIT} characters long.")
    return tracker
