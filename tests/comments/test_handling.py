"""Each comment gets a decision that can be explained, and at most one reply."""

from datetime import timedelta

import pytest

from socialsync import clock
from socialsync.errors import Invalid
from socialsync.features.comments import service
from socialsync.features.comments.service import AnsweredAlready, ReplyOnItsWay
from socialsync.features.decisions import service as decisions
from tests.comments.conftest import IG_USER, SETTLE, Wall
from tests.webhooks.conftest import meta

__all__ = ["meta"]


async def test_a_question_is_answered_from_the_knowledge_below_the_comment(wall: Wall, simulator):
    comment_id = wall.comment("When do you open?", username="ada")
    assert await wall.look() == ["send, sent, nothing to do"]
    row, (reply,) = await wall.one(), await wall.replies()
    assert (row["triage"], row["work"]) == ("respond", None)
    assert (reply["status"], reply["author"], reply["under_id"]) == ("sent", "ai", comment_id)
    (said,) = wall.said()
    assert "nine in the morning" in said
    why = await wall.why()
    assert (why["context_type"], why["decision"], why["id"]) == ("comment", "RESPOND", row["ai_decision_id"])
    assert why["sources"]
    assert await wall.office.jobs(SETTLE) == [] or all(
        job["status"] == "cancelled" for job in await wall.office.jobs(SETTLE)
    )


async def test_a_reply_is_told_the_channels_tone_and_languages_or_else_the_workspaces(wall: Wall, simulator):
    await wall.office.rows("update workspaces set tone = 'warm', languages = '{en,fr}' returning 1")
    await wall.office.rows("update channels set tone = 'dry as sand' returning 1")
    wall.comment("When do you open?")
    await wall.look()
    prompts = [str(effect["messages"]) for effect in simulator.ledger(kind="openai_chat")]
    asked, composed = [prompt for prompt in prompts if "Your tone is" in prompt]
    assert "Your tone is dry as sand." in asked
    assert "(en, fr are spoken here)" in asked
    assert "Your tone is dry as sand." in composed


async def test_our_own_reply_is_no_comment_to_answer(wall: Wall):
    wall.comment("When do you open?")
    await wall.look()
    await wall.office.rows("update posts set published_at = now() - interval '25 hours' returning id")
    assert (await wall.poll())["comments_found"] == 0
    (own,) = await wall.comments(own=True)
    assert (own["triage"], own["work"]) == ("ignore", None)
    assert await wall.work() == []


async def test_praise_is_thanked_for_and_signs_are_ignored(wall: Wall):
    wall.comment("😍😍😍")
    await wall.look()
    assert (await wall.one())["triage"] == "ignore"
    assert wall.said() == []


async def test_a_threat_is_for_a_person_with_an_escalation_and_its_place(wall: Wall):
    comment_id = wall.comment("I will come to your shop and kill you all")
    await wall.look()
    row = await wall.one()
    assert row["triage"] == "escalate"
    (escalation,) = await wall.office.rows("select * from escalations")
    assert (escalation["subject"], escalation["subject_id"]) == ("comment", row["id"])
    assert escalation["link"].endswith(f"/c/{comment_id}/")
    assert wall.said() == []


async def test_what_nobody_wrote_down_is_for_a_person(wall: Wall):
    wall.comment("Do you ship sourdough to Reykjavik by helicopter?")
    await wall.look()
    assert (await wall.one())["triage"] == "escalate"


async def test_a_rule_of_the_workspace_decides_first(wall: Wall):
    async with wall.opened.database.transaction(wall.workspace_id) as session:
        await decisions.add_rule(
            session, wall.workspace_id, name="giveaways", kind="word", pattern="giveaway", decision="IGNORE"
        )
    wall.comment("GIVEAWAY on my page, follow me")
    await wall.look()
    why = await wall.why()
    assert (why["source"], why["rule"], why["decision"]) == ("rule", "giveaways", "IGNORE")


async def test_an_ignored_comment_is_hidden_where_the_channel_says_so(wall: Wall, simulator):
    await wall.office.rows("update channels set hide_ignored_comments = true returning id")
    async with wall.opened.database.transaction(wall.workspace_id) as session:
        await decisions.add_rule(
            session, wall.workspace_id, name="spam", kind="word", pattern="followers", decision="IGNORE"
        )
    wall.comment("Buy followers here")
    assert await wall.look() == ["hide, hidden, nothing to do"]
    assert (await wall.one())["hidden"] is True


async def test_with_the_ai_off_nothing_is_answered(wall: Wall):
    await wall.office.rows("update channels set ai_enabled_for_comments = false returning id")
    wall.comment("When do you open?")
    await wall.look()
    assert (await wall.why())["source"] == "settings"
    assert wall.said() == []


async def test_what_the_business_answered_itself_is_not_answered_again(wall: Wall, simulator):
    first = wall.comment("When do you open?")
    simulator.comments(
        comments=[{"media_id": wall.media, "text": "At nine!", "parent_id": first, "own": True}]
    )
    await wall.look()
    assert (await wall.why())["rule"] == "answered"
    assert wall.said() == []


async def test_two_people_who_talk_with_one_another_are_left_alone(wall: Wall, simulator):
    first = wall.comment("😍", username="ada")
    simulator.comments(
        comments=[
            {"media_id": wall.media, "text": "When do you open?", "parent_id": first, "username": "bob"}
        ]
    )
    await wall.look()
    rows = {row["text"]: row for row in await wall.comments()}
    assert rows["When do you open?"]["triage"] == "ignore"
    assert wall.said() == []


@pytest.mark.parametrize("kind", ["openai.chat", "openai.moderation"])
async def test_when_a_model_fails_a_person_decides(wall: Wall, simulator, kind):
    simulator.fault(match={"path": "/v1/chat" if "chat" in kind else "/v1/moderations"}, action="status",
                    status=400, times=None)  # fmt: skip
    wall.comment("When do you open?")
    await wall.look()
    row, why = await wall.one(), await wall.why()
    assert (row["triage"], why["rule"]) == ("escalate", "model_away")
    assert wall.said() == []


async def test_a_lost_answer_is_looked_for_and_not_sent_again(wall: Wall, simulator):
    simulator.fault(action="lost_answer", match={"kind": "instagram.reply"}, times=1)
    wall.comment("When do you open?")
    assert await wall.look() == ["send, doubt"]
    assert (await wall.replies())[0]["status"] == "sending"
    await wall.office.rows(
        "update comment_replies set effect_at = effect_at - interval '2 minutes' returning id"
    )
    assert await wall.work(SETTLE) == ["sent"]
    (reply,) = await wall.replies()
    assert reply["status"] == "sent"
    assert reply["platform_reply_id"]
    assert len(wall.said()) == 1
    assert (await wall.one())["work"] is None


async def test_a_lost_answer_may_be_found_by_the_poll(wall: Wall, simulator):
    simulator.fault(action="lost_answer", match={"kind": "instagram.reply"}, times=1)
    wall.comment("When do you open?")
    await wall.look()
    await wall.look()
    assert (await wall.replies())[0]["status"] == "sent"
    assert len(wall.said()) == 1


async def test_a_call_that_never_arrived_is_made_again_once_it_was_looked_for(wall: Wall, simulator):
    simulator.fault(action="drop", match={"kind": "instagram.reply"}, times=1)
    wall.comment("When do you open?")
    assert await wall.look() == ["send, doubt"]
    await wall.office.rows(
        "update comment_replies set effect_at = effect_at - interval '2 minutes' returning id"
    )
    assert await wall.work(SETTLE) == ["again"]
    assert await wall.work() == ["sent, nothing to do"]
    assert len(wall.said()) == 1


async def test_a_person_overrules_and_the_model_is_shown_it(wall: Wall, simulator):
    wall.comment("Do you ship sourdough to Reykjavik by helicopter?")
    await wall.look()
    row = await wall.one()
    await wall.decide(row["id"], "RESPOND", "Sadly not by helicopter!")
    assert await wall.work() == ["sent, nothing to do"]
    assert wall.said() == ["Sadly not by helicopter!"]
    row = await wall.one()
    assert (row["triage"], row["overruled_to"], row["overruled_by"]) == ("respond", "RESPOND", "Ada")
    assert (await wall.office.rows("select status from escalations"))[0]["status"] == "resolved"
    wall.comment("And to Oslo?")
    await wall.look()
    prompts = [str(effect["messages"]) for effect in simulator.ledger(kind="openai_chat")]
    assert any("Reykjavik" in prompt and "decided before" in prompt for prompt in prompts)


async def test_a_person_who_ignores_stops_a_reply_that_waits(wall: Wall, simulator):
    simulator.fault(match={"kind": "instagram.reply"}, action="error", code=4, times=1)
    wall.comment("When do you open?")
    await wall.poll()
    with pytest.raises(Exception):  # noqa: B017, PT011 - the job waits
        await wall.work()
    assert (await wall.replies())[0]["status"] == "queued"
    await wall.decide((await wall.one())["id"], "IGNORE")
    assert (await wall.replies())[0]["status"] == "cancelled"
    await wall.work()
    assert wall.said() == []


async def test_nobody_overrules_what_is_being_sent(wall: Wall, simulator):
    simulator.fault(action="lost_answer", match={"kind": "instagram.reply"}, times=1)
    wall.comment("When do you open?")
    await wall.look()
    with pytest.raises(ReplyOnItsWay):
        await wall.decide((await wall.one())["id"], "IGNORE")


async def test_the_ai_answers_once_however_often_it_is_asked_to(wall: Wall):
    wall.comment("When do you open?")
    await wall.look()
    with pytest.raises(AnsweredAlready):
        await wall.decide((await wall.one())["id"], "RESPOND")
    await wall.decide((await wall.one())["id"], "RESPOND", "See you tomorrow!")
    await wall.work()
    assert len(wall.said()) == 2


async def test_a_person_leaves_the_words_to_the_ai(wall: Wall):
    await wall.office.rows("update channels set ai_enabled_for_comments = false returning id")
    wall.comment("When do you open?")
    await wall.look()
    await wall.decide((await wall.one())["id"], "RESPOND")
    assert await wall.work() == ["send, sent, nothing to do"]
    (said,) = wall.said()
    assert "nine in the morning" in said


async def test_a_refused_token_closes_the_channel_and_the_reply_waits(wall: Wall, simulator):
    wall.comment("When do you open?")
    await wall.poll()
    simulator.fault(action="revoke_token", match={"token": "EAAtoken"})
    await wall.work()
    row, (reply,) = await wall.one(), await wall.replies()
    assert (row["work"], reply["status"]) == ("send", "queued")
    (channel,) = await wall.office.rows("select status from channels where platform = 'instagram'")
    assert channel["status"] == "needs_reauth"
    assert wall.said() == []


async def test_only_respond_has_a_reply(wall: Wall):
    wall.comment("When do you open?")
    await wall.poll()
    with pytest.raises(Invalid):
        await wall.decide((await wall.one())["id"], "IGNORE", "No")


async def test_a_private_reply_goes_to_its_author_alone(wall: Wall, simulator):
    await wall.office.rows("update channels set reply_privately = true returning id")
    wall.comment("When do you open?")
    await wall.look()
    assert (await wall.replies())[0]["status"] == "sent"
    assert wall.said() == []
    assert len(simulator.ledger(kind="instagram.private_reply")) == 1


async def test_the_echo_of_a_private_reply_is_nobody_who_steps_in(wall: Wall, meta, simulator):
    await wall.office.rows("update channels set reply_privately = true returning id")
    wall.comment("When do you open?")
    await wall.look()
    (effect,) = simulator.ledger(kind="instagram.private_reply")
    told = {
        "sender": {"id": IG_USER}, "recipient": {"id": effect["recipient"]},
        "timestamp": int(clock.now().timestamp() * 1000),
        "message": {"mid": effect["id"], "text": effect["text"], "is_echo": True},
    }  # fmt: skip
    body = {"object": "instagram", "entry": [{"id": IG_USER, "time": 1, "messaging": [told]}]}
    assert (await meta.tell(body, "instagram")).status_code == 200
    assert await wall.office.rows("select * from conversations where mode = 'human'") == []


async def test_a_deleted_comment_is_not_answered(wall: Wall, simulator):
    comment_id = wall.comment("When do you open?")
    await wall.poll()
    simulator.comments(deletions=[comment_id])
    await wall.work()
    row, (reply,) = await wall.one(), await wall.replies()
    assert row["deleted_at"] is not None
    assert reply["status"] == "failed"
    assert await wall.office.rows("select * from escalations") == []


async def test_work_without_a_job_is_found_by_the_sweep(wall: Wall):
    wall.comment("When do you open?")
    await wall.poll()
    await wall.office.rows("delete from procrastinate_jobs where task_name like 'comments.%' returning id")
    async with wall.opened.database.system_transaction("a test sweeps") as session:
        assert await service.requeue_stranded(session, now=clock.now()) == 0
        assert await service.requeue_stranded(session, now=clock.now() + timedelta(minutes=2)) == 1
    await wall.work()
    assert len(wall.said()) == 1
