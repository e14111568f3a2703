"""``/_sim/inbound``: what people out there do, told as webhooks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError

from socialsync.simulator.control.comments import Happened, comment
from socialsync.simulator.control.problems import fields_beside, refused
from socialsync.simulator.faults.base import Strict
from socialsync.simulator.graph.whatsapp.statuses import status_error, status_update
from socialsync.simulator.webhooks import Parcel, people, raw
from socialsync.simulator.world import Stage, World
from socialsync.simulator.world.accounts import business_account, display_phone_number
from socialsync.simulator.world.directs import Direct
from socialsync.simulator.world.whatsapp import Message

NOBODY = "Nobody is told: POST /_sim/webhooks {url, app_secret}."


class Failure(Strict):
    code: int
    title: str | None = None
    details: str | None = None


class Status(Strict):
    """A status of a message. Of one that is not known here, account and recipient must be given.

    Args:
        at: seconds since 1970; now by default.
    """

    id: str = Field(min_length=1)
    status: str = Field(min_length=1)
    account: str | None = None
    recipient: str | None = None
    tracker: str | None = None
    at: int | None = Field(default=None, ge=0, lt=2**35)
    error: Failure | None = None


class Wrote(Strict):
    """A person writes to an account.

    Args:
        person: phone number or business-scoped id on WhatsApp, a number on Instagram.
        id: the message's; a new one by default. The same one again is a duplicate.
        at: seconds since 1970; now by default.
        content: instead of a text, what the webhook has: ``{"type": "image", "image": {...}}`` on WhatsApp,
            ``{"read": {"mid": ...}}`` on Instagram.
        echo: the account itself writes, in Instagram's own app.
    """

    platform: Literal["whatsapp", "instagram"]
    account: str = Field(min_length=1)
    person: str = Field(min_length=1)
    text: str | None = None
    name: str | None = None
    id: str | None = Field(default=None, min_length=1)
    at: int | None = Field(default=None, ge=0, lt=2**35)
    content: dict[str, Any] | None = None
    echo: bool = False


class Body(Strict):
    platform: Literal["whatsapp", "instagram"]
    body: dict[str, Any]


class Inbound(Happened):
    statuses: list[Status] = []
    messages: list[Wrote] = []
    bodies: list[Body] = []

    @property
    def must_be_told(self) -> bool:
        """What happens under media is seen by whoever looks."""
        told = self.statuses or self.messages or self.bodies
        return bool(told) or not (self.media or self.comments or self.crowds or self.edits or self.deletions)


def inbound_door(stage: Stage) -> APIRouter:
    door = APIRouter()

    @door.post("/inbound")
    async def inbound(request: Request) -> JSONResponse:
        world = stage.world
        try:
            happened = Inbound.model_validate_json(await request.body())
            messages = [_message(status, world) for status in happened.statuses]
            if happened.must_be_told and not (world.webhooks.is_called_for or world.webhooks.loses):
                return JSONResponse({"detail": NOBODY}, 409)
            commented = comment(happened, world)
        except ValidationError as problem:
            return refused(problem, partial(fields_beside, Inbound))
        except LookupError as unknown:
            return JSONResponse({"detail": str(unknown)}, 422)
        for status, message in zip(happened.statuses, messages, strict=True):
            _tell(status, message, world)
        ids = [_write(each, world) for each in happened.messages]
        for each in happened.bodies:
            world.webhooks.hand_over(Parcel(each.platform, raw(each.body), 1))
        told = len(messages) + len(ids) + len(happened.bodies)
        return JSONResponse(
            {"told": told, "ids": ids, "media": commented["media"], "comment_ids": commented["ids"]}, 202
        )

    return door


def _write(wrote: Wrote, world: World) -> str:
    """Tell the account; the message's id."""
    at = world.now() if wrote.at is None else datetime.fromtimestamp(wrote.at, UTC)
    if wrote.platform == "whatsapp":
        message_id = wrote.id or world.ids.message(wrote.account)
        content = wrote.content or {"type": "text", "text": {"body": wrote.text or ""}}
        number = "".join(filter(str.isdigit, display_phone_number(wrote.account)))
        body = people.whatsapp_body(
            business_account(wrote.account),
            {"display_phone_number": number, "phone_number_id": wrote.account},
            message_id,
            content,
            person=wrote.person,
            name=wrote.name,
            at=at,
        )
    else:
        message_id = wrote.id or people.instagram_id(world.ids.message(wrote.account))
        marked = {"is_echo": True} if wrote.echo else {}
        content = wrote.content or {"message": {"mid": message_id, "text": wrote.text or "", **marked}}
        _remember(wrote, content, world, at)
        body = people.instagram_body(wrote.account, wrote.person, content, at=at, echo=wrote.echo)
    world.webhooks.hand_over(Parcel(wrote.platform, raw(body), 1))
    return message_id


def _remember(wrote: Wrote, content: Mapping[str, Any], world: World, at: datetime) -> None:
    """Instagram keeps what was written, told or not."""
    message = content.get("message")
    if isinstance(message, dict) and isinstance(mid := message.get("mid"), str):
        world.directs.note(wrote.account, wrote.person, Direct(mid, at, wrote.echo, message))


def _message(status: Status, world: World) -> Message:
    """The message that a status is of; what the status says of it wins.

    Raises:
        LookupError: it is not known, and what must be is not given.
    """
    known = world.whatsapp.messages.get(status.id)
    account = status.account or (known and known.account)
    contact = _contact(status.recipient) if status.recipient else known and known.contact
    if not account or not contact:
        raise LookupError(f"No message {status.id} was sent: give its account and recipient.")
    kind, tracker = (known.type, known.tracker) if known else ("text", None)
    return Message(status.id, account, contact, kind, status.tracker or tracker)


def _contact(recipient: str) -> Mapping[str, str]:
    number = recipient.removeprefix("+")
    return {"wa_id": number} if number.isdigit() else {"user_id": recipient}


def _tell(status: Status, message: Message, world: World) -> None:
    at = world.now() if status.at is None else datetime.fromtimestamp(status.at, UTC)
    failure = status.error
    error = status_error(failure.code, failure.title, failure.details) if failure else None
    world.webhooks.tell(status_update(message, status.status, at, error))
