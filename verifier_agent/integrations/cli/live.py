"""Progress of a run on a terminal, drawn in place; and in short lines where there is none."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from verifier_agent.integrations.cli.shown import against, clip, cost, deed, gist, why
from verifier_agent.integrations.cli.watching import Progress, Watched

ROUNDS = 6
"""The latest rounds that the board has room for."""
OTHER_LINES = ROUNDS + 10
"""Lines of the board that are not candidates."""
MOST_NAMED = 8
"""Candidates that a plain line names."""


def progress() -> Progress:
    """Return a board on stderr if it can be drawn in place there and stdout is shown too, else
    lines: stdout is for answers, whoever reads it."""
    console = Console(stderr=True, highlight=False)
    drawn = console.is_terminal and not console.is_dumb_terminal
    return Board(console) if drawn and Console().is_terminal else Lines(console)


class Lines(AbstractContextManager[Progress]):
    """Two lines per round: what is done and why, and then what came of it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = 0

    def __exit__(self, *_: object) -> None:
        """Leave the lines as they are."""

    def show(self, watched: Watched) -> None:
        """Write a line once a round has begun or ended."""
        if len(watched.decisions) == self._told:
            return
        self._told = len(watched.decisions)
        if self._told > 1:
            self._say(f"  {came_of(watched, self._told - 2)}; spent {cost(watched.spent)}")
        decision = watched.decisions[-1]
        self._say(f"round {decision.round}: {deed(decision)} ({why(decision)})")

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


def came_of(watched: Watched, at: int) -> str:
    """Say what the candidates of one round are and how they were scored, the best first."""
    decision = watched.decisions[at]
    action = decision.actions[0].action
    made = [name for planned in decision.actions for name in planned.ids]
    scored = watched.ranked(action.candidates if action.kind == "verify" else made)
    usable = [pair for pair in scored if pair[0].error is None]
    failed = [candidate for candidate, _ in scored if candidate.error is not None]
    words = [
        f"{candidate.id} {gist(candidate, 24)}" + ("" if score is None else f" [{score:.2f}]")
        for candidate, score in usable[:MOST_NAMED]
    ]
    if len(usable) > MOST_NAMED:
        words.append(f"and {len(usable) - MOST_NAMED} more")
    if failed:
        words.append(f"{len(failed)} {gist(failed[0], 100)}")
    return ", ".join(words) or "nothing"


class Board(AbstractContextManager[Progress]):
    """Rounds with their reasons, candidates with their scores, spend against its limits."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._watched: Watched | None = None
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=8)

    def __enter__(self) -> Progress:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture on the screen."""
        self._live.stop()

    def show(self, watched: Watched) -> None:
        """Have it drawn at the next tick, by the board's own thread."""
        self._watched = watched

    def _draw(self) -> RenderableType:
        watched = self._watched
        if watched is None:
            return Text("thinking …", style="dim")
        room = max(4, self._console.height - OTHER_LINES)
        return Group(_rounds(watched), _candidates(watched, room), _spend(watched), Text())


def _rounds(watched: Watched) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("round", "does", "why"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for decision in watched.decisions[-ROUNDS:]:
        words = (str(decision.round), deed(decision), clip(why(decision), 100))
        table.add_row(*map(Text, words))
    return table


def _candidates(watched: Watched, room: int) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("candidate", "answer", "score", ""):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    scored = watched.ranked()
    for candidate, score in scored[:room]:
        bar = Text() if score is None else ProgressBar(total=1.0, completed=score, width=20)
        number = Text("?" if score is None else f"{score:.2f}")
        table.add_row(Text(candidate.id), Text(gist(candidate)), number, bar)
    if len(scored) > room:
        table.add_row("", Text(f"and {len(scored) - room} more", style="dim"), "", "")
    return table


def _spend(watched: Watched) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("spent", "", ""):
        table.add_column(name, no_wrap=True)
    for unit, words, share in against(watched.spent, watched.budget):
        bar = Text() if share is None else ProgressBar(total=1.0, completed=share, width=20)
        table.add_row(Text(unit), Text(words), bar)
    return table
