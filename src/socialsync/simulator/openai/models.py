"""``GET /v1/models``: what one can ask for. Other names are taken too, as other servers have them."""

from collections.abc import Mapping
from typing import Any

from socialsync.simulator.openai.call import Answer, Call
from socialsync.simulator.openai.errors import no_model

MODELS = {
    "gpt-4.1": 1744316542,
    "gpt-4.1-mini": 1744318173,
    "gpt-4o": 1715367049,
    "gpt-4o-mini": 1721172741,
    "omni-moderation-latest": 1731689265,
    "text-embedding-3-large": 1705953180,
    "text-embedding-3-small": 1705948997,
}


def list_models(_: Call) -> Answer:
    content = {"object": "list", "data": [_model(name) for name in MODELS]}
    return Answer("", content, {}, {"object": "list"})


def show_model(call: Call) -> Answer:
    name = call.path.removeprefix("/v1/models/")
    if name not in MODELS:
        raise no_model(name)
    return Answer("", _model(name), {}, {"object": "model"})


def _model(name: str) -> Mapping[str, Any]:
    return {"id": name, "object": "model", "created": MODELS[name], "owned_by": "system"}
