"""``/api/v1/escalations``: who looks after what, and what is refused."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from socialsync import clock
from socialsync.features.escalations import service

URL = "/api/v1/escalations"
CHANNEL = text(
    "insert into channels (workspace_id, platform, name, external_id, token_encrypted, escalation_email)"
    " values (:id, 'whatsapp', 'W', '1', '\\x00', 'owner@example.com') returning id"
)


@pytest.fixture
async def channel_id(database, workspace) -> UUID:
    async with database.transaction(workspace.id) as session:
        return await session.scalar(CHANNEL, {"id": workspace.id})


@pytest.fixture
def opened(database, workspace, channel_id, noon):
    """Open one; its id."""

    async def open_one(**values) -> str:
        usual = {
            "subject": "comment",
            "subject_id": uuid4(),
            "urgency": "high",
            "reason": "A complaint.",
            "channel_id": channel_id,
        }
        async with database.transaction(workspace.id) as session:
            return str(
                await service.open(session, workspace_id=workspace.id, now=clock.now(), **{**usual, **values})
            )

    return open_one


async def test_an_escalation_is_shown_with_all_that_is_known(client, opened, channel_id, noon):
    subject_id = uuid4()
    one = await opened(subject_id=subject_id, excerpt="Where is it?", rule="complaint", link="/x")
    shown = (await client.get(f"{URL}/{one}")).json()
    assert shown["id"] == one
    assert (shown["subject"], shown["subject_id"]) == ("comment", str(subject_id))
    assert (shown["channel_id"], shown["urgency"], shown["status"]) == (str(channel_id), "high", "open")
    assert (shown["reason"], shown["rule"], shown["excerpt"]) == (
        "A complaint.",
        "complaint",
        "Where is it?",
    )
    assert shown["due_at"] == "2026-03-04T14:00:00Z"
    assert shown["mail"] is None


async def test_it_is_claimed_resolved_and_reopened(client, opened, noon):
    one = await opened()
    claimed = await client.post(f"{URL}/{one}/claim")
    assert claimed.status_code == 200, claimed.text
    assert claimed.json()["status"] == "claimed"
    assert claimed.json()["claimed_by"].startswith("key:")
    resolved = (await client.post(f"{URL}/{one}/resolve", json={"note": "Called her."})).json()
    assert (resolved["status"], resolved["note"]) == ("resolved", "Called her.")
    assert resolved["resolved_by"] == claimed.json()["claimed_by"]
    noon.set(clock.now().replace(hour=18))
    reopened = (await client.post(f"{URL}/{one}/reopen")).json()
    assert (reopened["status"], reopened["claimed_by"], reopened["note"]) == ("open", None, None)
    assert reopened["due_at"] == "2026-03-04T20:00:00Z"


async def test_a_deed_leaves_its_trace(client, opened, database):
    one = await opened()
    for verb in ("claim", "resolve", "reopen"):
        await client.post(f"{URL}/{one}/{verb}")
    async with database.system_transaction("a test looks at the deeds") as session:
        deeds = await session.scalars(
            text("select action from audit_log where subject = :subject order by id"),
            {"subject": f"escalation:{one}"},
        )
        assert list(deeds) == ["escalations.claimed", "escalations.resolved", "escalations.reopened"]


@pytest.mark.parametrize(
    ("verbs", "code"),
    [
        ("reopen", "StillOpen"),
        ("resolve claim", "AlreadyResolved"),
        ("resolve resolve", "AlreadyResolved"),
        ("claim claim", None),
        ("claim reopen", None),
        ("resolve reopen reopen", "StillOpen"),
    ],
)
async def test_what_its_state_forbids_is_a_conflict_with_its_reason(client, opened, verbs, code):
    one = await opened()
    for verb in verbs.split():
        answer = await client.post(f"{URL}/{one}/{verb}")
    assert answer.status_code == (409 if code else 200), answer.text
    assert answer.json().get("code") == code


async def test_what_somebody_else_has_claimed_cannot_be_claimed(client, operator_client, opened):
    one = await opened()
    first = (await client.post(f"{URL}/{one}/claim")).json()
    answer = await operator_client.post(f"{URL}/{one}/claim")
    assert answer.status_code == 409
    assert first["claimed_by"] in answer.json()["detail"]
    assert (await operator_client.post(f"{URL}/{one}/resolve")).status_code == 200


async def test_one_cannot_be_reopened_beside_another_about_the_same(client, opened):
    subject_id = uuid4()
    first = await opened(subject_id=subject_id)
    await client.post(f"{URL}/{first}/resolve")
    second = await opened(subject_id=subject_id)
    assert second != first
    answer = await client.post(f"{URL}/{first}/reopen")
    assert answer.status_code == 409
    assert second in answer.text


async def test_the_list_is_filtered_and_paged(client, opened, channel_id, noon):
    urgent = await opened(urgency="urgent")
    chat = await opened(subject="conversation")
    content = await opened(subject="content", channel_id=None, urgency="normal")
    await client.post(f"{URL}/{chat}/claim")
    noon.set(clock.now().replace(minute=30))
    for query, expected in (
        ("", [content, chat, urgent]),
        ("status=claimed", [chat]),
        ("subject=content", [content]),
        ("urgency=urgent", [urgent]),
        (f"channel_id={channel_id}", [chat, urgent]),
        ("overdue=true", [urgent]),
        ("overdue=false", [content, chat]),
    ):
        found = (await client.get(f"{URL}?{query}")).json()["items"]
        assert [each["id"] for each in found] == expected, query
    page = (await client.get(f"{URL}?limit=2")).json()
    rest = (await client.get(f"{URL}?limit=2&cursor={page['next_cursor']}")).json()
    assert [each["id"] for each in (*page["items"], *rest["items"])] == [content, chat, urgent]
    assert (await client.get(f"{URL}?status=done")).status_code == 422


async def test_what_belongs_to_no_channel_says_that_nobody_is_told(client, opened):
    one = await opened(subject="content", channel_id=None)
    assert "no channel" in (await client.get(f"{URL}/{one}")).json()["mail_waits_for"]


async def test_escalations_of_others_are_not_there_and_a_viewer_only_looks(
    other_client, viewer_client, stranger, opened
):
    one = await opened()
    assert (await other_client.get(f"{URL}/{one}")).status_code == 404
    assert (await other_client.post(f"{URL}/{one}/claim")).status_code == 404
    assert (await other_client.get(URL)).json()["items"] == []
    assert (await viewer_client.get(f"{URL}/{one}")).status_code == 200
    assert (await viewer_client.post(f"{URL}/{one}/claim")).status_code == 403
    assert (await stranger.get(URL)).status_code == 401


@pytest.mark.parametrize("body", [{"note": ""}, {"note": 3}, {"remark": "x"}, {"note": "x" * 2_001}])
async def test_a_wrong_note_is_refused(client, opened, body):
    one = await opened()
    assert (await client.post(f"{URL}/{one}/resolve", json=body)).status_code == 422
