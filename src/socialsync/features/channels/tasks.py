"""The job of the room: renew a token before it ends."""

from uuid import UUID

from socialsync import clock, resources, telemetry
from socialsync.errors import Permanent
from socialsync.features.channels import renewals, senders, service, tokens
from socialsync.features.channels.models import Channel
from socialsync.platforms.errors import TokenRevoked
from socialsync.queue.jobs import Job
from socialsync.queue.tasks import task
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)


@task(name=renewals.REFRESH, queue="default", policy="idempotent", scope="workspace")
async def refresh_token(job: Job, *, workspace_id: UUID, channel_id: UUID) -> dict[str, str]:
    """Have the platform renew a token, and store the new one unless a person was faster.

    Whatever happens in between, the old token stays good until its own end: nothing is lost by a crash.

    Returns:
        ``status``: ``renewed``, ``replaced`` (by a person, meanwhile), ``revoked`` (the channel needs a new
        one) or ``not due``.

    Raises:
        Permanent: it is not renewed, but good; tried again when it is close to its end, daily.
        Temporary: later.
    """
    opened = resources.of(job)
    async with opened.database.transaction(workspace_id) as session:
        channel = await renewals.find_due(session, channel_id, now=clock.now())
    if channel is None:
        return _ended(channel_id, "not due")
    try:
        fresh = await opened.platforms.instagram.refresh_token(senders.sender_of(channel, opened.cipher))
    except Permanent as refused:
        if await _is_refused_again(opened, channel):
            return _ended(channel_id, await _close(opened, channel, refused))
        async with opened.database.transaction(workspace_id) as session:
            await renewals.keep_look(session, channel, now=clock.now())
        log.warning(f"[TOKEN] Not renewed: {refused}", channel_id=str(channel_id))
        raise
    now, encrypted = clock.now(), opened.cipher.encrypt(fresh.token)
    async with opened.database.transaction(workspace_id) as session:
        kept = await renewals.keep(session, channel, encrypted, expires_at=now + fresh.expires_in, now=now)
    return _ended(channel_id, "renewed" if kept else "replaced")


async def _is_refused_again(opened: Resources, channel: Channel) -> bool:
    """The second look, without which no channel is closed."""
    try:
        await opened.platforms.instagram.check_token(senders.sender_of(channel, opened.cipher))
    except TokenRevoked:
        return True
    except Permanent:
        return False  # whatever it refuses, it has let the token in
    return False


async def _close(opened: Resources, channel: Channel, refused: Permanent) -> str:
    now = clock.now()
    reason = tokens.why_ended(channel.token_expires_at, now) or _sentence(refused)
    async with opened.database.transaction(channel.workspace_id) as session:
        marked = await service.mark_revoked(
            session, channel.id, reason, now=now, token_set_at=channel.token_set_at
        )
    return "revoked" if marked else "replaced"


def _ended(channel_id: UUID, status: str) -> dict[str, str]:
    log.info(f"[TOKEN] Channel {channel_id}: {status}", channel_id=str(channel_id))
    return {"channel_id": str(channel_id), "status": status}


def _sentence(error: Permanent) -> str:
    return " ".join(f"{part.rstrip('.')}." for part in (error.message, error.fix) if part)
