"""Exported reward models: how 8 bits rank and how fast they are, and what growing answers cost.

Needs the extras `export` and `dev`; the models are made here, with random weights.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from time import perf_counter
from typing import Any

from tests.bench.documents import WIDTH, write_section
from tests.bench.speed import say
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task

LAYERS, SIZE, HEADS, BETWEEN = 6, 512, 8, 1408
STEPS, WORDS = 12, 14
TURNS = 7
PRESET = "pure-prm"


def local_models() -> None:
    """Measure, and write it down."""
    with TemporaryDirectory() as folder:
        text = "".join(f"{line}\n" for line in measured(Path(folder)))
    say(text)
    write_section("local models", text)


def measured(folder: Path) -> Iterator[str]:
    """Yield the lines of the section."""
    import torch

    from tests.verifiers.local.test_checkpoints import MAKERS
    from verifier_agent.training.export_onnx import export

    torch.set_num_threads(1)
    yield "| self-made model of 2 layers, width 64 | rank agreement of int8 with float32 | over |"
    yield "|---|---|---|"
    for name, make in sorted(MAKERS.items()):
        torch.manual_seed(0)
        checkpoint, _ = make(folder / name)
        try:
            done = export(checkpoint, folder / f"{name}-int8", name)
        except ConfigurationError as refused:
            yield f"| `{name}` | refused: {str(refused).split(';')[0]} | |"
        else:
            yield f"| `{name}` | {done.agreement:.4f} | {done.scores} scores |"
    checkpoint = larger(folder / "larger")
    sizes = {}
    for precision in ("float32", "int8"):
        done = export(checkpoint, folder / precision, PRESET, precision=precision)  # type: ignore[arg-type]
        sizes[precision] = done
    yield ""
    yield fill(
        f"A Qwen2 token classifier of {LAYERS} layers, width {SIZE} (17 million weights, random), "
        f"one thread; {TURNS} turns, both precisions in each, medians and quartiles:",
        WIDTH,
    )
    yield ""
    small = sizes["int8"]
    yield (
        f"- int8: {small.bytes / 2**20:.1f} MiB of {sizes['float32'].bytes / 2**20:.1f}; rank "
        f"agreement {small.agreement:.4f} over {small.scores} scores"
    )
    yield from throughput(folder)
    yield from growing(folder)


def larger(path: Path) -> Path:
    """Make a checkpoint that takes long enough to be timed."""
    import torch
    from transformers import Qwen2Config, Qwen2ForTokenClassification

    from tests.verifiers.local import checkpoints as made

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=1000,
        hidden_size=SIZE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=2,
        intermediate_size=BETWEEN,
        max_position_embeddings=4096,
        num_labels=2,
    )
    made.saved(path, Qwen2ForTokenClassification(config), "qwen")
    return path


def answer(turn: int, steps: int = STEPS) -> list[str]:
    """Return the steps of an answer that was not seen before."""
    words = ("apples", "Ann", "has", "the", "sum", "so", "times", "rest")
    return [
        " ".join(words[(turn * 7 + step * 5 + n * n) % len(words)] for n in range(WORDS))
        + f" = {turn * 31 + step}."
        for step in range(steps)
    ]


def ask(verifier: Any, turn: int, *texts: str) -> float:
    """Return the seconds that judging takes."""
    shown = [Candidate(id=f"g{n}", text=text) for n, text in enumerate(texts)]
    start = perf_counter()
    verdicts = verifier.verify_sync(Task(question=f"Question {turn}: how many?"), shown)
    seconds = perf_counter() - start
    assert all(verdict.error is None for verdict in verdicts)
    return seconds


def throughput(folder: Path) -> Iterator[str]:
    """Yield how much faster 8 bits are, for one answer and for eight at once."""
    from verifier_agent.verifiers.local import LocalRewardModel

    models = {p: LocalRewardModel.from_onnx(folder / p, threads=1) for p in ("float32", "int8")}
    for count in (1, 8):
        ratios = []
        for turn in range(TURNS):
            texts = ["\n\n".join(answer(1000 * count + turn * 50 + n)) for n in range(count)]
            taken = {name: ask(model, turn + 100 * count, *texts) for name, model in models.items()}
            ratios.append(taken["float32"] / taken["int8"])
        what = "one answer" if count == 1 else f"{count} answers at once"
        yield f"- int8 over float32, {what}: {quartiles(ratios)} times the throughput"


def growing(folder: Path) -> Iterator[str]:
    """Yield what a chain costs that is judged after each of its steps, against one pass."""
    from verifier_agent.verifiers.local import LocalRewardModel

    for precision in ("float32", "int8"):
        model = LocalRewardModel.from_onnx(folder / precision, threads=1)
        ratios = []
        for turn in range(TURNS):
            steps = answer(turn)
            whole = ask(model, 2 * turn, "\n\n".join(steps))
            each = [
                ask(model, 2 * turn + 1, "\n\n".join(steps[:end])) for end in range(1, STEPS + 1)
            ]
            ratios.append(sum(each) / whole)
        yield (
            f"- a chain judged after each of its {STEPS} steps over one full pass, {precision}: "
            f"{quartiles(ratios)} times the seconds; the tokens computed are the same"
        )


def quartiles(values: list[float]) -> str:
    """Write a median with its quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"
