"""A look at the media of a post before it is queued, to refuse at once what the platform would surely refuse.

The network is asked here, so never inside a transaction.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from socialsync import platforms
from socialsync.errors import Invalid
from socialsync.settings import Settings

MOST = 50
"""Different URLs of many posts at once that are still looked at."""


@dataclass(frozen=True)
class Media:
    """The media of one post, as ``content`` has let them through."""

    platform: str
    urls: tuple[str, ...]
    media_type: str | None


async def look(settings: Settings, media: Media | None) -> None:
    """Raises Invalid: names the medium, ``media_urls[1]``."""
    if media is None or not media.urls:
        return
    graph = settings.whatsapp_graph if media.platform == "whatsapp" else settings.instagram_graph
    await platforms.probe_media(
        media.urls,
        platform=media.platform,
        media_type=media.media_type,
        here=platforms.local_origins(graph),
    )


async def look_at_many(settings: Settings, posts: Sequence[Media]) -> None:
    """Raises Invalid: names the post and the medium, ``posts[17].media_urls[0]``."""
    if len({url for media in posts for url in media.urls}) > MOST:
        return
    first = {media: number for number, media in reversed(list(enumerate(posts)))}
    found = await asyncio.gather(*(look(settings, media) for media in first), return_exceptions=True)
    problems = [
        Invalid(problem.message, field=f"posts[{number}].{problem.field}", fix=problem.fix)
        for number, problem in sorted(zip(first.values(), found, strict=True), key=lambda pair: pair[0])
        if isinstance(problem, Invalid)
    ]
    for problem in found:
        if isinstance(problem, BaseException) and not isinstance(problem, Invalid):
            raise problem
    if problems:
        raise Invalid(problems[0].message, field=problems[0].field, fix=problems[0].fix, also=problems[1:])
