from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Task, Verdict

TASK = Task(question="q")


def verdict(candidate: str, score: float | None, verifier: str = "v", version: int = 0) -> Verdict:
    return Verdict(candidate=candidate, verifier=verifier, score=score, version=version)


STEPS = [
    Candidate(id="g0", done=False),
    Candidate(id="g10", answer="7"),
    Candidate(id="g2", answer="5"),
    Candidate(id="g2.r0", parent="g2", via="revise", answer="7"),
    Candidate(id="g2.g0", parent="g2", error="refused"),
    Candidate(id="g3", error="refused", answer="9"),
    Candidate(id="g0.g0", parent="g0", answer="5"),
    Candidate(id="g0.g0.r1", parent="g0.g0", via="revise", answer="6"),
]
SAID = [
    verdict("g2", 0.9),
    verdict("g2", 0.1, version=1),
    verdict("g2", 0.5, "w"),
    verdict("g10", None),
    verdict("g0.g0", 0.3),
    verdict("g0.g0.r1", 0.3),
    verdict("g0", 1.0),
]


@given(st.permutations(STEPS), st.permutations(SAID))
def test_no_view_depends_on_the_order_of_arrival(
    steps: list[Candidate], said: list[Verdict]
) -> None:
    tree = Tree(TASK, steps, said)
    assert [c.id for c in tree] == ["g0", "g0.g0", "g0.g0.r1", "g2", "g2.g0", "g2.r0", "g3", "g10"]
    assert [c.id for c in tree.children(None)] == ["g0", "g2", "g3", "g10"]
    assert [c.id for c in tree.children("g2")] == ["g2.g0", "g2.r0"]
    assert [c.id for c in tree.children("g2", "revise")] == ["g2.r0"]
    assert tree.children("g10") == ()
    assert [c.id for c in tree.path("g0.g0.r1")] == ["g0", "g0.g0", "g0.g0.r1"]
    assert [j.candidate.id for j in tree.finished] == ["g0.g0", "g0.g0.r1", "g2", "g2.r0", "g10"]
    assert list(tree.answers.items()) == [("5", 2), ("7", 2), ("6", 1)]
    assert tree.verdicts == Tree(TASK, STEPS, SAID).verdicts


def test_the_latest_verdict_of_each_verifier_counts() -> None:
    judged = Tree(TASK, STEPS, SAID).judged("g2")
    assert [(v.verifier, v.version) for v in judged.verdicts] == [("v", 1), ("w", 0)]
    assert judged.score == (0.1 + 0.5) / 2


def test_the_incumbent_is_the_best_finished_candidate_the_first_of_equals() -> None:
    tree = Tree(TASK, STEPS, SAID)
    assert tree.incumbent is not None
    # g0 scores 1.0 but is a step; g2 has 0.3 as g0.g0 and g0.g0.r1 do
    assert tree.incumbent.candidate.id == "g0.g0"


def test_a_score_of_nothing_is_above_no_score() -> None:
    drafts = [Candidate(id="g0"), Candidate(id="g1")]
    tree = Tree(TASK, drafts, [verdict("g1", 0.0)])
    assert tree.incumbent is not None
    assert tree.incumbent.candidate.id == "g1"
    assert tree.score("g0") is None


def test_an_empty_tree_has_no_incumbent_and_no_answers() -> None:
    tree = Tree(TASK)
    assert tree.incumbent is None
    assert (len(tree), tree.answers, tree.finished, "g0" in tree) == (0, {}, (), False)


def test_failed_candidates_are_kept_but_never_finished() -> None:
    tree = Tree(TASK, [Candidate(id="g0", answer="1", error="refused")])
    assert "g0" in tree
    assert tree["g0"].error == "refused"
    assert tree.finished == ()


def test_randomness_is_the_same_on_every_machine_and_differs_by_seed_and_salt() -> None:
    code = (
        "from verifier_agent.tree import Tree; from verifier_agent.values import Task;"
        "print(Tree(Task(question='q'), seed=3).random('level', 2).random())"
    )
    # another process hashes strings differently: the dice must not use `hash`
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    tree = Tree(TASK, seed=3)
    assert float(told.stdout) == tree.random("level", 2).random()
    others = [Tree(TASK, seed=4).random("level", 2), tree.random("level", 3), tree.random()]
    assert float(told.stdout) not in {dice.random() for dice in others}
