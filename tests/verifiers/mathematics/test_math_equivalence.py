"""Answers compared with a reference as mathematics, in real worker processes."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers.mathematics.equivalence import Equivalence, MathEquivalence

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
SAME += [
    # plain text, and signs that LaTeX has a name for
    ("2\u03c0", "2pi"),
    (r"\sin x", "sin(x)"),
    (r"O(n \log n)", "O(n log n)"),
    ("1 \u00b1 \u221a2", r"1 \pm \sqrt{2}"),
    ("x\u00b2", "x^2"),
    (r"\varnothing", r"\emptyset"),
    (r"\langle 1,2\rangle", "(1,2)"),
    ("[1;2]", "[1,2]"),
    ("5~000", "5000"),
    ("2^-1", "0.5"),
    ("1", "100%"),
    (r"\frac{1}{3}", r"33\frac{1}{3}\%"),
    ("7", "7 = x"),
    # complex numbers, ranges, named values
    (r"\frac{1}{1+i}", r"\frac{1-i}{2}"),
    (r"\sqrt{-4}", "2i"),
    (r"(-\infty, 3)", "x<3"),
    ("[1,3]", r"1\le x\le 3"),
    ("(3,4)", "y=4, x=3"),
    ("a=1,b=2", "1, 2"),
    (r"12\pi", r"12\pi cm^2"),
    (r"12\sqrt{3} \text{ feet}", r"12\sqrt{3} feet"),
    (r"12\pi", r"12 \pi square centimeters"),
    (r"12\pi\text{ cm}", r"12\pi centimeters"),
]
OTHER = [("5", "6"), ("x^2", "x^3"), (r"\frac{1}{2}", "0.49"), ("yes", "no"), ("11_2", "11_3")]
OTHER += [("15", "12 apples"), ("18", "20 minutes"), ("2 dozen", "3 dozen"), ("7", "7x")]
OTHER += [
    ("B", "A"),
    ("1", "1 and 2"),
    ("3", "3 or 2"),
    ("a=1,b=2", "2,1"),
    ("a=1,b=2", "a=2,b=1"),
    ("(1,2,3)", "(3,2,1)"),
    (r"\{1,2\}", r"\{1,3\}"),
    ("x=3", "y=3"),
    ("y > -2", "x > -2"),
    (r"x \geq 2", "x > 2"),
    (r"\infty", r"-\infty"),
    ("3.5 hours", "3.6 hours"),
    ("2.5 apples", "2.6"),
    # small numbers that decimals do not tell from each other
    (r"6.626\times 10^{-34}", r"6.1\times 10^{-34}"),
    ("0.0000001", "0.0000002"),
    (r"6.6\times 10^{-34}", "0"),
    ("123456789.12", "123456789.13"),
    (r"5\sqrt{2}", "7.08"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"),
]
UNKNOWN = [
    # dates, times, scores and numbers of telephones are no differences and quotients
    ("2024-01-05", "2024-05-01"),
    ("2018", "2024-01-05"),
    ("1/5/2024", "1/10/1012"),
    ("3-5", "2-4"),
    ("555-1234", "444-1123"),
    ("12:30", "6:15"),
    ("3:00 PM", "15:00"),
    # words and units are no products of their letters
    (r"12\pi cm", r"12\pi inches"),
    (r"12\pi\text{ cm}", r"12\pi\text{ m}"),
    (r"12\pi", r"13\pi cm^2"),
    ("12", "12 (twelve)"),
    ("12", "a dozen"),
    ("3 h 30 min", "3.5 hours"),
    (r"5:2", "5 to 2"),
    # what breaks off, or is read in part
    ("12", "12 +"),
    ("2", r"\begin{cases} x=1\\y=2\end{cases}"),
    # what may be rounded, or is the same in some way
    ("0.67", r"\frac{2}{3}"),
    (r"12\pi", "37.7"),
    ("7", "6.99999999"),
    (r"6.63\times 10^{-34}", r"6.626\times 10^{-34}"),
    (r"45^\circ", r"\frac{\pi}{4}"),
    (r"\sin 30^\circ", "0.5"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"),
    (r"\mathbf{i}+2\mathbf{j}", "(1,2)"),
    ("3,4", "[3,4]"),
    ("2,2,3", "2,3"),
    ("(2,5)", "x > 2 and x < 5"),
    (r"\ln(ab)", r"\ln a + \ln b"),
    (r"\frac{\pi}{4} + k\pi", r"\frac{\pi}{4} + n\pi"),
    ("x/2", "1/2x"),
    (r"2.5\pi", r"2,5\pi"),
    ("1000, 2000", "1,000, 2,000"),
    ("b=2, a=1", "2, 1"),
    ("y=2x+3", "f(x)=2x+3"),
    ("4", r"4\text{ hours and }0\text{ minutes}"),
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
