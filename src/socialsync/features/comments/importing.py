"""Media that were published elsewhere, to be watched too; and where comments stand on the platform."""

import json
from datetime import datetime
from uuid import UUID

from socialsync import clock, telemetry
from socialsync.errors import SocialSyncError
from socialsync.features.channels import service as channels
from socialsync.features.comments import polling, watches
from socialsync.features.comments.cases import Case
from socialsync.features.posts import service as posts
from socialsync.platforms import Sender
from socialsync.platforms.comments import PublishedMedia
from socialsync.queue import limits
from socialsync.resources import Resources

log = telemetry.get_logger(__name__)

MOST_PAGES = 10
NOWHERE = ""
"""Of a post that the platform did not show among the newest: it is not asked again."""
_TYPES = {"image", "carousel", "reel", "story", "video"}


async def import_recent(opened: Resources, workspace_id: UUID, channel_id: UUID) -> int:
    """Posts of the last seven days; how many are new here.

    Raises:
        PlatformError: it was not read; the policy tries again.
        Wait: for the account's rate limit.
    """
    async with opened.database.transaction(workspace_id) as session:
        channel, sender = await channels.load_sender(session, opened.cipher, channel_id)
        if not channels.is_open(channel):
            return 0
    await limits.take_or_wait(opened.database, sender.limit_key)
    now = clock.now()
    recent = [each for each in await _read(opened, sender, now) if each.at > now - polling.WATCHED_FOR]
    async with opened.database.transaction(workspace_id) as session:
        given = json.dumps([_given(each, now) for each in recent])
        imported = await posts.import_media(session, workspace_id, channel_id, given)
        for each in recent:
            if each.permalink and each.id in imported:
                await watches.set_permalink(session, workspace_id, imported[each.id], each.permalink)
    log.info(f"[IMPORT] {len(imported)} posts are watched that were published elsewhere")
    return len(imported)


async def _read(opened: Resources, sender: Sender, now: datetime) -> list[PublishedMedia]:
    found: list[PublishedMedia] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = await opened.platforms.instagram.recent_media(sender, after)
        found += page.media
        after = page.after
        if after is None or (page.media and page.media[-1].at < now - polling.WATCHED_FOR):
            break
    return list({each.id: each for each in found}.values())


async def link_of(case: Case) -> str | None:
    """Where the comment stands on the platform. A courtesy: that it is not found hinders nothing."""
    post_id, media_id = case.comment.post_id, case.comment.media_id
    if post_id is None or media_id is None:
        return None
    async with case.opened.database.transaction(case.workspace_id) as session:
        permalink = await watches.find_permalink(session, post_id)
    if permalink is None:
        permalink = await _ask_for_permalink(case, post_id, media_id)
    return f"{permalink.rstrip('/')}/c/{case.comment.platform_comment_id}/" if permalink else None


async def _ask_for_permalink(case: Case, post_id: UUID, media_id: str) -> str | None:
    try:
        page = await case.opened.platforms.instagram.recent_media(case.sender)
    except SocialSyncError as error:
        log.info("[COMMENT] Could not ask where a post stands", reason=error.message)
        return None
    permalink = next((each.permalink for each in page.media if each.id == media_id), None)
    async with case.opened.database.transaction(case.workspace_id) as session:
        await watches.set_permalink(session, case.workspace_id, post_id, permalink or NOWHERE)
    return permalink


def _given(media: PublishedMedia, now: datetime) -> dict[str, str | None]:
    stop_at = media.at + polling.WATCHED_FOR
    return {
        "media_id": media.id,
        "caption": media.caption,
        "media_url": media.media_url,
        "media_type": media.media_type if media.media_type in _TYPES else None,
        "published_at": media.at.isoformat(),
        "next_check_at": now.isoformat(),
        "stop_at": stop_at.isoformat(),
    }
