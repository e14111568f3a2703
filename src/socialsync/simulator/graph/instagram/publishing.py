"""Publishing: the moment a container becomes media that everybody sees."""

from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import graph_error, invalid
from socialsync.simulator.graph.fields import parse_fields, select
from socialsync.simulator.graph.instagram.containers import details, suffer
from socialsync.simulator.graph.instagram.media import permalink
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World
from socialsync.simulator.world.instagram import QUOTA_WINDOW, Container, Status


def publish(call: Call, world: World) -> dict[str, Any]:
    """``POST /{ig-id}/media_publish?creation_id=`` -> ``{"id": media}``.

    A container is published once: afterwards its id "is not available", as is that of one still in progress
    (9007/2207027), and only its status tells which of the two.
    """
    call.params.only({"creation_id"})
    creation_id = call.params.required("creation_id")
    container = world.instagram.containers.get(creation_id)
    if container is None or container.account != call.account:
        raise graph_error(24, 2207008)
    suffer(container, call, world)
    _check_ready(container, world)
    if world.instagram.quota_used(call.actor, world.now()) >= world.setup.quota_total:
        raise graph_error(9, 2207042)
    media = world.instagram.publish(container, world.ids.media(), world.now())
    world.accounts.remember(call.actor, "instagram", call.bearer)
    world.ledger.record(
        Kind.INSTAGRAM_PUBLISH,
        call.actor,
        media.id,
        {"creation_id": creation_id, "permalink": permalink(media), **details(media.draft)},
    )
    return {"id": media.id}


def limit(call: Call, world: World) -> dict[str, Any]:
    """``GET /{ig-id}/content_publishing_limit?fields=config,quota_usage``."""
    call.params.only({"fields", "since"})
    known = {
        "config": {
            "quota_total": world.setup.quota_total,
            "quota_duration": int(QUOTA_WINDOW.total_seconds()),
        },
        "quota_usage": world.instagram.quota_used(call.actor, world.now()),
        "id": None,
    }
    asked = parse_fields(call.params.text("fields"))
    return {"data": [select(known, asked, "IGContentPublishingLimit", default=("quota_usage",))]}


def _check_ready(container: Container, world: World) -> None:
    now = world.now()
    if container.draft.is_carousel_item:
        raise invalid("A carousel item is published as part of its carousel only.")
    parts = [container, *(world.instagram.containers[child] for child in container.draft.children)]
    if any(part.status(now) is Status.EXPIRED for part in parts):
        raise graph_error(-2, 2207020)
    if any(part.status(now) is not Status.FINISHED for part in parts):
        raise graph_error(9007, 2207027)
