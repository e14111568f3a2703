"""The verbs of comments. Each takes a session, never commits and never touches the network."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db import audit
from socialsync.errors import Conflict, Invalid, NotFound
from socialsync.features.channels import service as channels
from socialsync.features.comments import arrivals, lanes, queries, replying, watches
from socialsync.features.comments.arrivals import Place
from socialsync.features.comments.deciding import Ruling
from socialsync.features.comments.models import Comment, CommentReply
from socialsync.features.comments.queries import list_comments, list_replies
from socialsync.features.decisions import service as decisions
from socialsync.features.decisions.service import Judgement, Verdict
from socialsync.features.escalations import service as escalations
from socialsync.features.posts import service as posts
from socialsync.platforms.news import CommentMade
from socialsync.queue import deferring

__all__ = ["Comment", "CommentReply", "list_comments", "list_replies"]

TRIAGE: Mapping[Verdict, str] = {"RESPOND": "respond", "IGNORE": "ignore", "ESCALATE": "escalate"}
BROKEN = "SocialSync could not handle it; its job, in GET /api/v1/jobs, tells why."
STEPPED_IN = "A person decided otherwise before it was sent."
IMPORT = "comments.import_media"
LONGEST_PRIVATE = 1_000
"""Bytes of a private message on Instagram."""


class ReplyOnItsWay(Conflict):
    """A reply is being sent; what becomes of it must be known first."""


class AnsweredAlready(Conflict):
    """The AI answers a comment once."""


async def receive(
    session: AsyncSession,
    told: Sequence[tuple[str, CommentMade]],
    *,
    channels: Mapping[str, Sequence[UUID]],
    now: datetime,
) -> int:
    """Comments that a webhook tells of, each stored once, with its job; how many are new.

    Args:
        session: of a system transaction.
        channels: of the accounts, in whatever workspaces they are.
    """
    by_place: dict[tuple[UUID, str | None], list[CommentMade]] = defaultdict(list)
    for account, made in told:
        for channel_id in channels.get(account, ()):
            by_place[channel_id, made.media_id].append(made)
    new = 0
    for channel_id, media_id in sorted(by_place, key=lambda place: (str(place[0]), place[1] or "")):
        some = by_place[channel_id, media_id]
        place = await _place(session, channel_id, media_id)
        arrived = await arrivals.receive(session, place, [made.comment for made in some], now=now)
        new += arrived.new
    return new


async def conclude(
    session: AsyncSession, seen: Comment, ruling: Ruling, *, link: str | None = None, now: datetime
) -> str:
    """Act on a decision and keep it, in one transaction; what is still to be done. A person who has decided
    meanwhile is right.

    Args:
        session: in which the job is proven to be ours.
        seen: the comment as it was when it was taken up.
        link: where a person sees the comment.
    """
    comment = await queries.find_comment(session, seen.id, lock=True)
    if comment is None:
        return "nothing to do"
    if (comment.work, comment.overruled_at) != (seen.work, seen.overruled_at):
        return "decided by a person"
    judgement = ruling.judgement
    values: dict[str, Any] = {"triage": TRIAGE[judgement.decision], "error": None, "updated_at": now}
    if comment.work == "decide":
        about = decisions.Subject(comment.workspace_id, comment.channel_id, "comment", comment.id)
        decision_id = await decisions.record(session, about, judgement, sources=ruling.sources)
        values["ai_decision_id"] = decision_id or comment.ai_decision_id
    channel = await channels.get_channel_row(session, comment.channel_id)
    work: str | None = None
    if judgement.decision == "RESPOND" and ruling.reply:
        is_private = channel.reply_privately and len(ruling.reply.encode()) <= LONGEST_PRIVATE
        kind = "private" if is_private else "public"
        await _write(session, comment, ruling.reply, author="ai", kind=kind)
        work = "send"
    elif judgement.decision == "ESCALATE":
        await _escalate(session, comment, judgement, link, now=now)
    elif judgement.decision == "IGNORE" and channel.hide_ignored_comments and _may_hide(comment, judgement):
        work = "hide"
    await queries.set_comment(session, comment.id, {**values, "work": work})
    return work or judgement.decision


async def overrule(
    session: AsyncSession, comment_id: UUID, verdict: Verdict, reply: str | None, *, by: str, now: datetime
) -> Comment:
    """A person decides, whatever was decided before; it is kept, and shown to the model as an example.

    Args:
        reply: with RESPOND, the words; without them the AI finds some.

    Raises:
        NotFound.
        ReplyOnItsWay.
        AnsweredAlready: by the AI, which has no second answer.
        Invalid: a reply without RESPOND, or to what is our own.
    """
    comment = await get_comment(session, comment_id, lock=True)
    _check(comment, verdict, reply)
    unfinished = await queries.find_unfinished(session, comment_id)
    if unfinished is not None:
        await _withdraw(session, unfinished, now=now)
    if verdict == "RESPOND" and reply is None and await queries.is_answered_by_ai(session, comment_id):
        raise AnsweredAlready(
            "The AI has answered this comment.", field="reply", fix="Write the words of a second reply."
        )
    channel = await channels.get_channel_row(session, comment.channel_id)
    values: dict[str, Any] = {
        "triage": TRIAGE[verdict], "overruled_to": verdict, "overruled_at": now, "overruled_by": by,
        "work": None, "error": None, "updated_at": now,
    }  # fmt: skip
    if verdict == "RESPOND":
        if reply is not None:
            kind = "private" if channel.reply_privately else "public"
            _check_length(reply, kind)
            await _check_unsaid(session, comment_id, reply, kind)
            await _write(session, comment, reply, author="person", kind=kind)
        values["work"] = "send" if reply is not None else "answer"
    if verdict == "ESCALATE":
        judgement = Judgement("ESCALATE", f"{by} wants a person to see it.", "settings", "overruled")
        await _escalate(session, comment, judgement, None, now=now)
    else:
        await escalations.resolve_of(
            session, comment.workspace_id, "comment", comment_id, by=by, note=f"Decided: {verdict}.", now=now
        )
    if verdict == "IGNORE" and channel.hide_ignored_comments and not comment.hidden:
        values["work"] = None if await list_replies(session, [comment_id]) else "hide"
    await queries.set_comment(session, comment_id, values)
    if values["work"]:
        await arrivals.put_to_work(session, comment.workspace_id, [comment_id])
    await audit.record(
        session,
        actor=by,
        action="comments.overruled",
        subject=f"comment:{comment_id}",
        workspace_id=comment.workspace_id,
    )
    return await get_comment(session, comment_id, lock=True)


async def get_comment(session: AsyncSession, comment_id: UUID, *, lock: bool = False) -> Comment:
    """Raises NotFound: not there, or another workspace's."""
    comment = await queries.find_comment(session, comment_id, lock=lock)
    if comment is None:
        raise NotFound(
            "There is no such comment in this workspace.",
            field="comment_id",
            fix="GET /api/v1/comments lists them.",
        )
    return comment


async def import_later(session: AsyncSession, channel_id: UUID, *, now: datetime) -> int:
    """Have the recent posts of an account watched that were published elsewhere; the job's id.

    Raises:
        NotFound.
        Invalid: nothing of this platform has comments.
    """
    channel = await channels.get_channel(session, channel_id)
    if channel.platform != "instagram":
        raise Invalid(
            "Only Instagram has comments under posts.",
            field="channel_id",
            fix="Name a channel of Instagram.",
        )
    slid = await deferring.slide(
        session,
        IMPORT,
        {"workspace_id": channel.workspace_id, "channel_id": channel_id},
        queueing_lock=lanes.of_import(channel_id),
        at=now,
    )
    return slid.id


async def requeue_stranded(session: AsyncSession, *, now: datetime, limit: int = 500) -> int:
    """The sweep: comments with work to do, and replies in doubt, whose jobs are gone."""
    by_workspace: dict[UUID, list[UUID]] = defaultdict(list)
    rows = await queries.take_stranded(session, now, limit)
    for row in rows:
        if row["job_failed"]:
            await _give_up(session, row["id"], now=now)
        else:
            by_workspace[row["workspace_id"]].append(row["id"])
    for workspace_id, ids in by_workspace.items():
        await arrivals.put_to_work(session, workspace_id, ids)
    replies = await queries.take_stranded_replies(session, now, limit)
    for row in replies:
        reply = await queries.find_reply(session, row["id"])
        if reply is not None:
            job_id = await replying.settle_at(session, reply, now)
            await queries.set_reply(session, reply.id, {"settle_job_id": job_id, "updated_at": now})
    return len(rows) + len(replies)


async def _give_up(session: AsyncSession, comment_id: UUID, *, now: datetime) -> None:
    """Its job has failed for good, by whatever mistake: a person sees it, and it is not tried for ever."""
    comment = await queries.find_comment(session, comment_id, lock=True)
    if comment is None or comment.work is None:
        return
    unfinished = await queries.find_unfinished(session, comment_id)
    if unfinished is not None and unfinished.status == "queued":
        values = {"status": "failed", "error": BROKEN, "updated_at": now}
        await queries.set_reply(session, unfinished.id, values)
    triage = "escalate" if comment.work in {"decide", "answer"} else comment.triage
    await queries.set_comment(
        session, comment_id, {"work": None, "triage": triage, "error": BROKEN, "updated_at": now}
    )
    await _escalate(session, comment, Judgement("ESCALATE", BROKEN, "guardrail", "broken"), None, now=now)


async def _place(session: AsyncSession, channel_id: UUID, media_id: str | None) -> Place:
    channel = await channels.get_channel_row(session, channel_id)
    found = {}
    if media_id is not None:
        found = await posts.find_by_media(session, channel.workspace_id, channel_id, [media_id])
    post = found.get(media_id or "")
    return Place(channel.workspace_id, channel_id, post["id"] if post else None, media_id)


async def _write(session: AsyncSession, comment: Comment, text: str, *, author: str, kind: str) -> None:
    await queries.add_reply(
        session,
        workspace_id=comment.workspace_id,
        comment_id=comment.id,
        kind=kind,
        author=author,
        text=text,
        under_id=comment.parent_id or comment.platform_comment_id,
    )


async def _escalate(
    session: AsyncSession, comment: Comment, judgement: Judgement, link: str | None, *, now: datetime
) -> None:
    await escalations.open(
        session,
        workspace_id=comment.workspace_id,
        channel_id=comment.channel_id,
        subject="comment",
        subject_id=comment.id,
        urgency=escalations.of_judgement(judgement.source, judgement.rule),
        reason=judgement.reason,
        rule=judgement.rule,
        excerpt=f"@{comment.username}: {comment.text}" if comment.username else comment.text,
        link=link or await _link(session, comment),
        now=now,
    )


async def _link(session: AsyncSession, comment: Comment) -> str | None:
    """Where the comment stands on the platform, if we know."""
    permalink = await watches.find_permalink(session, comment.post_id) if comment.post_id else None
    if not permalink:
        return None
    return f"{permalink.rstrip('/')}/c/{comment.platform_comment_id}/"


async def _withdraw(session: AsyncSession, reply: CommentReply, *, now: datetime) -> None:
    if reply.status == "sending":
        raise ReplyOnItsWay(
            "A reply to this comment is being sent.", fix="Wait until it is sent, two minutes at most."
        )
    await queries.set_reply(
        session, reply.id, {"status": "cancelled", "error": STEPPED_IN, "updated_at": now}
    )


def _may_hide(comment: Comment, judgement: Judgement) -> bool:
    """Not what nobody looked at, and not what two people tell one another."""
    return judgement.source in {"rule", "model"} and not comment.hidden


async def _check_unsaid(session: AsyncSession, comment_id: UUID, reply: str, kind: str) -> None:
    """Raises AnsweredAlready: the same words stand there, or no second private message is possible."""
    said = [each for each in await list_replies(session, [comment_id]) if each.status in {"sent", "unknown"}]
    if any(each.text == reply for each in said):
        raise AnsweredAlready(
            "The same words were sent to this comment already.", field="reply", fix="Write others."
        )
    if kind == "private" and any(each.kind == "private" for each in said):
        raise AnsweredAlready(
            "Instagram takes one private message for each comment, and it was sent.",
            field="reply",
            fix="Write to the person in their conversation, or switch `reply_privately` off for the channel.",
        )


def _check_length(reply: str, kind: str) -> None:
    if kind == "private" and len(reply.encode()) > LONGEST_PRIVATE:
        raise Invalid(
            f"A private message has at most {LONGEST_PRIVATE:,} bytes, this one {len(reply.encode()):,}.",
            field="reply",
            fix="Shorten it, or switch `reply_privately` off for the channel.",
        )


def _check(comment: Comment, verdict: Verdict, reply: str | None) -> None:
    if reply is not None and verdict != "RESPOND":
        raise Invalid("Only RESPOND has a reply.", field="reply", fix="Leave it out.")
    if comment.own:
        raise Invalid("It is the business's own comment.", field="comment_id", fix="Choose another one.")
    if verdict == "RESPOND" and comment.deleted_at is not None:
        raise Invalid(
            "It was deleted, so nobody can answer it.", field="decision", fix="IGNORE or ESCALATE it."
        )
