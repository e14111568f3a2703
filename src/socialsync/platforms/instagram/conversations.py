"""Reading Instagram's own memory of what was said, into the words in which webhooks tell it.

Meta, Instagram Platform, "Get Conversations": conversations newest first, each with its most recent messages,
of which only the last 20 have details. Times are whole seconds. A message's id is the ``mid`` of its webhook.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from socialsync.platforms import bodies
from socialsync.platforms.graph import Answer
from socialsync.platforms.news import File, Kind, Person, Recalled, Written

PAGE = 10
"""Conversations in one answer: Graph refuses what becomes too long."""
DETAILED = 20
_THREAD = f"id,updated_time,participants,messages.limit({DETAILED})"
_MESSAGE = "id,created_time,from,to,message"
FIELDS = f"{_THREAD}{{{_MESSAGE},attachments,shares,story,is_unsupported}}"
PLAIN_FIELDS = f"{_THREAD}{{{_MESSAGE}}}"
"""Those that Meta's page names. Of the others only its reference of messages speaks, for Facebook's host."""
_APART = timedelta(milliseconds=1)


def page_of(answer: Answer, account: str, *, now: datetime) -> Recalled:
    """What a page tells, each conversation in its order.

    Args:
        account: whose conversations these are. What is not between it and somebody else is left out: should
            Instagram know the account by another id there, it must not be taken for a customer.

    Raises:
        PlatformUnavailable: it is no list; what is not in it may be there all the same.
    """
    listed = answer.body.get("data")
    if not isinstance(listed, list):
        answer.unclear("its answer has no list of conversations")
    threads = [each for each in listed if isinstance(each, Mapping)]
    times = [at for each in threads if (at := moment(each.get("updated_time"), now))]
    told = [written for each in threads for written in _thread(each, account, now)]
    return Recalled(told, max(times, default=None), _after(answer.body))


def moment(value: Any, now: datetime) -> datetime | None:
    """ISO 8601, as Graph writes it, or seconds since 1970, as its pages say. Never later than now."""
    if isinstance(value, str) and not value.isdigit():
        try:
            at = datetime.fromisoformat(value)
            return min(at.astimezone(UTC), now) if at.tzinfo else None
        except (ValueError, OverflowError):
            return None
    return bodies.moment(value, now) if isinstance(value, str | int) else None


def _after(body: Mapping[str, Any]) -> str | None:
    """The next page's cursor. The URL given for it has the token in it."""
    paging = bodies.inner(body, "paging")
    after = bodies.inner(paging, "cursors").get("after") if paging.get("next") else None
    return after if isinstance(after, str) and after else None


def _thread(thread: Mapping[str, Any], account: str, now: datetime) -> Iterator[Written]:
    """Oldest first, no two at the same time: within a second only their order tells which came first."""
    people = {found.user_id: found for found in _people(bodies.inner(thread, "participants"))}
    before: datetime | None = None
    for entry in reversed(bodies.items(bodies.inner(thread, "messages").get("data"))):
        if not isinstance(entry, Mapping):
            continue
        at = moment(entry.get("created_time"), now)
        person = _other_side(entry, account, people)
        message_id = bodies.text_of(entry.get("id"))
        if at is None or person is None or message_id is None:
            continue
        before = at if before is None else max(at, before + _APART)
        yield _written(entry, message_id, person, before, echo=_sender(entry).user_id == account)


def _other_side(entry: Mapping[str, Any], account: str, people: Mapping[str | None, Person]) -> Person | None:
    """Who the account talks with; None when it has no part in this message, or nobody else has."""
    sender = _sender(entry)
    if sender.user_id is None:
        return None  # too old for details
    to = list(_people(bodies.inner(entry, "to"))) or [
        each for each in people.values() if each.user_id != sender.user_id
    ]
    if sender.user_id == account:
        others = [each for each in to if each.user_id != account]
        return others[0] if len(others) == 1 else None
    return sender if any(each.user_id == account for each in to) else None


def _sender(entry: Mapping[str, Any]) -> Person:
    return _person(bodies.inner(entry, "from"))


def _people(node: Mapping[str, Any]) -> Iterator[Person]:
    for each in bodies.items(node.get("data")):
        if isinstance(each, Mapping) and (found := _person(each)).user_id:
            yield found


def _person(node: Mapping[str, Any]) -> Person:
    return Person(bodies.id_of(node.get("id")), None, username=bodies.text_of(node.get("username")))


def _written(
    entry: Mapping[str, Any], message_id: str, person: Person, at: datetime, *, echo: bool
) -> Written:
    files = list(_files(entry))
    detail = {name: entry[name] for name in ("shares", "story") if entry.get(name)}
    text = bodies.said(entry.get("message"))
    return Written(
        id=message_id,
        person=person,
        at=at,
        kind=_kind(entry, files, text),
        echo=echo,
        text=text,
        files=files,
        detail=bodies.kept(detail),
    )


def _kind(entry: Mapping[str, Any], files: list[File], text: str | None) -> Kind:
    if entry.get("is_unsupported") is True:
        return "unsupported"
    if files:
        kinds: Mapping[str, Kind] = {"image": "image", "video": "video", "audio": "audio"}
        return kinds.get(files[0].kind, "document")
    if entry.get("shares"):
        return "share"
    if "mention" in bodies.inner(entry, "story"):
        return "story"
    return "text" if text or entry.get("story") else "unsupported"


def _files(entry: Mapping[str, Any]) -> Iterator[File]:
    for each in bodies.items(bodies.inner(entry, "attachments").get("data")):
        if not isinstance(each, Mapping):
            continue
        type_, name = bodies.text_of(each.get("mime_type")), bodies.text_of(each.get("name"))
        for kind in ("image", "video"):
            if url := bodies.url_of(bodies.inner(each, f"{kind}_data").get("url")):
                yield File(kind, url=url, mime_type=type_, name=name)
        if url := bodies.url_of(each.get("file_url")):
            family = (type_ or "").partition("/")[0]
            yield File("audio" if family == "audio" else "document", url=url, mime_type=type_, name=name)
