"""Which operation answers a call about comments: by the edge, or because the id is a comment's."""

from collections.abc import Callable
from typing import Any, NoReturn

from socialsync.simulator.graph.call import Call, Operation
from socialsync.simulator.graph.errors import missing_object
from socialsync.simulator.graph.instagram import comments, replies
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World

_Run = Callable[[Call, World], dict[str, Any]]

_OF_COMMENTS: dict[tuple[str, str], tuple[Kind, _Run]] = {
    ("GET", "replies"): (Kind.INSTAGRAM_REPLIES, comments.list_replies),
    ("POST", "replies"): (Kind.INSTAGRAM_REPLY, replies.reply),
    ("GET", ""): (Kind.INSTAGRAM_COMMENT, comments.read),
    ("POST", ""): (Kind.INSTAGRAM_HIDE, comments.hide),
}
_OF_MEDIA: dict[tuple[str, str], tuple[Kind, _Run]] = {
    ("GET", "comments"): (Kind.INSTAGRAM_COMMENTS, comments.list_newest),
    ("POST", ""): (Kind.INSTAGRAM_COMMENTING, comments.switch),
}


def find_operation(call: Call, world: World) -> Operation | None:
    """None when it is about something else.

    Raises:
        GraphError: a recipient that is no object.
    """
    asked = (call.method, call.edge)
    if asked == ("POST", "messages") and _is_private_reply(call):
        account = world.accounts.me(call.token or "") if call.node == "me" else call.node
        return Operation(Kind.INSTAGRAM_PRIVATE_REPLY, account, replies.reply_privately)
    if comment := world.instagram.comments.get(call.node, world.now()):
        return _operation(_OF_COMMENTS.get(asked), comment.account)
    if media := world.instagram.media.get(call.node):
        return _operation(_OF_MEDIA.get(asked), media.account)
    if call.edge or "hide" in call.params:
        kind, _ = _OF_COMMENTS.get(asked) or _OF_MEDIA.get(asked) or (None, None)
        return Operation(kind, None, _refuse_object) if kind else None
    return None


def _is_private_reply(call: Call) -> bool:
    """WhatsApp's recipients are texts."""
    if "messaging_product" in call.params:
        return False
    return "comment_id" in (call.params.mapping("recipient") or {})


def _operation(found: tuple[Kind, _Run] | None, account: str) -> Operation | None:
    return Operation(found[0], account, found[1]) if found else None


def _refuse_object(call: Call, _: World) -> NoReturn:
    raise missing_object(call.method, call.node)
