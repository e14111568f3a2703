"""The headers that every answer of Graph has: how much of the rate limits is used.

Meta, Graph API, "Rate Limits": percentages, and minutes until access is regained.
"""

import json
from dataclasses import dataclass

from socialsync.simulator.graph.call import Call


@dataclass(frozen=True, slots=True)
class Used:
    """What is used, in percent: nearly nothing while no fault says otherwise."""

    call_count: int = 1
    total_time: int = 1
    total_cputime: int = 1
    estimated_time_to_regain_access: int = 0


def usage_headers(call: Call, used: Used) -> dict[str, str]:
    shares = {
        "call_count": used.call_count,
        "total_time": used.total_time,
        "total_cputime": used.total_cputime,
    }
    headers = {"X-App-Usage": json.dumps(shares), "facebook-api-version": call.version}
    if call.account is not None:
        use_case = {
            "type": call.kind.platform,
            **shares,
            "estimated_time_to_regain_access": used.estimated_time_to_regain_access,
        }
        headers["X-Business-Use-Case-Usage"] = json.dumps({call.account: [use_case]})
    return headers
