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
BEAM = 8
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


def growing_chains() -> None:
    """Measure chains that are judged after each of their steps, and write it down."""
    from verifier_agent.training.export_onnx import export

    with TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = larger(folder / "larger")
        for precision in ("float32", "int8"):
            export(checkpoint, folder / precision, PRESET, precision=precision)  # type: ignore[arg-type]
        text = "".join(f"{line}\n" for line in growing(folder))
    say(text)
    write_section("growing chains", text)


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
    """Yield what chains cost that are judged after each of their steps, against one pass."""
    from verifier_agent.verifiers.local import LocalRewardModel

    for precision in ("float32", "int8"):
        model = LocalRewardModel.from_onnx(folder / precision, threads=1)
        for count in (1, BEAM):
            for times in (1, 2):
                ratios = [chain(model, turn, count, times) for turn in range(TURNS)]
                what = "a chain" if count == 1 else f"{count} chains side by side,"
                size = f"{STEPS // times} steps of {times * WORDS + 2 * times} words and numbers"
                yield (
                    f"- {what} judged after each of {size} over one full pass, {precision}: "
                    f"{quartiles(ratios)} times the seconds"
                )


def chain(model: Any, turn: int, count: int, times: int) -> float:
    """Return how many times the seconds of a pass over whole answers judging each step takes.

    `times` steps are joined to one, so that it is longer and there are fewer.
    """
    answers = [joined(answer(turn * 50 + n), times) for n in range(count)]
    key = (turn * 100 + count) * 10 + times
    whole = ask(model, 2 * key, *("\n\n".join(steps) for steps in answers))
    each = [
        ask(model, 2 * key + 1, *("\n\n".join(steps[:end]) for steps in answers))
        for end in range(1, len(answers[0]) + 1)
    ]
    return sum(each) / whole


def joined(steps: list[str], times: int) -> list[str]:
    return [" ".join(steps[at : at + times]) for at in range(0, len(steps), times)]


def quartiles(values: list[float]) -> str:
    """Write a median with its quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"
