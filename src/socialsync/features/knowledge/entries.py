"""The statements about FAQ entries, each with the one chunk by which it is found."""

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.features.knowledge.configs import config_of
from socialsync.features.knowledge.models import Faq
from socialsync.features.knowledge.passages import Passage

_SET_FAQ_CHUNK = text("""
insert into knowledge_chunks (workspace_id, faq_id, n, text, heading, language, config, digest)
values (:workspace_id, :faq_id, 0, :text, :heading, :language, cast(:config as regconfig), :digest)
on conflict (workspace_id, faq_id) where faq_id is not null do update set text = excluded.text,
    heading = excluded.heading, language = excluded.language, config = excluded.config, digest =
    excluded.digest, model = null, embedding = null, updated_at = now()
""")
_ADD_FAQS = text("""
with given as materialized (
    select uuidv7() as id, entry.* from jsonb_to_recordset(cast(:entries as jsonb))
        as entry (question text, answer text, language text, config text, digest text)
), added as (
    insert into faqs (id, workspace_id, question, answer, language)
    select id, :workspace_id, question, answer, language from given
)
insert into knowledge_chunks (workspace_id, faq_id, n, text, heading, language, config, digest)
select :workspace_id, id, 0, answer, question, language, cast(config as regconfig), decode(digest, 'hex')
from given
""")


async def find_faq(session: AsyncSession, faq_id: UUID, *, lock: bool = False) -> Faq | None:
    query = select(Faq).where(Faq.id == faq_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def list_faqs(session: AsyncSession, *, before: UUID | None, limit: int) -> list[Faq]:
    """Newest first."""
    query = select(Faq).order_by(Faq.id.desc()).limit(limit)
    return list(await session.scalars(query.where(Faq.id < before) if before else query))


async def set_faq_chunk(session: AsyncSession, faq: Faq, passage: Passage) -> None:
    """What is found of an entry. Its vector comes later; its words are found at once."""
    await session.execute(
        _SET_FAQ_CHUNK,
        {
            "workspace_id": faq.workspace_id,
            "faq_id": faq.id,
            "text": passage.text,
            "heading": passage.heading,
            "language": passage.language,
            "config": config_of(passage.language),
            "digest": passage.digest,
        },
    )


async def add_faqs(session: AsyncSession, workspace_id: UUID, passages: Sequence[Passage]) -> None:
    """Entries with what is found of them, in one statement: headings are questions, texts are answers."""
    entries = [
        {
            "question": passage.heading,
            "answer": passage.text,
            "language": passage.language,
            "config": config_of(passage.language),
            "digest": passage.digest.hex(),
        }
        for passage in passages
    ]
    given = {"workspace_id": workspace_id, "entries": json.dumps(entries)}
    await session.execute(_ADD_FAQS, given)
