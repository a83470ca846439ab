from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from verifier_agent.embedded import weights  # noqa: E402
from verifier_agent.embedded.decoding import generator as shipped_generator  # noqa: E402
from verifier_agent.embedded.family import example, split_of  # noqa: E402
from verifier_agent.embedded.judge import Judge, closed  # noqa: E402
from verifier_agent.embedded.tokenizer import (  # noqa: E402
    END_ID,
    IDS,
    NEWLINE_ID,
    SOLVE_ID,
    VOCABULARY,
    encode,
)
from verifier_agent.embedded.transformer import LanguageModel as Runtime  # noqa: E402
from verifier_agent.errors import ConfigurationError  # noqa: E402
from verifier_agent.training import chains, evaluate, export, generator, reward_model  # noqa: E402
from verifier_agent.training.judge_network import RewardModel  # noqa: E402
from verifier_agent.training.loop import Plan  # noqa: E402
from verifier_agent.training.network import LanguageModel  # noqa: E402
from verifier_agent.training.optimizer import learning_rate_scale, orthogonalised  # noqa: E402
from verifier_agent.training.step_labels import label  # noqa: E402

PLAN = Plan(steps=6, save_every=2, report_every=2)


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def state(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(path, weights_only=True)
    return loaded


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(one["model"][name], other["model"][name]) for name in one["model"])


def train_generator(path: Path, seed: int = 0, until: int | None = None) -> dict[str, Any]:
    generator.run(path, PLAN, generator.Curriculum(seed, PLAN.steps, batch=3), until=until)
    return state(path)


def test_a_resumed_generator_equals_one_that_was_never_stopped(tmp_path: Path) -> None:
    whole = train_generator(tmp_path / "whole.pt")
    halted = train_generator(tmp_path / "halted.pt", until=3)
    assert halted["step"] == 3
    assert not same(halted, whole)
    resumed = train_generator(tmp_path / "halted.pt")
    assert (resumed["step"], resumed["tokens"]) == (whole["step"], whole["tokens"])
    assert same(resumed, whole)
    assert not same(train_generator(tmp_path / "other.pt", seed=1), whole)


def test_a_resumed_reward_model_equals_one_that_was_never_stopped(tmp_path: Path) -> None:
    drawn = [c for seed in range(4) for c in chains.sampled(example(3, seed).question, 2, 1.0, 0)]
    train_generator(tmp_path / "generator.pt", until=2)
    results = []
    for name, stops in (("whole", [None]), ("halted", [3, None])):
        out = tmp_path / name
        out.mkdir()
        (out / "generator.pt").write_bytes((tmp_path / "generator.pt").read_bytes())
        for until in stops:
            reward_model.run(out, PLAN, drawn, batch=3, until=until)
        results.append(state(out / "reward_model.pt"))
    assert same(*results)


def test_the_reward_model_needs_a_generator_to_start_from(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"generator\.pt is missing"):
        reward_model.run(tmp_path, PLAN, [])


def test_training_problems_come_from_the_training_split_only() -> None:
    rng = Random(3)
    for mix in (generator.BASE, generator.HARD):
        problems = [mix.problem(rng, progress) for progress in (0.0, 0.5, 1.0) for _ in range(200)]
        assert {split_of(problem.question) for problem in problems} == {"train"}
        assert all(x.right for p in problems for x in label(p.question, p.solution))


def test_the_loss_is_taken_on_the_solution_alone() -> None:
    ids, question = generator.sequence("How many apples does Mia have?", "Answer: 3")
    tokens, asked = generator.padded([(ids, question), (ids[:-1], question)])
    target = generator.next_tokens(tokens, asked)
    kept = target[0][target[0] != generator.IGNORED].tolist()
    assert kept == [*encode("Answer: 3"), END_ID]
    assert target[1].tolist().count(generator.IGNORED) == question


def test_an_orthogonalised_update_has_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((2, 24, 96), (2, 96, 24)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
        assert float(values.min()) > 0.5
        assert float(values.max()) < 1.3


def test_the_learning_rate_rises_holds_and_falls_to_nothing() -> None:
    scales = [learning_rate_scale(step, 1_000) for step in range(1_000)]
    assert scales[0] == pytest.approx(1 / 40)
    assert scales[100] == scales[599] == 1
    assert scales[800] == pytest.approx(0.5)
    assert scales[999] == pytest.approx(1 / 400)


def random_model(model: Any) -> Any:
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model


def exported(model: Any, path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Export a model, and give it the weights that came back, rounded to 8 bits."""
    torch.save({"model": model.state_dict()}, path.with_suffix(".pt"))
    export.export(path.with_suffix(".pt"), path, {"heads": generator.SIZE.heads})
    arrays, about = weights.read(path)
    rounded = model.state_dict()
    for name, array in arrays.items():
        rounded[name] = torch.tensor(array if "embedding" in name else array.T.copy())
    model.load_state_dict(rounded)
    return arrays, about


def test_the_runtime_computes_what_torch_computes(tmp_path: Path) -> None:
    model = random_model(LanguageModel(len(VOCABULARY), generator.SIZE))
    arrays, about = exported(model, tmp_path / "generator.npz")
    runtime = Runtime(arrays, about["heads"])
    problem = example(3, 0)
    ids, question = generator.sequence(problem.question, problem.solution)
    with torch.no_grad():
        expected = model(torch.tensor([ids]), torch.tensor([question]))[0].numpy()
    cache, states = runtime.question(ids[:question])
    assert np.abs(runtime.logits(states[0]) - expected[:question]).max() < 1e-3
    cache = cache.repeated(1, len(ids))
    for at in range(question, len(ids)):  # one token at a time, as in decoding
        states = runtime.states(np.array([[ids[at]]]), cache)
        assert np.abs(runtime.logits(states[0, 0]) - expected[at]).max() < 1e-3


def test_the_judge_computes_what_torch_computes(tmp_path: Path) -> None:
    model = random_model(RewardModel(len(VOCABULARY)))
    arrays, about = exported(model, tmp_path / "reward_model.npz")
    runtime = Judge(arrays, about)
    problem, rng = example(2, 1), Random(0)
    question = [*encode(problem.question), SOLVE_ID]
    cases = [chains.corrupted(rng, problem) for _ in range(6)]
    solutions = [closed(encode(case.solution), case.ended) for case in cases]
    for solution, scores in zip(solutions, runtime.scores(question, solutions), strict=True):
        with torch.no_grad():
            ids = torch.tensor([question + solution])
            parts = model(ids, torch.tensor([len(question)])).parts[0, len(question) :].sigmoid()
        expected, product = [], 1.0
        for token, chance in zip(solution, parts.tolist(), strict=True):
            if token in (IDS["="], NEWLINE_ID, END_ID):
                product *= chance
            if token in (NEWLINE_ID, END_ID):
                expected.append(product)
                product = 1.0
        assert scores.tolist() == pytest.approx(expected, abs=1e-4)


def test_eight_bits_keep_every_weight_within_half_a_step() -> None:
    matrix = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    stored = weights.quantised(matrix)
    back = stored["int8"] * stored["scale"][:, None]
    assert (np.abs(back - matrix) <= stored["scale"][:, None] * 0.501).all()


def test_labels_of_a_chain_stand_at_the_ends_of_its_parts() -> None:
    problem = example(2, 0)
    chain = chains.Chain(problem.question, problem.solution + "1", ended=True)
    ids, question, parts, tokens, right = reward_model.example(chain)
    places = [at for at, value in enumerate(parts) if value != reward_model.UNLABELLED]
    ends = (IDS["="], NEWLINE_ID, END_ID)
    assert places == [at for at in range(question, len(ids)) if ids[at] in ends]
    assert [parts[at] for at in places] == [1.0] * (len(places) - 1) + [0.0]
    assert right[question:].count(False) == len(encode(chain.solution.split("\n")[-1])) + 1
    assert 0.0 in tokens


def test_most_corrupted_solutions_are_wrong_and_all_can_be_labelled() -> None:
    rng, wrong = Random(1), 0
    for seed in range(300):
        chain = chains.corrupted(rng, example(seed % 5 + 1, seed))
        reward_model.example(chain)
        wrong += not all(x.right for x in label(chain.question, chain.solution, chain.ended))
    assert wrong > 200


def test_sampled_chains_survive_the_file(tmp_path: Path) -> None:
    drawn = chains.sampled(example(2, 0).question, 3, 1.0, seed=0)
    chains.write(tmp_path / "chains.jsonl", iter(drawn))
    assert chains.read(tmp_path / "chains.jsonl") == drawn


def test_the_area_under_roc_counts_ordered_pairs() -> None:
    right, wrong = [0.9, 0.4, 0.4], [0.4, 0.1]
    pairs = [(r > w) + 0.5 * (r == w) for r in right for w in wrong]
    assert evaluate.area(right, wrong) == pytest.approx(sum(pairs) / len(pairs))


def test_majority_and_best_take_what_they_should() -> None:
    def chain(answer: str) -> chains.Chain:
        return chains.Chain("", f"Answer: {answer}", ended=True)

    problem = example(1, 0)
    own, other = chain(problem.answer), chain("0")
    solved = evaluate.Solved(problem, [other, own, other, own, own])
    assert solved.votes([1.0] * 5)
    assert not solved.votes([1, 0, 1, 0, 1])
    assert solved.best([0, 1, 0, 0, 0])
    assert not solved.best([1, 0, 0, 0, 0])


def test_the_shipped_generator_solves_easy_problems_and_no_hopeless_ones() -> None:
    shipped_generator()
    easy = [chains.sampled(example(1, s).question, 8, 1.0, 0) for s in range(20)]
    hopeless = [chains.sampled(example(6, s).question, 8, 1.0, 0) for s in range(5)]
    right = [c.answer == example(1, s).answer for s, drawn in enumerate(easy) for c in drawn]
    assert np.mean(right) > 0.7
    assert not any(c.answer == example(6, s).answer for s, d in enumerate(hopeless) for c in d)


def test_the_evaluation_sums_up_every_level() -> None:
    levels = {}
    for level in (1, 2):
        levels[level] = [evaluate.attempt(example(level, seed), 1.0) for seed in (0, 1)]
        for item in levels[level]:
            item.steps = evaluate.scored(item.problem.question, item.chains)
    report = json.loads(json.dumps(evaluate.summary(levels, 1.0)))
    assert set(report["levels"]) == {"1", "2", "1-5", "1-6"}
    for rules in report["levels"].values():
        assert rules["pass@16"][0] >= rules["pass@1"][0]
    own = [float(np.mean(item.right)) for items in levels.values() for item in items]
    assert report["levels"]["1-5"]["pass@1"][0] == pytest.approx(100 * np.mean(own))
    assert set(report["revision, levels 1-5"]) == {"start", *evaluate.CUTS}
