"""What may become a post, and what Instagram refuses at once."""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import graph_error, invalid
from socialsync.simulator.graph.params import Params
from socialsync.simulator.media import asked_size
from socialsync.simulator.world import World
from socialsync.simulator.world.instagram import Draft, Status

CAPTION_LIMIT = 2_200
HASHTAG_LIMIT = 30
MENTION_LIMIT = 20
ALT_TEXT_LIMIT = 1_000
CAROUSEL_SIZES = range(2, 11)
NARROWEST, WIDEST = 0.8, 1.91

_TYPES = ("IMAGE", "VIDEO", "REELS", "STORIES", "CAROUSEL")
_NOT_JPEG = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".heic",
        ".heif",
        ".ico",
        ".jps",
        ".mov",
        ".mp4",
        ".mpo",
        ".pdf",
        ".png",
        ".svg",
        ".tif",
        ".tiff",
        ".webp",
    }
)
_VIDEO = frozenset({"", ".mp4", ".mov"})
_HASHTAG = re.compile(r"#\w")
_MENTION = re.compile(r"(?<![\w.])@[A-Za-z0-9_]")


def read_draft(call: Call, world: World) -> Draft:
    """Raises:
    GraphError: what Instagram says of this media, caption or carousel.
    """
    params = call.params
    children = params.items("children") or ()
    media_type = _media_type(params)
    draft = Draft(
        media_type=media_type,
        caption=params.text("caption"),
        alt_text=params.text("alt_text"),
        image_url=params.text("image_url") or None,
        video_url=params.text("video_url") or None,
        children=children,
        is_carousel_item=params.flag("is_carousel_item"),
    )
    _check_words(draft)
    _check_place(draft)
    if media_type == "CAROUSEL":
        _check_carousel(call, draft, world)
    else:
        _check_media(draft)
    return draft


def _media_type(params: Params) -> str:
    media_type = params.text("media_type") or "IMAGE"
    if media_type not in _TYPES:
        raise invalid(f'Param media_type must be one of {{{", ".join(_TYPES)}}} - got "{media_type}".')
    if media_type == "VIDEO" and not params.flag("is_carousel_item"):
        raise invalid("The VIDEO value for media_type is no longer supported. Use the REELS media type.")
    return media_type


def _check_words(draft: Draft) -> None:
    caption = draft.caption or ""
    if len(caption) > CAPTION_LIMIT or len(_HASHTAG.findall(caption)) > HASHTAG_LIMIT:
        raise graph_error(36004, 2207010)
    if len(_MENTION.findall(caption)) > MENTION_LIMIT:
        raise graph_error(100, 2207040)
    if len(draft.alt_text or "") > ALT_TEXT_LIMIT:
        raise invalid(f"Param alt_text must be at most {ALT_TEXT_LIMIT} characters long.")


def _check_place(draft: Draft) -> None:
    """Meta, "IG User Media": what is for images only, and what an item of a carousel may be."""
    if draft.alt_text and draft.media_type != "IMAGE":
        raise invalid("The parameter alt_text is for images only, stories excepted.")
    if not draft.is_carousel_item:
        return
    if draft.media_type not in {"IMAGE", "VIDEO"}:
        raise invalid("A carousel item is an image, or a video with media_type VIDEO.")
    if draft.caption:
        raise invalid("A carousel item has no caption; its carousel has.")


def _check_media(draft: Draft) -> None:
    if draft.children:
        raise invalid("The parameter children is for media_type CAROUSEL only.")
    if draft.image_url and draft.video_url:
        raise invalid("Give one of image_url and video_url, not both.")
    if draft.media_type in {"VIDEO", "REELS"} or (draft.media_type == "STORIES" and draft.video_url):
        _check_video(draft.video_url)
    else:
        _check_image(draft.image_url)


def _check_image(url: str | None) -> None:
    if not url:
        raise invalid("The parameter image_url is required.")
    if _ending(url) in _NOT_JPEG:
        raise graph_error(36001, 2207005)
    _check_ratio(url)


def _check_ratio(url: str) -> None:
    """Of our own pictures, whose URL tells it."""
    size = asked_size(url)
    if size and not NARROWEST <= size.width / size.height <= WIDEST:
        raise graph_error(36003, 2207009)


def _check_video(url: str | None) -> None:
    if not url:
        raise invalid("The parameter video_url is required.")
    if _ending(url) not in _VIDEO:
        raise graph_error(352, 2207026)


def _ending(url: str) -> str:
    """Of the URL's file. What a URL really holds is not looked at: this world has no network."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        raise graph_error(
            9004, 2207052, error_user_msg=f"The media could not be fetched from this URI: {url}"
        )
    return PurePosixPath(parts.path).suffix.lower()


def _check_carousel(call: Call, draft: Draft, world: World) -> None:
    if len(draft.children) not in CAROUSEL_SIZES:
        raise graph_error(100, 2207028)
    for child in draft.children:
        container = world.instagram.containers.get(child)
        if container is None or container.account != call.account or not container.draft.is_carousel_item:
            raise invalid(f"The child {child} is no carousel item of this account.")
        if container.status(world.now()) is Status.EXPIRED:
            raise graph_error(-2, 2207020)
