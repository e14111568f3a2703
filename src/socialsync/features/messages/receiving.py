"""What people and accounts do, stored at once. Duplicates and reorderings end in the same rows.

The session is of a system transaction: a body may be about the accounts of several workspaces. It holds every
conversation of the body, in their order, before it writes to any of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.asking import Answer
from socialsync.features.messages import arrivals, bursts, lanes, people, reach
from socialsync.features.messages.people import Meeting
from socialsync.platforms.news import Amended, Moved, Person, Reacted, Seen, Told, Written
from socialsync.queue import deferring

Placed: TypeAlias = tuple[UUID, Told]
"""What was told, and in which channel."""

_SILENT = {"system"}
"""Kinds of messages that nobody wrote."""


@dataclass(frozen=True)
class Intervention:
    """Somebody answered from the platform's own app."""

    workspace_id: UUID
    conversation_id: UUID
    at: datetime


@dataclass
class _Body:
    """One body's worth, while it is stored."""

    channels: Mapping[UUID, Mapping[str, Any]]
    pulled: bool
    conversations: dict[UUID, Answer] = field(default_factory=dict)
    of: dict[tuple[UUID, Person], Answer] = field(default_factory=dict)


def meeting(platform: str, told: Sequence[tuple[str, Told]]) -> Meeting:
    """What can be asked before ``receive``, along with other things."""
    latest: dict[tuple[str, str], Person] = {}
    for account, each in told:
        if isinstance(each, Written | Amended):
            key = account, people.key(each.person)
            latest[key] = _fuller(each.person, latest.get(key))
    return Meeting(platform, sorted({account for account, _ in told}), latest)


async def receive(
    session: AsyncSession,
    told: Sequence[tuple[str, Told]],
    *,
    channels: Mapping[str, Collection[UUID]],
    met: Meeting | None = None,
    pulled: bool = False,
    now: datetime,
) -> list[Intervention]:
    """Store what was told, open and slide windows, and defer what is to be done about it.

    Args:
        told: each with the account that it is about, in the order of the body.
        channels: by account; what is of others is left out.
        met: the answered ``meeting`` of what was told, and possibly of more.
        pulled: these are from the past, each conversation in its order. What was answered afterwards, or is
            too old to be, asks for nothing; what was written before its channel was connected gives nobody
            the floor.

    Returns:
        where a person has stepped in from the app.
    """
    reached = sorted({each for some in channels.values() for each in some})
    known = met.channels if met else await people.open_channels(session, reached)
    placed: list[Placed] = [
        (channel_id, each)
        for account, each in told
        for channel_id in channels.get(account, ())
        if channel_id in known
    ]
    if not placed:
        return []
    body = _Body(known, pulled)
    await _meet(session, body, placed, met.held if met else {}, now=now)
    interventions = await _store_messages(session, body, placed, now=now)
    await _store_changes(session, body, placed, now=now)
    for channel_id, each in placed:
        if isinstance(each, Moved):
            await people.move(session, known[channel_id]["workspace_id"], channel_id, each, now=now)
    return interventions


async def _meet(
    session: AsyncSession,
    body: _Body,
    placed: Sequence[Placed],
    held: Mapping[tuple[UUID, str], Answer],
    *,
    now: datetime,
) -> None:
    """Hold the conversations of everybody who wrote, if they are not held already."""
    whom = [(channel_id, each.person) for channel_id, each in placed if isinstance(each, Written | Amended)]
    keys = {who: (who[0], people.key(who[1])) for who in whom}
    if not held.keys() >= set(keys.values()):
        held = await _learn(session, whom, now=now)
    body.of = {who: held[key] for who, key in keys.items() if key in held}
    body.conversations = {row["id"]: row for row in body.of.values()}


async def _learn(
    session: AsyncSession, whom: Sequence[tuple[UUID, Person]], *, now: datetime
) -> Mapping[tuple[UUID, str], Answer]:
    """Find or make the contact and the conversation of each, and hold the conversations."""
    latest: dict[tuple[UUID, str], Person] = {}
    for channel_id, person in whom:
        key = channel_id, people.key(person)
        latest[key] = _fuller(person, latest.get(key))
    keys = sorted(latest)
    contacts = await people.know(session, [(key[0], latest[key]) for key in keys], now=now)
    held = await people.lock_conversations(session, sorted(set(contacts.values())), now=now)
    return {keys[number]: held[contact_id] for number, contact_id in contacts.items()}


def _fuller(person: Person, known: Person | None) -> Person:
    if known is None:
        return person
    return Person(
        person.user_id,
        person.phone or known.phone,
        person.name or known.name,
        person.username or known.username,
    )


async def _store_messages(
    session: AsyncSession, body: _Body, placed: Sequence[Placed], *, now: datetime
) -> list[Intervention]:
    written: dict[tuple[UUID, str], tuple[Written, dict[str, Any]]] = {}
    for channel_id, each in placed:
        row = body.of.get((channel_id, each.person)) if isinstance(each, Written) else None
        if isinstance(each, Written) and row is not None and (channel_id, each.id) not in written:
            written[channel_id, each.id] = (each, _message(row, each))
    await _claim_echoes(session, body, written, now=now)
    answered = await _answered(session, body, placed) if body.pulled else {}
    for _, values in written.values():
        conversation_id = values["conversation_id"]
        settled = body.pulled and not _waits(values, answered.get(conversation_id), now)
        values["asks"] = not settled and _asks(values, body.conversations[conversation_id])
    new = await bursts.add_messages(session, [values for _, values in written.values()], now=now)
    await _note_files(session, new, written, now=now)
    return [
        Intervention(row["workspace_id"], row["conversation_id"], row["told_at"])
        for row in new
        if row["direction"] == "outbound" and _steps_in(row, body)
    ]


def _message(conversation: Mapping[str, Any], each: Written) -> dict[str, Any]:
    return {
        **_placed_in(conversation, echo=each.echo),
        "platform_message_id": each.id,
        "kind": each.kind,
        "text": each.text,
        "detail": dict(each.detail),
        "reply_to": each.reply_to,
        "told_at": each.at,
    }


def _placed_in(conversation: Mapping[str, Any], *, echo: bool) -> dict[str, Any]:
    return {
        "workspace_id": conversation["workspace_id"],
        "channel_id": conversation["channel_id"],
        "conversation_id": conversation["id"],
        "direction": "outbound" if echo else "inbound",
        "author": "app" if echo else "customer",
    }


def _asks(row: Mapping[str, Any], conversation: Mapping[str, Any]) -> bool:
    """Whether this message is one that the AI may have to answer."""
    return (
        row["direction"] == "inbound"
        and row["kind"] not in _SILENT
        and conversation["mode"] == "ai"
        and not _is_theirs(row["told_at"], conversation["handed_back_at"])
    )


def _is_theirs(told_at: datetime, handed_back_at: datetime | None) -> bool:
    """Whether it is from before the handback. Of what is told to be of its very second nobody knows, since
    WhatsApp tells whole seconds: that is answered, because nobody shall be forgotten.
    """
    return handed_back_at is not None and told_at < handed_back_at.replace(microsecond=0)


def _waits(row: Mapping[str, Any], answered_at: datetime | None, now: datetime) -> bool:
    """Whether a message of the past can still be answered, and was not."""
    told_at: datetime = row["told_at"]
    return reach.is_open(told_at, now) and (answered_at is None or told_at > answered_at)


async def _answered(session: AsyncSession, body: _Body, placed: Sequence[Placed]) -> Mapping[UUID, datetime]:
    """When each conversation was last answered: what the platform has of that is told by its order, what it
    has not yet by our time.
    """
    echoes = [
        (body.of[channel_id, each.person]["id"], each)
        for channel_id, each in placed
        if isinstance(each, Written) and each.echo and (channel_id, each.person) in body.of
    ]
    found = await arrivals.answered_at(
        session, sorted(body.conversations), but=[each.id for _, each in echoes]
    )
    for conversation_id, each in echoes:
        found[conversation_id] = max(each.at, found.get(conversation_id, each.at))
    return found


def _steps_in(row: Mapping[str, Any], body: _Body) -> bool:
    """Whether somebody who answered from the app has the floor now."""
    connected_at: datetime = body.channels[row["channel_id"]]["created_at"]
    if body.pulled and row["told_at"] < connected_at.replace(microsecond=0):  # platforms tell seconds
        return False
    return _is_after_handback(row, body.conversations)


def _is_after_handback(row: Mapping[str, Any], conversations: Mapping[UUID, Mapping[str, Any]]) -> bool:
    handed_back_at: datetime | None = conversations[row["conversation_id"]]["handed_back_at"]
    return handed_back_at is None or row["told_at"] > handed_back_at


async def _claim_echoes(
    session: AsyncSession,
    body: _Body,
    written: dict[tuple[UUID, str], tuple[Written, dict[str, Any]]],
    *,
    now: datetime,
) -> None:
    """Our own echo may come before our own answer: it is matched to what is on its way, and is no news."""
    echoes = [key for key, (each, _) in written.items() if each.echo]
    if not echoes:
        return
    known = await arrivals.known_ids(session, [key[0] for key in echoes], [key[1] for key in echoes])
    for key in echoes:
        each, _ = written[key]
        conversation = body.of[key[0], each.person]
        if (
            key in known
            or await arrivals.claim_echo(session, conversation, each, now=now)
            or await arrivals.is_expected(session, conversation["workspace_id"], key[0], each)
        ):
            del written[key]


async def _note_files(
    session: AsyncSession,
    new: Sequence[Answer],
    written: Mapping[tuple[UUID, str], tuple[Written, dict[str, Any]]],
    *,
    now: datetime,
) -> None:
    files: list[dict[str, Any]] = []
    for row in new:
        each, _ = written[row["channel_id"], row["platform_message_id"]]
        files += [
            {
                "workspace_id": row["workspace_id"],
                "message_id": row["id"],
                "place": place,
                "kind": file.kind,
                "platform_media_id": file.media_id,
                "url": file.url,
                "mime_type": file.mime_type,
                "file_name": file.name,
            }
            for place, file in enumerate(each.files)
            if row["deleted_at"] is None and (file.media_id or file.url)
        ]
    fetched = await arrivals.add_media(session, files, now=now)
    await deferring.defer_each(
        session,
        lanes.FETCH,
        [{"workspace_id": workspace_id, "message_id": message_id} for workspace_id, message_id in fetched],
    )


async def _store_changes(
    session: AsyncSession, body: _Body, placed: Sequence[Placed], *, now: datetime
) -> None:
    changes: dict[tuple[UUID, str], dict[str, Any]] = {}
    reactions: dict[tuple[UUID, str, bool], dict[str, Any]] = {}
    seen: list[tuple[UUID, Seen]] = []
    for channel_id, each in placed:
        if isinstance(each, Amended) and (row := body.of.get((channel_id, each.person))) is not None:
            target = (channel_id, each.id)
            changes[target] = _amended(changes.get(target), row, each)
        elif isinstance(each, Reacted):
            key = (channel_id, each.id, each.echo)
            reactions[key] = _reacted(
                reactions.get(key), body.channels[channel_id]["workspace_id"], channel_id, each
            )
        elif isinstance(each, Seen):
            seen.append((channel_id, each))
    await arrivals.amend(session, [changes[key] for key in sorted(changes)], now=now)
    await arrivals.react(session, list(reactions.values()), now=now)
    contacts = await people.find(session, [(channel_id, each.person) for channel_id, each in seen])
    await arrivals.see(
        session,
        [
            {"contact_id": contacts[number], "platform_message_id": each.id, "at": each.at}
            for number, (_, each) in enumerate(seen)
            if number in contacts
        ],
        now=now,
    )


def _amended(before: dict[str, Any] | None, conversation: Mapping[str, Any], each: Amended) -> dict[str, Any]:
    """The last edit of a body, and whether the message is gone."""
    values = before or {
        **_placed_in(conversation, echo=each.echo),
        "platform_message_id": each.id,
        "text": None,
        "edited_at": None,
        "deleted_at": None,
    }
    if each.deleted:
        values |= {"deleted_at": min(values["deleted_at"] or each.at, each.at), "text": None}
    elif values["edited_at"] is None or (each.at, each.text or "") > (
        values["edited_at"],
        values["text"] or "",
    ):
        values |= {"edited_at": each.at, "text": each.text if values["deleted_at"] is None else None}
    return values


def _reacted(
    before: dict[str, Any] | None, workspace_id: UUID, channel_id: UUID, each: Reacted
) -> dict[str, Any]:
    values = {
        "workspace_id": workspace_id,
        "channel_id": channel_id,
        "platform_message_id": each.id,
        "direction": "outbound" if each.echo else "inbound",
        "emoji": each.emoji,
        "told_at": each.at,
    }
    if before and (before["told_at"], before["emoji"] or "") > (each.at, each.emoji or ""):
        return before
    return values
