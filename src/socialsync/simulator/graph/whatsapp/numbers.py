"""Business phone numbers."""

from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.fields import parse_fields, select
from socialsync.simulator.world import World
from socialsync.simulator.world.accounts import display_phone_number, username

FIELDS = frozenset(
    {
        "account_mode",
        "code_verification_status",
        "display_phone_number",
        "id",
        "is_official_business_account",
        "messaging_limit_tier",
        "name_status",
        "platform_type",
        "quality_rating",
        "status",
        "throughput",
        "verified_name",
    }
)
_DEFAULT = (
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
)


def read(call: Call, _: World) -> dict[str, Any]:
    """``GET /{phone-number-id}``."""
    call.params.only({"fields"})
    known = {
        "id": call.node,
        "account_mode": "LIVE",
        "code_verification_status": "VERIFIED",
        "display_phone_number": display_phone_number(call.node),
        "is_official_business_account": False,
        "messaging_limit_tier": "TIER_1K",
        "name_status": "APPROVED",
        "platform_type": "CLOUD_API",
        "quality_rating": "GREEN",
        "status": "CONNECTED",
        "throughput": {"level": "STANDARD"},
        "verified_name": username(call.node),
    }
    return select(known, parse_fields(call.params.text("fields")), "WhatsAppBusinessPhoneNumber", _DEFAULT)
