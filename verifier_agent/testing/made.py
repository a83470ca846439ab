"""What the law checks make up: candidates and verdicts by dice; and the forms of a spec."""

from __future__ import annotations

import json
import pickle
import random

from verifier_agent.errors import ConfigurationError
from verifier_agent.spec import Spec
from verifier_agent.values import Candidate, Generate, Revise, Verdict


def check_forms(spec: object) -> None:
    """Check that a named spec survives pickling, its plain form and its text."""
    if not isinstance(spec, Spec):
        return
    assert pickle.loads(pickle.dumps(spec)) == spec, f"{spec!r} changes when pickled"
    try:
        plain = json.dumps(spec.to_dict(), allow_nan=False)
    except ConfigurationError:
        return  # it holds a function without a name, which has no other form
    assert type(spec).from_dict(json.loads(plain)) == spec, f"{spec!r} changes as a dict"
    assert type(spec).parse(repr(spec)) == spec, f"{spec!r} changes as text"


def made_candidate(
    name: str, dice: random.Random, action: Generate | Revise, failing: float
) -> Candidate:
    """Make a candidate for an action; it fails with the chance `failing`."""
    failed = dice.random() < failing
    stepwise = isinstance(action, Generate) and action.until == "step"
    done = not stepwise or dice.random() < 0.3
    return Candidate(
        id=name,
        parent=action.parent if isinstance(action, Generate) else action.target,
        via=action.kind,
        text="" if failed else f"text of {name}",
        done=done,
        mark=action.mark,
        answer=dice.choice(["1", "2", "3", None]) if done and not failed else None,
        error="refused" if failed else None,
    )


def made_verdict(candidate: str, dice: random.Random, missing: float) -> Verdict:
    """Make a verdict; it has no score with the chance `missing`."""
    if dice.random() < missing:
        return Verdict(candidate=candidate, verifier="dice", error="no score")
    return Verdict(
        candidate=candidate,
        verifier="dice",
        score=dice.choice([0.0, 0.05, 0.5, 0.95, 1.0]),
        hard=dice.random() < 0.1,
    )
