"""Whatever jobs are on their way, a person's word stands; and danger is seen wherever it stands."""

from datetime import timedelta

from socialsync import clock
from socialsync.features.comments import cases, deciding, replying, service
from socialsync.features.decisions import guards
from tests.comments.conftest import PROCESS, Wall


async def take_up(wall: Wall) -> cases.Case:
    """A job that has read the comment, and not acted yet."""
    job = [each for each in await wall.office.jobs(PROCESS) if each["status"] == "todo"][-1]
    context = await wall.office.claim(job["id"])
    case = await cases.begin(
        wall.opened, context, wall.workspace_id, (await wall.one())["id"], now=clock.now()
    )
    assert isinstance(case, cases.Case)
    return case


async def test_a_threat_in_a_thread_that_was_answered_is_for_a_person(wall: Wall):
    first = wall.comment("I will kill you all tonight")
    wall.comment("Thanks for your feedback!", parent_id=first, own=True)
    await wall.look()
    (row,) = await wall.comments()
    assert row["triage"] == "escalate"


async def test_our_reply_to_one_answers_nobody_else_in_the_thread(wall: Wall, simulator):
    top = wall.comment("😍")
    for name in ("ada", "bob"):
        wall.comment("When do you open?", parent_id=top, username=name)
    wall.comment("Welcome, all of you", parent_id=top, own=True, at=int(clock.now().timestamp()) - 3600)
    await wall.look()
    await wall.poll()
    await wall.work()
    assert len(wall.said()) == 2


async def test_an_older_decision_does_not_undo_a_persons_word(wall: Wall):
    wall.comment("😍")
    await wall.poll()
    case = await take_up(wall)
    ruling = await deciding.decide(case)
    await wall.decide(case.comment.id, "RESPOND", "Thank you!")
    async with wall.opened.database.transaction(wall.workspace_id) as session:
        done = await service.conclude(session, case.comment, ruling, now=clock.now())
    assert done == "decided by a person"
    await wall.work()
    assert wall.said() == ["Thank you!"]


async def test_hiding_does_not_undo_a_persons_word(wall: Wall):
    wall.comment("😍")
    await wall.look()
    await wall.office.rows("update comments set work = 'hide' returning id")
    async with wall.opened.database.transaction(wall.workspace_id) as session:
        await service.arrivals.put_to_work(session, wall.workspace_id, [(await wall.one())["id"]])
    case = await take_up(wall)
    await wall.decide(case.comment.id, "RESPOND", "Thank you!")
    await replying.hide(case)
    assert (await wall.one())["work"] == "send"
    await wall.work()
    assert wall.said() == ["Thank you!"]


async def test_an_old_reply_that_is_found_leaves_a_new_one_its_turn(wall: Wall, simulator):
    simulator.fault(action="lost_answer", match={"kind": "instagram.reply"}, times=1)
    wall.comment("When do you open?")
    await wall.look()
    await wall.office.rows("update comment_replies set status = 'unknown' returning id")
    await wall.decide((await wall.one())["id"], "RESPOND", "At nine, as ever!")
    await wall.poll()
    assert [row["status"] for row in await wall.replies()] == ["sent", "queued"]
    await wall.work()
    assert wall.said()[-1] == "At nine, as ever!"


async def test_a_comment_whose_job_has_failed_for_good_is_for_a_person(wall: Wall):
    wall.comment("When do you open?")
    await wall.poll()
    await wall.office.rows(
        "update procrastinate_jobs set status = 'failed' where task_name = :task returning id", task=PROCESS
    )
    later = clock.now() + timedelta(minutes=2)
    async with wall.opened.database.system_transaction("a test sweeps") as session:
        await service.requeue_stranded(session, now=later)
        assert await service.requeue_stranded(session, now=later + timedelta(minutes=2)) == 0
    row = await wall.one()
    assert (row["triage"], row["work"]) == ("escalate", None)
    assert len(await wall.office.rows("select * from escalations")) == 1


def test_danger_is_seen_through_signs_that_nobody_sees():
    for hidden in ("\u200b", "\u200c", "\u2060", "\ufeff", "\u034f", "\u00ad"):
        assert guards.danger(f"I will k{hidden}ill you") == "threat"
