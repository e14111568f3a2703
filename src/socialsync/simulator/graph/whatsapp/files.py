"""``GET /{media-id}?phone_number_id=``: where a file that somebody sent can be fetched, for five minutes.

Meta, WhatsApp Cloud API, "Retrieve media URL". In this world every id is a picture.
"""

from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.world import World

PARAM = "phone_number_id"


def locate(call: Call, _: World) -> dict[str, Any]:
    """``{"messaging_product", "url", "mime_type", "id"}``."""
    call.params.only({PARAM})
    return {
        "messaging_product": "whatsapp",
        "url": f"{call.origin}/_sim/media/{call.node}.jpg",
        "mime_type": "image/jpeg",
        "id": call.node,
    }
