"""Answers compared with a reference as mathematics, in real worker processes."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers.equivalence import Equivalence, MathEquivalence

pytest.importorskip("math_verify")

SAME = [
    ("5", "x = 5"),
    ("0.5", r"\frac{2}{4}"),
    (r"(x+1)^2", "x^2 + 2x + 1"),
    (r"2\sqrt{3}", r"\sqrt{12}"),
    ("1,000", "1000"),
    (r"0.1\overline{6}", r"\frac{1}{6}"),
    ("101_2", "101"),
    ("12 apples", "12"),
    ("5", "5 grams"),
    ("2 hours", "2"),
    ("45", "45 degrees"),
    ("5", "5 times"),
]
OTHER = [("5", "6"), ("x^2", "x^3"), (r"\frac{1}{2}", "0.49"), ("yes", "no"), ("11_2", "11_3")]
OTHER += [("15", "12 apples"), ("18", "20 minutes"), ("2 dozen", "3 dozen"), ("7", "7x")]
UNKNOWN = [
    ("5", ""),
    ("5", "many"),
    ("no solution", "none"),
    ("3 metres", "3 feet"),
    ("5", "1" * 3_000),
    ("24", "2 dozen"),
    ("3", "3 thousand"),
    ("3 million", "3000000"),
    ("9", "3 squared"),
    ("120", "2 hours"),
    ("5", "500 cents"),
    ("1000", "1 km"),
]


@pytest.fixture(scope="module")
def equal() -> Equivalence:
    return Equivalence(workers=1, seconds=60)


@pytest.mark.parametrize(("reference", "answer"), SAME)
def test_the_same_mathematics_in_another_form_is_equal(
    equal: Equivalence, reference: str, answer: str
) -> None:
    assert equal(reference, answer) is True


@pytest.mark.parametrize(("reference", "answer"), OTHER)
def test_other_mathematics_is_not(equal: Equivalence, reference: str, answer: str) -> None:
    assert equal(reference, answer) is False


@pytest.mark.parametrize(("reference", "answer"), UNKNOWN, ids=lambda text: text[:20])
def test_what_cannot_be_compared_is_unknown_and_says_why(
    equal: Equivalence, reference: str, answer: str
) -> None:
    same, why = equal.explained(reference, answer)
    assert same is None
    assert why


def test_two_hundred_pairs_in_parallel_threads_are_all_decided(equal: Equivalence) -> None:
    numbers = range(1, 201)
    pairs = [(rf"\frac{{{n}}}{{3}}", rf"\frac{{{2 * n}}}{{{6 if n % 2 else 7}}}") for n in numbers]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda pair: equal(*pair), pairs))
    assert found == [n % 2 == 1 for n in numbers]


def test_what_takes_too_long_is_unknown_and_the_next_is_decided() -> None:
    impatient = Equivalence(workers=1, seconds=60)
    assert impatient("1", r"\frac{2}{2}") is True  # the worker has started
    impatient.seconds = 1.0
    assert impatient("1", "2^{2^{2^{40}}}") is None
    impatient.seconds = 60
    assert impatient(r"\frac{1}{3}", r"\frac{2}{6}") is True


def test_a_worker_that_dies_gives_no_verdict_and_another_takes_its_place() -> None:
    equal = Equivalence(workers=1, seconds=60)
    assert equal(r"2\sqrt{3}", r"\sqrt{12}") is True
    (worker,) = equal.workers._idle
    threading.Timer(0.5, worker.process.kill).start()
    assert equal.explained("1", "2^{2^{2^{40}}}") == (None, "the worker died")
    assert equal(r"2\sqrt{3}", r"\sqrt{12}") is True
    # one that died while nobody asked is not asked
    (worker,) = equal.workers._idle
    worker.process.kill()
    worker.process.wait()
    assert equal(r"2\sqrt{3}", r"\sqrt{11}") is False


def test_a_verdict_is_proof_and_does_not_give_the_answer_away() -> None:
    verifier = MathEquivalence(workers=1, seconds=60)
    task = Task(question="q", context={"reference": r"\boxed{\frac{1}{2}}"})
    texts = ["So it is \\boxed{0.5}", "Answer: 0.25", "I do not know"]
    candidates = [Candidate(id=f"g{i}", text=text) for i, text in enumerate(texts)]
    right, wrong, silent = asyncio.run(verifier.verify(task, candidates))
    assert (right.score, right.hard, right.feedback) == (1.0, True, "")
    assert (wrong.score, wrong.hard) == (0.0, True)
    assert "0.25" in wrong.feedback
    assert "0.5" not in wrong.feedback.replace("0.25", "")
    assert silent.score is None
    assert "states no answer" in str(silent.error)


def test_no_workers_at_all_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="workers=0"):
        Equivalence(workers=0)


def test_without_a_reference_there_is_no_score() -> None:
    verifier = MathEquivalence(workers=1)
    (verdict,) = verifier.verify_sync(Task(question="q"), [Candidate(id="g0", text="Answer: 1")])
    assert verdict.score is None
    assert "context['reference'] is None" in str(verdict.error)
