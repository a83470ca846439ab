"""JSON in answers against schemas and pydantic models."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call
from pydantic import BaseModel, Field, model_validator

from tests.verifiers.judging import bodies
from verifier_agent import Run, create_verifier_agent
from verifier_agent.embedded import EmbeddedChatModel
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer, cycle
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import Form, Schema, resolve_verifiers

ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"price": {"type": "number", "minimum": 0}},
                "required": ["price"],
            },
        },
    },
    "required": ["id", "lines"],
}
TASK = Task(question="Write the order as JSON.")


class Line(BaseModel):
    price: float = Field(ge=0)


class Order(BaseModel):
    id: int
    lines: list[Line]
    total: float = 0.0

    @model_validator(mode="after")
    def adds_up(self) -> Order:
        if self.total != sum(line.price for line in self.lines):
            raise ValueError("total is not the sum of the prices")
        return self


class Faulty(BaseModel):
    id: int

    @model_validator(mode="after")
    def fails(self) -> Faulty:
        raise KeyError("a bug of the validator")


def judged(text: str, schema: Any = ORDER, task: Task = TASK, **settings: Any) -> Verdict:
    verifier = Schema(schema, **settings)
    (verdict,) = verifier.verify_sync(task, [Candidate(id="g0", text=text)])
    (again,) = asyncio.run(verifier.verify(task, [Candidate(id="g0", text=text)]))
    assert again == verdict
    return verdict


RIGHT = '{"id": 1, "lines": [{"price": 2.5}]}'


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        f"  {RIGHT}\n",
        f"```json\n{RIGHT}\n```",
        f"Here it is:\n```\n{RIGHT}\n```\nI hope that helps {{or not}}.",
        f"The order is {RIGHT}.",
        f'First I thought {{"id": "x"}}, but it is {RIGHT}',
        f"{RIGHT}\nThat is the order, as {{you}} asked.",
        f"{RIGHT}, as you asked.",
    ],
)
def test_json_that_fits_is_found_wherever_it_stands(text: str) -> None:
    verdict = judged(text)
    assert (verdict.score, verdict.hard, verdict.feedback) == (1.0, False, "")
    assert verdict.evidence == {"refutes": True}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"id": "one", "lines": []}', "$.id: 'one' is not of type 'integer'"),
        ('{"id": 1}', "$: 'lines' is a required property"),
        (
            '{"id": 1, "lines": [{"price": 1}, {"price": -2}]}',
            "$.lines[1].price: -2 is less than the minimum of 0",
        ),
        ("[1, 2]", "$: [1, 2] is not of type 'object'"),
        ('"only words"', "$: 'only words' is not of type 'object'"),
        ("It costs 3 dollars.", "The answer has no JSON"),
        ("", "The answer has no JSON"),
        ('{"id": 1, "lines": [], "more": ', "Expecting value (line 1"),
        (f'{RIGHT}, "more": 1}}', "Extra data"),
        ('```json\n{"id": 1,\n "lines": [}\n```', "Expecting value (line 2, column 12 of"),
        ('{"id": NaN, "lines": []}', "NaN is no JSON"),
    ],
)
def test_what_does_not_fit_is_refuted_and_named(text: str, fault: str) -> None:
    verdict = judged(text)
    assert (verdict.score, verdict.hard) == (0.0, True)
    assert fault in verdict.feedback


@pytest.mark.parametrize("number", ["9" * 5_000, "1e400", "[" * 9_000 + "]" * 9_000])
def test_what_cannot_be_read_here_and_may_fit_is_not_refuted(number: str) -> None:
    text = f'{{"id": {number}, "lines": []}}'
    for shown in (text, f"Here:\n```json\n{text}\n```"):
        verdict = judged(shown)
        assert (verdict.score, verdict.hard) == (None, False)
        assert "the check itself failed" in str(verdict.error)
    assert Form.of({"response_format": {"type": "json_object"}}).objection(AIMessage(text)) is None


def test_a_number_that_is_none_is_no_json_to_a_form_either() -> None:
    form = Form.of({"response_format": {"type": "json_object"}})
    assert "is no JSON" in str(form.objection(AIMessage('{"id": NaN}')))


def test_feedback_names_several_places_and_is_short() -> None:
    lines = [{"price": "x" * 1_000} for _ in range(50)]
    verdict = judged(json.dumps({"id": None, "lines": lines}))
    assert verdict.evidence["faults"] == 5
    assert "$.id: None is not of type 'integer'" in verdict.feedback
    assert "$.lines[0].price: 'xxx" in verdict.feedback
    assert len(verdict.feedback) < 1_000


@pytest.mark.parametrize(
    ("step", "value", "score"),
    [
        ("0.01", "19.99", 1.0),
        ("0.01", "0.07", 1.0),
        ("0.01", "19.995", 0.0),
        ("0.1", "1e3", 1.0),
        ("3", "9.0", 1.0),
        ("3", "10", 0.0),
        ("1e-9", '"no number"', 1.0),
    ],
)
def test_multiples_are_those_that_are_written(step: str, value: str, score: float) -> None:
    schema = {"properties": {"price": {"multipleOf": json.loads(step)}}}
    verdict = judged(f'{{"price": {value}}}', schema)
    assert verdict.score == score
    assert ("is not a multiple of" in verdict.feedback) == (score == 0.0)
    tool = {"name": "buy", "input_schema": schema}
    call = tool_call(name="buy", args={"price": json.loads(value)}, id="1")
    assert (Form.of({"tools": [tool]}).objection(AIMessage("", tool_calls=[call])) is None) == score


def test_of_alternatives_the_nearest_is_told() -> None:
    either = {"anyOf": [{"type": "null"}, ORDER]}
    assert (
        "$.lines[0].price: 'x' is not"
        in judged('{"id": 1, "lines": [{"price": "x"}]}', either).feedback
    )


def test_a_pydantic_model_says_the_same_and_runs_its_validators() -> None:
    assert judged('{"id": 1, "lines": [{"price": 2}], "total": 2}', Order).score == 1.0
    wrong = judged('{"id": "one", "lines": [{"price": -1}, {}]}', Order)
    assert wrong.score == 0.0
    for fault in (
        "$.id: 'one': Input should be a valid integer",
        "$.lines[0].price: -1: Input should be greater than or equal to 0",
        "$.lines[1].price: Field required",
    ):
        assert fault in wrong.feedback
    sums = judged('{"id": 1, "lines": [{"price": 2}], "total": 3}', Order)
    assert "total is not the sum of the prices" in sums.feedback


def test_any_type_that_pydantic_knows_will_do() -> None:
    assert judged("[1, 2, 3]", list[int]).score == 1.0
    assert "$[1]: 'b'" in judged('[1, "b"]', list[int]).feedback
    assert judged("7", int).score == 1.0


def test_a_validator_that_breaks_says_nothing_of_the_answer() -> None:
    verdict = judged('{"id": 1}', Faulty)
    assert verdict.score is None
    assert "a bug of the validator" in str(verdict.error)


def test_proof_is_for_the_caller_to_say() -> None:
    verdict = judged(RIGHT, proves=True)
    assert (verdict.score, verdict.hard, verdict.evidence) == (1.0, True, {})


def test_the_schema_may_come_with_the_task() -> None:
    task = Task(question="q", context={"schema": ORDER})
    assert judged(RIGHT, None, task).score == 1.0
    assert judged("{}", None, task).score == 0.0
    assert "context['schema']" in str(judged(RIGHT, None).error)
    broken = Task(question="q", context={"schema": {"type": "objekt"}})
    assert "no JSON schema" in str(judged(RIGHT, None, broken).error)


def test_what_is_not_finished_or_too_long_has_no_score() -> None:
    verifier = Schema(ORDER)
    step = Candidate(id="g0", text='{"id": 1', done=False)
    long = Candidate(id="g1", text=" " * 200_000 + RIGHT)
    for verdict in verifier.verify_sync(TASK, [step, long]):
        assert verdict.score is None
        assert verdict.error


def test_a_schema_that_is_none_is_refused_before_anything_is_spent() -> None:
    for schema, said in (
        ({"type": "objekt"}, "no JSON schema"),
        ("order", "is no schema"),
        (object(), "pydantic cannot validate"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            Schema(schema)


def test_a_schema_elsewhere_is_not_fetched() -> None:
    verdict = judged("{}", {"$ref": "https://example.com/schema.json"})
    assert verdict.score is None
    assert "the check itself failed" in str(verdict.error)


def test_it_has_a_name_and_can_be_pickled() -> None:
    (named,) = resolve_verifiers("schema", model=EmbeddedChatModel())
    assert isinstance(named, Schema)
    again = pickle.loads(pickle.dumps(Schema(Order, proves=True, name="order")))
    assert (again.schema, again.hard, again.name) == (Order, True, "order")


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    verdict = judged(text)
    assert verdict.score == 0.0 or verdict.score == 1.0


def test_a_revision_is_told_what_to_mend() -> None:
    script = cycle(['{"id": "one", "lines": []}', '{"id": 1, "lines": []}'])
    with ModelServer(script) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="loopback", base_url=server.url),
            verifier=Schema(Order, proves=True),
            policy="until(revise(3), proven())",
        )
        result = agent.invoke({"messages": [("user", "The order as JSON?")]})
        _, told = bodies(server)
    assert "$.id: 'one': Input should be a valid integer" in str(told)
    assert Run.of(result).selection.outcome == "verified"
    assert result["messages"][-1].text == '{"id": 1, "lines": []}'
