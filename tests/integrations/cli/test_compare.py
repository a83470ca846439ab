from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.evaluation.making import a_question, a_sample, coins, write
from tests.integrations.conftest import Command
from verifier_agent.budget import Footprint, Price
from verifier_agent.evaluation import Comparison, Rates, Replay, compare, read_pool
from verifier_agent.testing import ModelServer, Reply, Request

MARKS = json.dumps({"reasoning": "It holds.", "feedback": "", "score": 7, "criteria": []})


@pytest.fixture
def pools(tmp_path: Path) -> tuple[str, str]:
    small = write(tmp_path / "small.jsonl", coins(10, 6, [0.5, 0.8]))
    large = write(tmp_path / "large.jsonl", coins(10, 2, [0.5, 1.0], seed=1))
    return str(small), str(large)


def both(pools: Sequence[str]) -> list[str]:
    return ["compare", "--small", pools[0], "--large", pools[1], "--jobs", "1"]


SIZES = ["--small-parameters", "1e9", "--large-parameters", "3.5e9"]


def test_json_is_one_object_and_nothing_else(command: Command, pools: tuple[str, str]) -> None:
    words = ["--policy", "best_of(5)", "--verifier", "scores:prm", "--seeds", "2"]
    words += ["--verifier-parameters", "2e8", "--selector", "best", "--max-samples", "4"]
    result = command(*both(pools), *SIZES, *words, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    small, large, verifier = (Rates(footprint=Footprint(parameters=p)) for p in (1e9, 3.5e9, 2e8))
    replay = Replay(
        policy="best_of(5)", selector="best", verifier=["scores:prm"], seeds=2, max_samples=4
    )
    settings = Comparison(replay=replay, small=small, large=large, verifier=verifier)
    assert json.loads(result.stdout) == compare(*pools, settings)


def test_prices_and_energy_are_read(command: Command, pools: tuple[str, str]) -> None:
    words = ["--unit", "usd", "--small-price", "0/1", "--large-price", "0/2"]
    by_price = json.loads(command(*both(pools), *words, "--json").stdout)
    assert by_price["overall"]["small"][0]["cost"] == pytest.approx(7 / 1e6)
    assert by_price["overall"]["equal_cost"]["samples"] == 2
    words = [*SIZES, "--unit", "joules", "--joules-per-flop", "1e-12/1e-11"]
    by_energy = json.loads(command(*both(pools), *words, "--json").stdout)
    assert by_energy["overall"]["small"][0]["cost"] == pytest.approx(2e9 * 7 * 1e-11)
    assert by_energy["overall"]["equal_cost"]["samples"] == 3


def test_a_table_says_it_in_words_and_a_chart_is_drawn(
    command: Command, pools: tuple[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out.svg"
    result = command(*both(pools), *SIZES, "--out", str(out))
    assert result.exit_code == 0
    found = json.loads(command(*both(pools), *SIZES, "--json").stdout)["overall"]
    equal = found["equal_cost"]
    (line,) = [line for line in result.stdout.splitlines() if "all (10)" in line][:1]
    assert f"{100 * equal['accuracy']:.1f} %" in line
    assert f"{equal['ratio']:.4g}x" in line
    for said in ("best_of(6)", "small minus large", "prompts of the small and the large model"):
        assert said in result.stdout
    assert "overall (10 questions)" in {e.text for e in ElementTree.parse(out).iter()}


def test_a_small_model_that_is_too_dear_is_said_to_be(
    command: Command, pools: tuple[str, str]
) -> None:
    sizes = ["--small-parameters", "2e9", "--large-parameters", "1e9"]
    result = command(*both(pools), *sizes)
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if "too dear" in line][:1]
    assert "2x" in line


# --- models --------------------------------------------------------------------------------------


def test_what_is_recorded_gives_the_same_again_without_a_model(
    command: Command, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    words = ["--data", "embedded:test:5", "--max-samples", "2", "--large-temperature", "0"]
    words += ["--verifier", "embedded-prm", "--record", str(kept), "--jobs", "1", "--json"]
    live = command("compare", "--small", "embedded", "--large", "embedded", *words)
    assert live.exit_code == 0
    assert "5 of 5 questions" in live.stderr
    found = json.loads(live.stdout)
    again = command(*both([f"{kept}/small.jsonl.gz", f"{kept}/large.jsonl.gz"]), "--json")
    assert json.loads(again.stdout) == found
    assert found["bins"] == "level"
    assert found["small"]["verifiers"] == ["scores:embedded-prm"]
    samples = [sample for one in read_pool(kept / "small.jsonl.gz") for sample in one.samples]
    assert found["overall"]["small"][-1]["cost"] == pytest.approx(
        sum((s.cost.flops or 0) + (s.verifier_cost.flops or 0)
            for s in samples if s.cost and s.verifier_cost) / 5
    )  # fmt: skip
    greedy = next(read_pool(kept / "large.jsonl.gz"))
    assert len(greedy.samples) == 1


def script(request: Request) -> Reply:
    if "response_format" in request.body:
        return Reply(MARKS)
    return Reply("Answer: 4" if request.body["model"] == "big" else f"Answer: {request.index % 2}")


def test_the_costs_of_both_models_are_what_a_server_counted(
    command: Command, tmp_path: Path
) -> None:
    data = tmp_path / "data.jsonl"
    lines = [{"id": f"q{i}", "question": f"What is {i}?", "gold": "4"} for i in range(3)]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ["--data", str(data), "--max-samples", "4", "--verifier", "judge", "--unit", "usd"]
    words += ["--small-price", "1/2", "--large-price", "30/60", "--large-samples", "2"]
    with ModelServer(script) as server:
        urls = ["--small-base-url", server.url, "--large-base-url", server.url]
        result = command(
            "compare", "--small", "tiny", "--large", "big", *urls, *words, "--jobs", "1", "--json"
        )
        assert server.settle()
        served = server.served
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    spent = {"tiny": 0.0, "big": 0.0}
    for one in served:
        price = Price(input=1, output=2) if one.request.body["model"] == "tiny" else Price(
            input=30, output=60
        )  # fmt: skip
        read, written = price.input * one.input_tokens, price.output * one.output_tokens
        spent[one.request.body["model"]] += (read + written) / 1e6
    most = {role: found["overall"][role][-1] for role in ("small", "large")}
    assert {role: point["samples"] for role, point in most.items()} == {"small": 4, "large": 2}
    assert most["small"]["cost"] * 3 == pytest.approx(spent["tiny"])
    assert most["large"]["cost"] * 3 == pytest.approx(spent["big"])
    judged = sum("response_format" in one.request.body for one in served)
    assert judged == 3 * 4
    assert found["overall"]["large"][0]["accuracy"] == 1
    assert found["small"]["pool"] is None


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*SIZES, "--unit", "flop"], "did you mean 'flops'?"),
        ([*SIZES, "--large-samples", "0"], "max_samples=0: a whole number"),
        ([*SIZES, "--out", "x.png"], "ends in .html or .svg"),
        ([*SIZES, "--data", "embedded:test"], "--data is for a model that is asked"),
        ([*SIZES, "--large-temperature", "0"], "--large-temperature is for a model that is asked"),
        (["--large-parameters", "1e9"], "give the small model's parameters"),
        (["--small-parameters", "1e9"], "give the large model's parameters"),
        ([*SIZES, "--verifier", "scores:prm"], "give the verifier's parameters"),
        (["--unit", "usd", "--small-price", "1"], "price '1': give dollars"),
    ],
)
def test_wrong_words_are_refused_with_the_remedy(
    command: Command, pools: tuple[str, str], words: list[str], said: str
) -> None:
    result = command(*both(pools), *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_nothing_is_asked_before_everything_is_known(command: Command, tmp_path: Path) -> None:
    data, bare = tmp_path / "data.jsonl", tmp_path / "bare.jsonl"
    data.write_text(json.dumps({"id": "q", "question": "What is 4?", "gold": "4"}) + "\n")
    bare.write_text(json.dumps({"id": "q", "question": "What is 4?"}) + "\n")
    asked = ["--data", str(data)]
    sizes = ["--small-parameters", "1", "--large-parameters", "2"]
    with ModelServer(script) as server:
        urls = ["--small-base-url", server.url, "--large-base-url", server.url]
        models = ["compare", "--small", "tiny", "--large", "big", *urls, "--jobs", "1"]
        cases: list[tuple[list[str], str]] = [
            (sizes, "small='tiny' is no file: a model is asked the questions of --data"),
            ([*sizes, "--data", str(bare)], "question 'q' has no `gold`"),
            ([*asked, *sizes[:2]], "'big' costs in flops is unknown; give the large model's"),
            ([*asked, *sizes[2:]], "'tiny' costs in flops is unknown; give the small model's"),
            ([*asked, *sizes, "--unit", "usd"], "give the small model's price"),
            ([*asked, *sizes, "--policy", "best"], "best"),
            ([*asked, *sizes, "--large-temperature", "-1"], "temperature"),
            ([*asked, *sizes, "--large-samples", "0"], "n"),
            ([*asked, *sizes, "--held-out", "2"], "--held-out is for a pool"),
            ([*asked, *sizes, "--seeds", "0"], "seeds=0: a whole number"),
            ([*asked, *sizes, "--jobs", "0"], "jobs=0: a whole number"),
            ([*asked, *sizes, "--out", "x.pdf"], "ends in .html or .svg"),
            ([*asked, *sizes, "--out", "nowhere/x.svg"], "there is no such folder"),
        ]
        for words, said in cases:
            result = command(*models, *words)
            assert (result.exit_code, result.stdout) == (2, ""), words
            assert said in result.stderr
        assert server.calls == 0


def test_a_pool_that_is_missing_is_not_taken_for_a_model(command: Command, tmp_path: Path) -> None:
    there = write(tmp_path / "there.jsonl", [a_question("q", [a_sample("a", 1, tokens=1)])])
    result = command(*both([str(there), str(tmp_path / "gone.jsonl.gz")]), *SIZES)
    assert result.exit_code == 2
    assert "gone.jsonl.gz: No such file" in result.stderr
