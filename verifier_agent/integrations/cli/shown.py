"""Runs in words and in JSON: what the command line prints. Pure."""

from __future__ import annotations

import re
from typing import Any

from verifier_agent.budget import Budget, Spent
from verifier_agent.graph import Run
from verifier_agent.graph.controller import Decision
from verifier_agent.values import Basis, Candidate, Outcome, Selection

OUTCOMES: dict[Outcome, str] = {
    "verified": "the verifier is satisfied",
    "agreed": "enough answers agree",
    "completed": "the policy has done all it set out to do",
    "plateau": "more work was no longer making it better",
    "budget": "the budget is used up",
    "steps": "the host allows no further steps",
    "gave_up": "it looks hopeless, so it was given up early",
    "cancelled": "it was cancelled",
    "failed": "there is no usable answer",
}

BASES: dict[Basis, str] = {
    "P(correct)": "the calibrated probability that it is correct",
    "posterior": "by how reliable the models are; not calibrated",
    "vote share": "its share of the votes; no probability of being correct",
    "score": "the verifier's score; no probability of being correct",
    "none": "",
}


def as_object(run: Run) -> dict[str, Any]:
    """Return what `solve --json` prints: a plain object with its keys in a fixed order."""
    selection, spent = run.selection, run.spent
    return {
        "answer": selection.answer,
        "confidence": selection.confidence,
        "outcome": selection.outcome,
        "reason": selection.reason,
        "spent": {
            "calls": spent.calls,
            "tokens": spent.tokens,
            "usd": spent.usd,
            "joules": spent.joules,
            "seconds": round(spent.seconds, 3),
        },
        "rounds": rounds(run),
        "candidates": [
            {
                "id": candidate.id,
                "parent": candidate.parent,
                "via": candidate.via,
                "answer": candidate.answer,
                "score": run.tree.score(candidate.id),
                "text": candidate.text,
                "error": fault(run, candidate),
            }
            for candidate in run.candidates
        ],
        "seed": run.seed,
        # the seconds stand above
        "ledger": {k: v for k, v in run.ledger.to_dict().items() if k != "seconds"},
    }


def fault(run: Run, candidate: Candidate) -> str | None:
    """Say why a candidate is of no use, or has no score; None if neither is so."""
    judged = run.tree.judged(candidate.id)
    if candidate.error is not None or judged.score is not None:
        return candidate.error
    return "; ".join(judged.complaints) or None


def rounds(run: Run) -> int:
    """Return how many rounds worked on candidates: all but the last, which selects."""
    return len(run.decisions) - 1


def report(run: Run) -> list[tuple[str, str]]:
    """Return the lines of a readable answer, as pairs of a label and what it says."""
    selection = run.selection
    made = count(len(run.candidates), "candidate")
    spoke = {verdict.verifier for verdict in run.tree.verdicts}  # a cascade may not ask all
    verifiers = ", ".join(name for name in run.plain["run"]["verifiers"] if name in spoke)
    return [
        ("Answer", "none" if selection.answer is None else printable(selection.answer)),
        ("Confidence", confidence(selection)),
        ("Stopped", stopped(selection)),
        ("Spent", cost(run.spent)),
        ("Tried", f"{made} in {count(rounds(run), 'round')}, judged by {verifiers or 'nobody'}"),
        *(("No score", clip(words, 300)) for words in unscored(run)),
        ("Seed", str(run.seed)),
    ]


def unscored(run: Run) -> list[str]:
    """Return what the first of the answers without a score was refused one for."""
    without = (judged for judged in run.tree.finished if judged.score is None)
    return ["; ".join(first.complaints) for first in without if first.complaints][:1]


def confidence(selection: Selection) -> str:
    """Say how sure the answer is, and what kind of number that is."""
    if selection.confidence is None:
        return "unknown: nothing that could be compared or scored"
    return f"{selection.confidence:.2f}, {BASES[selection.basis]}".removesuffix(", ")


def stopped(selection: Selection) -> str:
    """Say why the run ended."""
    reason = f" ({printable(one_line(selection.reason))})" if selection.reason else ""
    return f"{selection.outcome}: {OUTCOMES[selection.outcome]}{reason}"


def cost(spent: Spent) -> str:
    """Say what was spent; dollars are left out where nothing costs money."""
    parts = [count(spent.calls, "call"), count(spent.tokens, "token")]
    if spent.usd is None:
        parts.append("dollars unknown")
    elif spent.usd:
        parts.append(dollars(spent.usd))
    words = ", ".join([*parts, f"{spent.seconds:.1f} s"])
    return words if spent.exact else f"{words} (estimated: some usage was not reported)"


def against(spent: Spent, budget: Budget) -> list[tuple[str, str, float | None]]:
    """Return unit, words and share of the limit (None: no limit) of all that is worth a line."""

    def of(used: str, limit: str | None, share: float | None, unit: str) -> None:
        lines.append((unit, used if limit is None else f"{used} of {limit}", share))

    lines: list[tuple[str, str, float | None]] = []
    for unit, used, limit in (
        ("calls", spent.calls, budget.calls),
        ("tokens", spent.tokens, budget.tokens),
    ):
        share = None if limit is None else used / limit
        of(f"{used:,}", None if limit is None else f"{limit:,}", share, unit)
    if budget.usd is not None:
        of(dollars(spent.usd), dollars(budget.usd), (spent.usd or 0.0) / budget.usd, "usd")
    elif spent.usd != 0.0:
        of(dollars(spent.usd), None, None, "usd")
    if budget.joules is not None:
        share = (spent.joules or 0.0) / budget.joules
        of(joules(spent.joules), joules(budget.joules), share, "joules")
    seconds = budget.seconds
    share = None if seconds is None else spent.seconds / seconds
    of(f"{spent.seconds:.1f}", None if seconds is None else f"{seconds:g}", share, "seconds")
    return lines


def dollars(usd: float | None) -> str:
    """Write an amount with as many digits as it needs."""
    if usd is None:
        return "unknown"
    return f"${usd:.2f}" if usd >= 1 else f"${usd:.2g}" if usd >= 1e-4 else f"${usd:.6f}"


def joules(energy: float | None) -> str:
    """Write an estimated energy; it is not known to more than two digits."""
    return "unknown" if energy is None else f"{energy:.2g}"


def deed(decision: Decision) -> str:
    """Say what a round does: "generate 4", "revise 2"."""
    counts: dict[str, int] = {}
    for planned in decision.actions:
        action = planned.action
        named = len(action.candidates) if action.kind == "verify" else len(planned.ids)
        counts[action.kind] = counts.get(action.kind, 0) + named
    return ", ".join(f"{kind} {n}" if n else kind for kind, n in counts.items())


def why(decision: Decision) -> str:
    """Give the reasons of a round, each once."""
    return one_line("; ".join(dict.fromkeys(p.action.reason for p in decision.actions)))


def gist(candidate: Candidate, width: int = 40) -> str:
    """Say in a few words what a candidate is: its answer, its last step, or its error."""
    if candidate.error is not None:
        return clip(f"failed: {candidate.error}", width)
    last = next((line for line in reversed(candidate.text.splitlines()) if line.strip()), "")
    return clip(last if candidate.answer is None else candidate.answer, width)


def clip(text: str, width: int) -> str:
    """Cut to one printable line of at most `width` characters."""
    line = printable(one_line(text))
    return line if len(line) <= width else f"{line[: width - 1]}…"


def one_line(text: str) -> str:
    """Put on one line."""
    return " ".join(text.split())


def printable(text: str) -> str:
    """Drop what could steer a terminal: control characters other than line breaks and tabs."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)


def count(n: int, noun: str) -> str:
    """Write a number with its noun: "1 call", "1,200 tokens"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
