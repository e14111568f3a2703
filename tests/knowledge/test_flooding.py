"""A large document of which everything is alike buries nothing that others say."""

HOUSE = """# The Harbour House
A kayak costs 15 euros for an hour and 60 euros for the whole day. Breakfast is served from seven to ten in
the hall beside the terrace, with bread of our own and jam from the village. The garden closes at dusk.
Children under six sleep free in the bed of their parents. Dogs are welcome on the ground floor for nine euros
a night. The ferry to the island leaves from the pier at nine and at two. Towels lie in the hall.
"""
LOCKERS = "\n\n".join(
    f"## Chapter {n}\n{f'Chapter {n}: the number of the locker {n} is {n * 7919 % 9973}. ' * 6}"
    for n in range(50)
)
ALL_AGAIN = """
with written as (
    insert into knowledge_chunks (
        workspace_id, document_id, n, text, heading, language, config, digest, model, embedding)
    select
        workspace_id, document_id, n + 50 * again, text, heading, language, config, digest, model, embedding
    from knowledge_chunks cross join generate_series(1, 39) again where document_id = :id returning 1
)
update knowledge_documents set chunk_count = chunk_count + (select count(*) from written) where id = :id
returning chunk_count
"""
QUESTIONS = (
    "How much is a kayak for the whole day?",
    "What does it cost to rent a kayak?",
    "kayak price",
    "What is the number of locker 7 of chapter 7, and is it the number of chapter 8? And: a kayak?",
)


async def test_what_one_passage_says_is_found_and_answered(library):
    await library.learn(HOUSE, "house.md")
    document = await library.learn(LOCKERS, "lockers.md")
    assert await library.rows(ALL_AGAIN, id=document["id"]) == [{"chunk_count": 2_000}]
    for question in QUESTIONS:
        hits = await library.find(question, limit=50)
        assert any("kayak" in hit.text for hit in hits[:4]), question
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert "60 euros" in (await library.ask(QUESTIONS[0])).text
    (first, *_) = await library.find("What is the number of the locker of chapter 7?")
    assert first.heading == "Chapter 7", "and the large one is found as well"
