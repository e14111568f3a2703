"""What an account has published, one by one and newest first."""

from typing import Any
from urllib.parse import urlencode

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import invalid
from socialsync.simulator.graph.fields import parse_fields, select
from socialsync.simulator.world import World
from socialsync.simulator.world.accounts import username
from socialsync.simulator.world.ids import shortcode
from socialsync.simulator.world.instagram import Media

FIELDS = frozenset(
    {
        "alt_text",
        "caption",
        "children",
        "comments_count",
        "is_comment_enabled",
        "like_count",
        "media_product_type",
        "media_type",
        "media_url",
        "owner",
        "permalink",
        "shortcode",
        "timestamp",
        "username",
    }
)
PAGE = 25
LARGEST_PAGE = 100

_MEDIA_TYPES = {"CAROUSEL": "CAROUSEL_ALBUM", "REELS": "VIDEO"}


def read(call: Call, world: World) -> dict[str, Any]:
    """``GET /{media-id}?fields=...``."""
    call.params.only({"fields"})
    media = world.instagram.media[call.node]
    return _shown(media, parse_fields(call.params.text("fields")), world)


def list_recent(call: Call, world: World) -> dict[str, Any]:
    """``GET /{ig-id}/media``: ``data`` newest first, stories left out, and ``paging`` by cursor.

    The cursors are media ids, so a page is right even if something was published since the last one.
    """
    params = call.params
    params.only({"fields", "limit", "after", "since", "until"})
    asked, size = parse_fields(params.text("fields")), _page_size(call)
    since, until = params.number("since") or 0, params.number("until")
    listed = [
        media
        for media in world.instagram.published_by(call.actor)
        if media.draft.media_type != "STORIES"
        and since <= media.published_at.timestamp()
        and (until is None or media.published_at.timestamp() <= until)
    ]
    rest = _after(listed, params.text("after"))
    page = rest[:size]
    answer: dict[str, Any] = {"data": [_shown(media, asked, world) for media in page]}
    if page:
        cursors = {"before": page[0].id, "after": page[-1].id}
        answer["paging"] = {"cursors": cursors}
        if len(rest) > size:
            answer["paging"]["next"] = _next(call, size, cursors["after"])
    return answer


def permalink(media: Media) -> str:
    folder = "reel" if media.draft.media_type == "REELS" else "p"
    return f"https://www.instagram.com/{folder}/{shortcode(media.id)}/"


def _shown(media: Media, asked: list[str], world: World) -> dict[str, Any]:
    draft = media.draft
    kind = "VIDEO" if draft.video_url else "IMAGE"
    known = {
        "id": media.id,
        "alt_text": draft.alt_text,
        "caption": draft.caption or None,
        "children": {"data": [{"id": child} for child in draft.children]} if draft.children else None,
        "comments_count": world.instagram.comments.count(media.id, world.now()),
        "is_comment_enabled": media.id not in world.instagram.comments.closed,
        "like_count": 0,
        "media_product_type": media.product,
        "media_type": _MEDIA_TYPES.get(draft.media_type, kind),
        "media_url": draft.video_url or draft.image_url,
        "owner": {"id": media.account},
        "permalink": permalink(media),
        "shortcode": shortcode(media.id),
        "timestamp": media.published_at.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "username": username(media.account),
    }
    return select(known, asked, "ShadowIGMedia")


def _page_size(call: Call) -> int:
    size = call.params.number("limit")
    if size == 0:
        raise invalid("Param limit must be greater than 0.")
    return min(size or PAGE, LARGEST_PAGE)


def _after(listed: list[Media], cursor: str | None) -> list[Media]:
    if cursor is None:
        return listed
    for place, media in enumerate(listed, start=1):
        if media.id == cursor:
            return listed[place:]
    raise invalid("Invalid cursors values")


def _next(call: Call, size: int, after: str) -> str:
    """With the token, as Meta's has it: whoever follows it needs nothing else."""
    query = {"access_token": call.bearer, "limit": size, "after": after}
    for name in ("fields", "since", "until"):
        if value := call.params.text(name):
            query[name] = value
    return f"{call.origin}{call.path}?{urlencode(query)}"
