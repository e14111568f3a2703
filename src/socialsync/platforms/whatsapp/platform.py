"""Sending over the WhatsApp Cloud API.

Meta, WhatsApp Cloud API, "Messages": ``POST /{phone_number_id}/messages``. Its 200 means accepted; whether
the message arrived comes by status webhook, with our tracker as ``biz_opaque_callback_data``.
"""

import re
from typing import Any

from socialsync.platforms.contract import Reach, Sender, Template
from socialsync.platforms.graph import Doors
from socialsync.platforms.whatsapp import content

_PHONE = re.compile(r"\+?[0-9]+")


class WhatsApp:
    """`SendsMessages` over the Cloud API."""

    check_post = staticmethod(content.check_post)

    def __init__(self, doors: Doors) -> None:
        self._graph = doors.meta

    async def send_text(self, sender: Sender, to: str, text: str, tracker: str) -> str:
        """Visible. Send a text of at most 4,096 characters: its wamid.

        Raises:
            Invalid: an empty or too long text; nothing was sent.
            PlatformError: one of `platforms.errors`.
        """
        content.check_message(text)
        return await self._send(sender, to, tracker, "text", {"body": text, "preview_url": False})

    async def send_template(self, sender: Sender, to: str, template: Template, tracker: str) -> str:
        """Visible. Send an approved template, which is delivered at any time: its wamid.

        Raises:
            Invalid: a name or language that no template has; nothing was sent.
            PlatformError: one of `platforms.errors`.
        """
        content.check_template(template)
        filled: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
        if template.components:
            filled["components"] = [dict(component) for component in template.components]
        return await self._send(sender, to, tracker, "template", filled)

    async def _send(self, sender: Sender, to: str, tracker: str, kind: str, message: dict[str, Any]) -> str:
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **_addressed(to),
            "type": kind,
            kind: message,
            "biz_opaque_callback_data": tracker,
        }
        answer = await self._graph.write(sender, Reach.EFFECT, sender.external_id, "messages", body=body)
        return answer.text("messages", 0, "id")


def _addressed(to: str) -> dict[str, str]:
    """A business-scoped user id has a field of its own (Meta, "Business-scoped user IDs")."""
    return {"to": to} if _PHONE.fullmatch(to) else {"recipient": to}
