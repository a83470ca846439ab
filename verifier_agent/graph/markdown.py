"""A run as Markdown, which notebooks show: what was chosen and why, what was tried, what it cost.

Pure. Seconds are left out: the same seed gives the same page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from verifier_agent.values import Candidate, Selection

if TYPE_CHECKING:
    from verifier_agent.graph.state import Run

ROWS = 16
"""Candidates that are shown; of more than these the rest is counted."""


def as_markdown(run: Run) -> str:
    """Return the run's answer, a table of its candidates, and its cost; escaped, so that no
    model's text becomes markup."""
    ended = "selection" in run.plain
    selection = run.selection if ended else Selection(reason="this run has not ended yet")
    parts = [_headline(selection) if ended else selection.reason]
    if run.candidates:
        parts.append("\n".join(_table(run, selection)))
    parts.append(_spent(run))
    return "\n\n".join(parts)


def _headline(selection: Selection) -> str:
    answer = "No answer" if selection.answer is None else _cell(selection.answer, 200)
    sure = ""
    if selection.confidence is not None:
        sure = f" ({selection.basis} {selection.confidence:.2f})"
    return f"**{answer}**{sure} — {selection.outcome}: {_cell(selection.reason, 200)}"


def _table(run: Run, selection: Selection) -> Iterator[str]:
    yield "| | candidate | answer | score | tokens | said of it |"
    yield "|---|---|---|---:|---:|---|"
    shown = run.candidates[:ROWS]
    if selection.candidate is not None and all(c.id != selection.candidate for c in shown):
        shown = (*shown[:-1], run.tree[selection.candidate])
    for candidate in shown:
        yield _row(run, candidate, chosen=candidate.id == selection.candidate)
    left = len(run.candidates) - len(shown)
    if left:
        yield f"| | … {left} more | | | | |"


def _row(run: Run, candidate: Candidate, *, chosen: bool) -> str:
    score = run.tree.score(candidate.id)
    judged = run.tree.judged(candidate.id)
    said = [v.feedback for v in judged.verdicts if v.feedback]
    if score is None:
        said += judged.complaints
    cells = (
        "➜" if chosen else "",
        f"`{candidate.id}`",
        _cell(_gist(candidate), 40),
        "none" if score is None else f"{score:.2f}",
        f"{candidate.cost.tokens:,}",
        _cell("; ".join(said), 80),
    )
    return f"| {' | '.join(cells)} |"


def _gist(candidate: Candidate) -> str:
    if candidate.error is not None:
        return f"failed: {candidate.error}"
    if candidate.answer is not None:
        return candidate.answer
    return next((line for line in reversed(candidate.text.splitlines()) if line.strip()), "")


def _spent(run: Run) -> str:
    spent, budget = run.spent, run.budget
    used = [
        f"{amount:,}{'' if limit is None else f' of {limit:,}'} {unit}"
        for unit, amount, limit in (
            ("calls", spent.calls, budget.calls),
            ("tokens", spent.tokens, budget.tokens),
        )
    ]
    if spent.usd:
        used.append(f"${spent.usd:.2g}")
    elif spent.usd is None:
        used.append("dollars unknown")
    known = "" if spent.exact else " (estimated, as some usage was not reported)"
    return f"*Spent {', '.join(used)}{known}.*"


def _cell(text: str, width: int) -> str:
    """Return one line of at most `width` characters that Markdown shows as it is."""
    line = " ".join(text.split())
    line = line if len(line) <= width else f"{line[: width - 1]}…"
    line = line.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|$~])", r"\\\1", line)
