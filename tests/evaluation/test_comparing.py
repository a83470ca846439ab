from __future__ import annotations

import itertools
import json
import random
import xml.etree.ElementTree as ElementTree
from math import comb, sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.making import Plain, a_question, a_sample, coins, write
from verifier_agent.budget import Footprint, Price
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import (
    Comparison,
    Live,
    Rates,
    Replay,
    compare,
    evaluate_live,
    recorded_settings,
)
from verifier_agent.evaluation.comparing.equal_cost import Pair, Track, contrast
from verifier_agent.evaluation.plots import draw_comparison, write_chart

SMALL = Rates(footprint=Footprint(parameters=1e9))


def sized(times: float) -> Rates:
    """A model so many times as large as the small one."""
    return Rates(footprint=Footprint(parameters=times * 1e9))


def how(times: float, **more: Any) -> Comparison:
    return Comparison(small=SMALL, large=sized(times), **more)


# --- the core ------------------------------------------------------------------------------------

shares = st.floats(0, 1)


@st.composite
def tracks(draw: st.DrawFn, most: int) -> Track:
    steps = st.lists(st.floats(0.01, 100), min_size=most, max_size=most)
    accuracy = draw(st.lists(shares, min_size=most, max_size=most))
    samples = [float(n + 1) for n in range(most)]
    return Track(accuracy, list(itertools.accumulate(draw(steps))), samples)


@st.composite
def pairs(draw: st.DrawFn) -> list[Pair]:
    small, large = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    one = st.builds(Pair, tracks(small), tracks(large))
    return draw(st.lists(one, min_size=1, max_size=5))


def dearer(pair: Pair, times: float) -> Pair:
    large = pair.large
    return Pair(pair.small, Track(large.accuracy, [times * c for c in large.cost], large.samples))


@settings(max_examples=50)
@given(pairs())
def test_equal_cost_is_the_most_that_costs_no_more(given_: list[Pair]) -> None:
    found = contrast(given_)
    once, equal = found["large"][0]["cost"], found["equal_cost"]
    n = equal["samples"] if equal else 0
    room = once * (1 + 1e-8)
    assert all(point["cost"] <= room for point in found["small"][:n])
    assert all(point["cost"] > once for point in found["small"][n:])
    if equal:
        assert equal["ratio"] == equal["cost"] / once


@settings(max_examples=50)
@given(pairs(), st.floats(1, 10))
def test_a_dearer_large_model_never_leaves_the_small_one_less(
    given_: list[Pair], times: float
) -> None:
    before, after = (
        (contrast(those)["equal_cost"] or {"samples": 0})["samples"]
        for those in (given_, [dearer(pair, times) for pair in given_])
    )
    assert before <= after


@settings(max_examples=25)
@given(st.integers(1, 5).flatmap(lambda n: st.lists(tracks(n), min_size=2, max_size=5)))
def test_a_model_against_itself_once_is_no_different(given_: list[Track]) -> None:
    found = contrast([Pair(track, track) for track in given_])
    assert found["equal_cost"]["samples"] == 1
    assert found["equal_cost"]["difference"] == 0
    assert found["equal_cost"]["interval"] == [0, 0]
    assert found["first_match"]["samples"] == 1
    assert found["reverse"]["difference"] == 0
    assert found["reverse"]["ratio"] == 1


def test_figures_worked_out_by_hand() -> None:
    small = [
        Track([0.2, 0.6, 0.8], [1, 2, 3], [1, 2, 3]),
        Track([0.4, 0.4, 1], [2, 3, 6], [1, 2, 3]),
    ]
    large = [Track([0.5, 0.7], [2, 4], [1, 2]), Track([0.5, 0.9], [3, 6], [1, 2])]
    found = contrast([Pair(s, b) for s, b in zip(small, large, strict=True)])
    # on average the small one costs 1.5, 2.5, 4.5 and is right in 0.3, 0.5, 0.9; the large one
    # costs 2.5 and 5, and is right in 0.5 and 0.8
    equal, first, back = found["equal_cost"], found["first_match"], found["reverse"]
    assert (equal["samples"], equal["cost"], equal["ratio"]) == (2, 2.5, 1)
    assert equal["difference"] == pytest.approx(0.0)
    assert equal["interval"] == pytest.approx([-0.1, 0.1])
    assert (first["samples"], first["ratio"]) == (2, 1)
    assert (back["samples"], back["ratio"]) == (1, 2.5 / 4.5)
    assert back["difference"] == pytest.approx(0.9 - 0.5)
    assert back["interval"] == pytest.approx([0.3, 0.5])


def test_a_small_model_that_is_dearer_even_once_is_not_compared_at_that_cost() -> None:
    found = contrast([Pair(Track([0.9, 1], [3, 6], [1, 2]), Track([0.8], [2], [1]))])
    assert found["equal_cost"] is None
    assert (found["first_match"]["samples"], found["first_match"]["ratio"]) == (1, 1.5)
    assert found["reverse"]["samples"] == 1


def test_a_small_model_that_never_gets_there_has_no_match() -> None:
    found = contrast([Pair(Track([0.1, 0.2], [1, 2], [1, 2]), Track([0.8], [9], [1]))])
    assert found["first_match"] is None
    assert found["equal_cost"]["samples"] == 2  # all there are, and the ratio says how little it is
    assert found["equal_cost"]["ratio"] == pytest.approx(2 / 9)
    assert found["reverse"] is None


# --- pools ---------------------------------------------------------------------------------------


def flat(name: str, right: int, wrong: int, **more: Any) -> Plain:
    samples = [a_sample("yes", 1, tokens=10)] * right + [a_sample("no", 0, tokens=10)] * wrong
    return a_question(name, samples, **more)


def test_majorities_are_those_of_the_closed_form(tmp_path: Path) -> None:
    """Of 9 samples 6 are right: 3 of them have a right majority by the hypergeometric law."""
    small = write(tmp_path / "small", [flat(f"q{i}", 6, 3) for i in range(40)])
    large = write(tmp_path / "large", [flat(f"q{i}", 3, 1) for i in range(40)])
    found = compare(small, large, how(3.5, replay=Replay(seeds=6)))["overall"]
    equal = found["equal_cost"]
    assert (equal["samples"], equal["ratio"]) == (3, pytest.approx(3 / 3.5))
    expected = sum(comb(6, k) * comb(3, 3 - k) for k in (2, 3)) / comb(9, 3)

    def error(p: float) -> float:
        return sqrt(p * (1 - p) / (40 * 6))

    for point, p in (
        (equal, expected), (found["small"][0], 6 / 9), (found["large"][0], 3 / 4)
    ):  # fmt: skip
        assert point["accuracy"] == pytest.approx(p, abs=4 * error(p))
    assert found["small"][-1]["accuracy"] == 1  # all 9: the majority is right for sure
    low, high = equal["interval"]
    assert low <= equal["difference"] <= high
    width = 2 * 1.96 * sqrt(error(expected) ** 2 + error(3 / 4) ** 2)
    assert high - low == pytest.approx(width, rel=0.3)


def test_a_pool_against_itself_is_no_different_overall_and_in_every_bin(tmp_path: Path) -> None:
    pool = write(tmp_path / "pool", coins(20, 6, [0.0, 0.5, 0.8, 1.0]))
    found = compare(pool, pool, how(1))
    for group in (found["overall"], *found["by_difficulty"]):
        assert group["equal_cost"]["samples"] == 1
        assert group["equal_cost"]["difference"] == 0
        assert group["equal_cost"]["interval"] == [0, 0]
    assert [group["questions"] for group in found["by_difficulty"]] == [4] * 5
    assert found["bins"] == "share"


def a_pair(tmp_path: Path, small: list[Plain], large: list[Plain]) -> tuple[Path, Path]:
    return write(tmp_path / "small", small), write(tmp_path / "large", large)


def test_everything_that_was_recorded_is_counted_the_verifier_too(tmp_path: Path) -> None:
    sample = a_sample("yes", 1, tokens=10, scores={"prm": 0.5})
    sample["cost"] = {"input_tokens": 30, "output_tokens": 10, "flops": 80.0, "usd": 1.0}
    sample["verifier_cost"] = {"input_tokens": 40, "output_tokens": 2, "flops": 20.0, "usd": 0.25}
    once = {**sample, "cost": {"flops": 250.0, "usd": 2.0}}
    pools = a_pair(tmp_path, [a_question("q", [sample] * 4)], [a_question("q", [once])])
    scored = Replay(verifier="scores:prm", selector="best")

    def costs(settings: Comparison) -> tuple[float, int]:
        found = compare(*pools, settings)["overall"]
        return found["small"][0]["cost"], found["equal_cost"]["samples"]

    assert costs(Comparison(replay=scored)) == (100, 2)
    assert costs(Comparison()) == (80, 3)  # the majority: no verifier is used, and none is paid
    assert costs(Comparison(replay=scored, unit="usd")) == (1.25, 1)
    # what is given overrules what is recorded: 2 x 3 x (30 + 10), and 2 x 0.5 x (40 + 2)
    given_ = {"small": Rates(footprint=Footprint(parameters=3)),
              "verifier": Rates(footprint=Footprint(parameters=0.5))}  # fmt: skip
    found = compare(*pools, Comparison(replay=scored, **given_))["overall"]
    assert found["small"][0]["cost"] == 240 + 42
    assert found["equal_cost"] is None
    price = Comparison(unit="usd", small=Rates(price=Price(input=1e4, output=2e4)))
    assert costs(price) == (pytest.approx((30 * 1e4 + 10 * 2e4) / 1e6), 4)


def test_a_reward_model_of_a_known_size_reads_prompt_and_answer_once(tmp_path: Path) -> None:
    sample = a_sample("yes", 1, tokens=10, scores={"prm": 0.5})
    sample["cost"] = {"input_tokens": 30}
    pools = a_pair(tmp_path, [a_question("q", [sample] * 2)], [flat("q", 1, 0)])
    scored = Replay(verifier="scores:prm")
    reader = Rates(footprint=Footprint(parameters=0.5e9))
    found = compare(*pools, how(1, replay=scored, verifier=reader))
    assert found["overall"]["small"][0]["cost"] == 2e9 * 40 + 1e9 * 40
    assert found["small"]["prompts"] is True
    assert found["large"]["prompts"] is False  # its pool does not tell
    with pytest.raises(ConfigurationError, match=r"verifier_cost.flops is unknown; give the veri"):
        compare(*pools, how(1, replay=scored))


def test_a_policy_that_ends_early_costs_what_it_drew(tmp_path: Path) -> None:
    easy, split = flat("easy", 8, 0), flat("split", 4, 4)
    pools = a_pair(tmp_path, [easy, split], [flat("easy", 1, 0), flat("split", 1, 0)])
    replay = Replay(policy="until(sample(8, batch=1), agree(0.95))", in_order=False, seeds=5)
    found = compare(*pools, how(100, replay=replay))
    # four votes in a row: Beta(5, 1) has 1 - 1/32 above one half; three would have 0.94
    last = found["overall"]["small"][-1]
    assert 4 < last["mean_samples"] < 8
    assert last["cost"] == pytest.approx(2e9 * 10 * last["mean_samples"])
    (easy_one,) = [g for g in found["by_difficulty"] if g["small"][0]["accuracy"] == 1]
    assert [point["samples"] for point in easy_one["small"]] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("unit", "needed"),
    [
        ("flops", "give the small model's parameters"),
        ("usd", "give the small model's price"),
        ("joules", "give the small model's parameters and joules per FLOP"),
    ],
)
def test_an_unknown_cost_is_refused_with_what_to_give(
    tmp_path: Path, unit: Any, needed: str
) -> None:
    known = {"cost": {"flops": 1.0, "usd": 1.0, "joules": 1.0}}
    pools = a_pair(
        tmp_path,
        [a_question("q", [a_sample("yes", 1, tokens=3, **known), a_sample("yes", 1, tokens=3)])],
        [a_question("q", [a_sample("yes", 1, **known)])],
    )
    with pytest.raises(ConfigurationError) as refused:
        compare(*pools, Comparison(unit=unit))
    assert f"{pools[0]}: question 'q', samples.1.cost.{unit} is unknown" in str(refused.value)
    assert needed in str(refused.value)


def test_where_not_even_tokens_are_known_no_rate_helps(tmp_path: Path) -> None:
    bare = [a_question("q", [a_sample("yes", 1)])]
    pools = a_pair(tmp_path, [flat("q", 1, 0)], bare)
    with pytest.raises(ConfigurationError, match=r"cost\.flops is unknown; record `tokens`$"):
        compare(*pools, how(2))
    with pytest.raises(ConfigurationError, match=r"large model's parameters and record `tokens`$"):
        compare(*pools, Comparison(small=SMALL))


def test_a_large_model_that_costs_nothing_is_refused(tmp_path: Path) -> None:
    free = [a_question("q", [a_sample("yes", 1, cost={"usd": 0.0})])]
    with pytest.raises(ConfigurationError, match="costs nothing in usd: compare in another unit"):
        compare(*a_pair(tmp_path, free, free), Comparison(unit="usd"))


def test_questions_are_matched_by_id_and_the_others_are_counted(tmp_path: Path) -> None:
    names = {"small": "abc", "large": "cdab"}
    questions = [[flat(name, 2, 1) for name in names[role]] for role in ("small", "large")]
    found = compare(*a_pair(tmp_path, *questions), how(1))
    assert found["questions"] == 3
    assert found["left_out"] == {"small": 0, "large": 1}
    with pytest.raises(ConfigurationError, match="ids have to match"):
        compare(*a_pair(tmp_path, [flat("a", 1, 0)], [flat("b", 1, 0)]), how(1))


@pytest.mark.parametrize(
    ("small", "large", "said"),
    [
        (flat("q", 1, 0), {**flat("q", 1, 0), "question": "Why?"}, "question 'q' of .* another"),
        (flat("q", 1, 0, level=1), flat("q", 1, 0, level=2), "'q' has level 1 in .*, 2 in"),
        (flat("q", 1, 0), a_question("q", [a_sample("yes", tokens=1)]), "without `correct`"),
        (a_question("q", [a_sample("yes", tokens=1)]), flat("q", 1, 0), "without `correct`"),
    ],
)
def test_pools_that_do_not_fit_are_refused(
    tmp_path: Path, small: Plain, large: Plain, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        compare(*a_pair(tmp_path, [small], [large]), how(1))


def test_levels_come_from_either_pool(tmp_path: Path) -> None:
    small = [flat("a", 2, 1, level="hard"), flat("b", 2, 1), flat("c", 2, 1)]
    large = [flat("c", 1, 0, level=2), flat("b", 1, 0, level=10), flat("a", 1, 0)]
    found = compare(*a_pair(tmp_path, small, large), how(1))
    assert found["bins"] == "level"
    assert [group["difficulty"] for group in found["by_difficulty"]] == ["2", "10", "hard"]


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    pools = a_pair(tmp_path, [flat("q", 1, 0)], [flat("q", 1, 0)])
    wrong: Any = "flop"
    with pytest.raises(ConfigurationError, match="did you mean 'flops'"):
        compare(*pools, Comparison(unit=wrong))
    reader = Rates(footprint=Footprint(parameters=1))
    with pytest.raises(ConfigurationError, match="no scores 'prm' in the pool"):
        compare(*pools, how(1, replay=Replay(verifier="scores:prm"), verifier=reader))


def test_in_order_the_first_sample_is_the_one_of_the_file(tmp_path: Path) -> None:
    pools = a_pair(
        tmp_path,
        [a_question("q", [a_sample("a", 1, tokens=1), *[a_sample("b", 0, tokens=1)] * 3])],
        [a_question("q", [a_sample("b", 0, tokens=1), *[a_sample("a", 1, tokens=1)] * 3])],
    )
    found = compare(*pools, how(1, in_order=True))["overall"]
    assert [point["accuracy"] for point in found["small"]] == [1, 1, 0, 0]
    assert [point["accuracy"] for point in found["large"]] == [0, 0, 1, 1]
    fewer = compare(*pools, how(1, in_order=True, large_samples=3))["overall"]
    assert fewer["large"] == found["large"][:3]


def alike(n: int, samples: int, seed: int) -> list[Plain]:
    """Questions that are all as hard: every sample is right with probability one half."""
    dice = random.Random(seed)
    return [
        a_question(
            f"q{i}",
            [
                a_sample("yes" if right else "no", right, tokens=10)
                for right in (dice.randrange(2) for _ in range(samples))
            ],
        )
        for i in range(n)
    ]


def test_bins_by_the_very_samples_that_are_drawn_mislead_and_held_out_ones_do_not(
    tmp_path: Path,
) -> None:
    pools = a_pair(tmp_path, alike(60, 8, seed=1), alike(60, 1, seed=2))
    replay = Replay(max_samples=1, seeds=4)

    def ends(held_out: int) -> list[float]:
        found = compare(*pools, how(1, replay=replay, held_out=held_out))
        assert found["bins"] == ("held-out share" if held_out else "share")
        groups = found["by_difficulty"]
        return [group["small"][0]["accuracy"] for group in (groups[0], groups[-1])]

    easiest, hardest = ends(0)
    # the best fifth of questions shows 0.74 of 8 fair coins on average, the worst 0.26
    assert easiest > 0.6
    assert hardest < 0.4
    assert ends(4) == pytest.approx([0.5, 0.5], abs=3 * sqrt(0.25 / (12 * 4)))


def test_samples_that_are_held_out_are_never_drawn(tmp_path: Path) -> None:
    samples = [a_sample("yes", 1, tokens=10)] * 3 + [a_sample("no", 0, tokens=10)] * 2
    pools = a_pair(tmp_path, [a_question("q", samples, level=1)], [flat("q", 1, 0)])
    found = compare(*pools, how(9, held_out=2))
    assert [point["accuracy"] for point in found["overall"]["small"]] == [1, 1, 1]
    assert [group["difficulty"] for group in found["by_difficulty"]] == ["1"]
    with pytest.raises(ConfigurationError, match="has 5 samples to draw: with held_out=5 none"):
        compare(*pools, how(9, held_out=5))
    with pytest.raises(ConfigurationError, match="held_out=-1: a whole number of at least 0"):
        compare(*pools, how(9, held_out=-1))
    with pytest.raises(ConfigurationError, match="cannot stand for others"):
        compare(*pools, how(9, held_out=2, in_order=True))


# --- recordings ----------------------------------------------------------------------------------


def test_a_recording_is_replayed_as_it_was_set_up(tmp_path: Path) -> None:
    settings = Live(policy="until(sample(6, batch=2), agree(0.95))", verifier="embedded-prm",
                    selector="weighted_vote", max_samples=6)  # fmt: skip
    small, large = tmp_path / "small.jsonl.gz", tmp_path / "large.jsonl.gz"
    live = evaluate_live("embedded", "embedded:test:10", settings, record=small)
    once = Live(policy="best_of(1, temperature=0.0)", verifier=None, max_samples=1)
    greedy = evaluate_live("embedded", "embedded:test:10", once, record=large)
    replay = recorded_settings(small)
    assert replay.verifiers == ["scores:embedded-prm"]
    assert replay.in_order
    found = compare(small, large)
    overall = found["overall"]
    # in the order of the file it is the very runs that were live
    assert overall["small"][-1]["accuracy"] == live["accuracy"]
    assert overall["small"][-1]["mean_samples"] == live["mean_samples"]
    assert overall["small"][-1]["cost"] == pytest.approx(live["ledger"]["flops"])
    for point in live["by_budget"][:-1]:
        at = overall["small"][min(point["max_samples"], len(overall["small"])) - 1]
        assert at["accuracy"] == point["accuracy"]
        assert at["cost"] == pytest.approx(point["ledger"]["flops"])
    assert overall["large"][0]["accuracy"] == greedy["accuracy"]
    assert overall["large"][0]["cost"] == pytest.approx(greedy["ledger"]["flops"])
    assert found["bins"] == "level"
    assert found["small"]["in_order"] is True
    assert found["large"]["in_order"] is False


def test_other_pools_are_replayed_in_several_orders_with_the_majority(tmp_path: Path) -> None:
    pool = write(tmp_path / "pool", [flat("q", 2, 1)])
    assert recorded_settings(pool) == Replay(seeds=5)
    side = compare(pool, pool, how(1))["small"]
    assert (side["policy"], side["selector"], side["verifiers"], side["seeds"]) == (
        "best_of(3)", "vote()", ["agreement"], 5
    )  # fmt: skip


# --- the chart -----------------------------------------------------------------------------------


def test_the_chart_has_a_panel_for_each_difficulty_and_the_cost_of_the_large_model(
    tmp_path: Path,
) -> None:
    small = coins(12, 6, [0.25, 0.5, 1.0])
    large = [flat(question["id"], 1, i % 3) for i, question in enumerate(small)]
    for place, question in enumerate(large):
        question["samples"][0]["tokens"] = 10 + place
    found = compare(*a_pair(tmp_path, small, large), how(4))
    chart = draw_comparison(json.loads(json.dumps(found)))
    svg = tmp_path / "out.svg"
    write_chart(chart, svg)
    texts = {element.text for element in ElementTree.parse(svg).iter()}
    assert "overall (12 questions)" in texts
    assert {f"difficulty {group['difficulty']} ({group['questions']} questions)"
            for group in found["by_difficulty"]} <= texts  # fmt: skip
    rows = [row for data in chart.to_dict()["datasets"].values() for row in data]
    groups = [found["overall"], *found["by_difficulty"]]
    # what panels have in common is kept once
    guides = {row["x"] for row in rows if set(row) == {"x"}}
    assert guides == {group["large"][0]["cost"] for group in groups}
    shown = {(row["x"], row["accuracy"]) for row in rows if row.get("samples")}
    for group in groups:
        equal = group["equal_cost"]
        assert (equal["cost"], equal["accuracy"]) in shown
