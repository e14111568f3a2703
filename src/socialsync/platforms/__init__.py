"""The outside world's social platforms: what they can do, what they refuse, what their errors mean.

async with platforms.open_platforms(meta_graph_url=..., instagram_graph_url=..., version="v25.0") as world:
    wamid = await world.whatsapp.send_text(sender, "+33612345678", "Hello", tracker=outbox_id)
"""

from socialsync import later

with later.without("httpx._main"):  # its command line, which takes rich and pygments along
    from socialsync.platforms.catalogue import PLATFORMS, Platforms, check_post, media_of, open_platforms
    from socialsync.platforms.comments import Comment, CommentPage, MediaPage, PublishedMedia
    from socialsync.platforms.contract import (
        CommentPlatform,
        ContainerState,
        ContainerStatus,
        FreshToken,
        Heed,
        Media,
        Quota,
        Sender,
        Template,
    )
    from socialsync.platforms.fetching import local_origins
    from socialsync.platforms.probing import probe_media
    from socialsync.platforms.webpages import fetch_page

__all__ = [
    "PLATFORMS",
    "Comment",
    "CommentPage",
    "CommentPlatform",
    "ContainerState",
    "ContainerStatus",
    "FreshToken",
    "Heed",
    "Media",
    "MediaPage",
    "Platforms",
    "PublishedMedia",
    "Quota",
    "Sender",
    "Template",
    "check_post",
    "fetch_page",
    "local_origins",
    "media_of",
    "open_platforms",
    "probe_media",
]
