"""Comments as a poll or a webhook brings them: stored once, each with its job, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.comments import echoes
from socialsync.platforms.comments import Comment
from socialsync.queue import deferring

PROCESS = "comments.process_comment"
HISTORY = timedelta(days=1)
BEFORE_US = "It was written before SocialSync watched this post."

_SEEN = text("""
select platform_comment_id, poll, text, hidden, deleted_at is not null as deleted from comments
where workspace_id = :workspace_id and channel_id = :channel_id and platform_comment_id = any (:ids)
""")
_ADD = text("""
insert into comments (workspace_id, channel_id, post_id, media_id, platform_comment_id, parent_id, text,
    author_id, username, own, said_at, hidden, poll, triage, work, error)
select :workspace_id, :channel_id, :post_id, :media_id, given.*
from jsonb_to_recordset(cast(:comments as jsonb))
    as given (id text, parent_id text, text text, author_id text, username text, own boolean,
        said_at timestamptz, hidden boolean, poll bigint, triage text, work text, error text)
order by given.id
on conflict (workspace_id, channel_id, platform_comment_id) do nothing
returning id, work, platform_comment_id
""")
_CHANGE = text("""
update comments set text = given.text, hidden = given.hidden, poll = coalesce(comments.poll, given.poll),
    edited_at = case when comments.text <> given.text then :now else comments.edited_at end,
    deleted_at = null, post_id = coalesce(comments.post_id, :post_id), updated_at = :now
from jsonb_to_recordset(cast(:comments as jsonb))
    as given (id text, text text, hidden boolean, poll bigint)
where comments.workspace_id = :workspace_id and comments.channel_id = :channel_id
    and comments.platform_comment_id = given.id
""")
_SET_JOBS = text("""
update comments set job_id = given.job_id
from unnest(cast(:ids as uuid[]), cast(:jobs as bigint[])) as given (id, job_id)
where comments.workspace_id = :workspace_id and comments.id = given.id
""")


@dataclass(frozen=True)
class Place:
    """Under what comments stand. ``history_until``: what is older is not answered any more."""

    workspace_id: UUID
    channel_id: UUID
    post_id: UUID | None
    media_id: str | None
    history_until: datetime | None = None


@dataclass(frozen=True)
class Arrived:
    """``new``: comments that nobody had told of, our own not counted. ``oldest_new`` is when the oldest of
    them was written. ``known``: those that a poll which came to its end had seen.
    """

    new: int
    oldest_new: datetime | None
    known: frozenset[str]


async def receive(
    session: AsyncSession,
    place: Place,
    comments: Sequence[Comment],
    *,
    poll: int | None = None,
    now: datetime,
) -> Arrived:
    """Store what is new with its job, and what has changed.

    Args:
        comments: each may bring replies.
        poll: the number of the poll that saw them; None for a webhook.
    """
    told = {each.id: (each, parent) for each, parent in _flat(comments)}
    if not told:
        return Arrived(0, None, frozenset())
    values: dict[str, Any] = {"workspace_id": place.workspace_id, "channel_id": place.channel_id}
    rows = await session.execute(_SEEN, {**values, "ids": list(told)})
    seen = {row["platform_comment_id"]: row for row in rows.mappings()}
    new = [_row(*told[key], place, poll) for key in sorted(told.keys() - seen.keys())]
    added = await _add(session, place, new)
    changed = [
        {"id": key, "text": told[key][0].text, "hidden": told[key][0].hidden, "poll": poll}
        for key, row in sorted(seen.items())
        if _differs(row, told[key][0], poll)
    ]
    if changed:
        given = {**values, "post_id": place.post_id, "comments": json.dumps(changed), "now": now}
        await session.execute(_CHANGE, given)
    if own := [(each, parent) for each, parent in told.values() if each.own]:
        await echoes.recognise(session, place.workspace_id, own, now=now)
    moments = [told[key][0].at for key in added if not told[key][0].own]
    known = frozenset(
        key for key, row in seen.items() if row["poll"] is not None and (poll is None or row["poll"] < poll)
    )
    return Arrived(len(moments), min(moments, default=None), known)


async def _add(session: AsyncSession, place: Place, new: Sequence[Mapping[str, Any]]) -> list[str]:
    """The platform's ids of those that were stored; another transaction may have been faster with some."""
    if not new:
        return []
    values = {
        "workspace_id": place.workspace_id,
        "channel_id": place.channel_id,
        "post_id": place.post_id,
        "media_id": place.media_id,
    }
    added = (await session.execute(_ADD, {**values, "comments": json.dumps(new)})).mappings().all()
    await put_to_work(session, place.workspace_id, [row["id"] for row in added if row["work"]])
    return [row["platform_comment_id"] for row in added]


async def put_to_work(session: AsyncSession, workspace_id: UUID, comment_ids: Sequence[UUID]) -> None:
    """A job for each of these comments, which has its id."""
    if not comment_ids:
        return
    jobs = await deferring.defer_each(
        session, PROCESS, [{"workspace_id": workspace_id, "comment_id": each} for each in comment_ids]
    )
    ids = [UUID(job.args["comment_id"]) for job in jobs]
    values = {"workspace_id": workspace_id, "ids": ids, "jobs": [job.id for job in jobs]}
    await session.execute(_SET_JOBS, values)


def _flat(comments: Sequence[Comment]) -> list[tuple[Comment, str | None]]:
    """With the comment that each answers."""
    found = []
    for comment in comments:
        found.append((comment, comment.parent_id))
        found += [(reply, reply.parent_id or comment.id) for reply in comment.replies]
    return found


def _row(comment: Comment, parent_id: str | None, place: Place, poll: int | None) -> dict[str, Any]:
    is_history = place.history_until is not None and comment.at < place.history_until
    rests = comment.own or is_history
    return {
        "id": comment.id,
        "parent_id": parent_id,
        "text": comment.text,
        "author_id": comment.author_id,
        "username": comment.username,
        "own": comment.own,
        "said_at": comment.at.isoformat(),
        "hidden": comment.hidden,
        "poll": poll,
        "triage": "ignore" if rests else "pending",
        "work": None if rests else "decide",
        "error": BEFORE_US if is_history and not comment.own else None,
    }


def _differs(row: RowMapping, comment: Comment, poll: int | None) -> bool:
    """A webhook tells of new ones, and may be told again later: only who reads sees what has changed."""
    return poll is not None and bool(
        row["text"] != comment.text
        or row["deleted"]
        or row["poll"] is None
        or row["hidden"] != comment.hidden
    )
