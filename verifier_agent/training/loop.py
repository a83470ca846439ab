"""The training loop of both embedded models: seeded, resumable, prints its progress.

A batch is a pure function of (seed, step), so that a run resumed from a checkpoint makes the same
weights as one that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier_agent.errors import MissingExtra
from verifier_agent.training.optimizer import Optimizer, learning_rate_scale
from verifier_agent.training.progress import say

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtra("training the embedded models", "train") from error


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to train."""

    steps: int
    muon_lr: float = 0.02
    adam_lr: float = 3e-3
    save_every: int = 100
    report_every: int = 20
    bfloat16: bool = False
    """Multiply matrices in 16 bits, for speed; weights and optimizer stay in 32."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def train(
    model: nn.Module,
    loss_at: Callable[[int], tuple[Tensor, int]],
    plan: Plan,
    checkpoint: Path,
    until: int | None = None,
) -> None:
    """Train `model` in place, from the checkpoint if there is one, and leave a checkpoint.

    `loss_at(step)` returns the loss of that step's batch and how many tokens were read. `until`
    stops early, at that step, as a kill would: the schedule still has `plan.steps` steps.
    """
    optimizer = Optimizer(model, plan.muon_lr, plan.adam_lr)
    step, tokens, average = 0, 0, float("nan")
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.restore(state["optimizer"])
        step, tokens, average = state["step"], state["tokens"], state["average"]
        say(f"resumed at step {step}")
    began, tokens_before = time.monotonic(), tokens
    last = plan.steps if until is None else min(until, plan.steps)
    while step < last:
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            loss, read = loss_at(step)
        torch.autograd.backward(loss)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            optimizer.step(learning_rate_scale(step, plan.steps))
        step, tokens = step + 1, tokens + read
        value = float(loss.detach())
        average = value if average != average else 0.97 * average + 0.03 * value
        if step % plan.report_every == 0:
            seconds = time.monotonic() - began
            speed = (tokens - tokens_before) / seconds
            say(
                f"step {step}/{plan.steps} loss {average:.4f} tokens {tokens} "
                f"{speed:.0f} tokens/s {seconds:.0f} s"
            )
        if step % plan.save_every == 0 or step == last:
            state = {"model": model.state_dict(), "optimizer": optimizer.state()}
            save(checkpoint, {**state, "step": step, "tokens": tokens, "average": average})
