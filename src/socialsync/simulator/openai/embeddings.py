"""``POST /v1/embeddings`` (OpenAI's API reference, "Create embeddings")."""

import array
import base64
import sys
from collections.abc import Sequence
from typing import Any

from socialsync.simulator.openai.call import Answer, Call, cut
from socialsync.simulator.openai.errors import invalid, too_long
from socialsync.simulator.openai.mind.vectors import vector
from socialsync.simulator.openai.naming import tokens_in

MOST_TEXTS = 2_048
MOST_TOKENS_OF_ONE = 8_192
MOST_TOKENS = 300_000
_NATIVE = {"text-embedding-3-large": 3_072}
_USUAL = 1_536
_FIXED = "text-embedding-ada-002"


def embed(call: Call) -> Answer:
    """Vectors of length 1. Token arrays are taken too; each token is a word that means only itself."""
    model = call.model()
    dimensions = _dimensions(call, model)
    encoding = call.text("encoding_format") or "float"
    if encoding not in {"float", "base64"}:
        raise invalid(
            f"Invalid value: '{encoding}'. Supported values are: 'float' and 'base64'.", "encoding_format"
        )
    texts = _texts(call.body.get("input"))
    tokens = _tokens(texts)
    vectors = [vector(text, dimensions) for text in texts]
    said = [_base64(each) if encoding == "base64" else _plain(each) for each in vectors]
    content: dict[str, Any] = {
        "object": "list",
        "data": [{"object": "embedding", "index": n, "embedding": each} for n, each in enumerate(said)],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    kept = {
        "model": model,
        "inputs": [cut(text) for text in texts],
        "dimensions": dimensions,
        "usage": content["usage"],
    }
    return Answer(call.names.embedding(), content, kept, {**content, "data": content["data"][:-1]})


def _dimensions(call: Call, model: str) -> int:
    native = _NATIVE.get(model, _USUAL)
    asked = call.whole("dimensions", 1, native)
    if asked is not None and model == _FIXED:
        raise invalid("This model does not support specifying dimensions.", "dimensions")
    return asked or native


def _texts(given: Any) -> Sequence[str]:
    """
    Raises:
        OpenAIError: neither text nor tokens, empty, or too many.
    """
    match given:
        case str():
            texts = [given]
        case [int(), *_]:
            texts = [_of_tokens(given)]
        case [*items]:
            texts = [_of_tokens(item) if isinstance(item, list) else item for item in items]
        case _:
            texts = []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise invalid("'$.input' is invalid. Please check the API reference.", "input")
    if any(not text for text in texts):
        raise invalid("Invalid 'input': input cannot be an empty string.", "input", "empty_string")
    if len(texts) > MOST_TEXTS:
        raise invalid(
            f"Invalid 'input': array too long. Expected an array with maximum length {MOST_TEXTS}, but got an"
            f" array with length {len(texts)} instead.",
            "input",
            "array_above_max_length",
        )
    return texts


def _of_tokens(tokens: Any) -> str:
    return " ".join(f"token{token}" for token in tokens)


def _tokens(texts: Sequence[str]) -> int:
    tokens = [tokens_in(text) for text in texts]
    if (longest := max(tokens)) > MOST_TOKENS_OF_ONE:
        raise too_long(MOST_TOKENS_OF_ONE, longest, "input")
    if (total := sum(tokens)) > MOST_TOKENS:
        raise invalid(
            f"Requested {total} tokens, max {MOST_TOKENS} tokens per request",
            "input",
            "max_tokens_per_request",
        )
    return total


def _base64(numbers: Sequence[float]) -> str:
    """Little-endian 32-bit floats, as OpenAI's library asks for when it is not told otherwise."""
    packed = array.array("f", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()


def _plain(numbers: Sequence[float]) -> Sequence[float]:
    return [round(number, 9) for number in numbers]
