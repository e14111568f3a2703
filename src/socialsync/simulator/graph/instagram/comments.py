"""What stands under media and under comments, looked at and hidden.

Meta, Instagram Platform, "IG Media Comments", "IG Comment" and "IG Comment Replies": at most 50 in an answer,
newest first. In which order replies come, and what the cursors are, Meta does not say: here replies come
oldest first and a cursor is a place in the list, so that whatever is added on top shifts the pages that
follow.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import invalid
from socialsync.simulator.graph.fields import inner_fields, parse_fields, select
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World
from socialsync.simulator.world.comments import Comment

PAGE = 50
SOME = 25
"""Replies that come with their comment."""

_LIST_PARAMS = frozenset({"fields", "limit", "after"})
_DEFAULT = ("timestamp", "text", "id")
_TYPE = "ShadowIGComment"


def list_newest(call: Call, world: World) -> dict[str, Any]:
    """``GET /{media-id}/comments``: those that answer no other."""
    return _listed(call, world, world.instagram.comments.under(call.node, world.now())[::-1])


def list_replies(call: Call, world: World) -> dict[str, Any]:
    """``GET /{comment-id}/replies``."""
    return _listed(call, world, world.instagram.comments.under(call.node, world.now()))


def read(call: Call, world: World) -> dict[str, Any]:
    """``GET /{comment-id}?fields=...``."""
    call.params.only({"fields"})
    return _shown(_known(call, world), call, world)


def hide(call: Call, world: World) -> dict[str, Any]:
    """``POST /{comment-id}?hide=`` -> ``{"success": true}``; the account's own are not hidden."""
    call.params.only({"hide"})
    comment, hidden = _known(call, world), call.params.required_flag("hide")
    if comment.own:
        raise invalid("You cannot hide a comment that you made.")
    world.accounts.remember(call.actor, "instagram", call.bearer)
    if comment.hidden != hidden:
        comment.hidden = hidden
        details = {"hidden": hidden, "media_id": comment.media_id}
        world.ledger.record(Kind.INSTAGRAM_HIDE, call.actor, comment.id, details)
    return {"success": True}


def switch(call: Call, world: World) -> dict[str, Any]:
    """``POST /{media-id}?comment_enabled=`` -> ``{"success": true}``."""
    call.params.only({"comment_enabled"})
    enabled, closed = call.params.required_flag("comment_enabled"), world.instagram.comments.closed
    (closed.discard if enabled else closed.add)(call.node)
    world.ledger.record(Kind.INSTAGRAM_COMMENTING, call.actor, call.node, {"enabled": enabled})
    return {"success": True}


def _known(call: Call, world: World) -> Comment:
    comment = world.instagram.comments.get(call.node, world.now())
    if comment is None:
        raise RuntimeError(f"{call.kind} of no comment")
    return comment


def _listed(call: Call, world: World, comments: Sequence[Comment]) -> dict[str, Any]:
    params = call.params
    params.only(_LIST_PARAMS)
    size = params.number("limit")
    if size == 0:
        raise invalid("Param limit must be greater than 0.")
    start, size = _place(params.text("after")), min(size or SOME, PAGE)
    shown = [_shown(comment, call, world) for comment in comments[start : start + size]]
    following = _address(call, call.path, size, params.text("fields"))
    return _edge(shown, start, len(comments), following)


def _shown(comment: Comment, call: Call, world: World) -> dict[str, Any]:
    spelled = call.params.text("fields")
    asked = parse_fields(spelled)
    known = _known_of(comment)
    if "replies" in asked and comment.parent_id is None:
        known["replies"] = _some_replies(comment, call, world, inner_fields(spelled, "replies"))
    return select(known, asked, _TYPE, default=_DEFAULT)


def _some_replies(comment: Comment, call: Call, world: World, spelled: str) -> dict[str, Any] | None:
    below = world.instagram.comments.under(comment.id, world.now())
    asked = parse_fields(spelled)
    shown = [select(_known_of(each), asked, _TYPE, default=_DEFAULT) for each in below[:SOME]]
    following = _address(call, f"/{call.version}/{comment.id}/replies", SOME, spelled)
    return _edge(shown, 0, len(below), following) if below else None


def _known_of(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "from": comment.author_shown,
        "hidden": comment.hidden,
        "like_count": comment.like_count,
        "media": {"id": comment.media_id},
        "parent_id": comment.parent_id,
        "replies": None,
        "text": comment.text,
        "timestamp": comment.at.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "user": {"id": comment.author} if comment.own else None,
        "username": comment.username,
    }


def _edge(shown: list[dict[str, Any]], start: int, total: int, following: str) -> dict[str, Any]:
    """``data`` and ``paging``, with a ``next`` when there is more."""
    if not shown:
        return {"data": []}
    end = start + len(shown)
    after = _cursor(end)
    more = {"next": f"{following}&after={after}"} if end < total else {}
    return {"data": shown, "paging": {"cursors": {"before": _cursor(start), "after": after}, **more}}


def _address(call: Call, path: str, size: int, fields: str | None) -> str:
    """With the token, as Meta's has it: whoever follows it needs nothing else."""
    query = {"access_token": call.bearer, "limit": size} | ({"fields": fields} if fields else {})
    return f"{call.origin}{path}?{urlencode(query)}"


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"comment:{place}".encode()).decode().rstrip("=")


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        word, _, place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
    except (binascii.Error, ValueError):
        word, place = "", ""
    if word != "comment" or not place.isdigit():
        raise invalid("Invalid cursors values")
    return int(place)
