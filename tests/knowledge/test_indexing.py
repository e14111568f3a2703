"""The index of vectors holds what large workspaces have; the rest is compared one by one; all is found."""

from sqlalchemy import text

from socialsync.features.knowledge import queries, service

TEXTS = "\n\n".join(f"## Part {n}\nWhat part {n} says: {'word ' * 30}{n}." for n in range(30))


async def near(library) -> list[bool]:
    return [row["nearby"] for row in await library.rows("select nearby from knowledge_chunks order by n")]


async def test_a_small_workspace_pays_for_no_index(library, simulator):
    await library.learn(TEXTS)
    assert await near(library) == [False] * 30


async def test_what_is_in_the_index_and_what_is_not_are_found_together(library, simulator):
    await library.learn(TEXTS)
    await library.learn("# Parking\nThere are twenty places behind the house.", "parking.md")
    async with library.opened.database.transaction(library.workspace_id) as session:
        before = [hit.text for hit in await library.find("What does part 7 say?", limit=10)]
        assert await queries.bring_near(session, library.workspace_id, 20) == 20
    assert sum(await near(library)) == 20
    assert [hit.text for hit in await library.find("What does part 7 say?", limit=10)] == before
    assert "twenty places" in (await library.find("Where can I park?"))[0].text


async def test_a_large_workspace_is_indexed_by_a_job(library, simulator):
    await library.learn(TEXTS)
    async with library.opened.database.system_transaction("a test sweeps") as session:
        assert await service.index_crowded(session) == 0
        assert await queries.list_crowded(session, 29, 10) == [library.workspace_id]
    async with library.opened.database.system_transaction("a test sweeps") as session:
        assert await service.index_crowded(session, most=29) == 1
        assert await service.index_crowded(session, most=29) == 1, "the one that waits is enough"
    assert await library.work() == [{"indexed": 30}]
    assert await near(library) == [True] * 30
    async with library.opened.database.system_transaction("a test sweeps") as session:
        assert await service.index_crowded(session, most=0) == 0


ASKED = text("""
select n, count(*) from find_passages_with(cast(:configs as regconfig[]), cast(:words as tsvector[]), 20)
group by n order by n
""")
KEYS = """
select passage_keys(uuidv4(), words) as one, passage_keys(uuidv4(), words) as other,
    passage_keys(null, words) as nobodys from (values (to_tsvector('simple', 'two words'))) as given (words)
"""


async def test_of_a_common_word_some_are_found_and_of_several_what_has_all(library, simulator):
    await library.learn(TEXTS)
    configs, words = ["english"] * 4 + ["french"], ["word", "7", "7 word", "7 8", "word"]
    async with library.opened.database.transaction(library.workspace_id) as session:
        found = await session.execute(ASKED, {"configs": configs, "words": words})
        assert [tuple(row) for row in found] == [(1, 20), (2, 1), (3, 1)]


async def test_nobody_finds_words_without_a_workspace(library, simulator):
    await library.learn(TEXTS)
    async with library.opened.database.system_transaction("a test asks for words") as session:
        found = await session.execute(ASKED, {"configs": ["english"], "words": ["word"]})
        assert found.all() == []


async def test_the_same_word_has_another_key_in_each_workspace(library):
    (row,) = await library.rows(KEYS)
    assert len({*row["one"], *row["other"]}) == 4
    assert row["nobodys"] is None
