"""What the embedded models take of energy: an estimate, from speed and an assumed power."""

from __future__ import annotations

from verifier_agent.budget import Footprint

JOULES_PER_FLOP = (2e-10, 1.5e-9)
"""About 15 GFLOP/s were measured on one core of a server at batch 8 (`make bench`: 16,200 tokens/s
of 455,040 weights); 3 to 22 W for that core are assumed, from an idle share of a low-power chip to
a busy share of a large one. No meter was read."""


def footprint(parameters: int) -> Footprint:
    """Return the footprint of an embedded model of so many weights on one core."""
    return Footprint(parameters=parameters, joules_per_flop=JOULES_PER_FLOP)
