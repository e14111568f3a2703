"""A request to Graph, read: which object, which edge of it, with what, by whom."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from socialsync.simulator.graph.errors import graph_error
from socialsync.simulator.graph.params import Params, read_params
from socialsync.simulator.kinds import Kind
from socialsync.simulator.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """Satisfies `faults.Seen`.

    Args:
        path: with the version, as faults match it.
        node: the first part after the version; ``me`` stays ``me``.
        edge: what follows the node, or an empty text.
        origin: scheme, host and port by which we were called.
        account: the acting account, as far as the path or the object tells; ``me`` resolved.
    """

    method: str
    path: str
    version: str
    node: str
    edge: str
    origin: str
    params: Params
    token: str | None
    kind: Kind = Kind.UNKNOWN
    account: str | None = None

    @property
    def actor(self) -> str:
        """The acting account, where there must be one."""
        if self.account is None:
            raise RuntimeError(f"{self.kind} has no account")
        return self.account

    @property
    def bearer(self) -> str:
        """The token, once `require_token` has let the call through."""
        return self.token or ""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a call does. `run` is synchronous, so it happens at once or, raising a GraphError, not at all."""

    kind: Kind
    account: str | None
    run: Callable[[Call, World], dict[str, Any]]


async def read_call(request: Request, version: str, path: str) -> Call:
    """Kind and account are still missing: `routes` finds them.

    Raises:
        GraphError: no node, or an unreadable body.
    """
    node, _, edge = path.strip("/").partition("/")
    if not node:
        raise graph_error(2500, message="An active access token must be used to query information.")
    params = await read_params(request)
    return Call(
        method=request.method,
        path=request.url.path,
        version=version,
        node=node,
        edge=edge,
        origin=str(request.base_url).rstrip("/"),
        params=params,
        token=_token(request, params),
    )


def _token(request: Request, params: Params) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "oauth"} and token.strip():
        return token.strip()
    return params.text("access_token") or None
