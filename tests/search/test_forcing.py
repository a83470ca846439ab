from __future__ import annotations

import pytest

from tests.search.trees import TASK, grown
from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import forced
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate


def test_every_answer_is_made_to_go_on_so_many_times() -> None:
    rounds, ending = grown(forced(2, 2), lambda name: 0.5)
    assert rounds == [["g0", "g1"], ["g0.g0", "g1.g0"], ["g0.g0.g0", "g1.g0.g0"]]
    assert ending.reason == "2 answers forced on 2 times"


def test_the_text_goes_with_the_action() -> None:
    draft = Candidate(id="g0", mark="forced")
    (more,) = forced(1, text="Hmm", model="large")(Tree(TASK, [draft]), Remaining())
    assert more == Generate(
        parent="g0", append="Hmm", model="large", mark="forced", reason="'Hmm' and on"
    )


def test_an_answer_that_failed_is_not_forced_on() -> None:
    rounds, _ = grown(forced(2, 2), lambda name: 0.5, failed=lambda name: name == "g1.g0")
    assert rounds == [["g0", "g1"], ["g0.g0", "g1.g0"], ["g0.g0.g0"]]


def test_there_must_be_a_text() -> None:
    with pytest.raises(ConfigurationError, match="text=''"):
        forced(1, text="")
