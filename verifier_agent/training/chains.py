"""What the reward model learns to judge: sampled solutions, and right ones with mistakes added."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from verifier_agent.embedded.decoding import CONTEXT_WINDOW, Prompt, Reply, draws, generator, grow
from verifier_agent.embedded.family import PEOPLE, Problem
from verifier_agent.embedded.tokenizer import SOLVE_ID, encode


@dataclass(frozen=True, slots=True)
class Chain:
    """A solution, right or not."""

    question: str
    solution: str
    ended: bool
    """False if it was cut."""
    logprob: float = 0.0
    """The generator's own, summed over the tokens, in nats."""

    @property
    def answer(self) -> str | None:
        """What its last line answers; None if it gives no answer."""
        last = self.solution.rsplit("\n", 1)[-1]
        return last.removeprefix("Answer: ") if last.startswith("Answer: ") else None


def sampled(
    question: str, count: int, temperature: float, seed: int, partial: str = ""
) -> list[Chain]:
    """Draw solutions from the shipped generator; `partial` is how each one begins."""
    asked, begun = (*encode(question), SOLVE_ID), tuple(encode(partial))
    room = CONTEXT_WINDOW - len(asked) - len(begun)
    prompt = Prompt(question=asked, partial=begun, temperature=temperature, limit=room)
    replies = [Reply(prompt) for _ in range(count)]
    sources = [draws(prompt, seed, index) for index in range(count)]
    for _ in grow(generator(), prompt, replies, sources):
        pass
    return [
        Chain(question, partial + r.text, r.finish == "stop", sum(p for _, p in r.pieces))
        for r in replies
    ]


def write(path: Path, chains: Iterator[Chain]) -> None:
    """Write chains as JSON lines, all or nothing."""
    partial = path.with_suffix(".partial")
    with partial.open("w") as file:
        file.writelines(json.dumps(asdict(chain)) + "\n" for chain in chains)
    partial.replace(path)


def read(path: Path) -> list[Chain]:
    """Read what `write` wrote."""
    with path.open() as file:
        return [Chain(**json.loads(line)) for line in file]


def corrupted(rng: Random, problem: Problem) -> Chain:
    """Return a problem's solution with one or two planted mistakes."""
    lines = problem.solution.split("\n")
    ended = True
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(lines))
        mistake = rng.random()
        if mistake < 0.75:
            lines[at] = _slip(rng, lines[at], problem.question)
        elif mistake < 0.83 and len(lines) > 2:
            lines.pop(at)
        elif mistake < 0.88:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif mistake < 0.94:
            words = lines[at].split(" ")
            lines[at] = " ".join(words[: rng.randint(1, len(words))])
        else:
            lines, ended = lines[: at + 1], rng.random() < 0.5
    return Chain(problem.question, "\n".join(lines), ended)


def _slip(rng: Random, line: str, question: str) -> str:
    """Change one word of a line; mostly a digit of the value at its end."""
    words = line.split(" ")
    at = len(words) - 1 if rng.random() < 0.6 else rng.randrange(len(words))
    word = words[at]
    if word.isdigit():
        words[at] = _misreckoned(rng, word)
    elif word in ("+", "-", "*", "/"):
        words[at] = rng.choice("+-*/")
    elif word not in ("=", "Answer:"):
        words[at] = rng.choice([w for w in re.findall(r"\w+", question) if w in PEOPLE])
    return " ".join(words)


def _misreckoned(rng: Random, number: str) -> str:
    """Return a number near the right one in its digits."""
    kind = rng.random()
    place = rng.randrange(len(number))
    if kind < 0.4:
        shift = rng.choice((-2, -1, -1, 1, 1, 2)) * 10 ** (len(number) - 1 - place)
        return str(abs(int(number) + shift))
    if kind < 0.9:
        return number[:place] + str(rng.randrange(10)) + number[place + 1 :]
    if kind < 0.95 and len(number) > 1:
        return number[:place] + number[place + 1 :]
    return number[:place] + str(rng.randrange(10)) + number[place:]
