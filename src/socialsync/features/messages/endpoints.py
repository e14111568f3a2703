"""The doors to people, single messages and their files."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator
from starlette.responses import Response

from socialsync import clock
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page, storable
from socialsync.errors import Conflict
from socialsync.features.messages import service
from socialsync.features.messages.schemas import ContactOut, MessageOut, MessageResolution

router = Router(prefix="/api/v1", tags=["messages"])

Search = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="A phone, an id, or how a name begins."),
    AfterValidator(lambda value: value if value is None else storable(value)),
]
_CONTENT = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


class NobodyToAsk(Conflict):
    """The platform has no way to tell."""


@router.get("/contacts", summary="List the people who wrote")
async def list_contacts(
    caller: Reader, opened: Opened, paged: Paged, channel_id: UUID | None = None, q: Search = None
) -> Page[ContactOut]:
    """Newest first."""
    async with opened.database.transaction(caller.workspace_id) as session:
        rows = await service.list_contacts(
            session, channel_id=channel_id, search=q, before=paged.cursor, limit=paged.fetch
        )
        return paged.page(rows, ContactOut.model_validate)


@router.get("/contacts/{contact_id}", summary="Show a person")
async def get_contact(contact_id: UUID, caller: Reader, opened: Opened) -> ContactOut:
    async with opened.database.transaction(caller.workspace_id) as session:
        return ContactOut.model_validate(await service.get_contact(session, contact_id))


@router.post("/messages/{message_id}/resolve", summary="Say what became of a message")
async def resolve_message(
    message_id: UUID, body: MessageResolution, caller: Operator, opened: Opened
) -> MessageOut:
    """For a message whose status is `unknown`. 409 where it is known, and for `check`: neither platform tells
    of a single message when asked; what it tells by itself is taken at any time.
    """
    if body.check:
        raise NobodyToAsk(
            "The platform cannot be asked about a single message.",
            field="check",
            fix="Look into the conversation on the platform, and write outcome instead.",
        )
    async with opened.database.transaction(caller.workspace_id) as session:
        message = await service.resolve(
            session,
            message_id,
            happened=body.outcome == "happened",
            platform_id=body.platform_id,
            now=clock.now(),
        )
        return MessageOut.model_validate(message)


@router.get(
    "/media/{media_id}", summary="Get a file of a message", response_class=Response, responses={200: _CONTENT}
)
async def get_media(media_id: UUID, caller: Reader, opened: Opened) -> Response:
    """To be saved, never to be shown as a page: strangers sent it."""
    async with opened.database.transaction(caller.workspace_id) as session:
        file = await service.get_media(session, media_id)
    name = quote(file.file_name or f"{file.kind}-{file.id}", safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(file.content, media_type="application/octet-stream", headers=headers)
