"""Reading Instagram's webhooks. Pure; whatever comes, nothing raises and nothing is passed over in silence.

Meta, Instagram Platform, "Webhooks": messages come as ``messaging`` or ``standby`` of an entry, test events
and those of Facebook Login as its ``changes``, some of Instagram Login as ``field`` and ``value`` of the
entry itself; comments in either shape. Times are milliseconds since 1970. An echo is what the account itself
wrote.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from socialsync.platforms import bodies
from socialsync.platforms.bodies import Notes
from socialsync.platforms.instagram import threads
from socialsync.platforms.news import (
    Amended,
    CommentMade,
    File,
    Kind,
    News,
    Person,
    Reacted,
    Seen,
    Told,
    Written,
)

_MESSAGING = {
    "messages",
    "message_edit",
    "message_reactions",
    "messaging_postbacks",
    "messaging_seen",
    "messaging_referral",
    "standby",
}
"""Fields whose changes look like an item of ``messaging``."""
_COMMENTS = "comments"
_PER_SECOND = 1_000
_FILES: Mapping[str, Kind] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "document",
    "like_heart": "sticker",
}
_SHARES: Mapping[str, Kind] = {
    "share": "share",
    "ig_post": "share",
    "ig_reel": "share",
    "reel": "share",
    "post": "share",
    "story_mention": "story",
    "ig_story": "story",
    "template": "interactive",
}


def read(body: Any, *, now: datetime) -> News:
    """What a body tells.

    Args:
        body: parsed, of whatever shape.
        now: when it came; nothing in it happened later.
    """
    notes = Notes()
    told: list[tuple[str, Told]] = []
    comments: list[tuple[str, CommentMade]] = []
    for entry, field, event in _events(body, notes):
        account = bodies.id_of(entry.get("id"))
        if field != _COMMENTS:
            for found in _read_event(event, account, notes, now):
                if account is None:
                    notes.is_odd("A message is of no account")
                else:
                    told.append((account, found))
        elif account is None:
            notes.is_odd("A comment is of no account")
        elif made := threads.made(event, entry, account, notes, now):
            comments.append((account, made))
    return News((), dict(notes.unread), notes.problems, told, comments)


def _events(body: Any, notes: Notes) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """Each item of messaging and each change, in whatever shape it came: its entry, its field, itself."""
    if not isinstance(body, Mapping) or "entry" not in body:
        notes.is_odd("There is no entry")
    for entry in bodies.listed(body, "entry", notes):
        for name in ("messaging", "standby"):
            for event in bodies.listed(entry, name, notes):
                yield entry, name, event
        changes = list(bodies.listed(entry, "changes", notes))
        if "field" in entry:
            changes.append(entry)
        for change in changes:
            field, value = bodies.name_of(change.get("field")), change.get("value")
            if field not in _MESSAGING and field != _COMMENTS:
                notes.has_no_reader(field)
            elif isinstance(value, Mapping):
                yield entry, field, value
            else:
                notes.is_odd(f"A change of {field} has no value")
        if not entry.keys() & {"messaging", "standby", "changes", "field"}:
            notes.is_odd("An entry has nothing in it")


def _read_event(event: Mapping[str, Any], account: str | None, notes: Notes, now: datetime) -> Iterator[Told]:
    message = bodies.inner(event, "message")
    echo = message.get("is_echo") is True or (
        account is not None and bodies.id_of(bodies.inner(event, "sender").get("id")) == account
    )
    if message.get("is_self") is True:
        notes.has_no_reader("message to itself")
        return
    user_id = bodies.id_of(bodies.inner(event, "recipient" if echo else "sender").get("id"))
    if user_id is None:
        notes.is_odd("A message is of nobody")
        return
    person = Person(user_id, None, username=bodies.text_of(bodies.inner(event, "sender").get("username")))
    at = bodies.moment(event.get("timestamp"), now, per_second=_PER_SECOND)
    for name, read_part in _PARTS.items():
        if name in event:
            found = read_part(bodies.inner(event, name), person, at, echo)
            if found is None:
                notes.is_odd(f"A {name} does not tell which message")
            else:
                yield found
            return
    names = sorted(bodies.name_of(name) for name in event.keys() - {"sender", "recipient", "timestamp"})
    notes.has_no_reader(names[0] if names else "event without content")


def _message(content: Mapping[str, Any], person: Person, at: datetime, echo: bool) -> Told | None:
    message_id = bodies.text_of(content.get("mid"))
    if message_id is None:
        return None
    if content.get("is_deleted") is True:
        return Amended(message_id, person, at, echo=echo, deleted=True)
    kind, files, detail = _attached(content)
    reply = bodies.inner(content, "reply_to")
    if content.get("is_unsupported") is True:
        kind = "unsupported"
    for name in ("quick_reply", "referral"):
        if name in content:
            detail[name] = content[name]
    if "story" in reply:
        detail["story"] = reply["story"]
    return Written(
        id=message_id,
        person=person,
        at=at,
        kind=kind,
        echo=echo,
        text=bodies.said(content.get("text")),
        files=files,
        reply_to=bodies.text_of(reply.get("mid")),
        detail=bodies.kept(detail),
    )


def _attached(content: Mapping[str, Any]) -> tuple[Kind, list[File], dict[str, Any]]:
    """The kind of a message with these attachments: that of the first, which tells most."""
    kinds: list[Kind] = []
    files: list[File] = []
    others: list[Any] = []
    for each in bodies.items(content.get("attachments")):
        if not isinstance(each, Mapping):
            continue
        type_, url = bodies.name_of(each.get("type")), bodies.url_of(bodies.inner(each, "payload").get("url"))
        if type_ in _FILES and url is not None:
            kinds.append(_FILES[type_])
            files.append(File(_FILES[type_], url=url))
        elif type_ in _FILES:
            kinds.append(_FILES[type_])
        else:
            kinds.append(_SHARES.get(type_, "unsupported"))
            others.append(each)
    if not kinds:
        story = "story" in bodies.inner(content, "reply_to")
        kinds.append("text" if "text" in content or story else "unsupported")
    return kinds[0], files, {"attachments": others} if others else {}


def _edit(content: Mapping[str, Any], person: Person, at: datetime, echo: bool) -> Told | None:
    message_id = bodies.text_of(content.get("mid"))
    return (
        Amended(message_id, person, at, echo=echo, text=bodies.said(content.get("text")))
        if message_id
        else None
    )


def _react(content: Mapping[str, Any], person: Person, at: datetime, echo: bool) -> Told | None:
    target = bodies.text_of(content.get("mid"))
    if target is None:
        return None
    emoji = bodies.text_of(content.get("emoji")) or bodies.text_of(content.get("reaction"))
    return Reacted(target, person, at, None if content.get("action") == "unreact" else emoji, echo=echo)


def _seen(content: Mapping[str, Any], person: Person, at: datetime, echo: bool) -> Told | None:  # noqa: ARG001 - like the others
    return Seen(person, at, bodies.text_of(content.get("mid")))


def _postback(content: Mapping[str, Any], person: Person, at: datetime, echo: bool) -> Told | None:
    message_id = bodies.text_of(content.get("mid"))
    if message_id is None:
        return None
    detail = {name: content[name] for name in ("payload", "referral") if name in content}
    text = bodies.said(content.get("title"))
    return Written(message_id, person, at, "button", echo=echo, text=text, detail=bodies.kept(detail))


_PARTS = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _react,
    "read": _seen,
    "postback": _postback,
}
