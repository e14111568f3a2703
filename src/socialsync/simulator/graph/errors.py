"""How Graph says no.

The shape: Meta, "Graph API, Handle Errors"; the sentences: `sayings`.
"""

from typing import Any

from socialsync.simulator.graph.sayings import SAYINGS, Saying


class GraphError(Exception):
    """An answer that is an error. ``status`` is its HTTP status, ``error`` its body without the trace."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error

    def body(self, trace: str) -> dict[str, Any]:
        return {"error": {**self.error, "fbtrace_id": trace}}


def graph_error(
    code: int,
    subcode: int | None = None,
    *,
    message: str | None = None,
    status: int | None = None,
    details: str | None = None,
    **other: Any,
) -> GraphError:
    """What Meta says for this code and subcode; what is given here wins. `other` are fields of the error
    object by their names in it, left out when None.
    """
    known = SAYINGS.get((code, subcode)) or SAYINGS.get((code, None)) or Saying(400, f"(#{code}) Error")
    details = details or known.details
    error: dict[str, Any] = {
        "message": message or known.message,
        "type": known.type,
        "code": code,
        "error_subcode": subcode,
        "is_transient": known.is_transient,
        "error_user_title": known.title,
        "error_user_msg": known.user_msg,
        "error_data": details and {"messaging_product": "whatsapp", "details": details},
    }
    error |= {name: value for name, value in other.items() if value is not None}
    return GraphError(
        status or known.status, {name: value for name, value in error.items() if value is not None}
    )


def invalid(message: str) -> GraphError:
    """Code 100 with Meta's usual prefix."""
    return graph_error(100, message=f"(#100) {message}")


def missing_object(method: str, node: str) -> GraphError:
    return graph_error(
        100,
        33,
        message=f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be"
        " loaded due to missing permissions, or does not support this operation.",
    )
