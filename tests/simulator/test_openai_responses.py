import json
from collections.abc import Iterator

import openai
import pytest

from tests.simulator.openai_asking import ANSWER, CHAT, SOURCES, bare_of, library_of, refused

SEARCH = {
    "type": "function",
    "name": "search_knowledge",
    "description": "Finds passages.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
}
QUESTION = f"{SOURCES}\n<question>When are you open?</question>"


@pytest.fixture
def models(simulator) -> Iterator[openai.OpenAI]:
    with library_of(simulator) as client:
        yield client


def test_an_answer_has_the_shape_of_responses(models, simulator):
    answer = models.responses.create(model=CHAT, input=QUESTION, instructions="Answer from the sources.")
    assert answer.output_text.startswith("We are open Monday to Saturday")
    assert (answer.status, answer.object, answer.output[0].type) == ("completed", "response", "message")
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    (effect,) = simulator.ledger(kind="openai_response")
    assert [message["role"] for message in effect["messages"]] == ["system", "user"]


def test_a_form_is_asked_for_as_text_format(models):
    form = {"format": {"type": "json_schema", "name": "Answer", "strict": True, "schema": ANSWER}}
    answer = models.responses.create(model=CHAT, input=[{"role": "user", "content": QUESTION}], text=form)
    assert json.loads(answer.output_text)["sources"] == [1]


def test_a_stream_tells_its_events_in_order(models):
    whole = models.responses.create(model=CHAT, input=QUESTION).output_text
    events = list(models.responses.create(model=CHAT, input=QUESTION, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 3
    assert "".join(deltas) == events[-1].response.output_text == whole


def test_a_tool_is_called_and_its_output_answered_from(models):
    asked = [{"role": "user", "content": [{"type": "input_text", "text": "Can I bring my dog?"}]}]
    first = models.responses.create(model=CHAT, input=asked, tools=[SEARCH])
    (call,) = first.output
    assert (call.type, json.loads(call.arguments)) == ("function_call", {"query": "Can I bring my dog?"})
    found = {"results": [{"id": 9, "text": "Les chiens sont admis."}]}
    told = [*asked, call.model_dump(exclude_none=True)]
    told.append({"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(found)})
    assert models.responses.create(model=CHAT, input=told, tools=[SEARCH]).output_text == (
        "Our documents say, in French: “Les chiens sont admis. [9]”"
    )
    streamed = list(models.responses.create(model=CHAT, input=asked, tools=[SEARCH], stream=True))
    assert "response.function_call_arguments.done" in [event.type for event in streamed]


def test_an_answer_cut_short_is_incomplete(models):
    answer = models.responses.create(model=CHAT, input=QUESTION, max_output_tokens=3)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"model": CHAT}, "missing_required_parameter", "input"),
        ({"model": CHAT, "input": [{"type": "magic"}]}, "invalid_value", "input[0]"),
        (
            {"model": CHAT, "input": "x", "previous_response_id": "resp_1"},
            "previous_response_not_found",
            "previous_response_id",
        ),
    ],
)
def test_a_wrong_call_is_refused(simulator, body, code, param):
    with bare_of(simulator) as bare:
        assert refused(bare.post("/responses", json=body)) == (400, code, param)
