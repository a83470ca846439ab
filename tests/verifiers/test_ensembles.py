"""Several verifiers as one: how words are put together, who is asked, and who pays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.special import expit

from tests.verifiers.judging import report
from verifier_agent import Budget, Price, Run, create_verifier_agent
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer, Reply, Request, always
from verifier_agent.values import Candidate, Cost, Task, Verdict, Verifier
from verifier_agent.verifiers import (
    Agreement,
    ArithmeticSteps,
    Cascade,
    Ensemble,
    FunctionVerifier,
    Judge,
    resolve_verifiers,
)
from verifier_agent.verifiers.judges import Fallback
from verifier_agent.weighting import Weight, Weights

TASK = Task(question="What is 3 * 4?")
RIGHT = Candidate(id="g0", text="3 * 4 = 12", answer="12")
FALSE = Candidate(id="g1", text="3 * 4 = 13", answer="13")
WORDS = Candidate(id="g2", text="It is twelve.", answer="12")
ALL = [RIGHT, FALSE, WORDS]
CHAT = OpenAIChatModel(model="loopback", base_url="http://127.0.0.1:1/v1")
WAYS = ["sync", "async"]


def said(name: str, *scores: float | None, hard: bool = False, **more: Any) -> Verifier:
    """A verifier that scores g0, g1, … so; None: not at all."""

    def judged(task: Task, candidate: Candidate) -> Verdict:
        score = scores[int(candidate.id[1:]) % len(scores)]
        error = "it broke" if score is None else None
        return Verdict(
            candidate=candidate.id, verifier=name, score=score, hard=hard, error=error, **more
        )

    return FunctionVerifier(judged, name=name)


class Paid:
    """Counts whom it is asked about; each costs a call."""

    name = "paid"

    def __init__(self, score: float = 0.6) -> None:
        self.score = score
        self.asked: list[str] = []

    def bound(self, task: Task, size: int) -> Cost:
        return Cost(calls=1, input_tokens=50)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        self.asked += [c.id for c in candidates]
        return [
            Verdict(
                candidate=c.id,
                verifier=self.name,
                score=self.score,
                cost=Cost(calls=1, input_tokens=20),
            )
            for c in candidates
        ]


def ask(verifier: Any, way: str = "sync", shown: Sequence[Candidate] = ALL) -> list[Verdict]:
    if way == "sync":
        return list(verifier.verify_sync(TASK, shown))
    return list(asyncio.run(verifier.verify(TASK, shown)))


def scores(verifier: Any, way: str = "sync") -> list[float | None]:
    return [verdict.score for verdict in ask(verifier, way)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("how", "expected"),
    [("mean", [0.5, 0.3, 0.9]), ("any", [0.8, 0.5, None]), ("all", [0.2, 0.1, None])],
)
def test_words_are_put_together_by_the_rule(how: Any, expected: list[Any], way: str) -> None:
    both = Ensemble([said("a", 0.2, 0.5, 0.9), said("b", 0.8, 0.1, None)], how)
    assert both.name == f"{how}:a,b"
    assert scores(both, way) == [x if x is None else pytest.approx(x) for x in expected]
    missing = ask(both, way)[2]
    assert (missing.score is None) == (missing.error == "b: it broke")


def test_proof_overrules_a_mean_and_settles_any_and_all() -> None:
    tests, opinion = said("tests", 0.0, 1.0, None, hard=True), said("opinion", 0.9, 0.4, 0.7)
    for how, expected in (("mean", [0, 1, 0.7]), ("any", [0.9, 1, None]), ("all", [0, 0.4, None])):
        found = ask(Ensemble([opinion, tests], how))  # type: ignore[arg-type]
        assert [v.score for v in found] == expected
    assert [v.hard for v in ask(Ensemble([opinion, tests]))] == [True, True, False]
    # that one of several checks passed is no proof that all do
    assert [v.hard for v in ask(Ensemble([opinion, tests], "all"))] == [True, False, False]
    assert ask(Ensemble([tests, said("more", 0, 1, 1, hard=True)], "all"))[1].hard


@pytest.mark.parametrize("way", WAYS)
def test_what_a_free_one_has_proven_is_not_shown_to_one_that_is_paid(way: str) -> None:
    for how in ("mean", "all"):
        paid = Paid()
        found = ask(Ensemble([paid, ArithmeticSteps()], how), way)  # type: ignore[arg-type]
        assert paid.asked == ["g0", "g2"]
        assert [v.cost.calls for v in found] == [1, 0, 1]
        assert found[1].score == 0.0
        assert found[1].hard
        assert "3 * 4 = 12" in found[1].feedback or "12" in found[1].feedback
    paid = Paid()
    ask(Ensemble([paid, ArithmeticSteps()], "any"), way)
    assert paid.asked == ["g0", "g1", "g2"]  # another may still say that it is right


@pytest.mark.parametrize("way", WAYS)
def test_a_cascade_goes_on_only_where_the_one_before_is_not_sure(way: str) -> None:
    paid = Paid(0.6)
    cheap = said("cheap", 0.97, 0.5, 0.02)
    found = ask(Cascade([cheap, paid], below=0.05, above=0.95), way)
    assert paid.asked == ["g1"]
    assert [v.score for v in found] == [0.97, 0.6, 0.02]
    assert [len(v.evidence["members"]) for v in found] == [1, 2, 1]


def test_by_default_only_proof_is_sure() -> None:
    paid = Paid()
    found = ask(Cascade([ArithmeticSteps(), paid]))
    assert paid.asked == ["g0", "g2"]  # right arithmetic is no proof of a right answer
    assert [v.hard for v in found] == [False, True, False]
    assert [v.score for v in found] == [0.6, 0.0, 0.6]


def test_where_the_last_of_a_cascade_fails_there_is_no_score() -> None:
    found = ask(Cascade([said("cheap", 1.0), said("dear", None)]))
    assert [v.score for v in found] == [None] * 3
    assert found[0].error == "dear: it broke"
    # but where it was sure before, nobody needs the dear one
    assert ask(Cascade([said("cheap", 1.0), said("dear", None)], above=1.0))[0].score == 1.0


def test_every_members_own_word_is_kept() -> None:
    a = said("a", 0.2, steps=(0.9, 0.1), feedback="Step 2 is wrong.", evidence={"why": "b"})
    b = said("b", 0.8, feedback="Too short.")
    found = ask(Ensemble([a, b]))[0]
    assert found.feedback == "Step 2 is wrong.\nToo short."
    assert found.steps == (0.9, 0.1)
    kept = [Verdict.from_dict(plain) for plain in found.evidence["members"]]
    assert [v.verifier for v in kept] == ["a", "b"]
    assert kept[0].evidence == {"why": "b"}


class Broken(Paid):
    name = "broken"

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        raise OSError("no route")


class Short(Paid):
    name = "short"

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        return super().verify_sync(task, candidates)[1:]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "told"), [(Broken, "OSError: no route"), (Short, "gave verdicts")]
)
def test_a_member_that_fails_is_a_missing_score_and_is_charged(
    kind: type[Paid], told: str, way: str
) -> None:
    found = ask(Ensemble([kind(), said("other", 0.4)]), way)
    assert [v.score for v in found] == [0.4] * 3
    member = Verdict.from_dict(found[0].evidence["members"][0])
    assert told in str(member.error)
    assert found[0].cost == Cost(calls=1, input_tokens=50, exact=False)
    assert [v.score for v in ask(Ensemble([kind(), said("other", 0.4)], "all"), way)] == [None] * 3


def weights(**by_name: float) -> Weights:
    members = tuple(
        Weight(verifier=name, weight=weight, mean=0.5, spread=0.1, given=9)
        for name, weight in by_name.items()
    )
    return Weights(method="labels", members=members, intercept=-1.0)


def test_weighted_scores_add_up_in_log_odds() -> None:
    both = Ensemble([said("a", 0.6, 0.5, None), said("b", 0.7, 0.5, None)], weights(a=2, b=-1))
    found = ask(both)
    assert found[0].raw == pytest.approx(-1 + 2 * 1 - 1 * 2)
    assert found[0].score == pytest.approx(expit(-1))
    assert found[1].score == pytest.approx(expit(-1))
    assert found[2].error == "a: it broke; b: it broke"
    with pytest.raises(ConfigurationError, match="these weights are for a, b"):
        Ensemble([said("a", 0.6), said("c", 0.7)], weights(a=2, b=-1))


def test_one_that_counts_votes_is_shown_all_answers() -> None:
    paid = Paid()
    both = Ensemble([Agreement(), ArithmeticSteps(), paid])
    assert both.relational
    assert not both.per_candidate
    assert [v.evidence["members"][0]["evidence"]["answered"] for v in ask(both)] == [3, 3, 3]
    ask(Cascade([ArithmeticSteps(), Agreement(), paid]))
    assert paid.asked == ["g0", "g2"] * 2


def test_text_names_an_ensemble(tmp_path: Path) -> None:
    for text, kind in (
        ("mean:arithmetic,judge", Ensemble),
        ("cascade:arithmetic,embedded-prm@min,judge", Cascade),
    ):
        (found,) = resolve_verifiers(text, model=CHAT)
        assert type(found) is kind
        assert found.name == text
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(weights(arithmetic=1, agreement=0.5).to_dict()))
    (found,) = resolve_verifiers(f"weighted:{path}", model=CHAT)
    assert found.name == "weighted:arithmetic,agreement"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mean:arithmetic", "needs 2 verifiers"),
        ("any:", "write any:NAME,NAME"),
        ("all:arithmetic,,judge", "write all:NAME,NAME"),
        ("mean:arithmetic,any:agreement", "is an ensemble itself"),
        ("mean:arithmetic,arithmetic", "two members are called"),
        ("mean:auto,arithmetic", "'auto' is several"),
        ("mean:magic,arithmetic", "unknown verifier 'magic'"),
        ("weighted:none.json", "No such file"),
    ],
)
def test_a_text_that_names_none_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        resolve_verifiers(text, model=CHAT)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Ensemble([Paid(), ArithmeticSteps()], "most"), "how='most'"),  # type: ignore[arg-type]
        (lambda: Cascade([Paid(), ArithmeticSteps()], below=0.6, above=0.5), "must be less"),
        (lambda: Cascade([Paid(), ArithmeticSteps()], above=1.5), "a score is in"),
        (lambda: Ensemble([ArithmeticSteps(), Fallback(CHAT)]), "some runs only"),
    ],
    ids=["rule", "crossed", "range", "comes and goes"],
)
def test_an_ensemble_that_makes_no_sense_is_refused(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        make()


def test_each_judge_of_an_ensemble_is_paid_by_its_own_price() -> None:
    def reply(request: Request) -> Reply:
        if request.body.get("model") == "loopback" and "score" not in str(request.messages):
            return Reply("3 * 4 = 12\nAnswer: 12")
        return Reply(report(6))

    with ModelServer(reply) as server:
        cheap, dear = (judge_of(server, name) for name in ("cheap", "dear"))
        prices = {name: Price(input=rate, output=0.0) for name, rate in RATES.items()}
        agent = create_verifier_agent(
            OpenAIChatModel(model="loopback", base_url=server.url),
            verifier=Ensemble([cheap, dear]),
            policy="best_of(2)",
            prices=prices,
            budget=Budget(usd=1000.0),
        )
        run = Run.of(agent.invoke({"messages": [("user", "What is 3 * 4?")]}))
    verdicts = run.tree.verdicts
    assert [v.score for v in verdicts] == [0.6] * 2
    for verdict in verdicts:
        parts = [Verdict.from_dict(plain).cost for plain in verdict.evidence["members"]]
        assert all(part.input_tokens for part in parts)
        expected = sum(
            part.input_tokens * rate / 1e6
            for part, rate in zip(parts, (RATES["cheap"], RATES["dear"]), strict=True)
        )
        assert verdict.cost.usd == pytest.approx(expected)
        assert verdict.cost.calls == 2


RATES = {"loopback": 1.0, "cheap": 10.0, "dear": 1000.0}


def judge_of(server: ModelServer, name: str) -> Judge:
    return Judge(OpenAIChatModel(model=name, base_url=server.url), name=name)


def test_an_unknown_price_of_a_member_is_found_before_anything_is_spent() -> None:
    with ModelServer(always(report(6))) as server:
        members = [judge_of(server, "cheap"), judge_of(server, "dear")]
        with pytest.raises(ConfigurationError, match="price of 'dear' is unknown"):
            create_verifier_agent(
                OpenAIChatModel(model="loopback", base_url=server.url),
                verifier=Ensemble(members),
                prices={"loopback": Price(input=1, output=1), "cheap": Price(input=1, output=1)},
                budget=Budget(usd=1.0),
            )
        assert server.calls == 0
