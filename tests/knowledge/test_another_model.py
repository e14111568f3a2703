"""Vectors of two models cannot be compared: when the model changes, all that was learnt is embedded anew."""

from contextlib import asynccontextmanager
from dataclasses import replace

from socialsync import clock
from socialsync.ai.client import open_ai
from socialsync.features.knowledge import service

ANOTHER = "text-embedding-3-large"


@asynccontextmanager
async def another_model(library):
    """The same workspace, after a restart with another model in the environment."""
    opened = library.opened
    async with open_ai(opened.database, replace(opened.ai.models, embedding=ANOTHER)) as ai:
        yield replace(library, opened=replace(opened, ai=ai))


async def sweep(library) -> int:
    async with library.opened.database.system_transaction("a test sweeps") as session:
        return await service.requeue_bare(session, library.opened.ai.models.embedding, now=clock.now())


async def models_of(library) -> list[str]:
    rows = await library.rows("select distinct model from knowledge_chunks order by model")
    return [row["model"] for row in rows]


async def test_documents_and_entries_are_embedded_by_the_model_of_today(library):
    await library.learn("# Parking\nThere are twenty places behind the house.\n\n# Pets\nDogs are welcome.")
    async with library.opened.database.transaction(library.workspace_id) as session:
        await service.add_faq(
            session, library.workspace_id, question="Is there wifi?", answer="Yes, free.", language="en"
        )
    await library.work()
    assert await sweep(library) == 0, "nothing to do while the model is the same"
    async with another_model(library) as renewed:
        assert await sweep(renewed) == 1
        assert await sweep(renewed) == 1, "the one that waits is enough"
        assert [hit.likeness for hit in await renewed.find("parking places")] == [None], "by words meanwhile"
        assert await renewed.work() == [{"embedded": 3}]
        assert await models_of(library) == [ANOTHER]
        assert (await renewed.find("parking places"))[0].likeness is not None
        assert await sweep(renewed) == 0


async def test_what_a_worker_with_the_old_model_still_learns_is_embedded_anew(library):
    await library.learn("# Parking\nThere are twenty places behind the house.")
    async with another_model(library) as renewed:
        await sweep(renewed)
        await renewed.work()
        await library.learn("# Pets\nDogs are welcome.", "pets.md")
        assert len(await models_of(library)) == 2
        assert await sweep(renewed) == 1
        assert await renewed.work() == [{"embedded": 1}]
        assert await models_of(library) == [ANOTHER]
