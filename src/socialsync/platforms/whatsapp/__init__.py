"""WhatsApp Cloud API."""

from socialsync.platforms.whatsapp.platform import WhatsApp

__all__ = ["WhatsApp"]
