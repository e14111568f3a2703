"""Files of messages, fetched while the platform still has them, and kept here."""

from uuid import UUID

from socialsync import clock, telemetry
from socialsync.db.away import is_away
from socialsync.errors import Permanent, SocialSyncError, Temporary
from socialsync.features.channels import service as channels
from socialsync.features.messages import queries
from socialsync.features.messages.models import MessageMedia
from socialsync.features.messages.wording import sentence
from socialsync.platforms import Sender
from socialsync.queue import jobs
from socialsync.queue.jobs import Job
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

LARGEST = 25 * 2**20
"""Bytes. WhatsApp lets people send documents of 100 MB; those stay with the platform."""


async def fetch(opened: Resources, job: Job, workspace_id: UUID, message_id: UUID) -> dict[str, int]:
    """Fetch what of a message's files is missing: how many were ``stored``, how many ``failed``.

    Raises:
        Temporary: the policy tries again.
    """
    async with opened.database.transaction(workspace_id) as session:
        message = await queries.find_message(session, message_id)
        if message is None:
            return {"stored": 0, "failed": 0}
        channel = await channels.get_channel_row(session, message.channel_id)
        files = [each for each in await queries.media_of(session, [message_id]) if each.status == "pending"]
    counts = {"stored": 0, "failed": 0}
    trouble: Temporary | None = None
    for file in files:
        try:
            sender = channels.sender_of(channel, opened.cipher)
            content, mime_type = await _content(opened, channel.platform, sender, file)
            values = {
                "status": "stored",
                "content": content,
                "size": len(content),
                "mime_type": mime_type or file.mime_type,
            }
        except Temporary as error:
            if jobs.wait_after(job, error) is not None:
                trouble = error
                continue
            values = {"status": "failed", "error": sentence(error)}
        except SocialSyncError as error:
            values = {"status": "failed", "error": sentence(error)}
        except Exception as error:
            if is_away(error):
                raise
            log.exception("[MEDIA] A file could not be fetched", media_id=str(file.id))
            values = {"status": "failed", "error": sentence(error)}
        counts[str(values["status"])] += 1
        async with opened.database.transaction(workspace_id) as session:
            await queries.update_media(session, file.id, values, now=clock.now())
    if trouble is not None:
        raise trouble
    return counts


async def _content(
    opened: Resources, platform: str, sender: Sender, file: MessageMedia
) -> tuple[bytes, str | None]:
    """Its bytes and their type.

    Raises:
        Permanent, Temporary.
    """
    if platform == "whatsapp" and file.platform_media_id:
        return await opened.platforms.whatsapp.fetch_media(sender, file.platform_media_id, most=LARGEST)
    if platform == "instagram" and file.url:
        return await opened.platforms.instagram.fetch_media(sender, file.url, most=LARGEST)
    raise Permanent("The platform has not told where the file is.")
