"""What becomes of a message once it was accepted, as webhooks tell it.

Meta, WhatsApp Cloud API, "Status messages webhook reference": since v24 without a conversation, and with the
pricing of the message in ``sent`` and in one more.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from socialsync.simulator.faults import Fault, Moment, statuses
from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.sayings import SAYINGS
from socialsync.simulator.webhooks import StatusUpdate
from socialsync.simulator.world import World
from socialsync.simulator.world.accounts import business_account, display_phone_number
from socialsync.simulator.world.whatsapp import Message

_HREF = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
_PRICED = frozenset({"sent", "delivered"})


@dataclass(frozen=True, slots=True)
class _Step:
    """A status: how many seconds after the message it happens, and after how many it is told."""

    name: str
    happens_s: float
    told_s: float
    error: dict[str, Any] | None = None


def announce(message: Message, call: Call, world: World) -> None:
    """Tell how this message fares, if anybody wants to know, and as the faults ordered for it have it."""
    if not world.webhooks.is_called_for:
        return
    pause = world.setup.statuses_pause_s
    steps = [_Step(name, turn * pause, turn * pause) for turn, name in enumerate(world.setup.statuses, 1)]
    hurried = 0
    for fault in world.faults.take(Moment.STATUSES, call):
        steps = _spoilt(steps, fault, pause)
        if isinstance(fault, statuses.StatusBeforeAnswer):
            hurried = 1
    sent_at = world.now()
    told = [
        status_update(message, step.name, sent_at + timedelta(seconds=step.happens_s), step.error)
        for step in steps
    ]
    world.webhooks.hurry(told[:hurried])
    for step, update in zip(steps[hurried:], told[hurried:], strict=True):
        world.webhooks.tell(update, step.told_s)


def status_update(
    message: Message, name: str, at: datetime, error: dict[str, Any] | None = None
) -> StatusUpdate:
    """``error`` as `status_error` makes it."""
    wa_id, user_id = message.contact.get("wa_id"), message.contact.get("user_id")
    shown = {
        "id": message.id,
        "status": name,
        "timestamp": str(int(at.timestamp())),
        "recipient_id": wa_id,
        "recipient_user_id": user_id,
        "biz_opaque_callback_data": message.tracker,
        "pricing": _pricing(message.type) if name in _PRICED else None,
        "errors": error and [error],
    }
    number = "".join(filter(str.isdigit, display_phone_number(message.account)))
    known_as = {"wa_id": wa_id, "user_id": user_id}
    return StatusUpdate(
        business=business_account(message.account),
        metadata={"display_phone_number": number, "phone_number_id": message.account},
        status={field: value for field, value in shown.items() if value is not None},
        contact=None if error else {field: value for field, value in known_as.items() if value},
    )


def status_error(code: int, title: str | None = None, details: str | None = None) -> dict[str, Any]:
    """What is not given comes from what Meta is known to say for this code."""
    known = SAYINGS.get((code, None))
    title = title or (known.message.removeprefix(f"(#{code}) ") if known else f"Error {code}")
    details = details or (known and known.details) or title
    error_data = {"details": details}
    return {"code": code, "title": title, "message": title, "error_data": error_data, "href": _HREF}


def _spoilt(steps: list[_Step], fault: Fault, pause: float) -> list[_Step]:
    match fault:
        case statuses.StatusFailed():
            return [_Step("failed", pause, pause, status_error(fault.code, fault.title, fault.details))]
        case statuses.DuplicateStatuses():
            span = max((step.told_s for step in steps), default=0.0)
            return [
                replace(step, told_s=step.told_s + span * copy)
                for copy in range(fault.copies)
                for step in steps
            ]
        case statuses.ReorderStatuses():
            return [
                replace(later, told_s=place.told_s)
                for later, place in zip(reversed(steps), steps, strict=True)
            ]
        case statuses.NoStatuses():
            return []
        case statuses.DelayStatuses():
            return [replace(step, told_s=step.told_s + fault.seconds) for step in steps]
        case statuses.StatusBeforeAnswer():
            return steps
        case _:
            raise TypeError(f"{fault.action} does nothing to statuses")


def _pricing(kind: str) -> dict[str, Any]:
    """Meta, "Pricing on the WhatsApp Business Platform": within the service window only templates cost."""
    if kind == "template":
        return {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}
    return {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
