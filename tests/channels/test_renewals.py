"""Tokens are renewed before they end, and only what is refused twice closes a channel."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from socialsync.errors import Permanent, Temporary
from socialsync.features.channels import renewals
from socialsync.features.channels.models import Channel
from socialsync.timetable import SWEEPS
from tests.channels.conftest import NEW, TOKEN, URL

DAY = timedelta(days=1)
INSTAGRAM = NEW | {"platform": "instagram", "external_id": "17841400000000001"}


@dataclass(frozen=True)
class Account:
    """A connected Instagram account, what happens to it by itself, and what one sees of it."""

    id: str
    refresh: Callable[[], Awaitable[str]]
    """Runs its job; the status that this returns."""
    sweep: Callable[[], Awaitable[int]]
    """As the upkeep does it; how many jobs were deferred."""
    see: Callable[[], Awaitable[Channel]]
    change: Callable[[str], Awaitable[None]]
    """Assignments in SQL, to the rows of all."""


@pytest.fixture
async def account(client, run_job, workspace, database, rows):
    """Connected at noon."""
    connected = (await client.post(URL, json=INSTAGRAM)).json()
    [known] = [known for known in SWEEPS if known.name == "tokens that end soon"]

    async def refresh():
        arguments = {"workspace_id": str(workspace.id), "channel_id": connected["id"]}
        return (await run_job(renewals.REFRESH, arguments))["status"]

    async def sweep():
        async with database.system_transaction("a test is the upkeep") as session:
            return await known.run(session)

    async def see():
        return (await rows())[0]

    async def change(assignments):
        async with database.system_transaction("a test changes the rows") as session:
            await session.execute(text(f"update channels set {assignments}"))  # noqa: S608 - our own

    return Account(connected["id"], refresh, sweep, see, change)


@pytest.fixture(autouse=True)
def world(simulator, noon):
    """Meta is there, and it is noon."""


JOBS = "select * from procrastinate_jobs where task_name = 'channels.refresh_token' order by id"


@pytest.fixture
def jobs(database):
    async def read():
        async with database.system_transaction("a test looks at the jobs") as session:
            found = await session.execute(text(JOBS))
        return [dict(row) for row in found.mappings()]

    return read


async def test_a_token_is_renewed_once_it_must_be_a_day_old(account, jobs, noon, workspace):
    noon.move(DAY - timedelta(seconds=1))
    assert await account.sweep() == 0
    noon.move(timedelta(seconds=1))
    assert await account.sweep() == 1
    [job] = await jobs()
    assert (job["task_name"], job["queue_name"], job["priority"]) == ("channels.refresh_token", "default", 0)
    assert job["args"] == {"workspace_id": str(workspace.id), "channel_id": account.id}


async def test_one_job_of_a_channel_waits_at_most(account, jobs, noon):
    noon.move(DAY)
    assert [await account.sweep() for _ in range(3)] == [1, 0, 0]
    assert len(await jobs()) == 1


async def test_afterwards_it_is_renewed_ten_days_before_its_end(account, noon):
    await account.change("token_checked_at = token_set_at")
    noon.move(50 * DAY - timedelta(seconds=1))
    assert await account.sweep() == 0
    noon.move(timedelta(seconds=1))
    assert await account.sweep() == 1


async def test_a_token_of_before_tokens_had_ends_is_renewed_too(account, noon):
    await account.change("token_expires_at = null")
    noon.move(DAY)
    assert await account.sweep() == 1


async def test_a_paused_channels_token_does_not_end_meanwhile(account, client, noon):
    await client.put(f"{URL}/{account.id}/pause")
    noon.move(DAY)
    assert await account.sweep() == 1


@pytest.mark.parametrize("state", [
    "platform = 'whatsapp'", "status = 'needs_reauth'", "status = 'deleted', token_encrypted = null",
])  # fmt: skip
async def test_no_other_channels_token_is(account, noon, state):
    await account.change(state)
    noon.move(59 * DAY)
    assert await account.sweep() == 0
    assert await account.refresh() == "not due"


async def test_every_workspaces_tokens_are_renewed(account, other_client, noon):
    await other_client.post(URL, json=INSTAGRAM)
    noon.move(DAY)
    assert await account.sweep() == 2


async def test_the_new_token_is_stored_with_its_end(account, resources, audited, noon):
    noon.move(DAY)
    assert await account.refresh() == "renewed"
    row = await account.see()
    assert resources.cipher.decrypt(row.token_encrypted) != TOKEN
    assert (row.token_set_at, row.token_checked_at, row.status) == (noon(), noon(), "active")
    assert 50 * DAY < row.token_expires_at - noon() <= 60 * DAY
    deed = (await audited())[-1]
    assert (deed.actor, deed.action) == ("socialsync", "channels.renewed")
    assert deed.detail == {"ends": row.token_expires_at.isoformat()}


async def test_it_is_renewed_once(account, noon):
    noon.move(DAY)
    assert [await account.refresh(), await account.refresh()] == ["renewed", "not due"]


async def test_another_workspace_cannot_have_it_renewed(account, run_job, other_workspace, noon):
    noon.move(DAY)
    arguments = {"workspace_id": str(other_workspace.id), "channel_id": account.id}
    assert (await run_job(renewals.REFRESH, arguments))["status"] == "not due"


async def test_a_token_that_a_person_put_in_meanwhile_stays(account, client, resources, workspace, noon):
    read_before = await account.see()
    noon.move(DAY)
    await client.patch(f"{URL}/{account.id}", json={"access_token": "EAAperson"})
    async with resources.database.transaction(workspace.id) as session:
        kept = await renewals.keep(
            session, read_before, resources.cipher.encrypt("EAAlate"), expires_at=noon() + DAY, now=noon()
        )
    row = await account.see()
    assert not kept
    assert resources.cipher.decrypt(row.token_encrypted) == "EAAperson"


async def test_a_token_that_is_refused_twice_closes_the_channel(account, client, audited, noon):
    await client.patch(f"{URL}/{account.id}", json={"access_token": "revoked-460-x"})
    noon.move(DAY)
    assert await account.refresh() == "revoked"
    row = await account.see()
    assert row.status == "needs_reauth"
    assert "password changed" in row.status_reason
    assert (await audited())[-1].action == "channels.revoked"
    assert await account.refresh() == "not due"


async def test_a_token_that_is_refused_once_closes_nothing(account, simulator, noon):
    noon.move(DAY)
    simulator.fault(action="error", code=190, subcode=463)
    with pytest.raises(Permanent):
        await account.refresh()
    row = await account.see()
    assert (row.status, row.token_checked_at) == ("active", noon())
    assert row.token_expires_at == noon() + 59 * DAY
    assert await account.sweep() == 0


async def test_what_cannot_be_renewed_is_tried_daily_before_its_end(account, simulator, noon):
    noon.move(55 * DAY)
    simulator.fault(action="error", code=190, subcode=463)
    with pytest.raises(Permanent):
        await account.refresh()
    assert await account.sweep() == 0
    noon.move(DAY)
    assert await account.sweep() == 1
    assert await account.refresh() == "renewed"


async def test_the_reason_of_a_token_past_its_end_says_when_that_was(account, client, noon):
    await client.patch(f"{URL}/{account.id}", json={"access_token": "revoked-463-x"})
    noon.move(60 * DAY)
    assert await account.refresh() == "revoked"
    row = await account.see()
    assert row.status_reason == "Its access token ended on 3 May 2026, and only a new login gives another."


async def test_a_token_that_outlives_its_end_had_no_such_end(account, simulator, noon):
    noon.move(60 * DAY)
    simulator.fault(action="error", code=190, subcode=463)
    with pytest.raises(Permanent):
        await account.refresh()
    row = await account.see()
    assert (row.status, row.token_expires_at) == ("active", None)
    noon.move(60 * DAY)
    assert await account.sweep() == 0


async def test_a_platform_that_is_away_is_asked_again(account, simulator, noon):
    noon.move(DAY)
    simulator.fault(action="status", status=503)
    with pytest.raises(Temporary):
        await account.refresh()
    row = await account.see()
    assert (row.status, row.token_checked_at) == ("active", None)
    assert await account.refresh() == "renewed"


async def test_neither_token_is_told_to_anybody(account, resources, database, noon):
    noon.move(DAY)
    await account.sweep()
    with capture_logs() as lines:
        result = await account.refresh()
    row = await account.see()
    async with database.system_transaction("a test looks for a secret") as session:
        told = [
            await session.scalar(text(f"select string_agg(t::text, '') from {table} t"))  # noqa: S608 - our own
            for table in ("audit_log", "procrastinate_jobs", "channels")
        ]
    for token in (TOKEN, resources.cipher.decrypt(row.token_encrypted)):
        assert token not in f"{lines} {result} {told}"
        assert token.encode().hex() not in str(told)
