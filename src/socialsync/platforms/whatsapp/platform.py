"""Sending over the WhatsApp Cloud API.

Meta, WhatsApp Cloud API, "Messages": ``POST /{phone_number_id}/messages``. Its 200 means accepted; whether
the message arrived comes by status webhook, with our tracker as ``biz_opaque_callback_data``.
"""

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from socialsync.platforms.contract import Media, Reach, Sender, Template
from socialsync.platforms.graph import Doors
from socialsync.platforms.whatsapp import content, formats

_PHONE = re.compile(r"\+?[0-9]+")
_NAME_LIMIT = 240


class WhatsApp:
    """`SendsMessages` and `ShowsPresence` over the Cloud API, which tells nothing a second time."""

    check_post = staticmethod(content.check_post)
    kind_of = staticmethod(formats.kind_of)
    formats_of = staticmethod(formats.formats_of)

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

    async def send_media(self, sender: Sender, to: str, media: Media, caption: str, tracker: str) -> str:
        """Visible. Send a medium that WhatsApp fetches from its URL, with a caption unless it is empty: its
        wamid. Whether it could be fetched comes by status webhook.

        Raises:
            Invalid: a medium or caption that WhatsApp would refuse; nothing was sent.
            PlatformError: one of `platforms.errors`.
        """
        formats.check_medium(media, caption)
        described = {"link": media.url}
        if caption:
            described["caption"] = caption
        if media.kind == "document" and (name := _file_name(media.url)):
            described["filename"] = name
        return await self._send(sender, to, tracker, media.kind, described)

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

    async def mark_read(
        self,
        sender: Sender,
        to: str,  # noqa: ARG002 - as every platform is called
        message_id: str,
        *,
        typing: bool,
    ) -> None:
        """Harmless. Show the person that their message was read and, if so, that somebody is typing, which
        ends with the next message or after 25 seconds.

        Raises:
            PlatformError: one of `platforms.errors`, never an UnknownOutcome.
        """
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        if typing:
            body["typing_indicator"] = {"type": "text"}
        await self._graph.write(sender, Reach.HARMLESS, sender.external_id, "messages", body=body)

    async def fetch_media(self, sender: Sender, media_id: str, *, most: int) -> tuple[bytes, str | None]:
        """Reads. A file that somebody sent, which WhatsApp keeps for 7 days: its bytes and their type. Its
        address is good for five minutes, so it is asked for each time.

        Raises:
            ContentRefused: too large, or gone.
            PlatformError: others of `platforms.errors`.
        """
        answer = await self._graph.read(sender, media_id, phone_number_id=sender.external_id)
        content, kind = await self._graph.download(sender, answer.text("url"), most=most, signed=True)
        told = answer.body.get("mime_type")
        return content, told if isinstance(told, str) else kind

    async def check_token(self, sender: Sender) -> None:
        """A read that does nothing: the second look at a token that was refused.

        Raises:
            TokenRevoked: it is refused again.
            PlatformError: others of `platforms.errors`, which say nothing about the token.
        """
        await self.check_account(sender)

    async def check_account(self, sender: Sender) -> None:
        """A read that does nothing, of the account itself: whether the token is good for this very account.

        Raises:
            Temporary: it could not be asked.
            PlatformError: it is not, or not known to be.
        """
        await self._graph.read(sender, sender.external_id, fields="id")

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


def _file_name(url: str) -> str:
    """What the person sees of a document; WhatsApp itself would show "Untitled"."""
    return "".join(filter(str.isprintable, PurePosixPath(unquote(urlsplit(url).path)).name))[:_NAME_LIMIT]
