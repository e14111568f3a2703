"""Where the AI keeps its thread of a conversation: LangGraph's checkpoints, in the same Postgres.

They are scratch paper: a thread is begun anew for each window, from the rows, and says how far the window's
answer had come when a process died. The rows are the truth.
"""

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

from socialsync import later
from socialsync.resources import Resources

if TYPE_CHECKING:
    from langgraph.checkpoint.postgres import aio as savers
    from langgraph.checkpoint.serde import jsonplus
    from langgraph.graph import state as graphs
else:
    savers = later.module("langgraph.checkpoint.postgres.aio")
    jsonplus = later.module("langgraph.checkpoint.serde.jsonplus")
    graphs = later.module("langgraph.graph.state")


async def opened() -> None:
    """Import the library, in a thread: it takes seconds, for which the loop would be deaf."""
    await asyncio.to_thread(
        lambda: (savers.AsyncPostgresSaver, jsonplus.JsonPlusSerializer, graphs.StateGraph)
    )


def saver(resources: Resources) -> "savers.AsyncPostgresSaver":
    """Keeps plain values only: what was stored by somebody else is not called."""
    return savers.AsyncPostgresSaver(
        resources.lines,
        serde=jsonplus.JsonPlusSerializer(allowed_msgpack_modules=None),
    )


def thread(workspace_id: UUID, conversation_id: UUID) -> Any:
    return {"configurable": {"thread_id": f"{workspace_id}:{conversation_id}"}}


__all__ = ["graphs", "opened", "saver", "thread"]
