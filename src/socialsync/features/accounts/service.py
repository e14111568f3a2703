"""The verbs of workspaces and keys. Each takes a session, never commits and never touches the network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from socialsync import clock
from socialsync.api.callers import Principal, Role
from socialsync.db import audit
from socialsync.db.transaction import Database
from socialsync.errors import Conflict, Invalid, NotFound, Unauthenticated
from socialsync.features.accounts import hours, keys, locale, queries
from socialsync.features.accounts.models import ApiKey, Workspace

LONGEST_NAME = 200
_KEY_FIRST = "a key is looked up before its workspace is known"


@dataclass(frozen=True)
class NewKey:
    """A key as only its making shows it."""

    key: str = field(repr=False)
    row: ApiKey


class UnknownKey(Unauthenticated):
    """Nobody's key, or a revoked one."""


class SeveralWorkspaces(Conflict):
    """More than one workspace has this name."""


async def create_workspace(
    session: AsyncSession, *, name: str, timezone: str = "UTC", actor: str = "cli"
) -> Workspace:
    """Found a workspace. Needs a system transaction: no wall stands before its id does.

    Args:
        timezone: an IANA name.

    Raises:
        Invalid: name or timezone.
    """
    locale.check_timezone(timezone)
    workspace = await queries.add_workspace(session, name=_check_name(name), timezone=timezone)
    await audit.record(
        session,
        actor=actor,
        action="accounts.workspace_created",
        subject=f"workspace:{workspace.id}",
        workspace_id=workspace.id,
    )
    return workspace


async def get_workspace(session: AsyncSession, workspace_id: UUID) -> Workspace:
    """Raises NotFound."""
    workspace = await queries.find_workspace(session, workspace_id)
    if workspace is None:
        raise NotFound("There is no such workspace.")
    return workspace


async def find_workspace(session: AsyncSession, name: str) -> Workspace | None:
    """The workspace of this name or id; in a system transaction among all there are.

    Raises:
        SeveralWorkspaces.
    """
    by_id = _as_id(name)
    if by_id and (workspace := await queries.find_workspace(session, by_id)):
        return workspace
    found = await queries.find_workspaces_named(session, name)
    if len(found) > 1:
        ids = ", ".join(str(workspace.id) for workspace in found)
        raise SeveralWorkspaces(f"{len(found)} workspaces have this name: {ids}.", field="name")
    return found[0] if found else None


async def list_workspaces(session: AsyncSession) -> Sequence[Workspace]:
    """The oldest first."""
    return await queries.list_workspaces(session)


async def change_workspace(
    session: AsyncSession, workspace_id: UUID, changes: Mapping[str, Any], *, actor: str
) -> Workspace:
    """Change what is given of ``name timezone languages tone business_hours ai_budget_usd_month``.

    Raises:
        Invalid: names the field.
        NotFound.
    """
    if not changes:
        return await get_workspace(session, workspace_id)
    checked = {name: _CHECKS[name](value) if name in _CHECKS else value for name, value in changes.items()}
    workspace = await queries.update_workspace(session, workspace_id, checked, now=clock.now())
    if workspace is None:
        raise NotFound("There is no such workspace.")
    await audit.record(
        session,
        actor=actor,
        action="accounts.workspace_changed",
        subject=f"workspace:{workspace_id}",
        workspace_id=workspace_id,
        detail={"fields": sorted(changes)},
    )
    return workspace


async def create_key(
    session: AsyncSession, *, role: str, name: str, workspace_id: UUID | None, actor: str = "cli"
) -> NewKey:
    """Make a key of a workspace or, without one, of the installation (in a system transaction).

    Raises:
        Invalid: role or name.
    """
    if role not in get_args(Role):
        raise Invalid("There is no such role.", field="role", fix=f"Use one of: {', '.join(get_args(Role))}.")
    key = keys.make()
    row = await queries.add_key(
        session,
        workspace_id=workspace_id,
        name=_check_name(name),
        role=role,
        prefix=keys.prefix(key),
        digest=keys.digest(key),
    )
    await audit.record(
        session,
        actor=actor,
        action="accounts.key_created",
        subject=f"key:{row.prefix}",
        workspace_id=workspace_id,
        detail={"role": role},
    )
    return NewKey(key, row)


async def list_keys(session: AsyncSession) -> Sequence[ApiKey]:
    """The oldest first, revoked ones too; in a system transaction those of every workspace."""
    return await queries.list_keys(session)


async def revoke_key(session: AsyncSession, known_as: str, *, actor: str = "cli") -> int:
    """Revoke the key with this id or these first nine characters, and count what was revoked.

    Raises:
        NotFound: no such key, or revoked before.
    """
    revoked = await queries.revoke_keys(session, key_id=_as_id(known_as), prefix=known_as, now=clock.now())
    if not revoked:
        raise NotFound(
            "There is no such key, or it is revoked already.",
            fix=f"Give its id or first {keys.PREFIX_LENGTH} characters; socialsync apikey list shows them.",
        )
    for row in revoked:
        await audit.record(
            session,
            actor=actor,
            action="accounts.key_revoked",
            subject=f"key:{row.prefix}",
            workspace_id=row.workspace_id,
        )
    return len(revoked)


async def authenticate(database: Database, key: str) -> Principal:
    """Whose key this is, asked of the database: in a transaction of its own, as no scope is known yet.

    Raises:
        UnknownKey.
    """
    known = None
    if keys.looks_right(key):
        async with database.system_transaction(_KEY_FIRST) as session:
            known = await queries.find_key(session, keys.digest(key))
    if known is None:
        raise UnknownKey(
            "The API key is not known, or was revoked.",
            fix="Check it, or make a new one: socialsync apikey create --workspace NAME",
        )
    role: Role = next(role for role in get_args(Role) if role == known.role)
    return Principal(
        kind="workspace" if known.workspace_id else "installation",
        role=role,
        key_id=known.id,
        actor=f"key:{known.prefix}",
        workspace_id=known.workspace_id,
    )


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _check_name(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= LONGEST_NAME:
        raise Invalid(f"A name has 1 to {LONGEST_NAME} characters.", field="name")
    return stripped


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "name": _check_name,
    "timezone": locale.check_timezone,
    "languages": locale.check_languages,
    "business_hours": hours.check_hours,
}
