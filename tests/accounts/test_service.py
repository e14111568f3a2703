"""Workspaces and keys, as rows."""

import pytest
from sqlalchemy import select, text

from socialsync.db.audit import AuditEntry
from socialsync.errors import Invalid, NotFound
from socialsync.features.accounts import keys, service
from socialsync.features.accounts.models import ApiKey, Workspace
from tests.conftest import add_key, add_workspace

REASON = "a test"
NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"


async def test_a_workspace_is_founded_with_its_audit_entry(database):
    async with database.system_transaction(REASON) as session:
        founded = await service.create_workspace(session, name=" Chez Nous ", timezone="Europe/Paris")
        row = (await session.scalars(select(Workspace))).one()
        entry = (await session.scalars(select(AuditEntry))).one()
    assert (row.id, row.name, row.timezone) == (founded.id, "Chez Nous", "Europe/Paris")
    assert (entry.actor, entry.action) == ("cli", "accounts.workspace_created")
    assert (entry.subject, entry.workspace_id) == (f"workspace:{row.id}", row.id)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"name": " "}, "name"), ({"name": "x" * 201}, "name"), ({"name": "x", "timezone": "Mars"}, "timezone")],
)
async def test_a_workspace_that_cannot_be_is_refused(database, values, field):
    async with database.system_transaction(REASON) as session:
        with pytest.raises(Invalid) as refused:
            await service.create_workspace(session, **values)
    assert refused.value.field == field


async def test_a_workspace_is_found_by_name_or_id(database, workspace, other_workspace):
    async with database.system_transaction(REASON) as session:
        assert (await service.find_workspace(session, "Chez Nous")).id == workspace.id
        assert (await service.find_workspace(session, str(other_workspace.id))).id == other_workspace.id
        assert await service.find_workspace(session, "Nowhere") is None
        assert await service.find_workspace(session, NOWHERE) is None
        found = await service.list_workspaces(session)
    assert [row.id for row in found] == [workspace.id, other_workspace.id]


async def test_a_name_that_two_workspaces_have_finds_neither(database, workspace):
    await add_workspace(database, "Chez Nous")
    async with database.system_transaction(REASON) as session:
        with pytest.raises(service.SeveralWorkspaces, match=str(workspace.id)):
            await service.find_workspace(session, "Chez Nous")


async def test_of_a_key_only_its_digest_and_its_beginning_are_kept(database, workspace):
    async with database.system_transaction(REASON) as session:
        made = await service.create_key(session, role="viewer", name="a phone", workspace_id=workspace.id)
        row = (await session.scalars(select(ApiKey))).one()
        stored = await session.scalar(text("select api_keys::text from api_keys"))
        audited = await session.scalar(text("select string_agg(audit_log::text, '') from audit_log"))
    assert keys.looks_right(made.key)
    assert (row.prefix, row.digest) == (made.key[:9], keys.digest(made.key))
    assert (row.role, row.name, row.workspace_id) == ("viewer", "a phone", workspace.id)
    assert made.key not in stored
    assert made.key not in audited
    assert made.key not in repr(made)


@pytest.mark.parametrize(("values", "field"), [({"role": "god"}, "role"), ({"name": ""}, "name")])
async def test_a_key_that_cannot_be_is_refused(database, workspace, values, field):
    async with database.system_transaction(REASON) as session:
        with pytest.raises(Invalid) as refused:
            await service.create_key(
                session, **{"role": "admin", "name": "x", "workspace_id": workspace.id} | values
            )
    assert refused.value.field == field


async def test_no_two_keys_are_alike():
    assert len({keys.make() for _ in range(100)}) == 100


async def test_a_workspaces_key_is_known_again(database, workspace):
    principal = await service.authenticate(database, await add_key(database, workspace.id, role="operator"))
    assert (principal.kind, principal.role) == ("workspace", "operator")
    assert principal.workspace_id == workspace.id


async def test_an_installation_key_belongs_to_no_workspace(database):
    principal = await service.authenticate(database, await add_key(database, None))
    assert (principal.kind, principal.role, principal.workspace_id) == ("installation", "admin", None)


async def test_an_unknown_key_is_refused(database):
    for key in (keys.make(), "", "ss_", "ss_" + "é" * 43):
        with pytest.raises(service.UnknownKey):
            await service.authenticate(database, key)


@pytest.mark.parametrize("known_as", ["id", "prefix"])
async def test_a_revoked_key_is_refused(database, workspace, known_as):
    key = await add_key(database, workspace.id)
    async with database.system_transaction(REASON) as session:
        row = (await service.list_keys(session))[0]
        assert await service.revoke_key(session, str(getattr(row, known_as))) == 1
    with pytest.raises(service.UnknownKey):
        await service.authenticate(database, key)
    async with database.system_transaction(REASON) as session:
        assert (await service.list_keys(session))[0].revoked_at
        actions = (await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))).all()
        with pytest.raises(NotFound):
            await service.revoke_key(session, row.prefix)
    assert actions[-1] == "accounts.key_revoked"


@pytest.mark.parametrize("known_as", ["", "s", "ss_", "%", "ss_aaaaaa", NOWHERE])
async def test_a_key_is_never_revoked_by_accident(database, workspace, known_as):
    await add_key(database, workspace.id)
    async with database.system_transaction(REASON) as session:
        with pytest.raises(NotFound):
            await service.revoke_key(session, known_as)
