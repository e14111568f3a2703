"""``/_sim/inbound/comments``: what people write under media, rewrite and take back; and media that were
published from elsewhere.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError

from socialsync.simulator.control.problems import fields_beside, refused
from socialsync.simulator.faults.base import Strict
from socialsync.simulator.graph.instagram.announcing import announce
from socialsync.simulator.world import Stage, World
from socialsync.simulator.world.accounts import scoped_id, username
from socialsync.simulator.world.comments import Comment
from socialsync.simulator.world.instagram import Draft, Media

_Id = Annotated[str, Field(min_length=1)]
_Seconds = Annotated[int, Field(ge=0, lt=2**35)]


class Elsewhere(Strict):
    """A medium that the account published from Instagram's own app.

    Args:
        at: seconds since 1970; now by default.
    """

    account: _Id
    caption: str | None = None
    media_type: Literal["IMAGE", "REELS", "CAROUSEL"] = "IMAGE"
    url: str = "https://cdn.example/photo.jpg"
    at: _Seconds | None = None


class Commented(Strict):
    """A person writes under a medium, or under a comment.

    Args:
        media_id: may be left out with a parent.
        person: the id by which the account knows who writes; by default one of the username's own.
        own: the account itself writes, in Instagram's own app.
        at: seconds since 1970; now by default. Before its time it is not there.
    """

    media_id: _Id | None = None
    parent_id: _Id | None = None
    account: _Id | None = None
    username: _Id = "ada"
    text: str = ""
    person: _Id | None = None
    own: bool = False
    at: _Seconds | None = None


class Crowd(Strict):
    """Many people write under a medium, each once.

    Args:
        per_s: at which pace; at once by default.
        texts: in turns; ``{n}`` in them is the number of the comment, from 1.
    """

    media_id: _Id
    count: int = Field(ge=1, le=20_000)
    per_s: float | None = Field(default=None, gt=0, le=10_000)
    texts: list[str] = Field(default=["Comment {n}"], min_length=1)


class Edit(Strict):
    id: _Id
    text: str


class Happened(Strict):
    media: list[Elsewhere] = []
    comments: list[Commented] = []
    crowds: list[Crowd] = []
    edits: list[Edit] = []
    deletions: list[_Id] = []


def comments_door(stage: Stage) -> APIRouter:
    door = APIRouter()

    @door.post("/inbound/comments")
    async def inbound(request: Request) -> JSONResponse:
        world = stage.world
        try:
            return JSONResponse(comment(Happened.model_validate_json(await request.body()), world), 202)
        except ValidationError as problem:
            return refused(problem, partial(fields_beside, Happened))
        except LookupError as unknown:
            return JSONResponse({"detail": str(unknown)}, 422)

    return door


def comment(happened: Happened, world: World) -> dict[str, list[str]]:
    """Let it happen: ``{"media", "ids"}`` of what is new.

    Raises:
        LookupError: it is under nothing that is known here; nothing happened but that media were published.
    """
    media = [_publish(each, world) for each in happened.media]
    made = [_made(each, world) for each in happened.comments]
    for crowd in happened.crowds:
        made += _crowd(crowd, world)
    edited = [(_known(each.id, world), each.text) for each in happened.edits]
    gone = [_known(each, world) for each in happened.deletions]
    _happen(made, edited, gone, world)
    return {"media": media, "ids": [each.id for each in made]}


def _happen(
    made: Sequence[Comment], edited: Sequence[tuple[Comment, str]], gone: Sequence[Comment], world: World
) -> None:
    comments = world.instagram.comments
    for comment in made:
        comments.add(comment)
    for comment, text in edited:
        comment.text = text
    for comment in gone:
        comments.delete(comment)
    announce(made, world)


def _publish(elsewhere: Elsewhere, world: World) -> str:
    """The media's id."""
    at = _moment(elsewhere.at, world)
    image, film = (None, elsewhere.url) if elsewhere.media_type == "REELS" else (elsewhere.url, None)
    draft = Draft(elsewhere.media_type, elsewhere.caption, image_url=image, video_url=film)
    media = Media(world.ids.media(), elsewhere.account, draft, at)
    world.instagram.add(media)
    return media.id


def _made(commented: Commented, world: World) -> Comment:
    """Not added yet.

    Raises:
        LookupError: it is under nothing that is known here.
    """
    parent = _known(commented.parent_id, world) if commented.parent_id else None
    media = _media(commented.media_id or (parent.media_id if parent else ""), world)
    if commented.account not in {None, media.account} or (parent and parent.media_id != media.id):
        raise LookupError(f"The media {media.id} is not of this account, or not of this comment.")
    writer = username(media.account) if commented.own else commented.username
    person = media.account if commented.own else commented.person or scoped_id(media.account, writer)
    return Comment(
        id=world.ids.comment(),
        media_id=media.id,
        account=media.account,
        author=person,
        username=writer,
        text=commented.text,
        at=_moment(commented.at, world),
        parent_id=(parent.parent_id or parent.id) if parent else None,
    )


def _crowd(crowd: Crowd, world: World) -> list[Comment]:
    media, now = _media(crowd.media_id, world), world.now()
    made = []
    for number in range(1, crowd.count + 1):
        writer = f"person_{hashlib.sha256(f'{media.id} {number}'.encode()).hexdigest()[:12]}"
        after_s = (number - 1) / crowd.per_s if crowd.per_s else 0.0
        made.append(
            Comment(
                id=world.ids.comment(),
                media_id=media.id,
                account=media.account,
                author=scoped_id(media.account, writer),
                username=writer,
                text=crowd.texts[(number - 1) % len(crowd.texts)].replace("{n}", str(number)),
                at=now + timedelta(seconds=after_s),
            )
        )
    return made


def _media(media_id: str, world: World) -> Media:
    media = world.instagram.media.get(media_id)
    if media is None:
        raise LookupError(f"There is no media {media_id}: publish one, or give it in media.")
    return media


def _known(comment_id: str, world: World) -> Comment:
    comment = world.instagram.comments.get(comment_id, world.now())
    if comment is None:
        raise LookupError(f"There is no comment {comment_id} (any more).")
    return comment


def _moment(at: int | None, world: World) -> datetime:
    return world.now() if at is None else datetime.fromtimestamp(at, UTC)
