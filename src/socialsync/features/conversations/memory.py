"""The AI's thread of a conversation: LangGraph's checkpoints, in the same Postgres, behind its walls.

They are scratch paper: a thread is begun anew for each window, from the rows, and says how far the window's
answer had come when a process died. The rows are the truth. Importing this takes seconds: see ``mind``.
"""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from uuid import UUID

from langgraph.checkpoint.base import get_serializable_checkpoint_metadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import StateGraph
from langgraph.runtime import Runtime
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from socialsync.db.transaction import Database

Step = Callable[[Any, Any], Awaitable[Any]]
"""Of whoever takes the steps, and the state: what changes."""
Wire = Callable[[Any, Callable[[Step], Any]], None]

_KEEP = """
with gone as (delete from checkpoints where thread_id = %(thread)s and checkpoint_id <> %(id)s),
    blobs as (delete from checkpoint_blobs where thread_id = %(thread)s),
    writes as (delete from checkpoint_writes where thread_id = %(thread)s)
insert into checkpoints (thread_id, checkpoint_ns, checkpoint_id, checkpoint, metadata)
values (%(thread)s, %(ns)s, %(id)s, %(checkpoint)s, %(metadata)s)
on conflict (thread_id, checkpoint_ns, checkpoint_id)
    do update set checkpoint = excluded.checkpoint, metadata = excluded.metadata
"""

_FIND_TURN = text("""
select checkpoint -> 'channel_values' ->> 'turn' from checkpoints
where thread_id = :thread and checkpoint_ns = '' order by checkpoint_id desc limit 1
""")


class Saver(AsyncPostgresSaver):
    """The newest checkpoint of a thread, whole, each in a transaction of its own. Plain values only: what
    somebody else may have stored is not called.

    Args:
        anew: what is kept of the thread does not count any more, and goes with the first one that is.
    """

    def __init__(self, database: Database, workspace_id: UUID, *, anew: bool) -> None:
        super().__init__(conn=None, serde=_serde())  # type: ignore[arg-type] # _cursor has one
        self._database = database
        self._workspace_id = workspace_id
        self.anew = anew

    @override
    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[Any]:
        async with self._database.brief(self._workspace_id) as cursor:
            cursor.row_factory = dict_row
            yield cursor

    @override
    async def aget_tuple(self, config: Any) -> Any:
        return None if self.anew else await super().aget_tuple(config)

    @override
    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        """Before the first step nothing was paid for that would have to be kept."""
        place = config["configurable"]
        kept = {"thread_id": place["thread_id"], "checkpoint_ns": place["checkpoint_ns"]}
        if metadata["source"] == "update" or metadata["step"] > 0:
            values = {
                "thread": kept["thread_id"],
                "ns": kept["checkpoint_ns"],
                "id": checkpoint["id"],
                "checkpoint": Jsonb(checkpoint, to_json),
                "metadata": Jsonb(get_serializable_checkpoint_metadata(config, metadata), to_json),
            }
            async with self._cursor() as cursor:
                await cursor.execute(_KEEP, values)
            self.anew = False
        return {"configurable": kept | {"checkpoint_id": checkpoint["id"]}}

    @override
    async def aput_writes(self, *_: Any, **__: Any) -> None:
        """One step is taken at a time: its checkpoint, which follows, has all that it wrote."""


class Thread:
    """What was thought about one conversation.

    Args:
        steps: what takes the steps.
        shape: a TypedDict of plain values; its ``turn`` tells which words it is about.
        wire: adds the steps and edges to the graph; the same for every thread.
    """

    def __init__(
        self,
        database: Database,
        workspace_id: UUID,
        conversation_id: UUID,
        *,
        steps: Any,
        shape: type,
        wire: Wire,
        anew: bool,
    ) -> None:
        self._steps = steps
        self._graph = copy.copy(_compiled(shape, wire))
        self._saver = self._graph.checkpointer = Saver(database, workspace_id, anew=anew)
        self._config: Any = {"configurable": {"thread_id": _named(workspace_id, conversation_id)}}

    async def take_all(self, begun: Any) -> Any:
        """Take every step, and give the state at the end."""
        return await self._graph.ainvoke(begun, self._config, context=self._steps, durability="sync")

    async def go_on(self, begun: Any) -> Any:
        """Take the steps that were not taken yet, or all if somebody has renewed the thread meanwhile, and
        give the state at the end.
        """
        kept = await self._graph.aget_state(self._config)
        if kept.values.get("turn") != begun["turn"]:
            self._saver.anew = True
            return await self.take_all(begun)
        return await self.take_all(None) if kept.next else kept.values

    async def renew(self, begun: Any, *, behind: str) -> None:
        """Forget the steps, and stand behind this one with another state."""
        await self._graph.aupdate_state(self._config, begun, as_node=behind)


async def find_turn(session: AsyncSession, workspace_id: UUID, conversation_id: UUID) -> str | None:
    """The words that the thread stands at."""
    found: str | None = await session.scalar(_FIND_TURN, {"thread": _named(workspace_id, conversation_id)})
    return found


def _named(workspace_id: UUID, conversation_id: UUID) -> str:
    return f"{workspace_id}:{conversation_id}"


@cache
def _compiled(shape: type, wire: Wire) -> Any:
    """Once a process: it takes LangGraph longer than the steps do."""
    graph: Any = StateGraph(shape)
    wire(graph, _taken)
    return graph.compile()


def _taken(step: Step) -> Callable[[Any, Runtime[Any]], Awaitable[Any]]:
    async def take(state: Any, runtime: Runtime[Any]) -> Any:
        return await step(runtime.context, state)

    return take


@cache
def _serde() -> JsonPlusSerializer:
    return JsonPlusSerializer(allowed_msgpack_modules=None)
