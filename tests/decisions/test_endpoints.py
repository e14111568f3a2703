"""``/api/v1/decision-rules`` and ``/api/v1/decisions``."""

import pytest
from sqlalchemy import text

from socialsync.features.decisions import service
from socialsync.features.decisions.service import Judgement

CHANNEL = text(
    "insert into channels (workspace_id, platform, name, external_id, token_encrypted)"
    " values (:id, 'whatsapp', 'W', '1', '\\x00') returning id"
)
RULES = "/api/v1/decision-rules"
RULE = {"name": "refunds", "kind": "word", "pattern": "refund", "decision": "ESCALATE"}


async def test_a_rule_is_written_changed_and_deleted(client):
    made = await client.post(RULES, json=RULE)
    assert made.status_code == 201, made.text
    path = f"{RULES}/{made.json()['id']}"
    assert made.json()["contexts"] == ["chat", "comment"]
    changed = await client.patch(path, json={"enabled": False, "position": 3})
    assert (changed.json()["enabled"], changed.json()["position"]) == (False, 3)
    assert [each["name"] for each in (await client.get(RULES)).json()["items"]] == ["refunds"]
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(RULES)).json()["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "regex", "pattern": "refund("}, "pattern"),
        ({"kind": "sound"}, "kind"),
        ({"decision": "MAYBE"}, "decision"),
        ({"contexts": []}, "contexts"),
    ],
)
async def test_a_wrong_rule_is_refused_and_the_field_named(client, change, field):
    answer = await client.post(RULES, json={**RULE, **change})
    assert answer.status_code == 422
    assert field in answer.text


async def test_a_changed_pattern_is_checked_too(client):
    made = (await client.post(RULES, json=RULE)).json()
    answer = await client.patch(f"{RULES}/{made['id']}", json={"kind": "regex", "pattern": "("})
    assert answer.status_code == 422
    assert "at position" in answer.text


async def test_two_rules_of_one_name_are_a_conflict(client):
    await client.post(RULES, json=RULE)
    assert (await client.post(RULES, json=RULE)).status_code == 409


async def test_rules_of_others_are_not_there(client, other_client, viewer_client):
    made = (await client.post(RULES, json=RULE)).json()
    assert (await other_client.delete(f"{RULES}/{made['id']}")).status_code == 404
    assert (await viewer_client.post(RULES, json=RULE)).status_code == 403


async def test_decisions_are_listed_by_what_they_are(client, resources, workspace):
    async with resources.database.transaction(workspace.id) as session:
        channel_id = (await session.execute(CHANNEL, {"id": workspace.id})).scalar_one()
        judgement = Judgement("ESCALATE", "A person was asked for.", "guardrail", "asks_for_person")
        about = service.Subject(workspace.id, channel_id, "chat", workspace.id)
        await service.record(session, about, judgement)
    for query, count in (("decision=ESCALATE", 1), ("decision=IGNORE", 0), ("context_type=chat", 1)):
        answer = await client.get(f"/api/v1/decisions?{query}")
        assert len(answer.json()["items"]) == count, answer.text
