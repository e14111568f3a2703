"""A document on its way into knowledge, whatever happens in between."""

from datetime import UTC, datetime, timedelta

import pytest

from socialsync.ai.errors import AnswerUnusable, ModelUnavailable
from socialsync.features.accounts import service as accounts
from socialsync.features.knowledge import retrieval, service
from tests.knowledge import papers

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOURS = """# Le Port

## Opening hours
We are open from Tuesday to Saturday, from noon to three and from seven to eleven in the evening.

## Parking
Guests park for free behind the house; there are twenty places, two of them for wheelchairs.

## Prices
The lunch menu costs 19 euros. Children under ten pay half of it. Dogs get their water for nothing.
"""


def embedded(simulator) -> list[str]:
    """Every text that was paid for."""
    return [one for call in simulator.ledger(kind="openai_embedding") for one in call["inputs"]]


async def test_a_document_is_read_embedded_and_found(library, simulator):
    document = await library.learn(HOURS, "port.md")
    assert (document["status"], document["progress"], document["error"]) == ("indexed", 1.0, None)
    assert (document["chunk_count"], document["language"]) == (3, "en")
    chunks = await library.rows("select * from knowledge_chunks order by n")
    assert [chunk["heading"] for chunk in chunks] == ["Opening hours", "Parking", "Prices"]
    assert all(chunk["embedding"] is not None for chunk in chunks)
    assert await library.rows("select id from knowledge_drafts") == []
    assert await library.rows("select id from knowledge_vectors") == []
    hits = await library.find("Where can I leave my car?")
    assert hits[0].heading == "Parking"


async def test_the_same_content_is_not_learnt_twice(library, simulator):
    first = await library.learn(HOURS, "port.md")
    again = await library.add(HOURS, "copy.md")
    assert again.id == first["id"]
    assert await library.work() == []


async def test_after_a_crash_nothing_that_was_stored_is_paid_again(standing_library, simulator):
    text = "\n\n".join(
        f"## Part {n}\n" + f"This is what part {n} says about itself. " * 6 for n in range(300)
    )
    document = await standing_library.add(text, "long.md")
    await standing_library.run((await standing_library.rows("select id from procrastinate_jobs"))[0]["id"])
    (job,) = await standing_library.rows("select id from procrastinate_jobs where status = 'todo'")
    simulator.fault(action="status", status=503, skip=4, times=1, match={"kind": "openai_embedding"})
    with pytest.raises(ModelUnavailable):
        await standing_library.run(job["id"])
    stored = await standing_library.rows("select digest from knowledge_vectors")
    assert 0 < len(stored) < 300
    before = await standing_library.see(document.id)
    assert before["status"] == "processing"
    assert 0.1 < before["progress"] < 1
    await standing_library.run(job["id"])
    assert (await standing_library.see(document.id))["status"] == "indexed"
    paid = embedded(simulator)
    assert len(paid) == len(set(paid)) == 300


async def test_a_new_upload_swaps_at_once_and_keeps_unchanged_vectors(library, simulator):
    document = await library.learn(HOURS, "port.md")
    before = len(embedded(simulator))
    await library.replace(document["id"], HOURS.replace("19 euros", "21 euros"), now=NOON)
    row = await library.see(document["id"])
    assert row["status"] == "pending"
    assert any("19 euros" in hit.text for hit in await library.find("lunch menu")), (
        "the old one is still found"
    )
    await library.work()
    texts = [row["text"] for row in await library.rows("select text from knowledge_chunks order by n")]
    assert len(texts) == 3
    assert "21 euros" in texts[2]
    searches = [text for text in embedded(simulator)[before:] if text == "lunch menu"]
    assert len(embedded(simulator)) - before - len(searches) == 1, "one passage changed"


async def test_a_deleted_document_leaves_nothing(library, simulator):
    document = await library.learn(HOURS, "port.md")
    async with library.opened.database.transaction(library.workspace_id) as session:
        await service.delete_document(session, document["id"])
    for table in ("knowledge_documents", "knowledge_parts", "knowledge_chunks"):
        assert await library.rows(f"select id from {table}") == []  # noqa: S608 - a table of ours


async def test_a_document_that_is_deleted_while_it_is_read_is_no_error(library, simulator):
    document = await library.add(HOURS, "port.md")
    (job,) = await library.rows("select id from procrastinate_jobs")
    async with library.opened.database.transaction(library.workspace_id) as session:
        await service.delete_document(session, document.id)
    await library.rows("update procrastinate_jobs set status = 'todo' returning id")
    assert (await library.run(job["id"]))["status"] == "nothing to read"


@pytest.mark.parametrize(
    ("content", "filename", "said"),
    [
        (papers.pdf("", ""), "scan.pdf", "scanned"),
        (papers.pdf("secret", password="x"), "a.pdf", "password"),
        (b"%PDF-1.7 broken", "a.pdf", "damaged"),
        (b"   ", "a.txt", "empty"),
    ],
)
async def test_what_cannot_be_learnt_fails_with_a_sentence(library, simulator, content, filename, said):
    document = await library.learn(content, filename)
    assert document["status"] == "failed"
    assert said in document["error"]
    assert embedded(simulator) == []


async def test_a_spent_budget_makes_it_wait_and_a_raised_one_go_on(library, simulator, noon):
    async with library.opened.database.transaction(library.workspace_id) as session:
        await accounts.change_workspace(session, library.workspace_id, {"ai_budget_usd_month": 0}, actor="t")
    document = await library.learn(HOURS, "port.md")
    assert (document["status"], document["waits_for"]) == ("pending", "budget")
    assert "budget" in document["error"]
    async with library.opened.database.transaction(library.workspace_id) as session:
        await accounts.change_workspace(
            session, library.workspace_id, {"ai_budget_usd_month": None}, actor="t"
        )
    noon.move(timedelta(minutes=20))
    async with library.opened.database.system_transaction("a test sweeps") as session:
        assert await service.requeue_stranded(session, now=noon()) == 1
    await library.work()
    row = await library.see(document["id"])
    assert (row["status"], row["waits_for"], row["error"]) == ("indexed", None, None)


async def test_every_call_is_in_the_ledger_with_its_cost(library, simulator):
    await library.learn(HOURS, "port.md")
    calls = await library.rows("select * from ai_calls")
    assert {(call["kind"], call["purpose"], call["status"]) for call in calls} == {
        ("embedding", "documents", "done")
    }
    assert all(call["input_tokens"] > 0 and call["cost_usd"] > 0 for call in calls)
    (month,) = await library.rows("select * from ai_spending")
    assert month["cost_usd"] == sum(call["cost_usd"] for call in calls)


async def test_an_entry_is_found_by_its_words_at_once_and_by_its_meaning_later(library, simulator):
    async with library.opened.database.transaction(library.workspace_id) as session:
        await service.add_faq(
            session, library.workspace_id, question="Do you take dogs?", language="en",
            answer="Dogs are welcome on the terrace.",
        )  # fmt: skip
    assert (await library.find("terrace"))[0].faq_id
    await library.work()
    assert (await library.find("May I bring my puppy?"))[0].text == "Dogs are welcome on the terrace."


async def test_a_document_whose_job_failed_for_good_fails_too(library, simulator):
    """As when it killed its worker three times: another job would kill the next."""
    document = await library.add(HOURS, "port.md")
    await library.rows("update procrastinate_jobs set status = 'failed' returning id")
    later = datetime.now(UTC) + timedelta(minutes=5)
    async with library.opened.database.system_transaction("a test sweeps") as session:
        assert await service.requeue_stranded(session, now=later) == 1
    row = await library.see(document.id)
    assert row["status"] == "failed"
    assert "tried as often as may be" in row["error"]
    assert await library.rows("select id from procrastinate_jobs where status = 'todo'") == []


async def test_an_entry_in_a_language_of_its_own_is_found_by_its_words(library):
    async with library.opened.database.transaction(library.workspace_id) as session:
        await service.add_faq(
            session,
            library.workspace_id,
            question="Quando aprite?",
            answer="Apriamo ogni mattina alle nove, tranne la domenica.",
            language="it",
        )
    async with library.opened.database.transaction(library.workspace_id) as session:
        hits = await retrieval.search(
            session, library.workspace_id, "aprire le domeniche", vector=None, model="m", limit=5
        )
    assert [hit.language for hit in hits] == ["it"]


async def test_of_a_very_long_entry_the_beginning_is_embedded(library, simulator):
    async with library.opened.database.transaction(library.workspace_id) as session:
        await service.add_faq(
            session, library.workspace_id, question="営業時間は?", answer="毎朝九時" * 2_400, language="ja"
        )
    await library.work()
    (paid,) = embedded(simulator)
    assert len(paid) == 4_000
    assert await library.rows("select id from knowledge_chunks where embedding is null") == []


async def test_vectors_that_are_none_are_paid_and_end_the_document_at_last(library, simulator):
    simulator.fault(action="malformed", times=2, match={"kind": "openai_embedding"})
    document = await library.add(HOURS, "port.md")
    (reading,) = await library.rows("select id from procrastinate_jobs where status = 'todo'")
    await library.run(reading["id"])
    (embedding,) = await library.rows("select id from procrastinate_jobs where status = 'todo'")
    with pytest.raises(AnswerUnusable):
        await library.run(embedding["id"])
    await library.rows(
        "update procrastinate_jobs set attempts = 3 where id = :id returning id", id=embedding["id"]
    )
    await library.run(embedding["id"])
    row = await library.see(document.id)
    assert (row["status"], row["waits_for"]) == ("failed", None)
    assert row["error"]
    calls = await library.rows("select * from ai_calls")
    assert {call["status"] for call in calls} == {"failed"}
    assert all(call["cost_usd"] > 0 for call in calls)


async def test_a_call_that_was_not_answered_may_have_cost_something(library, simulator):
    simulator.fault(action="lost_answer", match={"kind": "openai_embedding"})
    await library.find("When do you open?")
    (call,) = await library.rows("select * from ai_calls")
    assert call["status"] == "unknown"
