"""Channels, through the door."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from socialsync.db.audit import AuditEntry
from socialsync.platforms import PLATFORMS
from tests.channels.conftest import NEW, TOKEN, URL

MANNER = {
    "languages": ["pt-BR", "en"],
    "tone": "dry",
    "business_hours": {"fri": [["10:00", "16:00"]], "mon": []},
}
NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"


async def test_a_channel_is_stored_as_it_is_answered(client, rows, workspace):
    answer = await client.post(URL, json=NEW)
    assert answer.status_code == 201, answer.text
    [row] = await rows()
    shown = answer.json()
    assert (shown.pop("created_at"), shown.pop("updated_at")) != (None, None)
    assert shown == {
        "id": str(row.id),
        "platform": "whatsapp",
        "name": "Front desk",
        "external_id": "106540352242922",
        "status": "active",
        "status_reason": None,
        "paused_at": None,
        "token_expires_at": None,
        "ai_enabled_for_chats": True,
        "ai_enabled_for_comments": True,
        "hide_ignored_comments": False,
        "reply_privately": False,
        "escalation_email": None,
        "buffer_quiet_s": 5.0,
        "buffer_max_s": 20.0,
        "languages": None,
        "tone": None,
        "business_hours": None,
        "missed_since": None,
        "caught_up_at": None,
    }
    assert row.workspace_id == workspace.id


async def test_every_setting_can_be_given_at_once(client):
    settings = {
        "ai_enabled_for_chats": False,
        "ai_enabled_for_comments": False,
        "escalation_email": "on.call+1@mail.example.com",
        "buffer_quiet_s": 0.5,
        "buffer_max_s": 3600,
        **MANNER,
    }
    answer = await client.post(URL, json=NEW | settings | {"platform": "instagram"})
    assert {name: answer.json()[name] for name in settings} == settings


async def test_every_platform_can_be_connected(client):
    for platform in PLATFORMS:
        assert (await client.post(URL, json=NEW | {"platform": platform})).status_code == 201


async def test_many_can_be_connected_one_after_the_other(client):
    """Each statement is prepared by then, and has one plan for whatever comes."""
    for number in range(25):
        answer = await client.post(URL, json=NEW | {"external_id": f"10634{number}"})
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"platform": "telegram"}, "platform"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "1" * 129}, "external_id"),
        ({"external_id": "1 2"}, "external_id"),
        ({"external_id": "1/../2"}, "external_id"),
        ({"external_id": 106540352242922}, "external_id"),
        ({"access_token": ""}, "access_token"),
        ({"access_token": "x" * 4097}, "access_token"),
        ({"access_token": "two words"}, "access_token"),
        ({"access_token": "line\nbreak"}, "access_token"),
        ({"access_token": "é"}, "access_token"),
        ({"access_token": None}, "access_token"),
        ({"escalation_email": "nobody"}, "escalation_email"),
        ({"escalation_email": "a@b@c.de"}, "escalation_email"),
        ({"escalation_email": "a@b.de\nBcc: x@y.de"}, "escalation_email"),
        ({"escalation_email": "A <a@b.de>"}, "escalation_email"),
        ({"escalation_email": "a" * 250 + "@b.de"}, "escalation_email"),
        ({"ai_enabled_for_chats": "no"}, "ai_enabled_for_chats"),
        ({"buffer_quiet_s": 0}, "buffer_quiet_s"),
        ({"buffer_quiet_s": 21}, "buffer_quiet_s"),
        ({"buffer_quiet_s": "5"}, "buffer_quiet_s"),
        ({"buffer_max_s": 3601}, "buffer_max_s"),
        ({"status": "active"}, "status"),
        ({"token": TOKEN}, "token"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(client, rows, body, field):
    answer = await client.post(URL, json=NEW | body)
    assert answer.status_code == 422, answer.text
    assert [entry["field"] for entry in answer.json()["errors"]] == [field]
    assert TOKEN not in answer.text
    assert not await rows()


async def test_what_is_missing_is_named(client):
    answer = await client.post(URL, json={})
    missing = {entry["field"] for entry in answer.json()["errors"]}
    assert missing == {"platform", "name", "external_id", "access_token"}


async def test_the_same_account_twice_is_a_conflict(client, channel):
    answer = await client.post(URL, json=NEW | {"name": "Twin"})
    assert (answer.status_code, answer.json()["code"]) == (409, "ChannelExists")
    assert answer.json()["errors"][0]["field"] == "external_id"


async def test_the_same_id_on_the_other_platform_is_another_account(client, channel):
    assert (await client.post(URL, json=NEW | {"platform": "instagram"})).status_code == 201


async def test_another_workspace_may_connect_the_same_account(channel, other_client):
    assert (await other_client.post(URL, json=NEW)).status_code == 201


async def test_a_channel_is_shown(client, channel):
    assert (await client.get(f"{URL}/{channel['id']}")).json() == channel


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_another_workspaces_channel_is_not_there(other_client, rows, channel, method):
    body = {"json": {"name": "Mine now"}} if method == "PATCH" else {}
    answer = await other_client.request(method, f"{URL}/{channel['id']}", **body)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
    assert (await other_client.get(URL)).json()["items"] == []
    assert [(row.name, row.status) for row in await rows()] == [("Front desk", "active")]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("channel_id", [NOWHERE, "7", "%00", "x" * 300, "..%2F..", "é"])
async def test_an_id_that_is_none_is_not_found(client, method, channel_id):
    body = {"json": {}} if method == "PATCH" else {}
    answer = await client.request(method, f"{URL}/{channel_id}", **body)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_channels_are_listed_newest_first_in_pages(client):
    names = [f"channel {number}" for number in range(5)]
    for name in names:
        await client.post(URL, json=NEW | {"name": name, "external_id": name.replace(" ", "-")})
    seen, cursor = [], None
    for _ in range(3):
        page = (await client.get(URL, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == names[::-1]
    assert cursor is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "all"}, "limit"),
        ({"cursor": "2"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "\x00"}, "cursor"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(client, query, field):
    answer = await client.get(URL, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_settings_change_one_by_one(client, channel, rows, noon):
    for change in (
        {"name": "Back office"},
        {"ai_enabled_for_chats": False},
        {"ai_enabled_for_comments": False},
        {"escalation_email": "a@b.de"},
        {"buffer_quiet_s": 10},
        {"buffer_max_s": 30.5},
        {"languages": ["fr", "ar"]},
        {"tone": "warm"},
        {"business_hours": {"sun": [["08:00", "24:00"]]}},
        {"business_hours": {}},
    ):
        answer = await client.patch(f"{URL}/{channel['id']}", json=change)
        assert answer.status_code == 200, answer.text
        channel |= change
        assert answer.json() == channel | {"updated_at": answer.json()["updated_at"]}
    [row] = await rows()
    assert row.updated_at == noon()


async def test_its_own_manner_can_be_taken_away(client, channel, rows):
    await client.patch(f"{URL}/{channel['id']}", json=MANNER)
    answer = await client.patch(f"{URL}/{channel['id']}", json=dict.fromkeys(MANNER))
    assert {name: answer.json()[name] for name in MANNER} == dict.fromkeys(MANNER)
    [row] = await rows()
    assert [row.languages, row.tone, row.business_hours] == [None] * 3


@pytest.mark.parametrize(
    "body",
    [
        {"languages": []},
        {"languages": ["klingonese"]},
        {"languages": ["fr", "FR"]},
        {"languages": "en"},
        {"tone": " "},
        {"tone": "x" * 201},
        {"business_hours": {"someday": []}},
        {"business_hours": {"mon": "09-18"}},
        {"business_hours": {"mon": [["18:00", "09:00"]]}},
        {"business_hours": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}},
    ],
)
async def test_a_manner_is_refused_in_the_words_of_the_workspaces(client, channel, body):
    said = await client.patch("/api/v1/workspace", json=body)
    assert said.status_code == 422
    for answer in (
        await client.patch(f"{URL}/{channel['id']}", json=body),
        await client.post(URL, json=NEW | {"external_id": "2"} | body),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"] == said.json()["errors"]
    assert (await client.get(f"{URL}/{channel['id']}")).json() == channel
    assert len((await client.get(URL)).json()["items"]) == 1


async def test_the_email_can_be_taken_away(client, channel):
    await client.patch(f"{URL}/{channel['id']}", json={"escalation_email": "a@b.de"})
    answer = await client.patch(f"{URL}/{channel['id']}", json={"escalation_email": None})
    assert answer.json()["escalation_email"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"platform": "instagram"}, "platform"),
        ({"external_id": "2"}, "external_id"),
        ({"status": "active"}, "status"),
        ({"name": None}, "name"),
        ({"access_token": None}, "access_token"),
        ({"access_token": ""}, "access_token"),
        ({"buffer_quiet_s": 21}, "buffer_quiet_s"),
        ({"buffer_max_s": 4}, "buffer_max_s"),
        ({"buffer_max_s": 3601}, "buffer_max_s"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_by_name(client, channel, body, field):
    answer = await client.patch(f"{URL}/{channel['id']}", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert (await client.get(f"{URL}/{channel['id']}")).json() == channel


async def test_an_empty_change_changes_nothing(client, channel):
    answer = await client.patch(f"{URL}/{channel['id']}", json={})
    assert (answer.status_code, answer.json()) == (200, channel)


async def test_a_new_token_makes_the_channel_active_again(client, channel, database, rows, noon):
    async with database.system_transaction("a test plays the platform") as session:
        row = (await rows())[0]
        row.status, row.status_reason, row.token_checked_at = "needs_reauth", "The app was removed.", noon()
        session.add(row)
    shown = (await client.get(f"{URL}/{channel['id']}")).json()
    assert (shown["status"], shown["status_reason"]) == ("needs_reauth", "The app was removed.")
    answer = (await client.patch(f"{URL}/{channel['id']}", json={"access_token": "EAAnew"})).json()
    assert (answer["status"], answer["status_reason"]) == ("active", None)
    [row] = await rows()
    assert (row.token_set_at, row.token_checked_at) == (noon(), None)


async def test_the_life_of_an_instagram_token_begins_anew_with_a_new_one(client, noon):
    new = NEW | {"platform": "instagram"}
    connected = (await client.post(URL, json=new)).json()
    assert datetime.fromisoformat(connected["token_expires_at"]) == noon() + timedelta(days=60)
    noon.move(timedelta(days=5))
    unchanged = await client.patch(f"{URL}/{connected['id']}", json={"name": "x"})
    assert unchanged.json()["token_expires_at"] == connected["token_expires_at"]
    renewed = (await client.patch(f"{URL}/{connected['id']}", json={"access_token": "EAAnew"})).json()
    assert datetime.fromisoformat(renewed["token_expires_at"]) == noon() + timedelta(days=60)


async def test_a_channel_is_paused_and_resumed_as_often_as_one_likes(operator_client, channel, noon, audited):
    pause = f"{URL}/{channel['id']}/pause"
    paused = (await operator_client.put(pause)).json()
    assert datetime.fromisoformat(paused["paused_at"]) == noon()
    assert paused["status"] == "active"
    noon.move(timedelta(minutes=1))
    assert (await operator_client.put(pause)).json() == paused
    for _ in range(2):
        answer = await operator_client.delete(pause)
        assert (answer.status_code, answer.json()["paused_at"]) == (200, None)
    deeds = [entry.action for entry in await audited()]
    assert deeds == ["channels.connected", "channels.paused", "channels.resumed"]


async def test_a_new_token_leaves_a_paused_channel_paused(client, channel):
    paused = (await client.put(f"{URL}/{channel['id']}/pause")).json()
    answer = await client.patch(f"{URL}/{channel['id']}", json={"access_token": "EAAnew"})
    assert answer.json()["paused_at"] == paused["paused_at"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_only_operators_of_the_workspace_pause_its_channels(
    viewer_client, other_client, channel, rows, method
):
    pause = f"{URL}/{channel['id']}/pause"
    assert (await viewer_client.request(method, pause)).status_code == 403
    assert (await other_client.request(method, pause)).status_code == 404
    assert (await rows())[0].paused_at is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_channel_that_is_gone_can_not_be_paused(client, channel, method):
    assert (await client.request(method, f"{URL}/{NOWHERE}/pause")).status_code == 404
    await client.delete(f"{URL}/{channel['id']}")
    assert (await client.request(method, f"{URL}/{channel['id']}/pause")).status_code == 404


async def test_a_deleted_channel_keeps_its_row_and_loses_its_token(client, channel, rows, noon):
    answer = await client.delete(f"{URL}/{channel['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    [row] = await rows()
    assert (row.status, row.token_encrypted, row.deleted_at) == ("deleted", None, noon())


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_deleted_channel_is_not_there(client, channel, method):
    await client.delete(f"{URL}/{channel['id']}")
    body = {"json": {"access_token": "EAAnew"}} if method == "PATCH" else {}
    answer = await client.request(method, f"{URL}/{channel['id']}", **body)
    assert answer.status_code == 404
    assert (await client.get(URL)).json() == {"items": [], "next_cursor": None}


async def test_the_account_of_a_deleted_channel_can_be_connected_again(client, channel, rows):
    await client.delete(f"{URL}/{channel['id']}")
    again = await client.post(URL, json=NEW)
    assert again.status_code == 201
    await client.delete(f"{URL}/{again.json()['id']}")
    assert [row.status for row in await rows()] == ["deleted", "deleted"]


async def test_every_deed_leaves_an_audit_entry(client, channel, database, workspace):
    await client.patch(f"{URL}/{channel['id']}", json={"name": "x", "access_token": "EAAnew"})
    await client.delete(f"{URL}/{channel['id']}")
    async with database.transaction(workspace.id) as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    told = [(entry.action, entry.subject) for entry in entries if entry.subject.startswith("channel:")]
    subject = f"channel:{channel['id']}"
    assert told == [
        ("channels.connected", subject),
        ("channels.changed", subject),
        ("channels.deleted", subject),
    ]
    assert entries[-2].detail == {"fields": ["name", "access_token"]}
    assert {entry.actor for entry in entries[-3:]} == {
        "key:" + client.headers["authorization"].removeprefix("Bearer ")[:9]
    }


async def test_an_instagram_channel_catches_up_when_somebody_wants_it(
    operator_client, noon, audited, database
):
    new = NEW | {"platform": "instagram"}
    channel = (await operator_client.post(URL, json=new)).json()
    yesterday = noon() - timedelta(hours=24)
    assert datetime.fromisoformat(channel["missed_since"]) == yesterday
    async with database.system_transaction("a test has it caught up") as session:
        await session.execute(text("update channels set missed_since = null, caught_up_at = now()"))
    for _ in range(2):
        answer = await operator_client.put(f"{URL}/{channel['id']}/catch-up")
        assert answer.status_code == 202
        assert datetime.fromisoformat(answer.json()["missed_since"]) == yesterday
        assert answer.json()["caught_up_at"]
    async with database.system_transaction("a test looks at jobs") as session:
        jobs = await session.execute(text("select task_name from procrastinate_jobs"))
        assert jobs.scalars().all() == ["conversations.catch_up"]
    deeds = [entry.action for entry in await audited()]
    assert deeds == ["channels.connected", *["channels.catch_up_wanted"] * 2]


async def test_whatsapp_cannot_catch_up(operator_client, channel):
    answer = await operator_client.put(f"{URL}/{channel['id']}/catch-up")
    assert answer.status_code == 409
    assert "7 days" in answer.text


async def test_the_account_of_another_workspace_needs_a_token_that_opens_it(
    client, channel, other_client, simulator, rows
):
    simulator.fault(action="error", match={"kind": "whatsapp.number"}, code=190, times=1)
    answer = await other_client.post(URL, json=NEW | {"access_token": "made-up"})
    assert (answer.status_code, answer.json()["code"]) == (403, "AccountNotProven")
    assert answer.json()["errors"][0]["field"] == "access_token"
    assert "made-up" not in answer.text
    assert len(await rows()) == 1


async def test_who_was_there_before_without_a_good_token_hears_no_more(
    client, channel, other_client, simulator, database
):
    """The first to connect was believed; the account's own workspace comes later."""
    simulator.fault(action="error", match={"kind": "whatsapp.number", "token": TOKEN}, code=190, times=2)
    answer = await other_client.post(URL, json=NEW | {"access_token": "EAAGm0-its-own"})
    assert answer.status_code == 201, answer.text
    before = (await client.get(f"{URL}/{channel['id']}")).json()
    assert before["status"] == "needs_reauth"
    async with database.system_transaction("a test asks whom a webhook reaches") as session:
        reached = await session.scalars(
            text("select channel_id::text from find_channels('whatsapp', array['106540352242922'])")
        )
        assert list(reached) == [answer.json()["id"]]


@pytest.mark.parametrize(
    "fault", [{"action": "error", "code": 190, "times": 1}, {"action": "status", "status": 503}]
)
async def test_one_refusal_or_an_outage_takes_nothing_from_who_was_there(
    channel, other_client, simulator, rows, fault
):
    simulator.fault(match={"kind": "whatsapp.number", "token": TOKEN}, **fault)
    answer = await other_client.post(URL, json=NEW | {"access_token": "EAAGm0-its-own"})
    assert answer.status_code == 201, answer.text
    assert [row.status for row in await rows()] == ["active", "active"]


async def test_an_account_of_two_workspaces_that_both_prove_it_is_of_both(
    client, channel, other_client, simulator, rows
):
    assert (await other_client.post(URL, json=NEW)).status_code == 201
    assert [row.status for row in await rows()] == ["active", "active"]


async def test_without_the_platform_nobody_else_connects_the_account(
    client, channel, other_client, simulator
):
    simulator.fault(action="status", match={"kind": "whatsapp.number"}, status=503)
    answer = await other_client.post(URL, json=NEW)
    assert answer.status_code == 503, answer.text
