"""Train the embedded generator, from nothing, on correct solutions only.

    python -m verifier_agent.training.generator --out DIRECTORY [--name sibling]

leaves `generator_base.pt` after a first stage and `generator.pt` after a second, with larger
numbers and longer chains, in the directory; run again, it goes on where it was. The sibling has 14
times the weights, and learns from the first part of the same problems in each stage.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from random import Random

from verifier_agent.embedded.family import LEVELS, Problem, Shape, draw_shape
from verifier_agent.embedded.tokenizer import END_ID, PAD_ID, SOLVE_ID, VOCABULARY, encode
from verifier_agent.errors import MissingExtra
from verifier_agent.training.loop import Plan, train
from verifier_agent.training.network import LanguageModel, Size
from verifier_agent.training.progress import say

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor
except ImportError as error:
    raise MissingExtra("training the embedded models", "train") from error

SIZE = Size(layers=4, width=96, heads=3)
BATCH = 48
HARD_LR = 0.012
CHUNK = 8
"""So many batches are drawn at once and sorted by length, to waste little on padding."""

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Recipe:
    """How large a generator is, and how long it is trained in each stage."""

    size: Size
    base_steps: int
    hard_steps: int
    bfloat16: bool = False


RECIPES = {
    "generator": Recipe(SIZE, base_steps=3_200, hard_steps=900),
    "sibling": Recipe(Size(layers=8, width=256, heads=8), 1_000, 400, bfloat16=True),
}


@dataclass(frozen=True, slots=True)
class Mix:
    """Which problems are drawn for training."""

    shapes: tuple[Shape, ...]
    """Sizes of numbers; their `steps` are not used."""
    shape_weights: tuple[float, ...]
    step_weights: tuple[float, ...]
    """How often a chain has 1, 2, ... steps."""
    out_of_reach: float = 0.04
    """Part of the problems that have the numbers of level 6, and 1 to 12 steps."""
    warm_up: float = 0.0
    """The first part of the training in which all chains have at most 3 steps."""

    def problem(self, rng: Random, progress: float) -> Problem:
        """Draw a problem of the training split; `progress` goes from 0 to 1."""
        if progress > self.warm_up and rng.random() < self.out_of_reach:
            shape, steps = LEVELS[6], rng.randint(1, LEVELS[6].steps)
        else:
            shape = rng.choices(self.shapes, self.shape_weights)[0]
            steps = rng.choices(range(1, len(self.step_weights) + 1), self.step_weights)[0]
            if progress <= self.warm_up:
                steps = min(steps, 3)
        return draw_shape(rng, Shape(steps, shape.limit, shape.least, shape.factors), "train")


BASE = Mix(
    shapes=(Shape(1, 100), Shape(1, 1_000, least=20), Shape(1, 10_000, least=100)),
    shape_weights=(3, 4, 4),
    step_weights=(8, 8, 6, 5, 4, 3, 2),
    warm_up=0.1,
)
HARD = Mix(
    shapes=(
        Shape(1, 1_000, least=20),
        Shape(1, 10_000, least=100),
        Shape(1, 100_000, least=1_000),
    ),
    shape_weights=(2, 3, 5),
    step_weights=(4, 4, 4, 4, 3, 3, 3, 2, 2),
)
"""The second stage brings larger numbers and longer chains."""


def sequence(question: str, solution: str) -> tuple[list[int], int]:
    """Return the ids of a question with a full solution, and how many belong to the question."""
    asked = [*encode(question), SOLVE_ID]
    return [*asked, *encode(solution), END_ID], len(asked)


def padded(sequences: list[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    """Return tokens (batch, time) and question lengths (batch,)."""
    longest = max(len(ids) for ids, _ in sequences)
    rows = [ids + [PAD_ID] * (longest - len(ids)) for ids, _ in sequences]
    return torch.tensor(rows), torch.tensor([question for _, question in sequences])


def next_tokens(tokens: Tensor, question: Tensor) -> Tensor:
    """Return what to predict at each place, (batch, time - 1); IGNORED outside the solution."""
    time = torch.arange(1, tokens.shape[1])
    target = tokens[:, 1:]
    return target.masked_fill((time < question[:, None]) | (target == PAD_ID), IGNORED)


class Curriculum:
    """The generator's batches, a pure function of the seed and the step."""

    def __init__(self, seed: int, steps: int, batch: int = BATCH, mix: Mix = BASE) -> None:
        self.seed, self.steps, self.batch, self.mix = seed, steps, batch, mix
        self._chunk: tuple[int, list[list[tuple[list[int], int]]]] = (-1, [])

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Return tokens and question lengths of the batch of this step."""
        number = step // CHUNK
        if self._chunk[0] != number:
            rng = Random(f"generator:{self.seed}:{number}")
            progress = number * CHUNK / self.steps
            problems = [self.mix.problem(rng, progress) for _ in range(self.batch * CHUNK)]
            rows = [sequence(p.question, p.solution) for p in problems]
            rows.sort(key=lambda row: len(row[0]))
            batches = [rows[i : i + self.batch] for i in range(0, len(rows), self.batch)]
            rng.shuffle(batches)
            self._chunk = (number, batches)
        return padded(self._chunk[1][step % CHUNK])


def prediction_loss(model: LanguageModel, tokens: Tensor, question: Tensor) -> Tensor:
    """Return the mean cross-entropy of the solution's tokens, in nats."""
    target = next_tokens(tokens, question)
    states = model.states(tokens[:, :-1], question)
    used = target != IGNORED
    return F.cross_entropy(model.head(states[used]), target[used])


def run(
    checkpoint: Path,
    plan: Plan,
    curriculum: Curriculum,
    start: Path | None = None,
    until: int | None = None,
    size: Size = SIZE,
) -> None:
    """Train the generator, from another checkpoint's weights if given, and leave a checkpoint."""
    torch.manual_seed(curriculum.seed)
    model = LanguageModel(len(VOCABULARY), size)
    if start is not None:
        model.load_state_dict(torch.load(start, weights_only=True)["model"])
    say(f"{checkpoint.name}: {sum(p.numel() for p in model.parameters())} parameters")

    def loss_at(step: int) -> tuple[Tensor, int]:
        tokens, question = curriculum.at(step)
        return prediction_loss(model, tokens, question), tokens.numel()

    train(model, loss_at, plan, checkpoint, until)


def main() -> None:
    """Read the command line and train both stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--name", choices=RECIPES, default="generator")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    recipe = RECIPES[chosen.name]
    base = chosen.out / f"{chosen.name}_base.pt"
    first = Curriculum(chosen.seed, recipe.base_steps)
    run(base, Plan(recipe.base_steps, bfloat16=recipe.bfloat16), first, size=recipe.size)
    second = Curriculum(chosen.seed + 1, recipe.hard_steps, mix=HARD)
    hard = Plan(recipe.hard_steps, muon_lr=HARD_LR, bfloat16=recipe.bfloat16)
    run(chosen.out / f"{chosen.name}.pt", hard, second, start=base, size=recipe.size)


if __name__ == "__main__":
    main()
