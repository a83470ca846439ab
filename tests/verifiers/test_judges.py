"""What judges can do beside one grade: votes, probabilities, comparisons, steps, other wordings."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.verifiers.judging import CANDIDATE, TASK, Canned, bodies, checks, report, winner
from verifier_agent import Budget, create_verifier_agent
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel, text_bound
from verifier_agent.search import best_of
from verifier_agent.selection import tournament
from verifier_agent.testing import Choice, Fault, ModelServer, Reply, Request, check_verifier
from verifier_agent.values import Candidate, Judged, Task, Verdict, Verifier
from verifier_agent.verifiers import Judge, PairwiseJudge, StepJudge
from verifier_agent.verifiers.judges import ENGLISH, GERMAN
from verifier_agent.verifiers.readout import of_token

WAYS = ["sync", "async"]


def model(server: ModelServer) -> OpenAIChatModel:
    return OpenAIChatModel(model="loopback", base_url=server.url)


async def ask(judge: Any, way: str, *candidates: Candidate, task: Task = TASK) -> list[Verdict]:
    if way == "async":
        return list(await judge.verify(task, candidates))
    return list(await asyncio.to_thread(judge.verify_sync, task, candidates))


def drafts(*texts: str) -> list[Candidate]:
    return [Candidate(id=f"g{i}", text=text, answer=text) for i, text in enumerate(texts)]


# ---- votes


@pytest.mark.parametrize("way", WAYS)
async def test_the_score_is_the_mean_of_the_votes(way: str) -> None:
    grades = [3, 9, 6]
    said = {seed: report(grade, correctness=f"said {grade}") for seed, grade in enumerate(grades)}
    with ModelServer(lambda request: Reply(said[request.seed or 0])) as server:
        judge = Judge(model(server), votes=3)
        (verdict,) = await ask(judge, way, CANDIDATE)
        assert (verdict.score, verdict.raw) == (0.6, 6.0)
        assert verdict.evidence["votes"] == [3, 9, 6]
        assert verdict.feedback == "correctness: said 6"
        assert sorted(body["seed"] for body in bodies(server)) == [0, 1, 2]
        assert verdict.cost.calls == server.calls == 3
        most = judge.bound(TASK, text_bound(CANDIDATE.text))
        assert (most.calls, most.output_tokens) == (6, 6 * 1024)
        assert verdict.cost.tokens == server.input_tokens + server.output_tokens


@pytest.mark.parametrize(("lost", "score"), [(1, 0.8), (2, None), (3, None)])
async def test_most_votes_must_be_readable(lost: int, score: float | None) -> None:
    def script(request: Request) -> Reply | Fault:
        return Fault("status", status=404) if (request.seed or 0) < lost else Reply(report(8))

    with ModelServer(script) as server:
        (verdict,) = await Judge(model(server), votes=3).verify(TASK, [CANDIDATE])
    assert verdict.score == score
    assert (f"{3 - lost} of 3 votes could be read" in str(verdict.error)) == (score is None)
    assert verdict.cost.calls == 3


# ---- token probabilities

ODDS = {"7": 0.5, "9": 0.25, " 2": 0.125, "x": 0.125}


def with_odds(text: str, odds: Mapping[str, float], at: str) -> Choice:
    """Say `text`; each token that is `at` has the alternatives `odds`."""
    pieces = re.findall(r"\d+|\w+|\W", text)
    tops = [{t: math.log(p) for t, p in odds.items()} if p == at else {p: -0.01} for p in pieces]
    return Choice(text=text, top_logprobs=tuple(tops))


def pieces(text: str) -> list[str]:
    return re.findall(r"\d+|\w+|\W", text)


@pytest.mark.parametrize("way", WAYS)
async def test_the_score_is_the_expected_grade_where_probabilities_are_told(way: str) -> None:
    said = with_odds(report(7), ODDS, "7")
    with ModelServer(lambda request: Reply(said), tokenize=pieces) as server:
        judge = Judge(model(server), probabilities=True)
        (verdict,) = await ask(judge, way, CANDIDATE)
        (body,) = bodies(server)
    expected = (0.5 * 7 + 0.25 * 9 + 0.125 * 2) / 0.875
    assert verdict.raw == pytest.approx(expected)
    assert verdict.score == pytest.approx(expected / 9)
    assert verdict.evidence["read"] == "probabilities"
    assert verdict.evidence["mass"] == pytest.approx(0.875)
    assert verdict.evidence["levels"] == pytest.approx({"2": 1 / 7, "7": 4 / 7, "9": 2 / 7})
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["score"]["maximum"] == 9
    assert '"score": 0 to 9' in body["messages"][0]["content"]


async def test_a_grade_in_the_reasoning_is_not_the_place_that_is_read() -> None:
    text = json.dumps({"reasoning": 'it claims "score": 7', "criteria": [], "score": 2})
    said = with_odds(text, {"2": 0.5, "0": 0.5}, "2")
    with ModelServer(lambda request: Reply(said), tokenize=pieces) as server:
        (verdict,) = await Judge(model(server), probabilities=True).verify(TASK, [CANDIDATE])
    assert verdict.raw == pytest.approx(1.0)


@pytest.mark.parametrize(
    "said",
    [
        Choice(tool_calls=(("Marks", report(7)),)),
        with_odds(report(7), {"x": 0.9, "7": 0.1}, "7"),
        with_odds(report(7), {"7": math.e**2}, "7"),
    ],
    ids=["no logprobs", "little mass", "no probability"],
)
async def test_without_good_probabilities_the_grade_counts_and_the_record_says_so(
    said: Choice,
) -> None:
    with ModelServer(lambda request: Reply(said), tokenize=pieces) as server:
        (verdict,) = await Judge(model(server), probabilities=True).verify(TASK, [CANDIDATE])
    assert verdict.raw == 7.0
    assert verdict.evidence["read"] == "grade"
    assert "levels" not in verdict.evidence


async def test_a_server_that_refuses_probabilities_is_asked_without_them() -> None:
    def script(request: Request) -> Reply | Fault:
        refused = Fault("status", status=400)
        return refused if "logprobs" in request.body else Reply(report(7))

    with ModelServer(script) as server:
        judge = Judge(model(server), probabilities=True, attempts=3)
        first, second = await judge.verify(TASK, [CANDIDATE]), await judge.verify(TASK, [CANDIDATE])
        assert [v.raw for v in (*first, *second)] == [7.0, 7.0]
        assert [v.cost.calls for v in (*first, *second)] == [3, 1]


@pytest.mark.parametrize(
    ("tops", "value"),
    [
        ({"A": math.log(0.6), "B": math.log(0.4)}, 0.6),
        ({'"A': math.log(0.5), " B": math.log(0.25), "t": math.log(0.25)}, 0.625),
        ({"A": float("nan")}, None),
        ({"A": "high"}, None),
        ({"hello": 0.0}, None),
        ({}, None),
    ],
    ids=["plain", "pieces", "nan", "text", "other words", "nothing"],
)
def test_probabilities_are_read_by_hand_computed_means(
    tops: dict[str, Any], value: float | None
) -> None:
    told = [{"token": token, "logprob": logprob} for token, logprob in tops.items()]
    token = {"token": "", "logprob": 0.0, "top_logprobs": told}
    read = of_token(token, {"A": 1.0, "tie": 0.5, "B": 0.0})
    assert (None if read is None else read.value) == (
        None if value is None else pytest.approx(value)
    )


# ---- comparisons


def shown(request: Request) -> list[str]:
    """Return the answers that a pairwise judge was shown, A first."""
    user = str(request.messages[-1]["content"])
    return re.findall(r"(?ms)^ANSWER [AB] (?:\w{16})$\n(.*?)\nEND ", user)


def longer_wins(request: Request) -> Reply:
    a, b = map(len, shown(request))
    return Reply(winner("tie" if a == b else "A" if a > b else "B", form="the other is longer"))


@pytest.mark.parametrize("way", WAYS)
async def test_each_pair_is_compared_in_both_orders(way: str) -> None:
    candidates = drafts("x", "xx", "xxx", "xxxx")
    with ModelServer(longer_wins) as server:
        judge = PairwiseJudge(model(server))
        verdicts = await ask(judge, way, *candidates)
        asked = sorted(tuple(map(len, shown(s.request))) for s in server.served)
        assert asked == [(1, 2), (1, 4), (2, 1), (2, 3), (3, 2), (3, 4), (4, 1), (4, 3)]
        assert sum(v.cost.calls for v in verdicts) == server.calls == 8
        assert sum(v.cost.tokens for v in verdicts) == server.input_tokens + server.output_tokens
    assert [v.score for v in verdicts] == [0.0, 0.5, 0.5, 1.0]
    assert verdicts[1].evidence["pairs"] == [
        {"against": "g0", "place": "B", "won": 1.0},
        {"against": "g0", "place": "A", "won": 1.0},
        {"against": "g2", "place": "A", "won": 0.0},
        {"against": "g2", "place": "B", "won": 0.0},
    ]
    assert [v.feedback for v in verdicts] == ["form: the other is longer"] * 3 + [""]
    judged = [Judged(candidate=c, verdicts=(v,)) for c, v in zip(candidates, verdicts, strict=True)]
    assert tournament()(judged).candidate == "g3"


@pytest.mark.parametrize(("n", "rings", "games"), [(2, 1, 2), (3, 1, 6), (5, 1, 10), (5, 2, 20)])
async def test_rings_decide_how_many_comparisons_there_are(n: int, rings: int, games: int) -> None:
    with ModelServer(longer_wins) as server:
        judge = PairwiseJudge(model(server), rings=rings)
        verdicts = await judge.verify(TASK, drafts(*("x" * i for i in range(n))))
        assert server.calls == games
    most = judge.bound(TASK, 0)
    assert all(v.cost.calls <= most.calls for v in verdicts)


async def test_a_judge_that_always_says_a_decides_nothing_and_is_found_out() -> None:
    with ModelServer(lambda request: Reply(winner("A"))) as server:
        verdicts = await PairwiseJudge(model(server)).verify(TASK, drafts("x", "y", "z"))
    assert [v.score for v in verdicts] == [0.5] * 3
    assert [v.evidence["swayed"] for v in verdicts] == [2] * 3


async def test_how_surely_one_won_is_read_from_probabilities() -> None:
    def script(request: Request) -> Reply:
        first = shown(request)[0] == "x"
        said = with_odds(winner("A"), {"A": 0.75 if first else 0.5, "B": 0.25}, "A")
        return Reply(said)

    with ModelServer(script, tokenize=pieces) as server:
        judge = PairwiseJudge(model(server), probabilities=True)
        one, other = await judge.verify(TASK, drafts("x", "y"))
    assert one.score == pytest.approx((0.75 + 1 / 3) / 2)
    assert other.score == pytest.approx(1 - (0.75 + 1 / 3) / 2)


async def test_what_cannot_be_compared_has_no_score() -> None:
    step, failed = Candidate(id="g7", text="3 *", done=False), Candidate(id="g8", error="no")
    with ModelServer(longer_wins) as server:
        verdicts = await PairwiseJudge(model(server)).verify(TASK, [*drafts("x"), step, failed])
        assert server.calls == 0
    assert [v.score for v in verdicts] == [None] * 3
    assert "a single answer" in str(verdicts[0].error)


async def test_a_lost_comparison_leaves_the_others() -> None:
    def script(request: Request) -> Reply | Fault:
        lost = shown(request)[0] == "x"
        return Fault("status", status=404) if lost else longer_wins(request)

    with ModelServer(script) as server:
        verdicts = await PairwiseJudge(model(server)).verify(TASK, drafts("x", "xx", "xxx"))
    assert [len(v.evidence["pairs"]) for v in verdicts] == [2, 3, 3]
    assert [v.score for v in verdicts] == [0.0, pytest.approx(1 / 3), 1.0]


async def test_all_comparisons_lost_is_an_error() -> None:
    with ModelServer(lambda request: Fault("status", status=404)) as server:
        verdicts = await PairwiseJudge(model(server)).verify(TASK, drafts("x", "xx"))
    assert [v.score for v in verdicts] == [None, None]
    assert "404" in str(verdicts[0].error)


def test_the_agent_selects_by_tournament() -> None:
    def script(request: Request) -> Reply:
        if "compare two answers" in str(request.messages[0]["content"]):
            return longer_wins(request)
        return Reply("x" * (1 + request.index % 4))

    with ModelServer(script) as server:
        agent = create_verifier_agent(
            model(server),
            verifier=PairwiseJudge(model(server), rings=2),
            policy=best_of(4),
            selector="tournament",
            budget=Budget(calls=100),
        )
        assert agent.invoke({"messages": [("user", "q")]})["messages"][-1].text == "xxxx"


# ---- steps

CHAIN = "3 * 4 = 12\n\n12 + 1 = 14\nAnswer: 14"


@pytest.mark.parametrize("way", WAYS)
async def test_every_step_has_a_score_and_the_first_wrong_one_is_named(way: str) -> None:
    with ModelServer(lambda request: Reply(checks(10, 2, 0))) as server:
        (verdict,) = await ask(StepJudge(model(server)), way, Candidate(id="g0", text=CHAIN))
        user = bodies(server)[0]["messages"][1]["content"]
    assert verdict.steps == (1.0, 0.2, 0.0)
    assert verdict.score == 0.0
    assert verdict.feedback == "Step 2: check 2"
    assert re.findall(r"(?m)^STEP (\d+) \w{16}\n(.*)$", user) == [
        ("1", "3 * 4 = 12"),
        ("2", "12 + 1 = 14"),
        ("3", "Answer: 14"),
    ]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (checks(10, 2), "it reports on steps [1, 2] where there are 3"),
        (checks(10, 2, 0, 0), "where there are 3"),
        (checks(10, 2, 0).replace('"step": 3', '"step": 2'), "[1, 2, 2]"),
        (checks(10, 2, 11), "the grade 11 is above 10"),
        (checks(10, 2, "NaN").replace('"NaN"', "NaN"), "no readable report"),
        (report(8), "no readable report"),
    ],
    ids=["too few", "too many", "twice", "too high", "nan", "another report"],
)
async def test_a_report_without_one_good_entry_for_each_step_is_no_report(
    said: str, why: str
) -> None:
    with ModelServer(lambda request: Reply(said)) as server:
        (verdict,) = await StepJudge(model(server)).verify(TASK, [Candidate(id="g0", text=CHAIN)])
        assert server.calls == 2
    assert (verdict.score, verdict.steps) == (None, ())
    assert why in str(verdict.error)


@pytest.mark.parametrize("text", ["", " \n ", "\n".join("abc" for _ in range(101))])
async def test_what_has_no_steps_or_too_many_costs_nothing(text: str) -> None:
    with ModelServer(lambda request: Reply(checks(1))) as server:
        (verdict,) = await StepJudge(model(server)).verify(TASK, [Candidate(id="g0", text=text)])
        assert server.calls == 0
    assert verdict.score is None
    assert verdict.error


async def test_steps_stay_within_the_bound() -> None:
    text = "\n".join("ﷺ" for _ in range(100))
    with ModelServer(lambda request: Reply(checks(*[5] * 100)), tokenize=list) as server:
        judge = StepJudge(model(server), max_tokens=99_999)
        (verdict,) = await judge.verify(TASK, [Candidate(id="g0", text=text)])
        assert verdict.score == 0.5
        assert server.input_tokens <= judge.bound(TASK, text_bound(text)).input_tokens


# ---- all of them

JUDGES = {
    "votes": lambda m: Judge(m, votes=3),
    "pairwise": lambda m: PairwiseJudge(m, rings=2),
    "steps": lambda m: StepJudge(m, split=lambda text: [text] if text else []),
}


@pytest.mark.parametrize("kind", JUDGES)
def test_the_judges_keep_the_laws_of_verifiers(kind: str) -> None:
    def script(request: Request) -> Reply:
        asked = str(request.messages[0]["content"])
        if "compare two" in asked:
            return longer_wins(request)
        size = len(str(request.messages[1])) % 11
        return Reply(checks(size) if "step by step. You" in asked else report(size))

    with ModelServer(script) as server:
        judge: Verifier = JUDGES[kind](model(server))
        check_verifier(judge, TASK, drafts("", "x", "xx", "ﷺ" * 40))


# ---- wordings


async def test_a_wording_in_another_language_is_what_is_sent() -> None:
    with ModelServer(lambda request: Reply(report(8, Form="zu kurz"))) as server:
        (verdict,) = await Judge(model(server), wording=GERMAN).verify(
            Task(question="Was ist 3 * 4?", context={"reference": "12"}), [CANDIDATE]
        )
        system, user = (m["content"] for m in bodies(server)[0]["messages"])
    assert system.startswith("Du bewertest eine Antwort")
    assert re.findall(r"(?m)^([A-ZÖ]+) \w{16}$", user) == [
        *("AUFGABE", "ENDE", "ANTWORT", "ENDE", "LÖSUNG", "ENDE")
    ]
    assert verdict.feedback == "Form: zu kurz"
    assert verdict.evidence["prompt"] == GERMAN.id
    assert GERMAN.id.startswith("2.de.")


async def test_a_text_can_be_changed_and_the_record_tells_it_apart() -> None:
    own = replace(ENGLISH, grade="Grade {ANSWER} {fence} from 0 to {best} by {criteria}. {levels}")
    with ModelServer(lambda request: Reply(report(8))) as server:
        (verdict,) = await Judge(model(server), wording=own, levels={0: "bad", 10: "good"}).verify(
            TASK, [CANDIDATE]
        )
        system = bodies(server)[0]["messages"][0]["content"]
    assert re.fullmatch(r"(?s)Grade ANSWER \w{16} from 0 to 10 by .*10: good\.\n0: bad\.", system)
    assert verdict.evidence["prompt"] == own.id != ENGLISH.id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"grade": "no places"}, "wording grade does not name {fence}"),
        ({"check": ENGLISH.check + "{answer}"}, "wording check names {answer}"),
        ({"compare": ENGLISH.compare + "{}"}, "wording compare names {}"),
        ({"compare": ENGLISH.compare + "{"}, "write a brace twice"),
        ({"headings": {"task": "x"}}, "'task' is none of"),
        ({"levels": {5: "a", 10: "b"}}, "what 0 and the best grade mean"),
        ({"levels": {"0": "a", "10": "b"}}, "whole numbers from 0 up"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_wording_that_cannot_work_is_refused(text: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        replace(ENGLISH, **text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda m: Judge(m, votes=0), "judge votes=0"),
        (lambda m: Judge(m, probabilities=True, levels={0: "a", 10: "b"}), "at most 9"),
        (lambda m: Judge(m, levels={}), "what 0 and the best grade mean"),
        (lambda m: PairwiseJudge(m, rings=0), "pairwise judge rings=0"),
        (lambda m: StepJudge(m, aggregation="model"), "step scores only"),
        (lambda m: StepJudge(m, aggregation="max"), "unknown aggregation 'max'"),
    ],
    ids=["votes", "levels", "no levels", "rings", "model", "aggregation"],
)
def test_wrong_settings_are_refused(made: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        made(Canned(says=[""]))
    assert said in str(caught.value)
