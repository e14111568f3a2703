"""The doors to a workspace's settings."""

from socialsync.api.opened import Opened
from socialsync.api.principal import Admin, Reader
from socialsync.api.routing import Router
from socialsync.features.accounts import service
from socialsync.features.accounts.schemas import WorkspaceChanges, WorkspaceOut

router = Router(prefix="/api/v1/workspace", tags=["workspace"])


@router.get("", summary="Show the workspace's settings")
async def get_workspace(principal: Reader, opened: Opened) -> WorkspaceOut:
    async with opened.database.transaction(principal.workspace_id) as session:
        workspace = await service.get_workspace(session, principal.workspace_id)
        return WorkspaceOut.model_validate(workspace)


@router.patch("", summary="Change the workspace's settings")
async def change_workspace(changes: WorkspaceChanges, principal: Admin, opened: Opened) -> WorkspaceOut:
    """What is left out stays as it is. Needs the role admin."""
    async with opened.database.transaction(principal.workspace_id) as session:
        workspace = await service.change_workspace(
            session, principal.workspace_id, changes.given(), actor=principal.actor
        )
        return WorkspaceOut.model_validate(workspace)
