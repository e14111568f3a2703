"""Which operation answers a call: by edge, and for bare objects by what the id is known as."""

from collections.abc import Callable
from typing import Any, NoReturn

from socialsync.simulator.graph import comments
from socialsync.simulator.graph.call import Call, Operation
from socialsync.simulator.graph.errors import graph_error, missing_object
from socialsync.simulator.graph.fields import parse_fields
from socialsync.simulator.graph.instagram import containers, conversations, media, profile, publishing, tokens
from socialsync.simulator.graph.instagram import messages as instagram_messages
from socialsync.simulator.graph.whatsapp import files, messages, numbers
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World
from socialsync.simulator.world.accounts import may_be_account
from socialsync.simulator.world.ids import is_minted

_Run = Callable[[Call, World], dict[str, Any]]

_EDGES: dict[tuple[str, str], tuple[Kind, _Run]] = {
    ("POST", "media"): (Kind.INSTAGRAM_CONTAINER, containers.create),
    ("GET", "media"): (Kind.INSTAGRAM_MEDIA_LIST, media.list_recent),
    ("POST", "media_publish"): (Kind.INSTAGRAM_PUBLISH, publishing.publish),
    ("GET", "content_publishing_limit"): (Kind.INSTAGRAM_PUBLISHING_LIMIT, publishing.limit),
    ("GET", "conversations"): (Kind.INSTAGRAM_CONVERSATIONS, conversations.list_recent),
}
_KNOWN_EDGES = {edge for _, edge in _EDGES} | {"messages"}


def find_operation(call: Call, world: World) -> Operation:
    """What nobody answers is answered by a refusal, which faults may match as ``unknown``.

    Raises:
        GraphError: ``fields`` that are no text, a recipient that is no object.
    """
    if (about_comments := comments.find_operation(call, world)) is not None:
        return about_comments
    if call.edge:
        return _of_edge(call, world)
    if call.method == "GET":
        return _of_object(call, world)
    return Operation(Kind.UNKNOWN, None, _refuse_method)


def _of_edge(call: Call, world: World) -> Operation:
    account = _me(call, world) if call.node == "me" else call.node
    if call.edge not in _KNOWN_EDGES:
        return Operation(Kind.UNKNOWN, account, _refuse_path)
    if account is None or is_minted(account) or not may_be_account(account):
        return Operation(Kind.UNKNOWN, None, _refuse_object)
    if (call.method, call.edge) == ("POST", "messages"):
        return _of_messages(call, account)
    kind, run = _EDGES.get((call.method, call.edge), (Kind.UNKNOWN, _refuse_method))
    return Operation(kind, account, run)


def _of_messages(call: Call, account: str) -> Operation:
    if "sender_action" in call.params:
        return Operation(Kind.INSTAGRAM_ACTION, account, instagram_messages.act)
    if "messaging_product" not in call.params and "message" in call.params:
        return Operation(Kind.INSTAGRAM_MESSAGE, account, instagram_messages.send)
    if "status" in call.params:
        return Operation(Kind.WHATSAPP_READ, account, messages.read)
    return Operation(Kind.WHATSAPP_MESSAGE, account, messages.send)


def _of_object(call: Call, world: World) -> Operation:
    node = call.node
    if node == "me":
        return Operation(Kind.ME, _me(call, world), profile.read)
    if node == tokens.NODE:
        return Operation(Kind.INSTAGRAM_REFRESH, _me(call, world), tokens.refresh)
    if container := world.instagram.containers.get(node):
        return Operation(Kind.INSTAGRAM_CONTAINER_STATUS, container.account, containers.read)
    if files.PARAM in call.params:
        return Operation(Kind.WHATSAPP_MEDIA, call.params.text(files.PARAM), files.locate)
    if found := world.instagram.media.get(node):
        return Operation(Kind.INSTAGRAM_MEDIA, found.account, media.read)
    return _of_account(call, world)


def _of_account(call: Call, world: World) -> Operation:
    """Any id may be an account of either platform; the fields asked for tell which, else what it did."""
    asked = set(parse_fields(call.params.text("fields"))) - {"id"}
    if is_minted(call.node) or not may_be_account(call.node) or call.node.startswith("wamid"):
        return Operation(Kind.UNKNOWN, None, _refuse_object)
    if asked and asked <= profile.FIELDS:
        return Operation(Kind.INSTAGRAM_ACCOUNT, call.node, profile.read)
    if asked & numbers.FIELDS:
        return Operation(Kind.WHATSAPP_NUMBER, call.node, numbers.read)
    if asked & (containers.FIELDS | media.FIELDS):
        return Operation(Kind.UNKNOWN, None, _refuse_object)
    if world.accounts.platform(call.node) == "instagram":
        return Operation(Kind.INSTAGRAM_ACCOUNT, call.node, profile.read)
    return Operation(Kind.WHATSAPP_NUMBER, call.node, numbers.read)


def _me(call: Call, world: World) -> str | None:
    return world.accounts.me(call.token) if call.token else None


def _refuse_method(call: Call, _: World) -> NoReturn:
    raise graph_error(100, message=f"Unsupported {call.method.lower()} request.", type="GraphMethodException")


def _refuse_path(call: Call, _: World) -> NoReturn:
    raise graph_error(2500, message=f"Unknown path components: /{call.edge}")


def _refuse_object(call: Call, _: World) -> NoReturn:
    raise missing_object(call.method, call.node)
