"""Who may call: everybody with a token that is not revoked."""

import re

from socialsync.simulator.graph.call import Call
from socialsync.simulator.graph.errors import graph_error

_REVOKED = re.compile(r"revoked(?:[-_](458|459|460|463|464|467))?(?![0-9])")


def require_token(call: Call) -> None:
    """A token that starts with ``revoked`` is one (190/463); ``revoked-460-...`` says with which subcode.

    Raises:
        GraphError: 190, with the subcode.
    """
    if not call.token:
        raise graph_error(190, 467, message="An access token is required to request this resource.")
    if call.token.startswith("revoked"):
        subcode = match[1] if (match := _REVOKED.match(call.token)) else None
        raise graph_error(190, int(subcode or 463))
