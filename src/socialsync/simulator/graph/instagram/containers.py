"""Containers: made, looked at, and what faults do to them."""

from datetime import timedelta
from typing import Any

from socialsync.simulator.faults import Moment, specs
from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.fields import parse_fields, select
from socialsync.simulator.graph.instagram.drafts import read_draft
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World
from socialsync.simulator.world.instagram import Container, Draft, Status

FIELDS = frozenset({"status", "status_code"})

_PARAMS = frozenset(
    {
        "alt_text",
        "audio_name",
        "caption",
        "children",
        "collaborators",
        "cover_url",
        "image_url",
        "is_carousel_item",
        "location_id",
        "media_type",
        "product_tags",
        "share_to_feed",
        "thumb_offset",
        "trial_params",
        "user_tags",
        "video_url",
    }
)
_SENTENCES = {
    Status.IN_PROGRESS: "In Progress: Media is still being processed.",
    Status.FINISHED: "Finished: Media has been uploaded and it is ready to be published.",
    Status.ERROR: "Error: Media upload has failed with error code {subcode}",
    Status.EXPIRED: "Expired: The container was not published within 24 hours and has expired.",
    Status.PUBLISHED: "Published: Media has been successfully published.",
}


def create(call: Call, world: World) -> dict[str, Any]:
    """``POST /{ig-id}/media`` -> ``{"id": container}``."""
    call.params.only(_PARAMS)
    draft = read_draft(call, world)
    now, setup = world.now(), world.setup
    takes_s = setup.processing_s + (setup.video_processing_s if draft.video_url else 0.0)
    container = Container(
        id=world.ids.container(),
        account=call.actor,
        draft=draft,
        created_at=now,
        ready_at=now + timedelta(seconds=takes_s),
        pending_reads=setup.processing_reads,
    )
    world.instagram.containers[container.id] = container
    world.accounts.remember(call.actor, "instagram", call.bearer)
    suffer(container, call, world)
    world.ledger.record(Kind.INSTAGRAM_CONTAINER, call.actor, container.id, details(draft))
    return {"id": container.id}


def read(call: Call, world: World) -> dict[str, Any]:
    """``GET /{container}?fields=status_code,status``."""
    call.params.only({"fields"})
    container = world.instagram.containers[call.node]
    suffer(container, call, world)
    status = container.read_status(world.now())
    known = {
        "id": container.id,
        "status_code": status,
        "status": _SENTENCES[status].format(subcode=container.failed),
    }
    return select(known, parse_fields(call.params.text("fields")), "IGContainer")


def suffer(container: Container, call: Call, world: World) -> None:
    """Let the faults that were ordered for containers hit this one."""
    for fault in world.faults.take(Moment.CONTAINER, call):
        match fault:
            case specs.ContainerInProgress():
                container.pending_reads = fault.reads
                container.ready_at = world.now() + timedelta(seconds=fault.seconds)
            case specs.ContainerError():
                container.failed = fault.subcode
            case specs.ContainerExpired():
                container.expired = True
            case _:
                raise TypeError(f"{fault.action} does nothing to a container")


def details(draft: Draft) -> dict[str, Any]:
    """A draft as the ledger shows it."""
    return {
        "media_type": draft.media_type,
        "caption": draft.caption,
        "alt_text": draft.alt_text,
        "image_url": draft.image_url,
        "video_url": draft.video_url,
        "children": list(draft.children),
        "is_carousel_item": draft.is_carousel_item,
    }
