from __future__ import annotations

import dataclasses
import json
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.errors import (
    BudgetTooSmall,
    ConfigurationError,
    MissingExtra,
    UnreadableVerdict,
    VerificationError,
    VerifierAgentError,
    nearest,
)
from verifier_agent.plain import Value
from verifier_agent.values import (
    Candidate,
    Cost,
    Generate,
    Judged,
    Revise,
    Select,
    Selection,
    Task,
    Verdict,
    Verify,
    order,
)

counts = st.integers(0, 10**9)
shares = st.floats(0, 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
plain_dicts = st.dictionaries(texts, plain, max_size=3)
costs = st.builds(
    Cost,
    calls=counts,
    input_tokens=counts,
    cached_tokens=counts,
    output_tokens=counts,
    # eighths add without rounding
    usd=st.none() | st.integers(0, 10**6).map(lambda n: n / 8),
    exact=st.booleans(),
)
verdicts = st.builds(
    Verdict,
    candidate=texts,
    verifier=texts,
    score=st.none() | shares,
    raw=st.none() | finite,
    steps=st.lists(st.none() | shares, max_size=4).map(tuple),
    feedback=texts,
    evidence=plain_dicts,
    hard=st.booleans(),
    version=counts,
    cost=costs,
    error=st.none() | texts,
)
candidates = st.builds(
    Candidate,
    id=texts,
    parent=st.none() | texts,
    via=st.sampled_from(["generate", "revise"]),
    text=texts,
    done=st.booleans(),
    answer=st.none() | texts,
    message=plain_dicts,
    model=texts,
    logprob=st.none() | finite,
    cost=costs,
    error=st.none() | texts,
)
values = st.one_of(
    costs,
    verdicts,
    candidates,
    st.builds(Task, question=texts, messages=st.tuples(plain_dicts), context=plain_dicts),
    st.builds(Selection, candidate=st.none() | texts, confidence=st.none() | shares),
    st.builds(Generate, parent=st.none() | texts, n=counts, until=st.sampled_from(["end", "step"])),
    st.builds(Revise, target=texts, n=counts, temperature=st.none() | shares),
    st.builds(Verify, candidates=st.lists(texts, max_size=3).map(tuple)),
    st.builds(Select, outcome=st.sampled_from(["verified", "gave_up"]), reason=texts),
)


@given(values)
def test_a_value_survives_json_and_pickling(value: Value) -> None:
    text = json.dumps(value.to_dict(), allow_nan=False)
    assert type(value).from_dict(json.loads(text)) == value
    assert pickle.loads(pickle.dumps(value)) == value


@given(values)
def test_a_value_cannot_be_changed(value: Value) -> None:
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, "something else")


def test_odd_evidence_is_written_down_as_far_as_it_can_be() -> None:
    numpy = pytest.importorskip("numpy")
    verdict = Verdict(
        candidate="g0",
        verifier="v",
        score=numpy.float32(0.5),
        steps=numpy.array([0.25, 1.0]),
        evidence={
            "set": {3},
            "nan": math.nan,
            "bytes": b"\xff",
            "array": numpy.arange(3),
            "type": dict,
            7: "a number as a key",
        },
    )
    written = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    assert written["score"] == 0.5
    assert written["steps"] == [0.25, 1.0]
    assert written["evidence"] == {
        "set": [3],
        "nan": None,
        "bytes": "_w==",
        "array": [0, 1, 2],
        "type": "<class 'dict'>",
        "7": "a number as a key",
    }
    assert Verdict.from_dict(written).score == 0.5


@given(costs, costs, costs)
def test_costs_add_in_any_order(one: Cost, two: Cost, three: Cost) -> None:
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert one + Cost() == one
    assert (one + two).tokens == one.tokens + two.tokens


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    assert (Cost(usd=1.0) + Cost(usd=None)).usd is None
    assert (Cost(usd=1.0) + Cost(usd=0.5)).usd == 1.5
    assert not (Cost(exact=False) + Cost()).exact


@pytest.mark.parametrize("score", [-0.01, 1.01, math.nan, math.inf, -math.inf])
def test_a_score_outside_its_range_is_refused(score: float) -> None:
    with pytest.raises(UnreadableVerdict, match="'picky' scored candidate 'g3'"):
        Verdict(candidate="g3", verifier="picky", score=score)
    with pytest.raises(UnreadableVerdict):
        Verdict(candidate="g3", verifier="picky", steps=(0.5, score))


def test_a_raw_score_has_any_size_but_is_finite() -> None:
    assert Verdict(candidate="g0", verifier="v", raw=-1e30).raw == -1e30
    with pytest.raises(UnreadableVerdict, match="not finite"):
        Verdict(candidate="g0", verifier="v", raw=math.inf)


def judged(*said: tuple[float | None, bool]) -> Judged:
    return Judged(
        candidate=Candidate(id="g0"),
        verdicts=tuple(
            Verdict(candidate="g0", verifier=f"v{i}", score=score, hard=hard)
            for i, (score, hard) in enumerate(said)
        ),
    )


def test_the_score_that_counts_is_the_mean_of_those_given() -> None:
    assert judged((0.2, False), (0.6, False), (None, False)).score == pytest.approx(0.4)
    assert judged().score is None
    assert judged((None, False), (None, True)).score is None


def test_proof_overrules_opinion_and_one_disproof_is_enough() -> None:
    assert judged((0.9, False), (0.0, True)).score == 0.0
    assert judged((0.1, False), (1.0, True), (None, True)).score == 1.0
    assert judged((1.0, True), (0.0, True)).score == 0.0


def test_only_hard_verifiers_prove_and_each_that_gave_a_score_has_to() -> None:
    assert judged((1.0, True)).proven
    assert judged((0.2, False), (1.0, True), (None, True)).proven
    assert not judged((1.0, True), (0.0, True)).proven
    assert not judged((0.99, True)).proven
    assert not judged((1.0, False), (None, True)).proven
    assert not judged().proven


def test_ids_sort_by_number_with_children_after_their_parents() -> None:
    ids = ["g10", "g2.r0", "g2", "g2.g11", "g2.g3", "g0.g0.r1"]
    assert sorted(ids, key=order) == ["g0.g0.r1", "g2", "g2.g3", "g2.g11", "g2.r0", "g10"]


def test_depth_counts_the_candidates_above() -> None:
    assert [Candidate(id=name).depth for name in ("g0", "g0.g2", "g1.r0.g3")] == [0, 1, 2]


def test_a_verdicts_key_tells_candidate_verifier_and_version_apart() -> None:
    keys = {
        Verdict(candidate=c, verifier=v, version=n).key
        for c in ("g0", "g1")
        for v in ("a", "b")
        for n in (0, 1)
    }
    assert len(keys) == 8


def test_every_error_is_of_this_package_and_of_its_builtin_kind() -> None:
    assert issubclass(ConfigurationError, VerifierAgentError)
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(BudgetTooSmall, ConfigurationError)
    assert issubclass(MissingExtra, ImportError)
    assert issubclass(UnreadableVerdict, VerificationError)


def test_a_missing_extra_says_what_to_type() -> None:
    error = MissingExtra("the command line", "cli", "rich")
    assert str(error).endswith("pip install 'verifier-agent[cli]' rich")
    assert error.extra == "cli"


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    assert nearest("vot", ["vote", "best"]) == " (did you mean 'vote'? known: best, vote)"
    assert nearest("xyz", ["vote", "best"]) == " (known: best, vote)"
