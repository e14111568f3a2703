"""The doors to channels, but for their deletion, in which their posts have a say."""

from uuid import UUID

from pydantic import SecretStr
from starlette.responses import Response
from starlette.status import HTTP_201_CREATED, HTTP_202_ACCEPTED

from socialsync import clock
from socialsync.api.idempotency import AskedOnce, once
from socialsync.api.opened import Opened
from socialsync.api.pages import Paged
from socialsync.api.principal import Operator, Reader
from socialsync.api.routing import Router
from socialsync.api.schemas import Page
from socialsync.features.channels import proving, service
from socialsync.features.channels.schemas import ChannelChanges, ChannelOut, NewChannel
from socialsync.resources import Resources

router = Router(prefix="/api/v1/channels", tags=["channels"])


@router.post("", summary="Connect a channel", status_code=HTTP_201_CREATED, response_model=ChannelOut)
async def connect_channel(
    channel: NewChannel, principal: Operator, opened: Opened, asked: AskedOnce
) -> Response:
    """Connect a WhatsApp number or an Instagram account. 409 when the workspace has it already; 403 when
    another workspace has it too, and the platform does not take this token for it.
    """
    token = channel.access_token.get_secret_value()
    content = channel.model_dump(exclude={"access_token"})
    await _prove(opened, principal.workspace_id, channel.platform, channel.external_id, token)
    async with opened.database.transaction(principal.workspace_id) as session:

        async def connect() -> ChannelOut:
            row = await service.connect(
                session,
                opened.cipher,
                principal.workspace_id,
                content,
                access_token=token,
                actor=principal.actor,
            )
            return ChannelOut.model_validate(row)

        return await once(session, asked, connect)


@router.get("", summary="List the channels")
async def list_channels(window: Paged, principal: Reader, opened: Opened) -> Page[ChannelOut]:
    """Newest first."""
    async with opened.database.transaction(principal.workspace_id) as session:
        rows = await service.list_channels(session, before=window.cursor, limit=window.fetch)
        return window.page(rows, ChannelOut.model_validate)


@router.get("/{channel_id}", summary="Show a channel")
async def get_channel(channel_id: UUID, principal: Reader, opened: Opened) -> ChannelOut:
    async with opened.database.transaction(principal.workspace_id) as session:
        return ChannelOut.model_validate(await service.get_channel(session, channel_id))


@router.patch("/{channel_id}", summary="Change a channel")
async def change_channel(
    channel_id: UUID, changes: ChannelChanges, principal: Operator, opened: Opened
) -> ChannelOut:
    """What is left out stays as it is. A new access token makes the channel active again, and the posts that
    waited for it go on; a paused one stays paused.
    """
    given = changes.given()
    token: SecretStr | None = given.pop("access_token", None)
    if token is not None:
        async with opened.database.transaction(principal.workspace_id) as session:
            row = await service.get_channel(session, channel_id)
        await _prove(opened, principal.workspace_id, row.platform, row.external_id, token.get_secret_value())
    async with opened.database.transaction(principal.workspace_id) as session:
        row = await service.change(
            session,
            opened.cipher,
            channel_id,
            given,
            access_token=token.get_secret_value() if token else None,
            actor=principal.actor,
            now=clock.now(),
        )
        return ChannelOut.model_validate(row)


@router.put("/{channel_id}/pause", summary="Pause a channel")
async def pause_channel(channel_id: UUID, principal: Operator, opened: Opened) -> ChannelOut:
    """Its posts wait until it is resumed; what is being sent goes on. A paused one stays as it is."""
    async with opened.database.transaction(principal.workspace_id) as session:
        row = await service.pause(session, channel_id, actor=principal.actor, now=clock.now())
        return ChannelOut.model_validate(row)


@router.put("/{channel_id}/catch-up", summary="Catch up with a channel", status_code=HTTP_202_ACCEPTED)
async def catch_up_channel(channel_id: UUID, principal: Operator, opened: Opened) -> ChannelOut:
    """Pull the last 24 hours of an Instagram account's conversations, of which nobody may have been told: its
    webhooks did not get through. Who still waits is answered, and nobody twice. 409 on WhatsApp.
    """
    async with opened.database.transaction(principal.workspace_id) as session:
        row = await service.catch_up(session, channel_id, actor=principal.actor, now=clock.now())
        return ChannelOut.model_validate(row)


async def _prove(opened: Resources, workspace_id: UUID, platform: str, external_id: str, token: str) -> None:
    await proving.prove(
        opened.database,
        opened.platforms,
        opened.cipher,
        workspace_id=workspace_id,
        platform=platform,
        external_id=external_id,
        access_token=token,
    )
