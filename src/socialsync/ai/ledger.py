"""Every call to a model, what it cost, and whether a workspace may make another this month.

The row is written before the call leaves and told its end afterwards: a process that dies in between leaves
a ``running`` row. Months are those of UTC. The budget is asked before a call and the cost known after it, so
calls that are under way together may end a little above it. Calls are forgotten after ``KEEP_CALLS``, the
sums of the months never.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from socialsync.ai.errors import BudgetSpent
from socialsync.ai.prices import PRICES, Price, cost
from socialsync.db.transaction import Cursor

Kind = Literal["chat", "embedding", "moderation"]

KEEP_CALLS = timedelta(days=90)
BATCH = 1_000
"""Rows that one statement deletes."""
PASS_S = 0.5
"""Seconds after which a pass begins no further statement: other sweeps wait for it."""

_BEGIN = """
with budget as (
    select workspace.ai_budget_usd_month as usd from workspaces workspace left join ai_spending spent
        on spent.workspace_id = workspace.id and spent.month_on = %(month)s
    where workspace.id = %(workspace_id)s and workspace.ai_budget_usd_month <= coalesce(spent.cost_usd, 0)
), begun as (
    insert into ai_calls (workspace_id, purpose, subject, kind, model)
    select %(workspace_id)s, %(purpose)s, %(subject)s, %(kind)s, %(model)s
    where not exists (select from budget)
    returning id
)
select (select id from begun), (select usd from budget)
"""
_END = """
with ended as (
    update ai_calls set status = %(status)s, model = coalesce(%(model)s, model), error = %(error)s,
        input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, cost_usd = %(cost)s,
        finished_at = %(now)s, updated_at = %(now)s
    where id = %(id)s
)
insert into ai_spending (workspace_id, month_on, calls, cost_usd)
select %(workspace_id)s, %(month)s, 1, %(cost)s where %(model)s::text is not null
on conflict (workspace_id, month_on) do update
    set calls = ai_spending.calls + 1, cost_usd = ai_spending.cost_usd + excluded.cost_usd, updated_at = now()
"""
# Ids are version 7, so their order is that of time, and the primary key finds the old ones.
_PRUNE = text("""
delete from ai_calls where id in (
    select id from ai_calls where id < :first order by id limit :batch for update skip locked
)
""")


@dataclass(frozen=True)
class Spender:
    """For whom and for what a call is made.

    Args:
        purpose: a few words that sums are grouped by: ``documents``, ``answers``, ``decisions``.
        subject: what it is about: ``document:<id>``.
    """

    workspace_id: UUID
    purpose: str
    subject: str | None = None


@dataclass(frozen=True)
class Used:
    """What one call used. ``model`` as the server names it."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0


async def begin(cursor: Cursor, spender: Spender, kind: Kind, model: str, *, now: datetime) -> UUID:
    """Write down that a call leaves; its row's id.

    Raises:
        BudgetSpent: it may not, until the month ends or somebody raises the budget.
    """
    await cursor.execute(
        _BEGIN,
        {
            "workspace_id": spender.workspace_id,
            "month": month_of(now),
            "purpose": spender.purpose,
            "subject": spender.subject,
            "kind": kind,
            "model": model,
        },
    )
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        budget = row[1] if row else None
        raise BudgetSpent(
            f"The workspace has spent its AI budget of {budget} US dollars for this month.",
            retry_after=timedelta(hours=1),
            fix="Raise ai_budget_usd_month with PATCH /api/v1/workspace, or wait for the next month.",
        )
    call_id: UUID = row[0]
    return call_id


async def end(
    cursor: Cursor,
    call_id: UUID,
    spender: Spender,
    used: Used | None,
    error: str | None,
    *,
    answered: bool,
    now: datetime,
    prices: Mapping[str, Price] = PRICES,
) -> None:
    """Write down how a call ended: ``done``; ``failed``, which cost what was ``used``; or ``unknown``, when
    no answer came: it may have cost something.
    """
    costs = (
        cost(used.model, input_tokens=used.input_tokens, output_tokens=used.output_tokens, prices=prices)
        if used
        else Decimal(0)
    )
    await cursor.execute(
        _END,
        {
            "id": call_id,
            "workspace_id": spender.workspace_id,
            "month": month_of(now),
            "status": "done" if error is None else "failed" if answered else "unknown",
            "model": used.model if used else None,
            "input_tokens": used.input_tokens if used else 0,
            "output_tokens": used.output_tokens if used else 0,
            "cost": costs,
            "error": error,
            "now": now,
        },
    )


async def prune(session: AsyncSession, *, now: datetime) -> int:
    """The sweep: forget the calls of more than ``KEEP_CALLS`` ago, some at once; how many."""
    first = _first_id(now - KEEP_CALLS)
    began, gone = time.monotonic(), 0
    while time.monotonic() - began < PASS_S:
        done = await session.execute(_PRUNE, {"first": first, "batch": BATCH})
        some = int(done.rowcount)  # type: ignore[attr-defined] # of a statement that writes
        gone += some
        if some < BATCH:
            break
    return gone


def _first_id(at: datetime) -> UUID:
    """The least id of version 7 of that millisecond (RFC 9562, 5.7)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def month_of(now: datetime) -> date:
    return now.date().replace(day=1)
