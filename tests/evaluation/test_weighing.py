"""Weights fitted on a pool, and used on another one: in Python, by name, from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation.making import Plain, a_question, a_sample, write
from tests.weighting.made import NAMES, made
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, evaluate, weigh_verifiers
from verifier_agent.weighting import Scored, Weights, fit_weights

LOGITS = 40.0
"""Beyond [0, 1], so that they have to be read on a scale."""


def questions(scored: list[Scored], seed: int) -> list[Plain]:
    return [
        a_question(
            f"{seed}:{number}",
            [
                a_sample(
                    f"a{place}",
                    label,
                    scores={
                        name: score * LOGITS if name == "sharp" else score  # type: ignore[operator]
                        for name, score in zip(NAMES, scores, strict=True)
                    },
                )
                for place, (scores, label) in enumerate(
                    zip(one.scores, one.labels or (), strict=True)
                )
            ],
        )
        for number, one in enumerate(scored)
    ]


@pytest.fixture
def pools(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / f"{seed}.jsonl", questions(made(40, seed), seed)) for seed in (0, 1)]


def test_weights_from_one_pool_choose_on_another(pools: list[Path], tmp_path: Path) -> None:
    found = weigh_verifiers(pools[0])
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(found.to_dict()))
    by = {
        name: evaluate(
            pools[1], Replay(policy="best_of(8)", selector="best", verifier=name), jobs=1
        )["accuracy"]
        for name in (f"weighted:{path}", "mean:" + ",".join(f"scores:{n}" for n in NAMES))
    }
    ours, mean = by.values()
    assert ours > mean + 0.1
    # the same weights, without the graph
    plain = fit_weights(sorted(NAMES), _read(pools[0]), "latent")
    assert [m.verifier for m in found.members] == [m.verifier for m in plain.members]


def _read(pool: Path) -> list[Scored]:
    return [
        Scored(
            scores=[
                [sample["scores"][name] for name in sorted(NAMES)] for sample in line["samples"]
            ]
        )
        for line in map(json.loads, pool.read_text().splitlines())
    ]


def test_the_figures_are_of_questions_that_the_weights_were_not_fitted_on(
    pools: list[Path],
) -> None:
    found = weigh_verifiers(pools[0], method="labels", labels=20, seed=3)
    assert found.labelled == found.questions == 20
    assert found.figures["questions"] == 20
    assert found.figures["gain"] == pytest.approx(
        found.figures["accuracy"] - found.figures["mean"]  # type: ignore[operator]
    )
    assert weigh_verifiers(pools[0], method="labels").figures["questions"] == 40
    assert weigh_verifiers(pools[0], method="labels", labels=20, seed=3) == found


def test_questions_without_labels_are_no_ground_for_figures(
    pools: list[Path], tmp_path: Path
) -> None:
    half = [json.loads(line) for line in pools[0].read_text().splitlines()]
    for line in half[::2]:
        for sample in line["samples"]:
            del sample["correct"]
    pool = write(tmp_path / "half.jsonl", half)
    found = weigh_verifiers(pool, method="labels")
    assert found.labelled == found.figures["questions"] == 20
    assert weigh_verifiers(pool, method="labels", labels=15).figures["questions"] == 5
    assert weigh_verifiers(pool).figures["questions"] == 20


def test_weights_that_half_of_the_questions_cannot_give_have_no_figures(tmp_path: Path) -> None:
    few = questions(made(4, 0), 0)
    for line in few[1:]:  # one question alone tells right from wrong
        for sample in line["samples"]:
            sample["correct"] = 1
    found = weigh_verifiers(write(tmp_path / "few.jsonl", few), method="labels")
    assert found.labelled == 4
    assert found.figures == {}


def test_labels_are_not_looked_at_unless_that_is_said(pools: list[Path], tmp_path: Path) -> None:
    blank = [json.loads(line) for line in pools[0].read_text().splitlines()]
    for line in blank:
        for sample in line["samples"]:
            del sample["correct"]
    bare = weigh_verifiers(write(tmp_path / "blank.jsonl", blank))
    labelled = weigh_verifiers(pools[0])
    assert [m.weight for m in bare.members] == [m.weight for m in labelled.members]
    assert bare.figures == {}


def test_verifiers_that_judge_for_free_can_be_weighed_too(tmp_path: Path) -> None:
    pool = write(
        tmp_path / "pool.jsonl",
        [
            {
                "id": str(n),
                "question": f"What is {n} * 4?",
                "samples": [
                    {
                        "text": f"{n} * 4 = {4 * n + off}",
                        "answer": str(4 * n + off),
                        "correct": not off,
                    }
                    | {"correct": int(not off), "scores": {"prm": 0.8 - 0.1 * off + n % 3 / 50}}
                    for off in (0, 0, 1, 2)
                ],
            }
            for n in range(2, 12)
        ],
    )
    found = weigh_verifiers(pool, ["arithmetic", "agreement", "scores:prm"], share=0.5)
    assert set(found.verifiers) | {d.verifier for d in found.dropped} == {
        "arithmetic",
        "agreement",
        "prm",
    }
    assert found.figures["accuracy"] == 1.0


def test_what_would_call_a_model_is_refused(pools: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="would call a model"):
        weigh_verifiers(pools[0], ["judge", "scores:fair"])
    with pytest.raises(ConfigurationError, match="would call a model"):
        evaluate(pools[0], Replay(verifier="mean:judge,scores:fair"))
    with pytest.raises(ConfigurationError, match="no scores 'fairr'"):
        weigh_verifiers(pools[0], ["scores:fairr"])
    with pytest.raises(ConfigurationError, match="labels=41"):
        weigh_verifiers(pools[0], method="labels", labels=41)
    bare = write(tmp_path / "bare.jsonl", [a_question("q", [a_sample("1"), a_sample("2")])])
    with pytest.raises(ConfigurationError, match="no scores are recorded"):
        weigh_verifiers(bare)


def test_the_command_writes_the_file_and_says_what_it_is_worth(
    pools: list[Path], tmp_path: Path
) -> None:
    pytest.importorskip("typer")
    from typer.testing import CliRunner

    from verifier_agent.integrations.cli.commands import app

    out = tmp_path / "weights.json"
    told = CliRunner().invoke(app, ["weigh", str(pools[0]), "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "sharp" in told.stdout
    assert f"--verifier weighted:{out}" in told.stdout
    assert Weights.read(out) == weigh_verifiers(pools[0])
    bad = CliRunner().invoke(app, ["weigh", str(pools[0]), "--out", str(pools[0])])
    assert bad.exit_code == 2
