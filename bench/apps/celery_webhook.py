"""The endpoint that one writes with Celery: check the signature, insert the message, commit, enqueue."""

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from celery import Celery
from fastapi import FastAPI, Header, HTTPException, Request, Response
from psycopg_pool import AsyncConnectionPool

_REDIS = os.environ["BENCH_REDIS"]
_SECRET = os.environ["META_APP_SECRET"].encode()
_INSERT = """
insert into bench_messages (platform_message_id, phone, kind, body, told_at)
values (%s, %s, %s, %s, to_timestamp(%s)) on conflict (platform_message_id) do nothing returning id
"""
queue = Celery("bench", broker=f"redis+socket://{_REDIS}?virtual_host=0")
queue.conf.update(task_default_queue="bench", task_ignore_result=True)


@queue.task(name="bench.process_message")
def process_message(message_id: int) -> None:
    """Some worker's."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=10, max_size=20) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/webhooks/whatsapp")
async def receive(
    request: Request, signature: Annotated[str, Header(alias="X-Hub-Signature-256")]
) -> Response:
    body = await request.body()
    expected = "sha256=" + hmac.new(_SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise HTTPException(401)
    told = json.loads(body)
    new = []
    async with request.app.state.pool.connection() as connection:
        for entry in told["entry"]:
            for change in entry["changes"]:
                for message in change["value"].get("messages", ()):
                    text = message.get("text", {}).get("body")
                    values = (message["id"], message["from"], message["type"], text, message["timestamp"])
                    row = await (await connection.execute(_INSERT, values)).fetchone()
                    new += [row[0]] if row else []
    for message_id in new:
        process_message.apply_async((message_id,), countdown=5)
    return Response(status_code=200)
