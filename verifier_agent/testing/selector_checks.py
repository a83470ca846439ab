"""The laws of selectors as a check that anybody can run on their own.

It holds synthetic elections, and raises AssertionError naming the broken law and the seed that
shows it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from verifier_agent.selection import Selector, SelectorFunction
from verifier_agent.testing.made import check_forms, made_candidate, made_verdict
from verifier_agent.values import Generate, Judged, Revise, Selection, order


def check_selector(selector: SelectorFunction, *, seeds: int = 100) -> None:
    """Check the laws of a selector on `seeds` random elections.

    It chooses one of the candidates, and none of none; confidence and support are in [0, 1];
    support adds up to 1; it is pure; an answer that all share is chosen. A named selector chooses
    the same in whatever order candidates come, and survives pickling, its plain form and its text.
    """
    check_forms(selector)
    nobody = selector(())
    assert nobody.candidate is None, f"{selector!r} chose {nobody.candidate!r} from nobody"
    assert nobody.answer is None, f"{selector!r} answered {nobody.answer!r} from nobody"
    for seed in range(seeds):
        judged = _election(random.Random(seed))
        chosen = selector(judged)
        assert selector(judged) == chosen, f"{selector!r} is not pure (seed {seed})"
        if isinstance(selector, Selector):
            late = random.Random(seed).sample(judged, len(judged))
            assert selector(late) == chosen, f"{selector!r} depends on the order (seed {seed})"
        _check_choice(chosen, judged, f"{selector!r}, seed {seed}")
        agreed = tuple(
            replace(j, candidate=replace(j.candidate, answer="the same")) for j in judged
        )
        answer = selector(agreed).answer
        assert answer == "the same", (
            f"{selector!r} answers {answer!r}, where all agree on another (seed {seed})"
        )


def _check_choice(chosen: Selection, judged: Sequence[Judged], where: str) -> None:
    by_id = {j.candidate.id: j.candidate for j in judged}
    assert chosen.candidate in by_id, f"chose {chosen.candidate!r}, which is nobody ({where})"
    winner = by_id[str(chosen.candidate)]
    assert chosen.answer == (winner.text if winner.answer is None else winner.answer), (
        f"answers {chosen.answer!r}, its candidate {winner.answer!r} ({where})"
    )
    shares = [*chosen.support.values()]
    assert all(0.0 <= share <= 1.0 for share in shares), f"support {shares} ({where})"
    assert not shares or math.isclose(sum(shares), 1.0), f"support {shares} ({where})"
    assert chosen.confidence is None or 0.0 <= chosen.confidence <= 1.0, (
        f"is {chosen.confidence} sure ({where})"
    )
    assert (chosen.confidence is None) == (chosen.basis == "none"), (
        f"does not say what its confidence is ({where})"
    )


def _election(dice: random.Random) -> tuple[Judged, ...]:
    """Make up drafts and revisions, with scores, step scores, results of tests and comparisons."""
    names = [f"g{place}" for place in range(dice.randint(1, 12))]
    names += [f"{name}.r0" for name in names if dice.random() < 0.2]
    names.sort(key=order)
    missing, evident = dice.choice([0.1, 1.0]), dice.choice([0.0, 0.8])
    return tuple(
        Judged(
            candidate=made_candidate(name, dice, _origin(name), failing=0.0),
            verdicts=(
                (replace(made_verdict(name, dice, missing), **_said(names, dice, evident)),)
                if dice.random() < 0.8
                else ()
            ),
        )
        for name in names
    )


def _origin(name: str) -> Generate | Revise:
    parent = name.rpartition(".")[0]
    return Revise(target=parent) if parent else Generate()


def _said(names: Sequence[str], dice: random.Random, evident: float) -> dict[str, Any]:
    """Return what may stand in a verdict beside its score."""
    if dice.random() >= evident:
        return {}
    pairs = [
        {"against": against, "place": place, "won": dice.choice([0.0, 0.3, 0.5, 1.0])}
        for against in dice.sample(names, min(2, len(names)))
        for place in "AB"
    ]
    return {
        "steps": tuple(dice.choice([None, 0.0, 0.5, 1.0]) for _ in range(3)),
        "evidence": {
            "pairs": pairs,
            "tests": "".join(dice.choices("01", k=2)),
            "same_as": dice.choice(names),
        },
    }
