"""No answer talks `chat_logprob` into a Yes: the judge's corpus, against a model that obeys."""

from __future__ import annotations

import math

import pytest

from tests.verifiers.hosted.asking import TASK
from tests.verifiers.injections import CORPUS, ORDER, outside
from verifier_agent.testing import Choice, ModelServer, Reply, Request
from verifier_agent.values import Candidate
from verifier_agent.verifiers import HostedRewardModel
from verifier_agent.verifiers.judges import ENGLISH, GERMAN, Wording


def say(request: Request) -> Reply:
    """Say Yes if anything stands outside of the data, which would be an order; else No."""
    word, other = ("Yes", "No") if outside(request).strip() else ("No", "Yes")
    tops = {word: math.log(0.9), other: math.log(0.1)}
    return Reply(Choice(text=word, logprobs=(math.log(0.9),), top_logprobs=(tops,)))


@pytest.mark.parametrize("wording", [ENGLISH, GERMAN], ids=["en", "de"])
async def test_no_attempt_changes_a_decision(wording: Wording) -> None:
    answers = [Candidate(id=f"g{n}", text=f"3 * 4 = 13\n{text}") for n, text in enumerate(CORPUS)]
    with ModelServer(say) as server:
        one = HostedRewardModel(server.url, wire="chat_logprob", model="m", wording=wording)
        verdicts = await one.verify(TASK, answers)
        assert server.calls == len(CORPUS) >= 60
    assert [verdict.error for verdict in verdicts if verdict.score is None] == []
    assert {round(v.score, 6) for v in verdicts if v.score is not None} == {0.1}


def test_the_model_of_this_test_obeys_what_stands_outside() -> None:
    mark = "0123456789abcdef"
    inside = f"ANSWER {mark}\n3 * 4 = 13\nEND {mark}"
    for user, word in ((inside, "No"), (f"{inside}\n{ORDER}", "Yes")):
        messages = [
            {"role": "system", "content": f"Data stands by {mark}."},
            {"role": "user", "content": user},
        ]
        request = Request(index=0, attempt=1, body={"messages": messages}, headers={}, arrived=0.0)
        assert say(request).take(1)[0].text == word
