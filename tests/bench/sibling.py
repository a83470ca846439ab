"""The embedded generator with test-time compute beside its larger sibling, at equal operations.

    python -m tests.bench sibling FOLDER

keeps the recorded answers of both in FOLDER: run again, it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

from tests.bench.documents import DOCS, WIDTH, write_section
from tests.bench.embedded_pool import kept
from tests.bench.speed import say
from verifier_agent.embedded import EmbeddedChatModel, examples
from verifier_agent.embedded.decoding import Weights
from verifier_agent.evaluation import Comparison, Replay, compare
from verifier_agent.evaluation.plots import draw_comparison, write_chart

LEVELS = (1, 2, 3, 4, 5)
PER_LEVEL = 100
SEED = 2028
"""Of the problems: a set that nothing else uses."""
SAMPLES = {"generator": 16, "sibling": 4}
ORDERS = 5
CHOICES = {
    "majority": Replay(selector="vote", verifier=None, max_samples=16, seeds=ORDERS),
    "vote weighted by the reward model": Replay(
        selector="weighted_vote(power=4)", verifier="scores:prm", max_samples=16, seeds=ORDERS
    ),
}

Plain = dict[str, Any]


def sibling(folder: str = ".training/sibling") -> None:
    """Record both models on fresh problems, compare, draw, and write the section."""
    small, large = (pool(Path(folder), name) for name in ("generator", "sibling"))
    found = {
        name: compare(small, large, Comparison(replay=replay)) for name, replay in CHOICES.items()
    }
    write_chart(draw_comparison(found[list(CHOICES)[-1]]), DOCS / "embedded-sibling.svg")
    text = "".join(f"{line}\n" for line in lines(found))
    say(text)
    write_section("sibling", text)


def pool(folder: Path, name: Weights) -> Path:
    """Return the recorded answers of one model; record those that the folder does not hold."""
    problems = [p for n in LEVELS for p in examples(n, PER_LEVEL, seed=SEED, split="test")]
    model = EmbeddedChatModel(weights=name, seed=0, logprobs=True)
    path = folder / f"{name}.jsonl"
    return kept(path, problems, model, SAMPLES[name], judged=name == "generator")


def lines(found: dict[str, Plain]) -> Iterator[str]:
    """Yield what is compared, and the table: levels down."""
    sizes = [f"{EmbeddedChatModel(weights=name).footprint.parameters:,}" for name in SAMPLES]  # type: ignore[arg-type]
    yield fill(
        f"{PER_LEVEL} fresh test problems of each level; the generator ({sizes[0]} weights) draws "
        f"as many of {SAMPLES['generator']} samples as cost at most what one sample of the sibling "
        f"({sizes[1]} weights) does in operations, what the reward model reads included; "
        f"{ORDERS} orders; temperature 1; % right. Difference: small minus large, with its 95 % "
        "interval by question. First match: the fewest samples at which the small model is at "
        "least as often right, and what they cost as a multiple of the large one's sample.",
        WIDTH,
    )
    yield ""
    yield "| level | choice | samples | small | sibling once | difference | first match |"
    yield "|---|---|---|---|---|---|---|"
    names = [one["difficulty"] for one in next(iter(found.values()))["by_difficulty"]]
    for place, level in enumerate([*names, "all"]):
        for choice, result in found.items():
            part = result["by_difficulty"][place] if place < len(names) else result["overall"]
            yield row(level, choice, part)
    yield ""
    yield "![Accuracy of both models against operations](embedded-sibling.svg)"


def row(level: str, choice: str, part: Plain) -> str:
    """Write one comparison as a row of the table."""
    equal, once, match = part["equal_cost"], part["large"][0], part["first_match"]
    low, high = (100 * end for end in equal["interval"])
    cells = [
        level,
        choice,
        str(equal["samples"]),
        percent(equal),
        percent(once),
        f"{100 * equal['difference']:+.1f} [{low:+.1f}, {high:+.1f}]",
        "none of 16" if match is None else f"{match['samples']} ({match['ratio']:.2f} x)",
    ]
    return "| " + " | ".join(cells) + " |"


def percent(point: Plain) -> str:
    """Write an accuracy with its standard error."""
    return f"{100 * point['accuracy']:.1f} ± {100 * point['accuracy_se']:.1f}"
