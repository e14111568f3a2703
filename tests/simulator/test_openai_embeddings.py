import base64
import math
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence

import httpx
import openai
import pytest

from tests.simulator.openai_asking import EMBEDDING, bare_of, library_of, refused
from tests.simulator.openai_pairs import PAIRS

IN_ANOTHER_PROCESS = """
import sys
from socialsync.simulator.openai.mind.vectors import vector
print(*(repr(number) for number in vector(sys.argv[1], 64)))
"""


@pytest.fixture
def models(simulator) -> Iterator[openai.OpenAI]:
    with library_of(simulator) as client:
        yield client


@pytest.fixture
def bare(simulator) -> Iterator[httpx.Client]:
    with bare_of(simulator) as client:
        yield client


def vectors(models: openai.OpenAI, texts: Sequence[str], **given: object) -> list[list[float]]:
    answer = models.embeddings.create(model=EMBEDDING, input=list(texts), **given)
    assert [row.index for row in answer.data] == list(range(len(texts)))
    return [row.embedding for row in answer.data]


def nearness(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(one, other, strict=True))


def ranks(questions: list[list[float]], passages: list[list[float]]) -> list[int]:
    """The place of each question's own passage among all passages."""
    found = []
    for number, question in enumerate(questions):
        near = [nearness(question, passage) for passage in passages]
        found.append(1 + sum(each > near[number] for each in near))
    return found


def test_a_text_gets_a_vector_of_1536_numbers_and_length_one(models):
    answer = models.embeddings.create(model=EMBEDDING, input="When do you open?")
    assert (answer.object, answer.model, answer.usage.prompt_tokens) == ("list", EMBEDDING, 5)
    (row,) = answer.data
    assert len(row.embedding) == 1536
    assert math.isclose(nearness(row.embedding, row.embedding), 1, rel_tol=1e-5)


def test_base64_and_floats_are_the_same_numbers(bare):
    given = {"model": EMBEDDING, "input": ["Bonjour", "Guten Tag"]}
    floats = bare.post("/embeddings", json=given).json()["data"]
    packed = bare.post("/embeddings", json={**given, "encoding_format": "base64"}).json()["data"]
    for plain, coded in zip(floats, packed, strict=True):
        numbers = struct.unpack("<1536f", base64.b64decode(coded["embedding"]))
        assert numbers == pytest.approx(plain["embedding"], abs=1e-6)


@pytest.mark.parametrize(("model", "dimensions"), [(EMBEDDING, 256), ("text-embedding-3-large", 3072)])
def test_vectors_can_be_shorter_or_longer(models, model, dimensions):
    answer = models.embeddings.create(model=model, input="Hello", dimensions=dimensions)
    found = answer.data[0].embedding
    assert len(found) == dimensions
    assert math.isclose(nearness(found, found), 1, rel_tol=1e-5)


def test_tokens_are_taken_for_a_text(models):
    answer = models.embeddings.create(model=EMBEDDING, input=[[1, 2, 3], [1, 2, 3], [9]])
    one, same, other = (row.embedding for row in answer.data)
    assert one == same != other


def test_the_same_text_has_the_same_vector_in_every_process(models):
    text = "Wo kann ich parken? أين أترك سيارتي؟ 🚗"
    output = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, text], capture_output=True, text=True, check=True
    ).stdout
    (here,) = vectors(models, [text], dimensions=64)
    assert [float(number) for number in output.split()] == pytest.approx(here, abs=1e-6)


@pytest.mark.parametrize("asked_in", PAIRS)
@pytest.mark.parametrize("told_in", PAIRS)
def test_a_question_is_near_the_passage_that_answers_it_in_any_language(models, asked_in, told_in):
    questions = vectors(models, [question for question, _ in PAIRS[asked_in]])
    passages = vectors(models, [passage for _, passage in PAIRS[told_in]])
    found = ranks(questions, passages)
    assert sum(rank == 1 for rank in found) >= 15, found
    assert sum(rank <= 3 for rank in found) >= 18, found


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("How much is shipping?", "how much is the shippping", "Do you have a garden?"),
        ("réserver une table", "Reserver une table !", "réparer une montre"),
        ("Öffnungszeiten", "Die Öffnungszeit", "Haustiere"),
        ("¿Aceptan tarjetas?", "aceptamos la tarjeta", "clases de baile"),
        ("سعر التوصيل", "أسعار توصيل الطلبات", "حصة اليوغا"),
        ("Order 48213", "Where is order 48213?", "Where is order 77120?"),
        ("Zahnärztin Mühlhausen", "muehlhausen Zahnarzt", "Blumen Mühlhausen"),
    ],
)
def test_spelling_endings_and_numbers_tell_texts_apart(models, text, near, far):
    here, nearer, farther = vectors(models, [text, near, far])
    assert nearness(here, nearer) > nearness(here, farther) + 0.1


def test_texts_without_words_have_vectors_too(models):
    one, other, blank = vectors(models, ["🔥", "🥐", " "])
    for each in (one, other, blank):
        assert math.isclose(nearness(each, each), 1, rel_tol=1e-5)
    assert nearness(one, other) < 0.5


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"input": "x"}, None, None),
        ({"model": "no-such-model", "input": "x"}, "model_not_found", "model"),
        ({"model": EMBEDDING}, None, "input"),
        ({"model": EMBEDDING, "input": ""}, "empty_string", "input"),
        ({"model": EMBEDDING, "input": ["a", ""]}, "empty_string", "input"),
        ({"model": EMBEDDING, "input": [1.5]}, None, "input"),
        ({"model": EMBEDDING, "input": ["x"] * 2049}, "array_above_max_length", "input"),
        ({"model": EMBEDDING, "input": "word " * 8_000}, "context_length_exceeded", "input"),
        ({"model": EMBEDDING, "input": ["word " * 6_000] * 41}, "max_tokens_per_request", "input"),
        (
            {"model": EMBEDDING, "input": "x", "dimensions": 2000},
            "integer_above_max_value",
            "dimensions",
        ),
        ({"model": EMBEDDING, "input": "x", "dimensions": "8"}, "invalid_type", "dimensions"),
        ({"model": "text-embedding-ada-002", "input": "x", "dimensions": 8}, None, "dimensions"),
        ({"model": EMBEDDING, "input": "x", "encoding_format": "hex"}, None, "encoding_format"),
    ],
)
def test_a_wrong_call_is_refused_in_openais_shape(bare, simulator, given, code, param):
    answer = bare.post("/embeddings", json=given)
    assert refused(answer) == (404 if code == "model_not_found" else 400, code, param)
    assert simulator.ledger() == []


def test_the_ledger_keeps_what_was_embedded(models, simulator):
    vectors(models, ["Hello", "x" * 25_000], dimensions=8)
    (effect,) = simulator.ledger(kind="openai_embedding")
    assert effect["platform"] == "openai"
    assert effect["account"].startswith("org-")
    assert effect["model"] == EMBEDDING
    assert effect["dimensions"] == 8
    assert [len(text) for text in effect["inputs"]] == [5, 20_000]
    assert "a-key" not in str(effect)
