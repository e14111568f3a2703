"""Answering comments, below them or privately.

Meta, Instagram Platform, "IG Comment Replies": a reply to a reply is added to the comment above both; hidden
comments get none. "Private Replies": one per comment, within 7 days; what else is refused is said in the same
words (100/2534025), as public clients have seen them.
"""

from datetime import timedelta
from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import graph_error, invalid
from socialsync.simulator.graph.instagram.announcing import announce
from socialsync.simulator.graph.instagram.messages import TEXT_LIMIT
from socialsync.simulator.kinds import Kind
from socialsync.simulator.webhooks import Parcel, raw
from socialsync.simulator.webhooks.comments import private_reply_body
from socialsync.simulator.world import World
from socialsync.simulator.world.accounts import username
from socialsync.simulator.world.comments import Comment

LONGEST = 2_200
PRIVATELY_FOR = timedelta(days=7)


def reply(call: Call, world: World) -> dict[str, Any]:
    """``POST /{comment-id}/replies?message=`` -> ``{"id"}``."""
    call.params.only({"message"})
    text, comments = call.params.required("message"), world.instagram.comments
    answered = comments.get(call.node, world.now())
    if answered is None:
        raise RuntimeError(f"{call.kind} to no comment")
    if answered.hidden:
        raise invalid("You cannot reply to a hidden comment.")
    if answered.media_id in comments.closed:
        raise invalid("Comments are turned off for this media.")
    if len(text) > LONGEST:
        raise invalid(f"Param message must be at most {LONGEST} characters.")
    made = Comment(
        id=world.ids.comment(),
        media_id=answered.media_id,
        account=call.actor,
        author=call.actor,
        username=username(call.actor),
        text=text,
        at=world.now(),
        parent_id=answered.parent_id or answered.id,
    )
    comments.add(made)
    world.accounts.remember(call.actor, "instagram", call.bearer)
    details = {
        "comment_id": answered.id,
        "parent_id": made.parent_id,
        "media_id": made.media_id,
        "text": text,
    }
    world.ledger.record(Kind.INSTAGRAM_REPLY, call.actor, made.id, details)
    announce([made], world)
    return {"id": made.id}


def reply_privately(call: Call, world: World) -> dict[str, Any]:
    """``POST /{ig-id}/messages`` to ``recipient: {"comment_id"}`` -> ``{"recipient_id", "message_id"}``."""
    call.params.only({"recipient", "message"})
    comment_id = (call.params.mapping("recipient") or {}).get("comment_id")
    text = (call.params.mapping("message") or {}).get("text")
    if not isinstance(comment_id, str) or not comment_id:
        raise invalid("Param recipient[comment_id] must be a valid ID string.")
    if not isinstance(text, str) or not text:
        raise invalid("Param message[text] must be a string.")
    if len(text.encode()) > TEXT_LIMIT:
        raise graph_error(100, 2534038, details="The message is too long.")
    now = world.now()
    comment = world.instagram.comments.get(comment_id, now)
    if comment is None or not _may_be_answered_privately(comment, call, world):
        raise graph_error(100, 2534025)
    comment.replied_privately = True
    message_id = world.ids.message(comment.author).replace("wamid.", "aWdfZAG1f")
    world.accounts.remember(call.actor, "instagram", call.bearer)
    details = {"comment_id": comment.id, "recipient": comment.author, "text": text}
    world.ledger.record(Kind.INSTAGRAM_PRIVATE_REPLY, call.actor, message_id, details)
    if world.webhooks.is_called_for:
        body = private_reply_body(call.actor, comment.author, message_id, text, at=now)
        world.webhooks.hand_over(Parcel("instagram", raw(body), 1))
    return {"recipient_id": comment.author, "message_id": message_id}


def _may_be_answered_privately(comment: Comment, call: Call, world: World) -> bool:
    return (
        comment.account == call.actor
        and not comment.own
        and not comment.replied_privately
        and world.now() - comment.at <= PRIVATELY_FOR
    )
