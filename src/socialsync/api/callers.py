"""Whose call it is. Without FastAPI, because workers, which serve no calls, know callers too."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Kind = Literal["workspace", "installation"]
Role = Literal["viewer", "operator", "admin"]
WORKSPACE_HEADER = "X-Workspace-Id"


@dataclass(frozen=True)
class Principal:
    """A caller whose key we know.

    Args:
        kind: whether the key is a workspace's or the installation's.
        workspace_id: where the caller acts; None for the installation as a whole.
        actor: for the audit log, e.g. ``key:ss_1a2b3c``.
    """

    kind: Kind
    role: Role
    key_id: UUID
    actor: str
    workspace_id: UUID | None


@dataclass(frozen=True)
class WorkspacePrincipal(Principal):
    """A caller who acts in a workspace."""

    workspace_id: UUID
