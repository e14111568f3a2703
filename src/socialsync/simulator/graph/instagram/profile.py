"""Accounts, and ``me``: whose token is this?"""

from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.fields import parse_fields, select
from socialsync.simulator.world import World
from socialsync.simulator.world.accounts import username

FIELDS = frozenset(
    {
        "account_type",
        "biography",
        "followers_count",
        "follows_count",
        "id",
        "ig_id",
        "media_count",
        "name",
        "profile_picture_url",
        "user_id",
        "username",
        "website",
    }
)


def read(call: Call, world: World) -> dict[str, Any]:
    """``GET /{ig-id}?fields=id,username`` and ``GET /me?fields=user_id,username``."""
    call.params.only({"fields"})
    account = call.actor
    known = {
        "id": account,
        "account_type": "BUSINESS",
        "biography": "",
        "followers_count": 0,
        "follows_count": 0,
        "ig_id": account,
        "media_count": len(world.instagram.published_by(account)),
        "name": username(account),
        "profile_picture_url": f"{call.origin}/_sim/media/{account}.jpg",
        "user_id": account,
        "username": username(account),
        "website": None,
    }
    return select(known, parse_fields(call.params.text("fields")), "ShadowIGUser")
