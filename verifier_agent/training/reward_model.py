"""Train the embedded process reward model on exact local labels.

    python -m verifier_agent.training.reward_model --out DIRECTORY

goes on from the generator's checkpoint `generator.pt` in the directory (the reader starts there),
samples solutions from the shipped generator into `chains.jsonl`, and leaves `reward_model.pt`; run
again, it goes on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from verifier_agent.embedded.judge import EQUALS_ID, closed
from verifier_agent.embedded.tokenizer import END_ID, NEWLINE_ID, SOLVE_ID, VOCABULARY, encode
from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.training import chains, generator
from verifier_agent.training.chains import Chain
from verifier_agent.training.judge_network import RewardModel
from verifier_agent.training.loop import Plan, train
from verifier_agent.training.progress import say
from verifier_agent.training.step_labels import Line, label

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor
except ImportError as error:
    raise MissingExtra("training the embedded models", "train") from error

STEPS = 3_000
BATCH = 32
CHUNK = 8
MUON_LR = 0.012
PROBLEMS, SAMPLES, TEMPERATURE = 25_000, 4, 1.0
MIX = replace(generator.HARD, step_weights=(2, 3, 2, 2, 3, 2, 3, 2, 3, 3), out_of_reach=0.02)
"""The second stage of the generator, with more long chains."""

SAMPLED, CORRUPTED = 0.6, 0.25
"""Parts of a batch that are sampled and corrupted solutions; the rest are right ones."""

UNLABELLED = -1.0
PART_WEIGHT, TOKEN_WEIGHT, READER_WEIGHT = 4.0, 1.0, 0.5

Example = tuple[list[int], int, list[float], list[float], list[bool]]
"""Ids, length of the question, label of each part at its end, of each token, and what is right."""


def example(chain: Chain) -> Example:
    """Return a chain as ids with labels at each place (UNLABELLED where there is none)."""
    asked = [*encode(chain.question), SOLVE_ID]
    solution = closed(encode(chain.solution), chain.ended)
    lines = label(chain.question, chain.solution, chain.ended)
    parts, tokens, right = [], [], []
    start = 0
    for line in lines:
        end = start
        while solution[end] not in (NEWLINE_ID, END_ID):
            end += 1
        of_parts, of_tokens = _line_labels(solution[start : end + 1], line)
        parts += of_parts
        tokens += of_tokens
        right += [line.right] * (end + 1 - start)
        start = end + 1
    nothing = [UNLABELLED] * len(asked)
    told = [False] * len(asked)
    return asked + solution, len(asked), nothing + parts, nothing + tokens, told + right


def _line_labels(ids: list[int], line: Line) -> tuple[list[float], list[float]]:
    """Label the parts at their last tokens, and each token inside them."""
    parts, tokens = [UNLABELLED] * len(ids), [UNLABELLED] * len(ids)
    ends = [at for at, token in enumerate(ids) if token == EQUALS_ID or at == len(ids) - 1]
    start = 0
    for number, (end, part) in enumerate(zip(ends, line.parts, strict=True)):
        closing = end == len(ids) - 1
        parts[end] = float(part.right and (line.complete or not closing))
        expected = encode(part.expected) if part.expected is not None else []
        own = ids[start:end]
        # Numbers line up at their last digit, everything else at its first word.
        shift = len(expected) - len(own) if closing or number == 3 else 0
        for at, token in enumerate(own):
            place = at + shift
            fits = 0 <= place < len(expected) and expected[place] == token
            tokens[start + at] = float(fits)
        start = end + 1
    return parts, tokens


def training_chains(count: int) -> Iterator[Chain]:
    """Sample solutions of problems of the training split."""
    rng = Random("chains")
    for number in range(count):
        problem = MIX.problem(rng, progress=1.0)
        yield from chains.sampled(problem.question, SAMPLES, TEMPERATURE, seed=number)
        if (number + 1) % 1_000 == 0:
            say(f"sampled {number + 1}/{count} problems")


def evenly(rows: list[Example], count: int) -> list[list[Example]]:
    """Split rows into `count` batches of like length and about as many tokens each."""
    rows = sorted(rows, key=lambda row: len(row[0]))
    total = sum(len(row[0]) for row in rows)
    batches: list[list[Example]] = [[] for _ in range(count)]
    read = 0
    for row in rows:
        batches[min(count - 1, read * count // total)].append(row)
        read += len(row[0])
    return batches


class Lessons:
    """The reward model's batches, a pure function of the seed and the step."""

    def __init__(self, seed: int, drawn: list[Chain], batch: int = BATCH) -> None:
        self.seed, self.drawn, self.batch = seed, drawn, batch
        self._chunk: tuple[int, list[list[Example]]] = (-1, [])

    def at(self, step: int) -> list[Example]:
        """Return the examples of this step's batch."""
        number = step // CHUNK
        if self._chunk[0] != number:
            rng = Random(f"reward model:{self.seed}:{number}")
            rows = [example(self._chain(rng)) for _ in range(self.batch * CHUNK)]
            batches = evenly(rows, CHUNK)
            rng.shuffle(batches)
            self._chunk = (number, batches)
        return self._chunk[1][step % CHUNK]

    def _chain(self, rng: Random) -> Chain:
        kind = rng.random()
        if kind < SAMPLED:
            return rng.choice(self.drawn)
        problem = MIX.problem(rng, progress=1.0)
        if kind < SAMPLED + CORRUPTED:
            return chains.corrupted(rng, problem)
        return Chain(problem.question, problem.solution, ended=True)


def loss(model: RewardModel, rows: list[Example]) -> Tensor:
    """Return the weighted sum of part, token and next-token losses of a batch."""
    tokens, question = generator.padded([(row[0], row[1]) for row in rows])
    longest = tokens.shape[1]
    parts = torch.tensor([row[2] + [UNLABELLED] * (longest - len(row[2])) for row in rows])
    inside = torch.tensor([row[3] + [UNLABELLED] * (longest - len(row[3])) for row in rows])
    right = torch.tensor([row[4] + [False] * (longest - len(row[4])) for row in rows])
    output = model(tokens, question)
    target = generator.next_tokens(tokens, question).masked_fill(~right[:, 1:], generator.IGNORED)
    total: Tensor = (
        PART_WEIGHT * _binary(output.parts, parts)
        + TOKEN_WEIGHT * _binary(output.tokens, inside)
        + READER_WEIGHT
        * F.cross_entropy(
            output.next_tokens[:, :-1].flatten(0, 1),
            target.flatten(),
            ignore_index=generator.IGNORED,
        )
    )
    return total


def _binary(logits: Tensor, target: Tensor) -> Tensor:
    used = target != UNLABELLED
    return F.binary_cross_entropy_with_logits(logits[used], target[used])


def run(
    out: Path,
    plan: Plan,
    drawn: list[Chain],
    seed: int = 0,
    batch: int = BATCH,
    until: int | None = None,
) -> None:
    """Train the reward model and leave its checkpoint in `out`."""
    torch.manual_seed(seed)
    model = RewardModel(len(VOCABULARY))
    start = out / "generator.pt"
    if not start.exists():
        raise ConfigurationError(f"{start} is missing: train the generator first")
    model.reader.load_state_dict(torch.load(start, weights_only=True)["model"])
    earlier = out / "reward_model_start.pt"
    if earlier.exists():
        model.load_state_dict(torch.load(earlier, weights_only=True)["model"], strict=False)
    say(f"{sum(p.numel() for p in model.parameters())} parameters")
    lessons = Lessons(seed, drawn, batch)

    def loss_at(step: int) -> tuple[Tensor, int]:
        rows = lessons.at(step)
        return loss(model, rows), sum(len(row[0]) for row in rows)

    train(model, loss_at, plan, out / "reward_model.pt", until)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    kept = chosen.out / "chains.jsonl"
    if not kept.exists():
        chains.write(kept, training_chains(chosen.problems))
    run(
        chosen.out,
        Plan(chosen.steps, muon_lr=MUON_LR, bfloat16=True),
        chains.read(kept),
        chosen.seed,
    )


if __name__ == "__main__":
    main()
