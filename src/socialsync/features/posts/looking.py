"""The network calls of settling: what Instagram says of a container and of its recent media."""

from datetime import datetime, timedelta

from socialsync import clock
from socialsync.errors import Permanent, Refused
from socialsync.features.channels import service as channels
from socialsync.features.posts.settling import Case, Verdict
from socialsync.platforms import ContainerState, Sender
from socialsync.platforms.errors import ObjectNotVisible, PlatformError
from socialsync.resources import Resources

CLOCKS_DIFFER = timedelta(minutes=1)
STEPS = ((10, 2), (30, 5), (120, 10), (300, 20))
"""Age of the call in seconds up to which the next look comes after so many seconds; 30 later on."""


async def look(opened: Resources, case: Case) -> tuple[Verdict, str | None]:
    """What became of the call, and the id of the media where there is one. Reads only."""
    try:
        sender = channels.sender_of(case.attempt.channel, opened.cipher)
        return await _look(opened, case, sender)
    except (PlatformError, Permanent, Refused):
        return "unclear", None


async def _look(opened: Resources, case: Case, sender: Sender) -> tuple[Verdict, str | None]:
    instagram, attempt = opened.platforms.instagram, case.attempt
    certain = clock.now() >= case.certain_at
    try:
        state = (await instagram.container_status(sender, attempt.container_id or "")).state
    except ObjectNotVisible:
        state = None
    found: str | None = None
    if attempt.media_type != "story" and (state is not ContainerState.FINISHED or certain):
        found = await instagram.find_media(
            sender, caption=attempt.text, since=case.effect_at - CLOCKS_DIFFER, but=case.known_ids
        )
    if found is not None:
        return "published", found
    if state is ContainerState.PUBLISHED and (certain or attempt.media_type == "story"):
        return "published", None
    if state in {ContainerState.EXPIRED, ContainerState.ERROR} and certain:  # a list may lag behind
        return "gone", None
    if state is ContainerState.FINISHED and certain:
        return "not published", None
    return "unclear", None


def next_look(case: Case, now: datetime) -> timedelta:
    age = (now - case.effect_at).total_seconds()
    return timedelta(seconds=next((step for limit, step in STEPS if age < limit), 30))
