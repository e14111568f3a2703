"""The index of vectors holds what large workspaces have; the rest is compared one by one; all is found."""

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
