from __future__ import annotations

import math
import pickle

import pytest

from verifier_agent.embedded import EmbeddedRewardModel, example, examples
from verifier_agent.embedded.decoding import CONTEXT_WINDOW
from verifier_agent.embedded.tokenizer import encode
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task, Verdict, Verifier

PRM = EmbeddedRewardModel()
PROBLEM = example(3, 1)
TASK = Task(question=PROBLEM.question)


def candidate(text: str, done: bool = True, number: int = 0) -> Candidate:
    return Candidate(id=f"g{number}", text=text, done=done)


def judge(text: str, done: bool = True) -> Verdict:
    (verdict,) = PRM.verify_sync(TASK, [candidate(text, done)])
    return verdict


def slipped(solution: str) -> str:
    """Write a worked solution with a plainly wrong value in its second line, carried on."""
    lines = solution.split("\n")
    value = lines[1].rsplit(" ", 1)[-1]
    lines[1] = lines[1][: -len(value)] + str(int(value) + 111)
    return "\n".join(lines)


def test_it_is_a_verifier_with_a_name_whose_word_is_no_proof() -> None:
    assert isinstance(PRM, Verifier)
    assert (PRM.name, PRM.hard) == ("embedded-prm", False)
    assert 500_000 <= (PRM.footprint.parameters or 0) <= 1_000_000


def test_each_line_gets_a_score_and_the_score_is_their_product() -> None:
    verdict = judge(PROBLEM.solution)
    assert len(verdict.steps) == len(PROBLEM.solution.split("\n"))
    assert verdict.score == pytest.approx(math.prod(s for s in verdict.steps if s is not None))
    (least,) = EmbeddedRewardModel(aggregate="min").verify_sync(TASK, [candidate(PROBLEM.solution)])
    assert least.score == min(s for s in verdict.steps if s is not None)
    assert least.steps == verdict.steps


def test_right_solutions_score_above_ones_with_a_planted_slip() -> None:
    higher = 0
    for problem in (*examples(2, 40, seed=1), *examples(3, 40, seed=1)):
        right, wrong = PRM.verify_sync(
            Task(question=problem.question),
            [candidate(problem.solution), candidate(slipped(problem.solution), number=1)],
        )
        assert right.score is not None
        assert wrong.score is not None
        higher += right.score > wrong.score
    assert higher >= 68, "of 80"


def test_feedback_names_the_first_suspicious_line() -> None:
    named = 0
    for problem in examples(2, 20, seed=2):
        wrong = slipped(problem.solution)
        (verdict,) = PRM.verify_sync(Task(question=problem.question), [candidate(wrong)])
        suspicious = [at for at, s in enumerate(verdict.steps) if s is not None and s < 0.5]
        if not suspicious:
            assert verdict.feedback == ""
            continue
        line = wrong.split("\n")[suspicious[0]]
        assert verdict.feedback == f"step {suspicious[0] + 1} is probably wrong: `{line}`"
        named += suspicious[0] == 1
    assert named >= 12, "of 20"


def test_a_partial_solution_scores_like_the_same_lines_in_the_full_one() -> None:
    whole = judge(PROBLEM.solution)
    lines = PROBLEM.solution.split("\n")
    for count in range(1, len(lines)):
        for ending in ("", "\n"):
            part = judge("\n".join(lines[:count]) + ending, done=False)
            assert part.steps == pytest.approx(whole.steps[:count], abs=1e-4)


def test_an_answer_that_stops_too_early_is_suspicious_only_if_it_is_done() -> None:
    first = PROBLEM.solution.split("\n")[0]
    ended, begun = judge(first, done=True), judge(first, done=False)
    assert ended.score is not None
    assert begun.score is not None
    assert ended.score < begun.score


def test_a_batch_gives_the_same_verdicts_as_single_candidates_in_the_same_order() -> None:
    texts = [PROBLEM.solution, "bananas", slipped(PROBLEM.solution), "", PROBLEM.solution[:20]] * 8
    batch = [candidate(text, number=at) for at, text in enumerate(texts)]
    together = PRM.verify_sync(TASK, batch)
    assert [v.candidate for v in together] == [c.id for c in batch]
    for verdict, single in zip(together, batch, strict=True):
        (alone,) = PRM.verify_sync(TASK, [single])
        assert verdict.steps == pytest.approx(alone.steps, abs=1e-4)
        assert (verdict.error, verdict.feedback, verdict.cost) == (
            alone.error,
            alone.feedback,
            alone.cost,
        )


async def test_the_async_way_gives_the_same_verdicts() -> None:
    batch = [candidate(PROBLEM.solution), candidate(slipped(PROBLEM.solution), number=1)]
    assert list(await PRM.verify(TASK, batch)) == list(PRM.verify_sync(TASK, batch))
    assert list(await PRM.verify(TASK, [])) == []


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("The answer is 3", "'The'"),
        ("", "no text"),
        (" \n ", "no text"),
        ("Ann = 1 " * CONTEXT_WINDOW, "tokens"),
    ],
)
def test_what_it_cannot_read_gets_no_score_but_an_error(text: str, match: str) -> None:
    verdict = judge(text)
    assert verdict.score is None
    assert verdict.steps == ()
    assert verdict.error is not None
    assert match in verdict.error


def test_a_question_it_cannot_read_gives_every_candidate_an_error() -> None:
    verdicts = PRM.verify_sync(
        Task(question="What is love?"), [candidate(PROBLEM.solution), candidate("x", number=1)]
    )
    assert [v.score for v in verdicts] == [None, None]
    assert all(v.error is not None and "'What'" in v.error for v in verdicts)


def test_cost_counts_tokens_read_and_stays_within_the_bound() -> None:
    for text in (PROBLEM.solution, slipped(PROBLEM.solution), "1" * 50):
        cost = judge(text).cost
        assert cost.calls == 1
        assert cost.input_tokens == len(encode(TASK.question)) + len(encode(text)) + 2
        assert (cost.output_tokens, cost.usd) == (0, 0.0)
        bound = PRM.bound(TASK, len(text.encode()))
        assert bound.calls == 1
        assert bound.input_tokens >= cost.input_tokens


def test_it_pickles_without_its_weights() -> None:
    stored = pickle.dumps(PRM)
    assert len(stored) < 500
    assert pickle.loads(stored) == PRM


def test_an_unknown_aggregate_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="'average'"):
        EmbeddedRewardModel(aggregate="average")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="no score of its own"):
        EmbeddedRewardModel(aggregate="model")
