"""Muon for matrices, AdamW for the rest, and one learning-rate schedule.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) makes each momentum matrix
orthogonal by five Newton-Schulz steps before it is applied.
"""

from __future__ import annotations

from typing import Any

from verifier_agent.errors import MissingExtra

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtra("training the embedded models", "train") from error

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""The quintic's coefficients of the Muon post."""


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return nearly orthogonal matrices, (count, rows, columns), of the same directions."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(1, 2) if tall else x


class Muon:
    """Momentum 0.95 (Nesterov), orthogonalised, with decoupled weight decay."""

    def __init__(self, matrices: list[nn.Parameter], lr: float, decay: float = 0.01) -> None:
        self.lr, self.decay = lr, decay
        shapes = sorted({tuple(m.shape) for m in matrices})
        self.groups = [[m for m in matrices if tuple(m.shape) == shape] for shape in shapes]
        self.momenta = [torch.zeros(len(g), *g[0].shape) for g in self.groups]

    def step(self, scale: float) -> None:
        """Apply the gradients at `scale` times the learning rate."""
        lr = self.lr * scale
        with torch.no_grad():
            for group, momentum in zip(self.groups, self.momenta, strict=True):
                gradient = torch.stack([m.grad for m in group if m.grad is not None])
                momentum.lerp_(gradient, 0.05)
                update = orthogonalised(gradient.lerp(momentum, 0.95))
                rows, columns = group[0].shape
                for matrix, change in zip(group, update, strict=True):
                    matrix.mul_(1 - lr * self.decay)
                    matrix.add_(change, alpha=-lr * max(1.0, rows / columns) ** 0.5)


class Optimizer:
    """Both optimizers as one, with a state that can be saved."""

    def __init__(self, model: nn.Module, muon_lr: float, adam_lr: float) -> None:
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            inner = parameter.ndim == 2 and "blocks" in name
            (matrices if inner else others).append(parameter)
        self.model = model
        self.muon = Muon(matrices, muon_lr)
        self.adam_lr = adam_lr
        self.adam = torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.01)

    def step(self, scale: float) -> None:
        """Apply and clear the gradients at `scale` times the learning rates."""
        self.muon.step(scale)
        for group in self.adam.param_groups:
            group["lr"] = self.adam_lr * scale
        self.adam.step()
        self.model.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {"momenta": self.muon.momenta, "adam": self.adam.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.muon.momenta = state["momenta"]
        self.adam.load_state_dict(state["adam"])


def learning_rate_scale(step: int, steps: int, warmup: int = 40, decay: float = 0.4) -> float:
    """Return the factor of the learning rate: rise, hold, then fall to 0 over the last `decay`."""
    rise = min(1.0, (step + 1) / warmup)
    return min(rise, max(0.0, (steps - step) / (decay * steps)))
