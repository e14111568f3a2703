"""Pictures and films to post, made on demand."""

from socialsync.simulator.media.film import mp4
from socialsync.simulator.media.picture import jpeg
from socialsync.simulator.media.size import PATH, SIDE, SIDES, Size, asked_size

__all__ = ["PATH", "SIDE", "SIDES", "Size", "asked_size", "jpeg", "mp4"]
