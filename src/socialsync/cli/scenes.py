"""The scenes of the demo: what is asked for, what goes wrong with it, and what must become of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

PUBLISHED = "published"
ENDED = {PUBLISHED, "failed", "cancelled", "unknown"}
BY_HAND = "publish"
BULK = 50
ZONE = "Europe/Paris"
_TOO_WIDE = {
    "action": "error",
    "match": {"kind": "instagram.container"},
    "code": 36003,
    "subcode": 2207009,
}


@dataclass
class Scene:
    """One request of the story, of a post or of many.

    Attributes:
        title: what it shows.
        bodies: of ``POST /api/v1/posts``; more than one go to ``/bulk`` together.
        effects: how often the world must have seen it: once a recipient, or never.
        expected: the status that every post of it must end in.
        then: called after it was created: ``publish`` it at once, ``cancel`` it, or nothing.
        fault: what shall go wrong in the outside world with this post.
        posts: as they are now, by id; those that were asked for, and no later ones of their series.
        following: of a series, the occurrence that was born when this one was due.
    """

    title: str
    bodies: list[dict[str, Any]]
    effects: int = 1
    expected: str = PUBLISHED
    then: str | None = None
    fault: dict[str, Any] | None = None
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    following: dict[str, Any] | None = None
    seen: int = 0

    @property
    def status(self) -> str:
        """What its posts are; of several that differ, how many have ended as they must."""
        statuses = {str(post["status"]) for post in self.posts.values()}
        if len(statuses) == 1:
            return statuses.pop()
        good = sum(post["status"] == self.expected for post in self.posts.values())
        return f"{good} of {len(self.posts)} {self.expected}" if statuses else "waiting"

    @property
    def ended(self) -> bool:
        return bool(self.posts) and all(post["status"] in ENDED for post in self.posts.values())

    @property
    def good(self) -> bool:
        return self.status == self.expected and self.seen == self.effects and self._goes_on

    @property
    def reason(self) -> str:
        """What its posts say of themselves, or when the next one of the series is."""
        if self.following is not None:
            at = datetime.fromisoformat(self.following["publish_at"]).astimezone(ZoneInfo(ZONE))
            return f"Next one: {at:%A %d %B, %H:%M} in {ZONE}"
        return next((post["error"] for post in self.posts.values() if post.get("error")), "")

    @property
    def _goes_on(self) -> bool:
        """Whether a series has its next occurrence, tomorrow at the same time on the wall."""
        if not self.bodies[0].get("recurrence"):
            return True
        if self.following is None:
            return False
        (post,) = self.posts.values()
        this, following = (
            datetime.fromisoformat(one["publish_at"]).astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
            for one in (post, self.following)
        )
        return following - this == timedelta(days=1)  # on the wall, whatever the clocks did

    def look(self, listed: Sequence[dict[str, Any]]) -> None:
        """Take from the list of all posts what is of this scene."""
        self.posts.update({post["id"]: post for post in listed if post["id"] in self.posts})
        series = {post.get("series_id") for post in self.posts.values()} - {None}
        for post in listed:
            if post["series_id"] in series and post["id"] not in self.posts:
                self.following = post


def write(media: str, instagram: str, whatsapp: str) -> list[Scene]:
    """The story.

    Args:
        media: base URL of pictures and films.
        instagram: id of the channel.
        whatsapp: id of the channel.
    """
    picture, film = f"{media}/sunrise.jpg", f"{media}/oven.mp4"

    def image(text: str, **more: Any) -> dict[str, Any]:
        return {"channel_id": instagram, "text": text, "media_urls": [picture], **more}

    def message(text: str, *recipients: str, **more: Any) -> dict[str, Any]:
        return {"channel_id": whatsapp, "text": text, "recipients": list(recipients), **more}

    three = ("+33612345601", "+33612345602", "+33612345603")
    daily = {"recurrence": "FREQ=DAILY", "timezone": ZONE, "publish_at": _soon(1)}
    pictures = [image(f"Picture {n} of the album", publish_at=_soon(1)) for n in range(1, BULK // 2 + 1)]
    notes = [
        message(f"Your order {n} is ready.", f"+336123457{n:02}", publish_at=_soon(1))
        for n in range(1, BULK // 2 + 1)
    ]
    return [
        Scene("An image that Instagram refuses", [image("Far too wide")], 0, "failed", BY_HAND, _TOO_WIDE),
        Scene(
            "An answer lost on its way back, found again",
            [image("Did you get it?")],
            then=BY_HAND,
            fault=_lost("instagram.publish"),
        ),
        Scene(
            "A message whose answer is lost, told by its status",
            [message("Did this reach you?", "+33612345604")],
            then=BY_HAND,
            fault=_lost("whatsapp.message"),
        ),
        Scene("Draft, published by hand", [image("Straight from the oven")], then=BY_HAND),
        Scene("A carousel of three", [image("Three views", media_urls=[picture] * 3)], then=BY_HAND),
        Scene("A reel", [image("The oven", media_urls=[film])], then=BY_HAND),
        Scene("Instagram image, in 1 s", [image("Café ouvert ☕ dès 8 h", publish_at=_soon(1))]),
        Scene("WhatsApp text to three people, in 2 s", [message("We open.", *three, publish_at=_soon(2))], 3),
        Scene("Every day at this time", [image("Bread of the day", **daily)]),
        Scene(
            "Scheduled, then cancelled",
            [image("Never mind", publish_at=_soon(3600))],
            0,
            "cancelled",
            "cancel",
        ),
        Scene(f"{BULK} at once, pictures and messages", pictures + notes, BULK),
    ]


def _lost(kind: str) -> dict[str, Any]:
    return {"action": "lost_answer", "match": {"kind": kind}}


def _soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
