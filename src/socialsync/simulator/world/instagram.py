"""Instagram's memory: containers on their way to become media, and the media that everybody sees.

Meta, Instagram Platform, "IG Container": a container is IN_PROGRESS, then FINISHED (or ERROR), then
PUBLISHED; what is not published within 24 hours is EXPIRED.
"""

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from socialsync.simulator.world.comments import Comments

CONTAINER_LIFE = timedelta(hours=24)
QUOTA_WINDOW = timedelta(hours=24)


class Status(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    ERROR = "ERROR"
    EXPIRED = "EXPIRED"
    PUBLISHED = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class Draft:
    """What was asked for: `media_type` is IMAGE, VIDEO (in carousels only), REELS, STORIES or CAROUSEL."""

    media_type: str
    caption: str | None = None
    alt_text: str | None = None
    image_url: str | None = None
    video_url: str | None = None
    children: tuple[str, ...] = ()
    is_carousel_item: bool = False


@dataclass(slots=True)
class Container:
    """A draft on its way.

    Args:
        pending_reads: how many more status reads answer IN_PROGRESS.
        ready_at: until when it is IN_PROGRESS.
        failed: the publishing subcode of its failure.
        media_id: what it was published as.
    """

    id: str
    account: str
    draft: Draft
    created_at: datetime
    ready_at: datetime
    pending_reads: int = 0
    failed: int | None = None
    expired: bool = False
    media_id: str | None = None

    def status(self, now: datetime) -> Status:
        if self.media_id is not None:
            return Status.PUBLISHED
        if self.expired or now - self.created_at >= CONTAINER_LIFE:
            return Status.EXPIRED
        if self.failed is not None:
            return Status.ERROR
        return Status.IN_PROGRESS if self.pending_reads or now < self.ready_at else Status.FINISHED

    def read_status(self, now: datetime) -> Status:
        """As `status`; looking moves a container on that waits for reads."""
        status = self.status(now)
        self.pending_reads = max(0, self.pending_reads - 1)
        return status


@dataclass(frozen=True, slots=True)
class Media:
    id: str
    account: str
    draft: Draft
    published_at: datetime

    @property
    def product(self) -> str:
        """Where it is shown, as ``media_product_type`` has it."""
        return {"REELS": "REELS", "STORIES": "STORY"}.get(self.draft.media_type, "FEED")


@dataclass(slots=True)
class Instagram:
    containers: dict[str, Container] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    comments: Comments = field(default_factory=Comments)
    _by_account: dict[str, list[Media]] = field(default_factory=dict)

    def publish(self, container: Container, media_id: str, now: datetime) -> Media:
        media = Media(media_id, container.account, container.draft, now)
        container.media_id = media_id
        self.add(media)
        return media

    def add(self, media: Media) -> None:
        """Published from wherever it was, and whenever."""
        self.media[media.id] = media
        insort(self._by_account.setdefault(media.account, []), media, key=lambda each: each.published_at)

    def published_by(self, account: str) -> list[Media]:
        """Newest first."""
        return self._by_account.get(account, [])[::-1]

    def quota_used(self, account: str, now: datetime) -> int:
        used = 0
        for media in reversed(self._by_account.get(account, [])):
            if now - media.published_at >= QUOTA_WINDOW:
                break
            used += 1
        return used
