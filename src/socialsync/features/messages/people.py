"""Every SQL statement about people and their conversations, many at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.db.asking import Answer, Question, ask
from socialsync.platforms.news import Moved, Person

Known: TypeAlias = tuple[UUID, Person]
"""A person of a channel."""

LOOKS = 5
BUCKETS = 64
"""Locks that new people of one channel share."""

_CHANNELS = text("""
select id, workspace_id, created_at from channels
where id = any (cast(:ids as uuid[])) and status <> 'deleted'
""")
_GIVEN = """
given as materialized (
    select n, channel.workspace_id, channel_id, user_id, phone, given.name, username
    from jsonb_to_recordset(cast(:people as jsonb)) as given (
        n int, channel_id uuid, user_id text, phone text, name text, username text)
    join channels channel on channel.id = given.channel_id
)
"""
_KNOWN = """
select n, contact.id, given.workspace_id, given.channel_id,
    given.phone is distinct from coalesce(contact.phone, given.phone)
    or (given.phone is not null and contact.phone is null)
    or given.name <> coalesce(contact.name, '') or given.username <> coalesce(contact.username, '') as stale
from given join contacts contact on contact.workspace_id = given.workspace_id
    and contact.channel_id = given.channel_id and contact.user_id = given.user_id
union all
select n, contact.id, given.workspace_id, given.channel_id, given.name <> coalesce(contact.name, '')
    or given.username <> coalesce(contact.username, '')
from given join contacts contact on contact.workspace_id = given.workspace_id
    and contact.channel_id = given.channel_id and contact.phone = given.phone
where given.user_id is null
"""
_FIND = text(f"with {_GIVEN} {_KNOWN}")
# Bodies about the same people take turns, and never wait in a circle; few locks, however many people
_TAKE_TURNS = text("""
select pg_advisory_xact_lock(key) from (
    select distinct
        hashtextextended('people/' || channel_id || mod(abs(hashtext(word)), :buckets), 0) as key
    from jsonb_to_recordset(cast(:people as jsonb)) as given (channel_id uuid, user_id text, phone text),
        unnest(array[user_id, phone]) as word
    where word is not null order by key
) as keys
""")
_LEARN = (
    # Somebody known by phone only turns out to have an id
    f"""
    with {_GIVEN}
    update contacts contact set user_id = given.user_id, updated_at = :now from given
    where contact.workspace_id = given.workspace_id and contact.channel_id = given.channel_id
        and contact.phone = given.phone and contact.user_id is null and given.user_id is not null
        and not exists (
            select from contacts other where other.workspace_id = given.workspace_id
                and other.channel_id = given.channel_id and other.user_id = given.user_id)
    """,  # noqa: S608 - a constant of ours
    # A phone that has another owner now
    f"""
    with {_GIVEN}
    update contacts contact set phone = null, updated_at = :now from given
    where contact.workspace_id = given.workspace_id and contact.channel_id = given.channel_id
        and contact.phone = given.phone and given.user_id is not null
        and contact.user_id is distinct from given.user_id
    """,  # noqa: S608 - a constant of ours
    f"""
    with {_GIVEN}
    insert into contacts (workspace_id, channel_id, user_id, phone, name, username, created_at, updated_at)
    select workspace_id, channel_id, user_id, phone, name, username, :now, :now from given
    order by channel_id, user_id, phone
    on conflict do nothing
    """,  # noqa: S608 - a constant of ours
    f"""
    with {_GIVEN}
    update contacts contact set phone = coalesce(given.phone, contact.phone),
        name = coalesce(given.name, contact.name), username = coalesce(given.username, contact.username),
        updated_at = :now
    from given
    where contact.workspace_id = given.workspace_id and contact.channel_id = given.channel_id
        and case when given.user_id is null then contact.phone = given.phone
            else contact.user_id = given.user_id end
    """,  # noqa: S608 - a constant of ours
)
_LEARNING = tuple(text(sql) for sql in _LEARN)
_MOVE = text("""
update contacts contact set user_id = coalesce(:new_user_id, contact.user_id),
    phone = coalesce(:new_phone, contact.phone), updated_at = :now
where contact.workspace_id = :workspace_id and contact.channel_id = :channel_id
    and (contact.user_id = :old_user_id or (contact.phone = :old_phone
        and (contact.user_id is null or cast(:old_user_id as text) is null)))
    and not exists (
        select from contacts other where other.workspace_id = contact.workspace_id
            and other.channel_id = contact.channel_id and other.id <> contact.id
            and (other.user_id = :new_user_id or other.phone = :new_phone))
""")
_COLUMNS = "id, workspace_id, channel_id, contact_id, mode, handed_back_at"
# What is begun here is held by its birth; what others begin at the same time comes with the next look
_LOCK = text(
    f"""
with wanted as materialized (
    select id, workspace_id, channel_id from contacts where id = any (cast(:contacts as uuid[])) order by id
), begun as (
    insert into conversations (workspace_id, channel_id, contact_id, created_at, updated_at)
    select workspace_id, channel_id, id, :now, :now from wanted
    where not exists (
        select from conversations known where known.workspace_id = wanted.workspace_id
            and known.channel_id = wanted.channel_id and known.contact_id = wanted.id)
    order by id on conflict do nothing
    returning {_COLUMNS}
), held as (
    select conversation.* from wanted join conversations conversation
        on conversation.workspace_id = wanted.workspace_id
        and conversation.channel_id = wanted.channel_id and conversation.contact_id = wanted.id
    order by conversation.id for update of conversation
)
select * from begun union all select {_COLUMNS} from held
"""  # noqa: S608 - constants of ours
)
# All of them or none: whoever must be learnt first is waited for before the first conversation is held
_MEET = text(
    f"""
with reached as materialized (
    select id, workspace_id, external_id, created_at from channels
    where platform = :platform and external_id = any (cast(:accounts as text[])) and status <> 'deleted'
), given as materialized (
    select n, workspace_id, reached.id as channel_id, user_id, phone, name, username
    from jsonb_to_recordset(cast(:people as jsonb)) as given (
        n int, account text, user_id text, phone text, name text, username text)
    join reached on reached.external_id = given.account
), known as materialized ({_KNOWN}), paired as materialized (
    select n, stale, conversation.id from known join conversations conversation
        on conversation.workspace_id = known.workspace_id
        and conversation.channel_id = known.channel_id and conversation.contact_id = known.id
), held as materialized (
    select {_COLUMNS} from conversations
    where id = any (array(select id from paired))
        and (select count(*) filter (where stale is not true) from paired) = (select count(*) from given)
    order by id for update
)
select null as n, null as id, workspace_id, id as channel_id, null as contact_id, null as mode,
    null as handed_back_at, created_at
from reached
union all
select n, held.*, null from paired join held using (id)
"""  # noqa: S608 - constants of ours
)


class Meeting:
    """People on their way to be met, and the channels that they write to.

    Args:
        platform, accounts: what is told is about.
        people: by account and ``key``.
    """

    def __init__(
        self, platform: str, accounts: Collection[str], people: Mapping[tuple[str, str], Person]
    ) -> None:
        self._keys = [word for _, word in people]
        given = [
            {"n": n, "account": account, **vars(person)}
            for n, ((account, _), person) in enumerate(people.items())
        ]
        values = {"platform": platform, "accounts": list(accounts), "people": to_json(given).decode()}
        self.question = Question(_MEET, values)

    @property
    def channels(self) -> dict[UUID, Answer]:
        """Those that are not deleted: ``workspace_id, created_at``."""
        return {row["channel_id"]: row for row in self.question.rows if row["n"] is None}

    @property
    def held(self) -> dict[tuple[UUID, str], Answer]:
        """The conversations, by channel and ``key``, as ``lock_conversations`` gives them; none of them when
        somebody must be learnt or a conversation begun first.
        """
        return {
            (row["channel_id"], self._keys[row["n"]]): row
            for row in self.question.rows
            if row["n"] is not None
        }


def key(person: Person) -> str:
    """By what somebody is known in a channel."""
    return person.user_id or person.phone or ""


async def open_channels(session: AsyncSession, channel_ids: Collection[UUID]) -> dict[UUID, Answer]:
    """Of these channels those that are not deleted: ``workspace_id, created_at``."""
    question = Question(_CHANNELS, {"ids": list(channel_ids)})
    await ask(session, question)
    return {row["id"]: row for row in question.rows}


async def know(session: AsyncSession, people: Sequence[Known], *, now: datetime) -> dict[int, UUID]:
    """The contacts of these people by their places in the list, new ones stored, known ones brought up to
    date.
    """
    found, stale = await _find(session, people)
    todo = [number for number in range(len(people)) if number not in found or number in stale]
    if todo:
        values = {"people": _described([people[number] for number in todo]), "now": now}
        await session.execute(_TAKE_TURNS, {"people": values["people"], "buckets": BUCKETS})
        for statement in _LEARNING:
            await session.execute(statement, values)
        found, _ = await _find(session, people)
    return found


async def find(session: AsyncSession, people: Sequence[Known]) -> dict[int, UUID]:
    """The contacts of those of these people whom we know, by their places in the list."""
    return (await _find(session, people))[0] if people else {}


async def move(
    session: AsyncSession, workspace_id: UUID, channel_id: UUID, moved: Moved, *, now: datetime
) -> None:
    """Somebody has another id or phone; unless it is somebody else's who is known already."""
    await session.execute(
        _MOVE,
        {
            "workspace_id": workspace_id,
            "channel_id": channel_id,
            "old_user_id": moved.before.user_id,
            "old_phone": moved.before.phone,
            "new_user_id": moved.after.user_id,
            "new_phone": moved.after.phone,
            "now": now,
        },
    )


async def lock_conversations(
    session: AsyncSession, contact_ids: Collection[UUID], *, now: datetime
) -> dict[UUID, Answer]:
    """The conversations of these contacts by contact, begun where there was none, FOR UPDATE in their order:
    ``id, workspace_id, channel_id, contact_id, mode, handed_back_at``.
    """
    values = {"contacts": list(contact_ids), "now": now}
    found: dict[UUID, Answer] = {}
    for _ in range(LOOKS):
        question = Question(_LOCK, values)
        await ask(session, question)
        found = {row["contact_id"]: row for row in question.rows}
        if len(found) == len(contact_ids):
            break
    return found


async def _find(session: AsyncSession, people: Sequence[Known]) -> tuple[dict[int, UUID], set[int]]:
    rows = (await session.execute(_FIND, {"people": _described(people)})).all()
    return {row.n: row.id for row in rows}, {row.n for row in rows if row.stale}


def _described(people: Sequence[Known]) -> str:
    given: list[dict[str, Any]] = [
        {
            "n": number,
            "channel_id": channel_id,
            "user_id": person.user_id,
            "phone": person.phone,
            "name": person.name,
            "username": person.username,
        }
        for number, (channel_id, person) in enumerate(people)
    ]
    return to_json(given).decode()
