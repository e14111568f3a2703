"""``GET /{ig-id}/conversations``: what was said, for whoever was not told.

Meta, Instagram Platform, "Get Conversations": newest first; of a conversation, the 20 most recent messages
have details, and older ones only an id and a time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import invalid
from socialsync.simulator.graph.fields import parse_fields, select
from socialsync.simulator.world import World
from socialsync.simulator.world.accounts import username
from socialsync.simulator.world.directs import Direct, Thread

PAGE = 25
LARGEST_PAGE = 50
MESSAGES = 25
DETAILED = 20


def list_recent(call: Call, world: World) -> dict[str, Any]:
    """``data`` and ``paging`` by cursor, which is the last conversation of a page."""
    params = call.params
    params.only({"platform", "fields", "limit", "after"})
    if params.required("platform") != "instagram":
        raise invalid("Param platform must be one of {INSTAGRAM}.")
    asked = [name.partition(".")[0] for name in parse_fields(params.text("fields"))]
    size = min(params.number("limit") or PAGE, LARGEST_PAGE)
    world.accounts.remember(call.actor, "instagram", call.bearer)
    rest = _after(world.directs.of(call.actor), params.text("after"))
    page = rest[:size]
    answer: dict[str, Any] = {"data": [_shown(thread, asked) for thread in page]}
    if page:
        answer["paging"] = {"cursors": {"before": page[0].id, "after": page[-1].id}}
        if len(rest) > size:
            query = {"access_token": call.bearer, "platform": "instagram", "after": page[-1].id}
            answer["paging"]["next"] = f"{call.origin}{call.path}?{urlencode(query)}"
    return answer


def _after(threads: Sequence[Thread], cursor: str | None) -> Sequence[Thread]:
    if cursor is None:
        return threads
    for place, thread in enumerate(threads, start=1):
        if thread.id == cursor:
            return threads[place:]
    raise invalid("Invalid cursors values")


def _shown(thread: Thread, asked: list[str]) -> dict[str, Any]:
    newest_first = thread.directs[: -MESSAGES - 1 : -1]
    people = _account(thread), _person(thread)
    known = {
        "id": thread.id,
        "updated_time": _told(thread.updated_at),
        "participants": {"data": list(people)},
        "messages": {
            "data": [
                _detailed(thread, direct) if place < DETAILED else _bare(direct)
                for place, direct in enumerate(newest_first)
            ]
        },
    }
    return select(known, asked, "UnifiedThread", default=("id", "updated_time"))


def _bare(direct: Direct) -> dict[str, Any]:
    return {"id": direct.id, "created_time": _told(direct.at)}


def _detailed(thread: Thread, direct: Direct) -> dict[str, Any]:
    sides = [_person(thread), _account(thread)]
    sender, recipient = reversed(sides) if direct.echo else sides
    content = direct.content
    shown = {
        **_bare(direct),
        "from": sender,
        "to": {"data": [recipient]},
        "message": content.get("text") or "",
        **_attached(content.get("attachments") or []),
    }
    return shown | ({"is_unsupported": True} if content.get("is_unsupported") else {})


def _attached(attachments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What webhooks have as attachments, as this call spells it."""
    files: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    story: dict[str, Any] = {}
    for each in attachments:
        kind, url = each.get("type"), (each.get("payload") or {}).get("url")
        if kind in {"image", "video"}:
            files.append({f"{kind}_data": {"url": url}})
        elif kind in {"audio", "file"}:
            files.append({"file_url": url})
        elif kind == "story_mention":
            story = {"mention": {"link": url}}
        else:
            shares.append({"link": url})
    found = {"attachments": {"data": files}, "shares": {"data": shares}}
    return {name: value for name, value in found.items() if value["data"]} | (
        {"story": story} if story else {}
    )


def _person(thread: Thread) -> dict[str, str]:
    return {"username": f"person_{thread.person}", "id": thread.person}


def _account(thread: Thread) -> dict[str, str]:
    return {"username": username(thread.account), "id": thread.account}


def _told(at: datetime) -> str:
    """In whole seconds, as Graph has them."""
    return at.strftime("%Y-%m-%dT%H:%M:%S%z")
