"""Programs judged by one another, and the inputs on which they are."""

from __future__ import annotations

import ast
import asyncio
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.sandboxes.boxes import BUBBLEWRAP, MONTY
from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.errors import ConfigurationError, VerifierUnavailable
from verifier_agent.models import OpenAIChatModel
from verifier_agent.selection import consensus
from verifier_agent.testing import ModelServer, Reply
from verifier_agent.values import Candidate, Judged, Task, Verdict
from verifier_agent.verifiers.programs.behaviour import Behaviour
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.programs.inputs import calls_for
from verifier_agent.verifiers.programs.variations import edges, variations
from verifier_agent.verifiers.sandboxes import CodeTest, Limits, Monty, Ran

QUESTION = (
    'def largest(numbers):\n    """Return the largest.\n\n    largest([3, 1]) == 3\n    """\n'
)
RIGHT = "def largest(numbers):\n    return max(numbers)\n"
SORTED = "def largest(numbers):\n    return sorted(numbers)[-1]\n"
FIRST = "def largest(numbers):\n    return numbers[0]\n"
LAST = "def largest(numbers):\n    return numbers[-1]\n"
RAISES = "def largest(numbers):\n    raise ValueError\n"
TASK = Task(question=QUESTION, context={"entry_point": "largest"})


def candidates(*texts: str) -> list[Candidate]:
    return [Candidate(id=f"g{n}", text=f"```python\n{text}```") for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    "sandbox", [pytest.param("monty", marks=MONTY), pytest.param("bubblewrap", marks=BUBBLEWRAP)]
)
def test_programs_that_behave_alike_vouch_for_each_other(sandbox: str) -> None:
    drafts = candidates(FIRST, RIGHT, SORTED, LAST, RAISES)
    verdicts = asyncio.run(Behaviour(sandbox).verify(TASK, drafts))
    first, right, other, last, raises = verdicts
    assert right.evidence["outputs"] == other.evidence["outputs"]
    assert set(raises.evidence["outputs"]) == {None}
    assert right.score == other.score
    assert right.score > max(first.score or 0, last.score or 0) > 0 == raises.score  # type: ignore[operator]
    assert not any(verdict.hard for verdict in verdicts)


@MONTY
def test_the_example_rules_out_one_and_behaviour_the_other() -> None:
    drafts = candidates(LAST, FIRST, RIGHT, LAST, LAST, SORTED)
    said = [v.verify_sync(TASK, drafts) for v in (CodeTests("monty"), Behaviour("monty"))]
    judged = [Judged(candidate=c, verdicts=tuple(v)) for c, *v in zip(drafts, *said, strict=True)]  # type: ignore[arg-type, has-type, misc]
    chosen = consensus()(judged)
    assert chosen.candidate == "g2"
    assert chosen.basis == "vote share"
    assert 0.5 < (chosen.confidence or 0.0) < 1.0


@MONTY
def test_a_run_ends_with_the_program_that_the_others_vouch_for() -> None:
    drafts = iter([LAST, FIRST, RIGHT, FIRST, SORTED, RIGHT])

    def writes(request: Any) -> Reply:
        return Reply(f"```python\n{next(drafts)}```")

    with ModelServer(writes) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="coder", base_url=server.url),
            verifier=["code:monty", "behaviour:monty"],
            selector="consensus",
            policy="sample(6)",
            budget=Budget(calls=6),
        )
        run = Run.of(agent.invoke({"messages": [("user", QUESTION)]}))
    chosen = next(c for c in run.tree.candidates if c.id == run.selection.candidate)
    assert "max(" in chosen.text or "sorted(" in chosen.text
    assert run.selection.basis == "vote share"


class Counting(Monty):
    """Counts what it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.programs: list[str] = []

    def run(self, program: str, tests: list[CodeTest], limits: Limits) -> Ran:  # type: ignore[override]
        self.programs.append(program)
        return super().run(program, tests, limits)


UP_TO = "def up_to(n):\n    return list(range(n))\n"
"""Of 200 it gives more than is shown in a report."""


@pytest.mark.parametrize(
    "sandbox", [pytest.param("monty", marks=MONTY), pytest.param("bubblewrap", marks=BUBBLEWRAP)]
)
def test_programs_that_differ_in_the_end_of_what_they_give_do_not_behave_alike(
    sandbox: str,
) -> None:
    other = f"{UP_TO.rstrip()}[:150] + [1.0] * (n > 150)\n"
    task = Task(question="", context={"tests": "assert up_to(200)"})
    drafts = candidates(UP_TO, other, f"{UP_TO.rstrip()} or [0.0][1:]\n")
    one, two, three = (
        v.evidence["outputs"][0] for v in Behaviour(sandbox, inputs=1).verify_sync(task, drafts)
    )
    assert one == three != two


@pytest.mark.parametrize(
    "sandbox", [pytest.param("monty", marks=MONTY), pytest.param("bubblewrap", marks=BUBBLEWRAP)]
)
@pytest.mark.parametrize(
    ("value", "same"),
    [("2.9999999999999996", "3"), ("10 ** 5000", "10 ** 5000 + 0"), ("{2: True}", "{2.0: 1}")],
    ids=["rounding", "digits", "numbers"],
)
def test_values_that_are_equal_but_for_rounding_are_the_same_behaviour(
    sandbox: str, value: str, same: str
) -> None:
    drafts = candidates(*(f"def f(n):\n    return {one}\n" for one in (value, same, "4")))
    task = Task(question="", context={"tests": "assert f(1)"})
    one, two, other = (
        v.evidence["outputs"][0] for v in Behaviour(sandbox, inputs=1).verify_sync(task, drafts)
    )
    assert one == two != other


@MONTY
def test_a_program_runs_once_however_often_it_is_shown() -> None:
    sandbox = Counting()
    verifier = Behaviour(sandbox)
    verifier.verify_sync(TASK, candidates(RIGHT, FIRST))
    verdicts = verifier.verify_sync(TASK, candidates(RIGHT, FIRST, RIGHT, LAST))
    assert len(sandbox.programs) == 3
    assert [v.version for v in verdicts] == [4] * 4


class Starting(Counting):
    """Is not there yet when it is first asked."""

    def run(self, program: str, tests: list[CodeTest], limits: Limits) -> Ran:  # type: ignore[override]
        ran = super().run(program, tests, limits)
        if len(self.programs) == 1:
            raise VerifierUnavailable("it is starting")
        return ran


@MONTY
def test_a_sandbox_that_was_away_is_asked_again() -> None:
    verifier = Behaviour(Starting(), parallel=1)
    first = verifier.verify_sync(TASK, candidates(RIGHT, SORTED, FIRST))
    assert [v.error for v in first] == ["it is starting", None, None]
    again = verifier.verify_sync(TASK, candidates(RIGHT, SORTED, FIRST))
    assert all(v.score for v in again)


@MONTY
def test_what_cannot_be_judged_has_no_score_and_says_why() -> None:
    behaviour = Behaviour("monty")

    def errors(task: Task, *texts: str) -> list[str]:
        verdicts: list[Verdict] = behaviour.verify_sync(task, candidates(*texts))
        assert all(verdict.score is None for verdict in verdicts)
        return [str(verdict.error) for verdict in verdicts]

    assert "nothing to ask" in errors(Task(question="Write a poem."), RIGHT, FIRST)[0]
    single, empty = errors(TASK, RIGHT, "")
    assert "single program" in single
    assert "no program" in empty
    assert "monty cannot run it" in errors(TASK, f"import numpy\n{RIGHT}", FIRST)[0]


@pytest.mark.parametrize(
    "sandbox", [pytest.param("monty", marks=MONTY), pytest.param("bubblewrap", marks=BUBBLEWRAP)]
)
@pytest.mark.parametrize("odd", ["x = [x]", "x.append(x)"], ids=["deep", "itself"])
def test_no_value_is_too_odd_to_be_compared(sandbox: str, odd: str) -> None:
    nested = f"def f(n):\n    x = []\n    for _ in range(5000):\n        {odd}\n    return x\n"
    drafts = candidates(nested, "def f(n):\n    return n\n")
    task = Task(question="", context={"tests": "assert f(1)"})
    one, other = Behaviour(sandbox, inputs=1).verify_sync(task, drafts)
    assert one.evidence["outputs"] != other.evidence["outputs"]


@MONTY
def test_programs_that_give_nothing_do_not_vouch_for_each_other() -> None:
    unfinished = "def largest(numbers):\n    pass\n"
    prints = "def largest(numbers):\n    print(max(numbers))\n"
    drafts = candidates(unfinished, prints, unfinished, RIGHT, SORTED)
    verdicts = Behaviour("monty").verify_sync(TASK, drafts)
    assert [verdict.score for verdict in verdicts[:3]] == [0.0] * 3
    assert all(verdict.score for verdict in verdicts[3:])
    judged = [Judged(candidate=c, verdicts=(v,)) for c, v in zip(drafts, verdicts, strict=True)]
    assert consensus()(judged).candidate == "g3"
    silent = Behaviour("monty").verify_sync(TASK, drafts[:3])
    assert [verdict.score for verdict in silent] == [None] * 3
    assert "no program gives anything" in str(silent[0].error)


@MONTY
def test_programs_that_differ_only_at_a_boundary_do_not_behave_alike() -> None:
    careful = "def largest(numbers):\n    return max(numbers) if numbers else None\n"
    one, other, right = Behaviour("monty").verify_sync(TASK, candidates(careful, RIGHT, careful))
    assert one.evidence["outputs"] == right.evidence["outputs"] != other.evidence["outputs"]


def test_edges_are_the_least_values_of_each_kind() -> None:
    given = ("abc", [4, 5], 7, 2.5, {"a": 1, "b": 2}, True, None)
    found = edges([given])
    assert len(found) == 3 + 3 + 3 + 2 + 2 + 1
    changed = [(n, one[n]) for one in found for n in range(7) if repr(one[n]) != repr(given[n])]
    assert [value for place, value in changed if place < 3] == [
        *("", "a", "aa"),
        *([], [4], [4, 4]),
        *(0, 1, 2),
    ]
    assert changed[9:] == [(3, 0.0), (3, 1.0), (4, {}), (4, {"a": 1}), (5, False)]
    assert edges([(0,), (1,), ()]) == [(2,)]
    assert edges([]) == []


@MONTY
def test_it_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(Behaviour("monty", inputs=3)))
    # both raise for the empty list, one of seven inputs
    assert sent.verify_sync(TASK, candidates(RIGHT, RIGHT))[0].score == pytest.approx(6 / 7)


@pytest.mark.parametrize("options", [{"inputs": 0}, {"inputs": True}, {"parallel": 0}])
def test_settings_that_mean_nothing_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="a whole number above 0"):
        Behaviour(Counting(), **options)  # type: ignore[arg-type]


def test_inputs_come_from_all_tests_and_nothing_of_what_they_expect() -> None:
    context = {
        "entry_point": "largest",
        "tests": "assert largest([7, 8]) == 8",
        "generated_tests": [{"source": "assert largest([5]) == 1234", "weight": 2}, "no Python ("],
    }
    calls = calls_for(Task(question=QUESTION, context=context), 10)
    assert calls[:3] == ["largest([3, 1])", "largest([7, 8])", "largest([5])"]
    assert calls[3:6] == ["largest([])", "largest([3])", "largest([3, 3])"]
    assert len(calls) == len(set(calls)) > 13
    assert "1234" not in "".join(calls)
    assert calls == calls_for(Task(question=QUESTION, context=context), 10)


def test_tests_that_cannot_be_read_leave_the_others() -> None:
    context = {"tests": 3, "generated_tests": [{"source": "assert largest([5])", "weight": -1}]}
    assert calls_for(Task(question=QUESTION, context=context), 1)[0] == "largest([3, 1])"


def test_an_entry_point_that_is_no_name_is_an_error_that_says_so() -> None:
    odd = Task(question=QUESTION, context={"entry_point": 3})
    for verifier in (Behaviour(Counting()), CodeTests(Counting())):
        (verdict,) = verifier.verify_sync(odd, candidates("def largest(numbers"))
        assert verdict.score is None
        assert "context['entry_point']=3: a name is needed" in str(verdict.error)


def test_a_function_without_tests_is_asked_what_its_annotations_allow() -> None:
    calls = calls_for(Task(question="def f(words: List[str], n: int):\n    pass\n"), 5)
    given = [ast.literal_eval(call.removeprefix("f")) for call in calls]
    assert len(given) > 20
    assert all(isinstance(word, str) for words, _ in given for word in words)
    assert all(isinstance(n, int) for _, n in given)
    assert calls_for(Task(question="Say something."), 5) == []


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=4))
def test_variations_are_new_and_can_be_written_out(inputs: list[tuple[object, ...]]) -> None:
    found = variations(inputs, 8, "seed")
    written = [repr(one) for one in (*found, *inputs)]
    assert len({repr(one) for one in found}) == len(found)
    assert not {repr(one) for one in found} & {repr(one) for one in inputs}
    assert found == variations(inputs, 8, "seed")
    if "inf" not in "".join(written):
        assert [ast.literal_eval(one) for one in written] == [*found, *inputs]


@given(st.lists(st.tuples(st.integers(1, 50), st.text("xyz", max_size=4)), min_size=1, max_size=3))
def test_variations_stay_within_what_is_known(inputs: list[tuple[object, ...]]) -> None:
    for number, text in variations(inputs, 10, "seed"):
        assert isinstance(number, int)
        assert number >= 1
        assert set(text) <= set("xyz") | {"a"}
