"""Reading one message of a WhatsApp webhook, by its type.

Meta, WhatsApp Cloud API, "Messages webhook reference". An unknown type is a message all the same: its content
is kept, and a person sees that there is something.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from socialsync.platforms import bodies
from socialsync.platforms.bodies import Notes
from socialsync.platforms.news import Amended, File, Kind, Moved, Person, Reacted, Told, Written

__all__ = ["Person", "contacts_of", "phone_of", "read"]

Contacts = Mapping[str, Mapping[str, Any]]
Content = Mapping[str, Any]

_DIGITS = re.compile(r"\+?([0-9]{5,15})")
_FILES: Mapping[str, Kind] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "document",
    "sticker": "sticker",
}
_BESIDE = ("referral", "forwarded", "frequently_forwarded", "referred_product")


def contacts_of(value: Mapping[str, Any], notes: Notes) -> Contacts:
    """The contacts of a change, by each of their ids."""
    found: dict[str, Mapping[str, Any]] = {}
    for contact in bodies.listed(value, "contacts", notes):
        for name in ("wa_id", "user_id"):
            key = bodies.id_of(contact.get(name))
            if key is not None:
                found[key] = contact
    return found


def phone_of(value: Any) -> str | None:
    """A WhatsApp number in E.164, with its plus."""
    found = _DIGITS.fullmatch(bodies.id_of(value) or "")
    return f"+{found[1]}" if found and found[1].isascii() else None


def read(
    message: Mapping[str, Any], contacts: Contacts, notes: Notes, now: datetime, *, echo: bool = False
) -> Iterator[Told]:
    """What this message tells: mostly one thing, nothing when nobody could say whose it is."""
    kind = bodies.name_of(message.get("type"))
    message_id, person = bodies.text_of(message.get("id")), _person(message, contacts, echo=echo)
    if "group_id" in message:
        notes.has_no_reader("message of a group")
        return
    if person is None or message_id is None:
        notes.is_odd(f"A message of type {kind} is of nobody" if person is None else "A message has no id")
        return
    at = bodies.moment(message.get("timestamp"), now)
    content = bodies.inner(message, kind)
    if kind in _AMENDMENTS:
        amended = _AMENDMENTS[kind](content, person, at, echo)
        if amended is None:
            notes.is_odd(f"A message of type {kind} does not tell which message")
        else:
            yield amended
        return
    if kind == "system":
        yield from _moves(content, person, at)
    yield _written(
        message, content, message_id=message_id, person=person, at=at, type_=kind, notes=notes, echo=echo
    )


def _person(message: Mapping[str, Any], contacts: Contacts, *, echo: bool) -> Person | None:
    side, scoped = ("to", "to_user_id") if echo else ("from", "from_user_id")
    phone, user_id = phone_of(message.get(side)), bodies.id_of(message.get(scoped))
    known = contacts.get((phone or "").removeprefix("+")) or contacts.get(user_id or "") or {}
    user_id = user_id or bodies.id_of(known.get("user_id"))
    phone = phone or phone_of(known.get("wa_id"))
    if phone is None and user_id is None:
        return None
    profile = bodies.inner(known, "profile")
    return Person(
        user_id, phone, bodies.text_of(profile.get("name")), bodies.text_of(profile.get("username"))
    )


def _written(
    message: Mapping[str, Any],
    content: Content,
    *,
    message_id: str,
    person: Person,
    at: datetime,
    type_: str,
    notes: Notes,
    echo: bool,
) -> Written:
    context = bodies.inner(message, "context")
    beside = {name: each[name] for each in (message, context) for name in _BESIDE if name in each}
    kind, text, detail, files = _content(message, type_, content, notes)
    return Written(
        id=message_id,
        person=person,
        at=at,
        kind=kind,
        echo=echo,
        text=text,
        files=files,
        reply_to=bodies.text_of(context.get("id")),
        detail=bodies.kept({**detail, **beside}),
    )


def _content(
    message: Mapping[str, Any], type_: str, content: Content, notes: Notes
) -> tuple[Kind, str | None, Mapping[str, Any], list[File]]:
    if type_ in _FILES:
        kind = _FILES[type_]
        detail = {name: content[name] for name in ("voice", "animated") if name in content}
        return kind, bodies.said(content.get("caption")), detail, [_file(kind, content)]
    if type_ == "contacts":
        return "contacts", None, {"contacts": bodies.items(message.get("contacts"))}, []
    if type_ in _SIMPLE:
        kind, text = _SIMPLE[type_]
        return kind, text(content), content if kind != "text" else {}, []
    notes.has_no_reader(f"message {type_}")
    rest = {"type": type_, "content": message.get(type_), "errors": message.get("errors")}
    return "unsupported", None, {name: value for name, value in rest.items() if value}, []


def _file(kind: Kind, content: Content) -> File:
    return File(
        kind=kind,
        media_id=bodies.id_of(content.get("id")),
        url=bodies.url_of(content.get("url")) if "id" not in content else None,
        mime_type=bodies.text_of(content.get("mime_type")),
        name=bodies.text_of(content.get("filename")),
    )


def _text(content: Content) -> str | None:
    return bodies.said(content.get("body"))


def _place(content: Content) -> str | None:
    parts = (bodies.text_of(content.get(name)) for name in ("name", "address"))
    return ", ".join(part for part in parts if part) or None


def _button(content: Content) -> str | None:
    return bodies.said(content.get("text"))


def _choice(content: Content) -> str | None:
    """The title of what was chosen, or what was filled into a form."""
    for name in ("button_reply", "list_reply"):
        if title := bodies.said(bodies.inner(content, name).get("title")):
            return title
    form = bodies.inner(content, "nfm_reply")
    if not form:
        return None
    try:
        filled: Any = json.loads(form.get("response_json", ""))
    except (ValueError, TypeError, RecursionError):
        filled = None
    if isinstance(filled, Mapping):
        lines = [f"{key}: {value}" for key, value in filled.items() if isinstance(value, str | int | float)]
        return bodies.said("\n".join(lines)) or bodies.said(form.get("body"))
    return bodies.said(form.get("body"))


_SIMPLE: Mapping[str, tuple[Kind, Callable[[Content], str | None]]] = {
    "text": ("text", _text),
    "location": ("location", _place),
    "button": ("button", _button),
    "interactive": ("interactive", _choice),
    "order": ("order", _button),
    "system": ("system", _text),
}


def _edit(content: Content, person: Person, at: datetime, echo: bool) -> Amended | None:
    target, new = bodies.text_of(content.get("original_message_id")), bodies.inner(content, "message")
    if target is None:
        return None
    changed = bodies.inner(new, bodies.name_of(new.get("type")))
    text = bodies.said(changed.get("body")) or bodies.said(changed.get("caption"))
    return Amended(target, person, at, echo=echo, text=text)


def _revoke(content: Content, person: Person, at: datetime, echo: bool) -> Amended | None:
    target = bodies.text_of(content.get("original_message_id"))
    return Amended(target, person, at, echo=echo, deleted=True) if target else None


def _react(content: Content, person: Person, at: datetime, echo: bool) -> Reacted | None:
    target = bodies.text_of(content.get("message_id"))
    return Reacted(target, person, at, bodies.text_of(content.get("emoji")), echo=echo) if target else None


_AMENDMENTS: Mapping[str, Callable[[Content, Person, datetime, bool], Told | None]] = {
    "edit": _edit,
    "revoke": _revoke,
    "reaction": _react,
}


def _moves(content: Content, person: Person, at: datetime) -> Iterator[Moved]:
    """A changed number or user id. Meta, "System messages webhook reference"."""
    phone = phone_of(content.get("wa_id") or content.get("new_wa_id"))
    user_id = bodies.id_of(content.get("user_id"))
    known = (phone is not None and phone != person.phone) or (
        user_id is not None and user_id != person.user_id
    )
    if known and str(content.get("type", "")).startswith("user_changed"):
        yield Moved(person, Person(user_id or person.user_id, phone or person.phone), at)
