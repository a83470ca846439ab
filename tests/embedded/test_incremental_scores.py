"""Scores of lines are the same, and are computed once, however a solution comes to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from verifier_agent.embedded import EmbeddedChatModel, examples, weights
from verifier_agent.embedded.judge import Judge, closed, lines
from verifier_agent.embedded.passages import KEPT_BYTES, Passage, Passages
from verifier_agent.embedded.tokenizer import SOLVE_ID, encode
from verifier_agent.embedded.transformer import Floats

Ids = tuple[int, ...]
Call = tuple[int, list[tuple[int, int | None]]]
"""A question, and for each solution its number and where it is cut; None: it is finished."""

TOKEN_BYTES = 4 * 2 * 96 * (4 + 3)
"""Keys and values of 96 numbers each in the reader's 4 and the judge's 3 layers."""


def judge(kept_bytes: int = KEPT_BYTES) -> Judge:
    """Return the shipped reward model as it is in a new process."""
    arrays, about = weights_of_the_judge()
    return Judge(arrays, about, kept_bytes)


@cache
def weights_of_the_judge() -> Any:
    return weights.read(Path(str(files("verifier_agent.embedded") / "reward_model.npz")))


@cache
def solved() -> list[tuple[Ids, list[Ids]]]:
    """Return questions with solutions that the generator drew, as token ids."""
    model = EmbeddedChatModel(seed=5)
    problems = []
    for problem in (*examples(2, 2, seed=9), *examples(3, 1, seed=9)):
        replies = model.generate([[HumanMessage(problem.question)]], n=5).generations[0]
        solutions = [tuple(encode(reply.text)) for reply in replies]
        problems.append(((*encode(problem.question), SOLVE_ID), solutions))
    return problems


def given_to(call: Call) -> tuple[Ids, list[list[int]]]:
    """Return what a call hands to the judge."""
    number, picks = call
    question, solutions = solved()[number]
    return question, [closed(solutions[n][:cut], cut is None) for n, cut in picks]


@cache
def alone(question: Ids, solution: Ids) -> Floats:
    """Score one solution with a judge that has read nothing before."""
    (scores,) = judge().scores(question, [solution])
    return scores


def assert_as_alone(call: Call, scores: Sequence[Floats]) -> None:
    question, solutions = given_to(call)
    assert len(scores) == len(solutions)
    for solution, own in zip(solutions, scores, strict=True):
        np.testing.assert_allclose(own, alone(question, tuple(solution)), rtol=1e-4, atol=1e-6)


picks = st.tuples(st.integers(0, 4), st.none() | st.integers(1, 150))
calls = st.lists(
    st.tuples(st.integers(0, 2), st.lists(picks, min_size=1, max_size=4)), min_size=1, max_size=5
)
keeps = st.sampled_from([0, 60 * TOKEN_BYTES, 200 * TOKEN_BYTES, KEPT_BYTES])


@settings(max_examples=40, deadline=None)
@given(calls, keeps)
def test_scores_are_those_of_a_full_pass_whatever_was_judged_before(
    several: list[Call], keep: int
) -> None:
    shared = judge(keep)
    for call in several:
        assert_as_alone(call, shared.scores(*given_to(call)))
        assert shared.passages.bytes <= keep


@settings(max_examples=10, deadline=None)
@given(calls, keeps)
def test_threads_that_share_a_judge_get_the_same_scores(several: list[Call], keep: int) -> None:
    shared, twice = judge(keep), several + several[::-1]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda call: shared.scores(*given_to(call)), twice))
    for call, scores in zip(twice, results, strict=True):
        assert_as_alone(call, scores)
    assert shared.passages.bytes <= keep


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many tokens of solutions are computed by each call of the reader."""
    counts: list[int] = []
    lines_of = Judge._lines

    def noted(self: Judge, fresh: Sequence[Sequence[int]], *rest: Any) -> list[Passage]:
        counts.append(sum(map(len, fresh)))
        return lines_of(self, fresh, *rest)

    monkeypatch.setattr(Judge, "_lines", noted)
    return counts


def test_only_the_lines_that_were_added_are_computed(read: list[int]) -> None:
    question, solutions = solved()[2]
    solution, grown = closed(solutions[0], ended=True), judge()
    for count in range(1, len(lines(solution)) + 1):
        grown.scores(question, [[token for line in lines(solution)[:count] for token in line]])
    assert read == [len(line) for line in lines(solution)]
    grown.scores(question, [solution])
    assert sum(read) == len(solution), "judged again, nothing is computed"


def test_a_revision_that_keeps_lines_costs_the_lines_behind_the_cut(read: list[int]) -> None:
    question, solutions = solved()[2]
    first, other = (closed(solution, ended=True) for solution in solutions[:2])
    cut = sum(map(len, lines(first)[:3]))
    both = judge()
    both.scores(question, [first])
    both.scores(question, [[*first[:cut], *other]])
    assert read == [len(first), len(other)]


def test_lines_that_solutions_share_are_computed_once_in_a_batch(read: list[int]) -> None:
    question, solutions = solved()[0]
    batch = [closed(solution, ended=True) for solution in solutions * 2]
    beginnings: dict[Ids, int] = {}
    for solution in batch:
        for at, line in enumerate(lines(solution), start=1):
            beginnings[sum(map(tuple, lines(solution)[:at]), ())] = len(line)
    judge().scores(question, batch)
    assert sum(read) == sum(beginnings.values()) < sum(map(len, batch)) / 2


def test_a_line_closed_by_the_end_is_not_taken_for_one_that_goes_on(read: list[int]) -> None:
    question, solutions = solved()[0]
    line = lines(closed(solutions[0], ended=True))[0]
    both = judge()
    (goes_on,) = both.scores(question, [closed(line, ended=False)])
    (ended,) = both.scores(question, [closed(line, ended=True)])
    assert read == [len(line), len(line)]
    assert ended[0] < goes_on[0]


def test_what_is_kept_takes_the_stated_bytes() -> None:
    question, solutions = solved()[0]
    solution, one = closed(solutions[0], ended=True), judge()
    one.scores(question, [solution])
    kept = one.passages.known([question, *lines(solution)])
    arrays = [array for passage in kept for array in (passage.reader, passage.judge, passage.state)]
    assert all(array.base is None for array in arrays), "no view holds on to more"
    state = 4 * 96
    assert one.passages.bytes == (TOKEN_BYTES * (len(question) + len(solution)) + state * len(kept))


paths = st.lists(
    st.lists(st.sampled_from([(1,), (2, 9), (3, 3, 9)]), min_size=1, max_size=5),
    min_size=1,
    max_size=12,
)


@given(paths, st.integers(0, 12))
def test_kept_passages_are_few_whole_paths_and_the_last_one_used(
    used: list[list[Ids]], room: int
) -> None:
    def passage() -> Passage:
        return Passage(np.zeros(1, np.float32), np.zeros(1, np.float32), np.zeros(1, np.float32))

    size = passage().bytes
    passages = Passages(room * size)
    latest: dict[tuple[Ids, ...], Passage] = {}
    for path in used:
        known = passages.known(path)
        assert all(latest[tuple(path[: at + 1])] is old for at, old in enumerate(known))
        known += [passage() for _ in path[len(known) :]]
        passages.keep(path, known)
        latest |= {tuple(path[: at + 1]): one for at, one in enumerate(known)}
        assert passages.known(path) == known[:room]
    within_reach = {id(one) for path in used for one in passages.known(path)}
    assert passages.bytes == len(within_reach) * size <= room * size
    if room >= len(latest):
        assert len(within_reach) == len(latest), "nothing is forgotten without need"
