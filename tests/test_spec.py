from __future__ import annotations

import inspect
import json
import pickle
import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import (
    Policy,
    StopRule,
    agree,
    any_of,
    beam,
    best_of,
    hopeless,
    passed,
    policy,
    resolve_policy,
    revise,
    sample,
    spent,
    until,
)
from verifier_agent.selection import Selector, best, resolve_selector, vote, weighted_vote
from verifier_agent.spec import DEEPEST, LONGEST, Spec
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Select, Task

counts = st.integers(1, 10_000)
shares = st.floats(0, 1)
temperatures = st.none() | st.floats(0, 2)
amounts = st.none() | st.floats(min_value=1e-9, max_value=1e9)
rules = st.recursive(
    st.one_of(
        st.builds(agree, shares),
        st.builds(passed, shares, counts),
        st.builds(hopeless, counts, shares),
        st.builds(spent, calls=st.none() | counts, usd=amounts, seconds=amounts),
    ),
    lambda inner: (
        st.builds(lambda a, b: a | b, inner, inner) | st.builds(lambda a, b: a & b, inner, inner)
    ),
    max_leaves=8,
)
policies = st.recursive(
    st.one_of(
        st.builds(best_of, counts, temperature=temperatures),
        st.builds(sample, counts, counts, temperature=temperatures),
        st.builds(beam, counts, counts, counts, depth=counts, temperature=temperatures),
        st.builds(revise, counts, counts, threshold=shares),
    ),
    lambda inner: st.builds(until, inner, rules),
    max_leaves=3,
)
specs = policies | rules | st.sampled_from([best(), vote(), weighted_vote()])


@given(specs)
def test_a_spec_is_read_back_from_its_text_its_dict_and_its_pickle(spec: Spec) -> None:
    kind = type(spec)
    assert kind.parse(repr(spec)) == spec
    assert kind.from_dict(json.loads(json.dumps(spec.to_dict(), allow_nan=False))) == spec
    copy = pickle.loads(pickle.dumps(spec))
    assert copy == spec
    assert hash(copy) == hash(spec)


@pytest.mark.parametrize(
    "text",
    [
        "best_of()",
        "best_of(16, temperature=0.7)",
        "until(sample(), agree(0.9) | spent(usd=0.05))",
        "until(beam(8, groups=4), (passed() | agree()) & hopeless(4))",
        "until(sample(), agree() | (passed() | hopeless()))",
        "until(sample(), agree() & (passed() & hopeless()))",
        "until(sample(), agree() | passed() & hopeless())",
    ],
)
def test_a_spec_prints_as_it_was_written(text: str) -> None:
    assert repr(Policy.parse(text)) == text


def test_and_binds_tighter_than_or_as_in_python() -> None:
    a, b, c = agree(), passed(), hopeless()
    assert StopRule.parse("agree | passed & hopeless") == a | (b & c)
    assert StopRule.parse("(agree | passed) & hopeless") == (a | b) & c
    assert StopRule.parse("agree | passed | hopeless") == (a | b) | c


PIECES = [
    *"()|&,=*.[]{}:;#\"'\\+-~@ \n\t\x00",
    *("agree", "best_of", "until", "vote", "sample", "lambda: 1", "f'{1}'", "n=", "**{}", "*[1]"),
    *("1", "2.5", "1e999", "None", "True", "'8'", "x if y else z", "__import__('os')", "a:=1"),
]


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@settings(max_examples=1500)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=15).map("".join))
@example("1|2")
@example("agree()|3")
@example("3|agree()")
@example("best|vote")
@example("sample(8)&agree()")
@example("best_of(n=1|2)")
@example("best_of(**{})")
@example("best_of(n=1, n=2)")
@example("until(vote, agree)")
@example("spent(usd=1e999)")
@example("best_of(temperature=1e999)")
@example("best_of('\\ud800')")
@example("\ud800")
@example("(" * 5000)
@example("-" * 5000 + "1")
@example("9" * 5000)
@example("|".join(["agree"] * 1000))
@example("&".join(["agree()"] * (DEEPEST + 1)))
@example("until(" * 1000)
@example("a" * 3_000_000)
def test_any_text_gives_a_spec_or_a_configuration_error(text: str) -> None:
    for kind in (Policy, StopRule, Selector):
        try:
            spec = kind.parse(text)
        except ConfigurationError as error:
            said = str(error)
        else:
            said = repr(spec)
            assert kind.parse(said) == spec
        assert len(said) < 2000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["best_of", "agree"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["policy", "stop rule", "selector", "arguments", "n", "grow", "stop"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


def nested(depth: int) -> dict[str, object]:
    plain: dict[str, object] = sample().to_dict()
    for _ in range(depth):
        plain = {"policy": "until", "arguments": {"grow": plain, "stop": agree().to_dict()}}
    return plain


@settings(max_examples=500)
@given(json_values)
@example("best_of")
@example({"policy": "best_of"})
@example({"policy": "best_of", "arguments": None})
@example({"policy": ["best_of"], "arguments": {}})
@example({"policy": "best_of", "arguments": {"n": 0}})
@example({"policy": "best_of", "arguments": {"self": 1}})
@example({"policy": "best_of", "arguments": {1: 1}})
@example({"stop rule": "agree", "arguments": {}})
@example(nested(60))
def test_any_json_gives_a_policy_or_a_configuration_error(plain: object) -> None:
    try:
        spec = Policy.from_dict(plain)  # type: ignore[arg-type]
    except ConfigurationError:
        return
    assert Policy.from_dict(spec.to_dict()) == spec


def test_a_dict_as_deep_as_json_allows_is_refused_too() -> None:
    with pytest.raises(ConfigurationError, match="nesting"):
        Policy.from_dict(nested(400))


def test_text_and_nesting_have_limits_that_real_policies_do_not_meet() -> None:
    assert Policy.from_dict(nested(DEEPEST // 2 - 1)).name == "until"
    with pytest.raises(ConfigurationError, match="too long"):
        Policy.parse("best_of(" + " " * LONGEST + ")")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bestof(8)", "unknown policy 'bestof' (did you mean 'best_of'? known: "),
        ("until(bestof(8), agree)", "unknown name 'bestof' (did you mean 'best_of'?"),
        ("best_of(0)", "greater than or equal to 1"),
        ("best_of(2.5)", "integer"),
        ("best_of(True)", "integer"),
        ("best_of(m=3)", "unexpected keyword argument 'm'"),
        ("until(sample)", "missing a required argument: 'stop'"),
        ("revise(threshold=1.5)", "less than or equal to 1"),
        ("agree(0.95)", "is not a policy"),
        ("best_of(temperature=1e999)", "finite"),
        ("best_of(8", "cannot read"),
        ("best_of(1|2)", "cannot read '1|2'"),
        ("best_of(2*4)", "cannot read"),
    ],
)
def test_a_wrong_text_is_told_what_is_wrong_with_it(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        Policy.parse(text)


def test_only_names_of_the_wanted_kind_are_listed() -> None:
    with pytest.raises(ConfigurationError) as told:
        Policy.parse("bestof(8)")
    known = set(str(told.value).rstrip(")").partition("known: ")[2].split(", "))
    assert {"adaptive", "best_of", "until"} <= known
    assert not {"agree", "vote"} & known


def test_a_factory_without_its_call_means_its_defaults() -> None:
    assert until(sample, agree) == until(sample(), agree())  # type: ignore[arg-type]
    assert resolve_policy(best_of) == best_of()  # type: ignore[arg-type]
    assert resolve_selector(vote) == vote()  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="missing a required argument"):
        resolve_policy(until)  # type: ignore[arg-type]


def test_names_and_plain_functions_are_resolved_and_other_things_refused() -> None:
    def mine(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Select()]

    assert resolve_policy("best_of(4)") == best_of(4)
    assert resolve_policy(mine) is mine
    assert resolve_selector("vote") == vote()
    with pytest.raises(ConfigurationError, match="is a stop rule; write until"):
        resolve_policy(agree())  # type: ignore[arg-type]
    for resolve in (resolve_policy, resolve_selector):
        with pytest.raises(ConfigurationError, match="give"):
            resolve(7)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="did you mean 'weighted_vote'"):
        resolve_selector("weightedvote")


def test_a_policy_around_a_plain_function_works_but_has_no_plain_form() -> None:
    def mine(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Select(reason="mine")]

    around = until(mine, agree())
    assert around(Tree(Task(question="q")), Remaining()) == [Select(reason="mine")]
    with pytest.raises(ConfigurationError, match="no plain form"):
        around.to_dict()


def test_a_spec_is_frozen_and_equal_specs_have_equal_hashes() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        best_of().name = "sample"
    zero, minus_zero = best_of(temperature=0.0), best_of(temperature=-0.0)
    assert zero == minus_zero
    assert hash(zero) == hash(minus_zero)
    assert best_of(8) == best_of()
    assert best_of(8) != sample(8)
    assert best_of() != "best_of()"


def test_two_modules_cannot_give_one_name_two_meanings() -> None:
    def best_of(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Select()]

    with pytest.raises(ConfigurationError, match="choose another name"):
        policy(best_of)


@policy
def two_values(
    tree: Tree, remaining: Remaining, pair: tuple[int, str] = (1, "a")
) -> Sequence[Action]:
    """Take a pair."""
    return [Select(reason=f"{pair[1]}{pair[0]}")]


def test_arguments_can_be_sequences() -> None:
    spec = two_values((7, "b"))
    assert spec(Tree(Task(question="q")), Remaining()) == [Select(reason="b7")]
    assert Policy.parse(repr(spec)) == spec == Policy.parse("two_values([7, 'b'])")
    assert Policy.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_factory_looks_like_its_function_without_the_inputs() -> None:
    assert list(inspect.signature(sample).parameters) == ["n", "batch", "model", "temperature"]
    assert sample.__doc__
    assert sample.__module__ == "verifier_agent.search.sampling"
    assert list(inspect.signature(any_of).parameters) == ["first", "second"]
