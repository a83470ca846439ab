"""From a row of a head to a raw score, and from that to a score in [0, 1]. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from verifier_agent.errors import UnreadableVerdict
from verifier_agent.verifiers.local.spec import Labels, Number, PRMSpec, Scale


def raw_score(spec: PRMSpec, row: Sequence[float]) -> float:
    """Return the score in the model's own unit; raises UnreadableVerdict if it is not finite."""
    if not all(map(math.isfinite, row)):
        raise UnreadableVerdict(f"the model's head gave {', '.join(map(str, row))}")
    if isinstance(spec.readout, Number):
        return row[0]
    label = spec.readout.label if isinstance(spec.readout, Labels) else 0
    top = max(row)
    parts = [math.exp(number - top) for number in row]
    share = parts[label] / math.fsum(parts)
    return 2 * share - 1 if spec.scale == "signed" else share


def unit_score(raw: float, scale: Scale) -> float:
    """Return a raw score in [0, 1], in the same order."""
    match scale:
        case "logit":
            small = math.exp(-abs(raw))  # cannot overflow
            return (1 if raw >= 0 else small) / (1 + small)
        case "signed":
            return min(1.0, max(0.0, (raw + 1) / 2))
        case "probability":
            if not 0.0 <= raw <= 1.0:
                raise UnreadableVerdict(f"a score is {raw!r}, and no probability")
            return raw


SUSPICIOUS = 0.5
"""Feedback names the first step with a lower probability of being right."""


def first_doubt(spec: PRMSpec, text: str, scores: Sequence[float | None]) -> str:
    """Return feedback that names the first step that is probably wrong; empty if none is.

    A logit does not say what is probable.
    """
    if spec.scale != "logit":
        for number, (step, score) in enumerate(zip(spec.steps(text), scores, strict=True), start=1):
            if score is not None and score < SUSPICIOUS:
                return f"step {number} is probably wrong: `{step}`"
    return ""
