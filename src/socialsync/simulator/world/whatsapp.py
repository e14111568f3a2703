"""WhatsApp's memory: the messages it took, and how fast they came."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from socialsync.simulator.world.pace import Pace


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was accepted.

    Args:
        account: the phone number id that sent it.
        contact: the recipient, as answers have it: ``wa_id`` or ``user_id``.
        tracker: the sender's ``biz_opaque_callback_data``.
    """

    id: str
    account: str
    contact: Mapping[str, str]
    type: str = "text"
    tracker: str | None = None


@dataclass(slots=True)
class WhatsApp:
    """Paces: of all messages of a number, and of those to one person."""

    messages: dict[str, Message] = field(default_factory=dict)
    throughput: Pace = field(default_factory=Pace)
    pairs: Pace = field(default_factory=Pace)
