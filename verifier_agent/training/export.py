"""Turn trained checkpoints into the 8-bit files that the package ships.

    python -m verifier_agent.training.export --checkpoints DIRECTORY --to verifier_agent/embedded

writes `generator.npz`, `sibling.npz` and `reward_model.npz`, each where its checkpoint exists.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from verifier_agent.embedded import weights
from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.training import generator
from verifier_agent.training.progress import say

try:
    import torch
except ImportError as error:
    raise MissingExtra("training the embedded models", "train") from error

UNSHIPPED = ("judge.digits",)
"""Heads that only help training."""

ABOUT = {
    **{name: {"heads": recipe.size.heads} for name, recipe in generator.RECIPES.items()},
    "reward_model": {"heads": generator.SIZE.heads},
}


def export(checkpoint: Path, target: Path, about: dict[str, int]) -> None:
    """Write the weights of one checkpoint."""
    state = torch.load(checkpoint, weights_only=True)["model"]
    kept = {n: m.numpy() for n, m in state.items() if not n.startswith(UNSHIPPED)}
    weights.write(target, kept, about)
    say(f"{target}: {target.stat().st_size} bytes")


def main() -> None:
    """Read the command line and export what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    chosen = parser.parse_args()
    found = [name for name in ABOUT if (chosen.checkpoints / f"{name}.pt").exists()]
    if not found:
        raise ConfigurationError(f"{chosen.checkpoints} holds no {' or '.join(ABOUT)} checkpoint")
    for name in found:
        export(chosen.checkpoints / f"{name}.pt", chosen.to / f"{name}.npz", ABOUT[name])


if __name__ == "__main__":
    main()
