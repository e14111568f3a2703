"""Access tokens that are refreshed before they expire.

Meta, Instagram Platform, "Refresh Access Token": a long-lived token that is still good gives another one,
good for 60 days. Of those that come from outside nobody here knows the age, so that is not looked at.
"""

import hashlib
from datetime import timedelta
from typing import Any

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import invalid
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World

NODE = "refresh_access_token"
LIFE = timedelta(days=60)


def refresh(call: Call, world: World) -> dict[str, Any]:
    """``GET /refresh_access_token?grant_type=ig_refresh_token``; the old token goes on working.

    The ledger names the new token by a part of its digest.
    """
    call.params.only({"grant_type"})
    if call.params.required("grant_type") != "ig_refresh_token":
        raise invalid("Param grant_type must be one of {IG_REFRESH_TOKEN}.")
    token, expires_in = world.ids.token(), int(LIFE.total_seconds())
    world.accounts.remember(call.actor, "instagram", call.bearer)
    world.accounts.remember(call.actor, "instagram", token)
    digest = hashlib.sha256(token.encode()).hexdigest()[:16]
    world.ledger.record(Kind.INSTAGRAM_REFRESH, call.actor, digest, {"expires_in": expires_in})
    return {"access_token": token, "token_type": "bearer", "expires_in": expires_in}
