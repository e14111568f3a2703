"""One matter is one escalation, told once; and what nobody comes for is told again."""

import asyncio
from uuid import uuid4

import pytest

from socialsync import clock
from socialsync.db.transaction import Database
from socialsync.errors import Conflict
from socialsync.features.escalations import delivery, service
from socialsync.queue.jobs import JobLost
from tests.conftest import add_workspace


async def test_what_is_open_already_stays_one_and_is_mailed_once(desk):
    subject_id = uuid4()
    first = await desk.open(subject_id=subject_id, reason="A complaint.")
    await desk.run()
    assert await desk.open(subject_id=subject_id, reason="Another word.", urgency="normal") == first
    assert await desk.waiting() == []
    assert (await desk.see(first))["reason"] == "A complaint."


async def test_what_becomes_more_urgent_is_due_sooner_and_told_again(desk):
    subject_id = uuid4()
    first = await desk.open(subject_id=subject_id, urgency="normal")
    await desk.run()
    assert await desk.open(subject_id=subject_id, urgency="urgent", reason="A threat.") == first
    await desk.run()
    assert [mail["Subject"].split("]")[0] for mail in desk.post_office.mails] == ["[normal", "[urgent"]
    row = await desk.see(first)
    assert (row["urgency"], row["reason"]) == ("urgent", "A threat.")
    assert row["due_at"].minute == 15


async def test_what_was_resolved_and_comes_again_is_another(desk):
    subject_id = uuid4()
    first = await desk.open(subject_id=subject_id)
    async with desk.office.opened.database.transaction(desk.workspace_id) as session:
        await service.resolve_of(session, desk.workspace_id, "comment", subject_id, by="ann", now=desk.now)
    assert await desk.open(subject_id=subject_id) != first


async def test_a_long_text_is_shortened(desk):
    row = await desk.see(await desk.open(excerpt="word " * 1_000))
    assert len(row["excerpt"]) == 500
    assert row["excerpt"].endswith("\u2026")
    assert (await desk.see(await desk.open(excerpt=" \n")))["excerpt"] is None


async def test_who_opens_at_the_same_time_opens_one(fresh_database: Database):
    workspace = await add_workspace(fresh_database, "Bakery")
    subject_id = uuid4()

    async def open_one(urgency):
        async with fresh_database.transaction(workspace.id) as session:
            return await service.open(
                session,
                workspace_id=workspace.id,
                channel_id=None,
                subject="content",
                subject_id=subject_id,
                urgency=urgency,
                reason="Poor.",
                now=clock.now(),
            )

    ids = await asyncio.gather(*(open_one(urgency) for urgency in ["normal", "urgent", "high"] * 5))
    assert len(set(ids)) == 1
    async with fresh_database.transaction(workspace.id) as session:
        assert (await service.get_escalation(session, ids[0])).urgency == "urgent"


async def test_who_claims_at_the_same_time_is_one(fresh_database: Database):
    workspace = await add_workspace(fresh_database, "Bakery")
    async with fresh_database.transaction(workspace.id) as session:
        one = await service.open(
            session,
            workspace_id=workspace.id,
            channel_id=None,
            subject="content",
            subject_id=uuid4(),
            urgency="high",
            reason="Poor.",
            now=clock.now(),
        )

    async def claim(who):
        async with fresh_database.transaction(workspace.id) as session:
            return await service.claim(session, one, by=who, now=clock.now())

    ends = await asyncio.gather(*(claim(f"key:{n}") for n in range(5)), return_exceptions=True)
    assert sum(isinstance(end, Conflict) for end in ends) == 4


async def test_what_nobody_claims_is_mailed_again_when_it_is_due_and_then_every_day(desk):
    escalation_id = await desk.open(urgency="urgent")
    await desk.run()
    assert await desk.sweep(service.remind) == 0
    for wait in ({"minutes": 15}, {"days": 1}, {"days": 1}):
        desk.wait(**wait)
        assert await desk.sweep(service.remind) == 1
        assert (await desk.run())["status"] == "sent"
        assert (await desk.see(escalation_id))["reminded_at"] == desk.now
        assert await desk.sweep(service.remind) == 0
    subjects = [mail["Subject"] for mail in desk.post_office.mails]
    assert subjects[1:] == ["[urgent] Reminder: A complaint (whatsapp)"] * 3
    assert "Nobody has come yet" in desk.post_office.mails[-1].get_body(("plain",)).get_content()
    assert [mail["kind"] for mail in await desk.mails()] == ["news", "reminder", "reminder", "reminder"]


@pytest.mark.parametrize("verb", ["claim", "resolve"])
async def test_nobody_is_reminded_of_what_somebody_looks_after(desk, verb):
    escalation_id = await desk.open(urgency="urgent")
    await desk.run()
    more = {"note": None} if verb == "resolve" else {}
    async with desk.office.opened.database.transaction(desk.workspace_id) as session:
        await getattr(service, verb)(session, escalation_id, by="ann", now=desk.now, **more)
    desk.wait(days=3)
    assert await desk.sweep(service.remind) == 0


async def test_what_is_reopened_is_due_anew(desk):
    escalation_id = await desk.open(urgency="urgent")
    await desk.run()
    desk.wait(hours=1)
    async with desk.office.opened.database.transaction(desk.workspace_id) as session:
        await service.claim(session, escalation_id, by="ann", now=desk.now)
        await service.reopen(session, escalation_id, by="bob", now=desk.now)
    assert await desk.sweep(service.remind) == 0
    desk.wait(minutes=15)
    assert await desk.sweep(service.remind) == 1


async def test_many_reminders_of_a_channel_are_one_mail(desk):
    for _ in range(3):
        await desk.open(urgency="urgent")
    await desk.run()
    desk.wait(minutes=20)
    assert await desk.sweep(service.remind) == 1
    await desk.run()
    assert desk.post_office.mails[-1]["Subject"] == "[urgent] Reminder: 3 need a person (whatsapp)"


async def test_a_mail_whose_job_is_gone_is_found(desk):
    await desk.open()
    await desk.office.rows("delete from procrastinate_jobs where true returning id")
    assert await desk.sweep(service.requeue_stranded) == 0
    desk.wait(minutes=2)
    assert await desk.sweep(service.requeue_stranded) == 1
    assert await desk.sweep(service.requeue_stranded) == 0
    assert (await desk.run())["status"] == "sent"


async def test_a_mail_left_by_a_dead_worker_is_handed_in_once_more_and_then_unknown(desk):
    await desk.open()
    left = "update escalation_mails set status = 'sending', sent_at = null where true returning id"
    await desk.run()
    await desk.office.rows(left)
    for found, status in ((2, "sent"), (2, "unknown")):
        await desk.office.rows("update escalation_mails set updated_at = :now where true returning id",
                               now=desk.now)  # fmt: skip
        desk.wait(minutes=2)
        assert await desk.sweep(service.requeue_stranded) == 1
        await desk.run()
        assert len(desk.post_office.mails) == found
        assert (await desk.mail())["status"] == status
        await desk.office.rows(left) if status == "sent" else None
    assert len({mail["Message-ID"] for mail in desk.post_office.mails}) == 1


async def test_a_worker_that_lost_the_job_mails_nothing(desk):
    await desk.open()
    (job,) = await desk.waiting()
    lost = await desk.office.claim(job["id"])
    await desk.office.claim(job["id"])
    with pytest.raises(JobLost):
        await delivery.notify(desk.office.opened, lost, desk.workspace_id, desk.office.whatsapp)
    assert await desk.mails() == desk.post_office.mails == []
