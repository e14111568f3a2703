"""Instagram Graph API."""

from socialsync.platforms.instagram.platform import Instagram

__all__ = ["Instagram"]
