"""Who calls, and what they may do. How a key becomes a principal is the authenticator's, a slot of the app.

An endpoint states what it needs by the type of one parameter:

    Reader, Operator, Admin                         someone in a workspace
    InstallationReader, -Operator, -Admin           whoever runs the installation
    AnyReader, AnyOperator, AnyAdmin                either; ``workspace_id`` is None for the installation

A viewer may only read; an admin may everything an operator may. An installation key may act in one
workspace by naming it in the header ``X-Workspace-Id``.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from socialsync import telemetry
from socialsync.api.callers import WORKSPACE_HEADER, Principal, Role, WorkspacePrincipal
from socialsync.api.opened import Opened
from socialsync.api.strictness import no_unknown_body
from socialsync.errors import Forbidden, NotFound, Unauthenticated

Caller = TypeVar("Caller", bound=Principal)
_RANKS: dict[Role, int] = {"viewer": 0, "operator": 1, "admin": 2}


class Authenticator(Protocol):
    """What the app puts into the slot."""

    async def authenticate(self, key: str) -> Principal:
        """Raises Unauthenticated."""

    async def workspace_exists(self, workspace_id: UUID) -> bool: ...


def install(app: FastAPI, authenticator: Authenticator) -> None:
    app.state.authenticator = authenticator


_bearer = HTTPBearer(
    scheme_name="API key",
    bearerFormat="ss_...",
    description="An API key: `socialsync apikey create --workspace NAME` prints one.",
    auto_error=False,
)


async def principal(
    request: Request,
    _opened: Opened,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    acting_in: Annotated[
        UUID | None,
        Header(alias=WORKSPACE_HEADER, description="With an installation key: the workspace to act in."),
    ] = None,
) -> Principal:
    """Whoever the key belongs to.

    Raises:
        Unauthenticated: no key, or one that we don't know.
        Forbidden: a workspace's key with another workspace's id in the header.
        NotFound: no such workspace.
    """
    if credentials is None:
        raise Unauthenticated("There is no API key.", fix="Send the header: Authorization: Bearer <api key>")
    authenticator: Authenticator = request.app.state.authenticator
    caller = await authenticator.authenticate(credentials.credentials)
    if acting_in is not None and acting_in != caller.workspace_id:
        caller = await _acting_in(authenticator, caller, acting_in)
    telemetry.add_to_context(actor=caller.actor)
    if caller.workspace_id is not None:
        telemetry.add_to_context(workspace_id=str(caller.workspace_id))
    return caller


async def workspace_principal(caller: Annotated[Principal, Depends(principal)]) -> WorkspacePrincipal:
    """Raises Forbidden: an installation key that names no workspace."""
    if caller.workspace_id is None:
        raise Forbidden(
            "This is about a workspace, and an installation key belongs to none.",
            fix=f"Use a workspace's key, or name the workspace in the header {WORKSPACE_HEADER}.",
        )
    return WorkspacePrincipal(
        kind=caller.kind,
        role=caller.role,
        key_id=caller.key_id,
        actor=caller.actor,
        workspace_id=caller.workspace_id,
    )


async def installation_principal(caller: Annotated[Principal, Depends(principal)]) -> Principal:
    """Raises Forbidden: a workspace's key."""
    if caller.kind != "installation":
        raise Forbidden(
            "This is about the whole installation, and a workspace's key opens its workspace only.",
            fix="Use an installation key: socialsync apikey create --installation",
        )
    return caller


def check_role(caller: Principal, needed: Role) -> None:
    """Raises Forbidden: says which role is needed."""
    if _RANKS[caller.role] < _RANKS[needed]:
        raise Forbidden(
            f"This needs the role {needed}, and the key has the role {caller.role}.",
            fix=f"Use a key with the role {needed}.",
        )


def _in_workspace(needed: Role) -> Callable[[Request, WorkspacePrincipal], Awaitable[WorkspacePrincipal]]:
    async def check(
        request: Request, caller: Annotated[WorkspacePrincipal, Depends(workspace_principal)]
    ) -> WorkspacePrincipal:
        return await _let_in(request, caller, needed)

    return check


def _of_installation(needed: Role) -> Callable[[Request, Principal], Awaitable[Principal]]:
    async def check(
        request: Request, caller: Annotated[Principal, Depends(installation_principal)]
    ) -> Principal:
        return await _let_in(request, caller, needed)

    return check


def _either(needed: Role) -> Callable[[Request, Principal], Awaitable[Principal]]:
    async def check(request: Request, caller: Annotated[Principal, Depends(principal)]) -> Principal:
        return await _let_in(request, caller, needed)

    return check


Reader = Annotated[WorkspacePrincipal, Depends(_in_workspace("viewer"))]
Operator = Annotated[WorkspacePrincipal, Depends(_in_workspace("operator"))]
Admin = Annotated[WorkspacePrincipal, Depends(_in_workspace("admin"))]
InstallationReader = Annotated[Principal, Depends(_of_installation("viewer"))]
InstallationOperator = Annotated[Principal, Depends(_of_installation("operator"))]
InstallationAdmin = Annotated[Principal, Depends(_of_installation("admin"))]
AnyReader = Annotated[Principal, Depends(_either("viewer"))]
AnyOperator = Annotated[Principal, Depends(_either("operator"))]
AnyAdmin = Annotated[Principal, Depends(_either("admin"))]


async def _let_in(request: Request, caller: Caller, needed: Role) -> Caller:
    """What is sent is looked at after who sends it: a stranger learns nothing of it."""
    check_role(caller, needed)
    await no_unknown_body(request)
    return caller


async def _acting_in(authenticator: Authenticator, caller: Principal, workspace_id: UUID) -> Principal:
    if caller.kind != "installation":
        raise Forbidden(
            "The key belongs to another workspace.",
            field=WORKSPACE_HEADER,
            fix="Leave the header out: a workspace's key acts in its own workspace.",
        )
    if not await authenticator.workspace_exists(workspace_id):
        raise NotFound("There is no such workspace.", field=WORKSPACE_HEADER)
    return replace(caller, workspace_id=workspace_id)
