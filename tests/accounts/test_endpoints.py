"""The workspace's settings, through the door."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from socialsync.db.audit import AuditEntry
from socialsync.features.accounts.models import Workspace

URL = "/api/v1/workspace"
NUMBERS = {
    "name": "Bei Uns",
    "timezone": "Europe/Berlin",
    "languages": ["de", "en-GB"],
    "tone": "dry",
    "business_hours": {"fri": [["10:00", "16:00"]], "mon": []},
    "ai_budget_usd_month": 25.5,
}


async def stored(database, workspace):
    async with database.transaction(workspace.id) as session:
        return (await session.scalars(select(Workspace))).one()


async def test_a_new_workspace_shows_its_settings(client, workspace):
    answer = await client.get(URL)
    assert answer.status_code == 200
    content = answer.json()
    assert content.pop("created_at") == content.pop("updated_at")
    assert content == {
        "id": str(workspace.id),
        "name": "Chez Nous",
        "timezone": "UTC",
        "languages": ["en"],
        "tone": "friendly",
        "business_hours": {},
        "ai_budget_usd_month": None,
    }


async def test_everything_can_be_changed(client, database, workspace, noon):
    answer = await client.patch(URL, json=NUMBERS)
    assert answer.status_code == 200, answer.text
    assert answer.json() == (await client.get(URL)).json()
    assert {name: answer.json()[name] for name in NUMBERS} == NUMBERS
    row = await stored(database, workspace)
    assert row.ai_budget_usd_month == Decimal("25.50")
    assert row.updated_at == noon()
    async with database.transaction(workspace.id) as session:
        entry = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()))).first()
    assert (entry.action, entry.detail) == ("accounts.workspace_changed", {"fields": sorted(NUMBERS)})
    assert entry.actor.startswith("key:ss_")


async def test_what_is_left_out_stays(client):
    await client.patch(URL, json=NUMBERS)
    answer = await client.patch(URL, json={"tone": "warm"})
    assert {name: answer.json()[name] for name in NUMBERS} == NUMBERS | {"tone": "warm"}


async def test_nothing_given_changes_nothing(client):
    before = (await client.get(URL)).json()
    answer = await client.patch(URL, json={})
    assert (answer.status_code, answer.json()) == (200, before)


async def test_a_budget_can_be_taken_away(client):
    await client.patch(URL, json={"ai_budget_usd_month": 10})
    answer = await client.patch(URL, json={"ai_budget_usd_month": None})
    assert answer.json()["ai_budget_usd_month"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": None}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"languages": []}, "languages"),
        ({"languages": ["klingonese"]}, "languages[0]"),
        ({"languages": "en"}, "languages"),
        ({"tone": " "}, "tone"),
        ({"business_hours": {"mon": [["18:00", "09:00"]]}}, "business_hours.mon[0]"),
        ({"business_hours": {"mon": "09-18"}}, "business_hours.mon"),
        ({"ai_budget_usd_month": -1}, "ai_budget_usd_month"),
        ({"ai_budget_usd_month": 1.234}, "ai_budget_usd_month"),
        ({"ai_budget_usd_month": 10**11}, "ai_budget_usd_month"),
        ({"ai_budget_usd_month": "NaN"}, "ai_budget_usd_month"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "id"),
    ],
)
async def test_what_cannot_be_is_refused_by_name_and_changes_nothing(client, body, field):
    before = (await client.get(URL)).json()
    answer = await client.patch(URL, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert (await client.get(URL)).json() == before


async def test_workspaces_have_their_own_settings(client, other_client):
    await client.patch(URL, json={"tone": "warm"})
    assert (await other_client.get(URL)).json()["tone"] == "friendly"
