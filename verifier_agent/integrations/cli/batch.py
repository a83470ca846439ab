"""`verifier-agent solve --batch`: many questions from a file, answers into another, resumable."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from langchain_core.messages import HumanMessage
from pydantic import Field
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from verifier_agent.budget import Budget, Spent
from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.evaluation.recordings.data import BUILT_IN, read_data
from verifier_agent.evaluation.recordings.lines import Line, Strict, lines
from verifier_agent.graph import Agent, Batch, Question, Solved, Standing
from verifier_agent.integrations.cli.asking import INTERRUPTED, NO_ANSWER, say
from verifier_agent.integrations.cli.shown import against, cost, count

NAME = "batch"
"""Of the runs in their file, which holds one batch."""
LINES = 20
"""Of progress, at most, where there is no terminal to draw a bar on."""
Plain = dict[str, Any]
Tell = Callable[[Standing], None]


class Asked(Strict):
    """A line of a batch that is a JSON object; what else it has is passed over."""

    id: str | int | None = None
    question: str
    context: Plain = Field(default_factory=dict)


def read_batch(source: Path | str) -> list[Question]:
    """Return the questions of a file, or of a built-in set such as "embedded:test:20".

    A file has one question on each line: its text, or a JSON object with "question", and "id" and
    "context" if wanted, so a pool or a data file is one too. Where the first line begins with a
    brace, all have to be objects. Without an id a question goes by the number of its line. Raises
    ConfigurationError for a file that cannot be read, and for a line with a fault.
    """
    if str(source).startswith(f"{BUILT_IN}:"):
        return [_question(e.id, e.question, e.context) for e in read_data(source)]
    found = list(lines(source))
    if not found:
        raise ConfigurationError(f"{source}: the file is empty")
    strict = found[0].data.lstrip().startswith(b"{")
    return [_asked(line, strict=strict) for line in found]


def _asked(line: Line, *, strict: bool) -> Question:
    if not (strict or _is_object(line)):
        return _question(str(line.number), _text(line), {})
    one = line.read(Asked)
    return _question(str(line.number if one.id is None else one.id), one.question, one.context)


def _is_object(line: Line) -> bool:
    """Return True for a JSON object; a text may begin with a brace too."""
    try:
        return line.data.lstrip().startswith(b"{") and isinstance(json.loads(line.data), dict)
    except ValueError:
        return False


def _question(name: str, text: str, context: Plain) -> Question:
    return Question(id=name, messages=(HumanMessage(text),), context=context)


def _text(line: Line) -> str:
    try:
        return line.data.decode().strip()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{line.source}, line {line.number}: no UTF-8: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A batch as the command line orders it."""

    source: str
    out: Path | None
    budget: Budget
    policy: str | None
    jobs: int | None
    setup: Plain
    """What tells this batch from one with another model or other settings, as plain JSON."""

    def check(self) -> None:
        """Raise ConfigurationError if the answers would go where they should not."""
        if self.out is None:
            return
        if self.out.exists():
            raise ConfigurationError(
                f"out={str(self.out)!r} exists: its answers are paid for; name another file"
            )
        if not self.out.parent.is_dir():
            raise ConfigurationError(f"out={str(self.out)!r}: there is no such folder")

    @property
    def runs(self) -> Path | None:
        """The file that the runs are kept in until all have ended; None where nothing is kept."""
        return None if self.out is None else self.out.with_name(f"{self.out.name}.runs")


def run_batch(agent: Agent, errand: Errand, *, as_json: bool) -> None:
    """Answer the questions, write the answers, and say what came of it.

    Ctrl-C cancels the requests under way; with an output file the same command then goes on.
    """
    errand.check()
    questions = read_batch(errand.source)
    seen = Seen()
    try:
        with shown(seen) as tell:
            batch = asyncio.run(_solve(agent, errand, questions, tell))
    except KeyboardInterrupt:
        words = "nothing of it is kept: with --out it could go on"
        if errand.out is not None:
            words = "the same command goes on"
        spent = "" if seen.standing is None else f" Spent so far: {cost(seen.standing.spent)};"
        say(f"Interrupted.{spent} {words}.")
        raise typer.Exit(INTERRUPTED) from None
    _write(batch, questions, errand)
    _report(batch, errand, as_json=as_json)
    if not any(result.selection.candidate for result in batch.results):
        raise typer.Exit(NO_ANSWER)


async def _solve(agent: Agent, errand: Errand, questions: Sequence[Question], tell: Tell) -> Batch:
    options: Plain = {"budget": errand.budget, "jobs": errand.jobs, "tell": tell}
    if errand.policy is not None:
        options["policy"] = errand.policy
    if errand.runs is None:
        return await agent.asolve_many(questions, **options)
    async with _kept(errand.runs, errand.setup) as saver:
        agent = agent.copy({"checkpointer": saver})
        return await agent.asolve_many(questions, name=NAME, **options)


@asynccontextmanager
async def _kept(path: Path, setup: Plain) -> AsyncIterator[Any]:
    """Open the file of the runs for this process alone.

    Raises ConfigurationError if another one works on it, or if it was begun with another setup.
    """
    try:
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    except ImportError:
        raise MissingExtra("a batch that can go on", "cli") from None
    mark = zlib.crc32(json.dumps(setup, sort_keys=True).encode()) >> 1 or 1
    with _locked(path):
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            async with saver.conn.execute("PRAGMA user_version") as rows:
                [known] = await rows.fetchone() or [0]
            if known not in (0, mark):
                raise ConfigurationError(
                    f"{path} was begun with another model, verifier or selector; use those, or "
                    "remove the file to begin anew"
                )
            await saver.conn.execute(f"PRAGMA user_version = {mark}")
            yield saver


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file, where the system can lock it, so that no second process works on it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        # runs are kept beside the answers: where these cannot be, nothing should be paid for
        raise ConfigurationError(f"out: {str(path)!r}: {error.strerror or error}") from None
    try:
        fcntl = import_module("fcntl")
    except ImportError:  # not a system that has it
        fcntl = None
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigurationError(f"another process works on {path}") from None
    finally:
        os.close(file)


def as_line(result: Solved, question: Question) -> Plain:
    """Return what is written of one question, as a plain object."""
    selection, run, spent = result.selection, result.run, result.spent
    text = None
    if run is not None and selection.candidate is not None:
        text = run.tree[selection.candidate].text
    return {
        "id": result.id,
        "question": question.messages[-1].text,
        "answer": selection.answer,
        "text": text,
        "confidence": selection.confidence,
        "basis": selection.basis,
        "outcome": selection.outcome,
        "reason": selection.reason,
        "candidates": 0 if run is None else len(run.candidates),
        "spent": _amounts(spent),
        "error": result.error,
    }


def _amounts(spent: Spent) -> Plain:
    units = ("calls", "tokens", "usd", "joules")
    return {unit: getattr(spent, unit) for unit in units} | {"seconds": round(spent.seconds, 3)}


def _write(batch: Batch, questions: Sequence[Question], errand: Errand) -> None:
    """Write a line for each question, in the order of the questions: all at once, or nothing."""
    made = [
        json.dumps(as_line(result, question), ensure_ascii=False).encode("utf-8", "replace")
        for result, question in zip(batch.results, questions, strict=True)
    ]
    if errand.out is None or errand.runs is None:
        for line in made:
            typer.echo(line)
        return
    fresh = errand.out.with_name(f"{errand.out.name}.new")
    fresh.write_bytes(b"".join(line + b"\n" for line in made))
    fresh.replace(errand.out)
    for suffix in ("", "-wal", "-shm"):  # what SQLite keeps beside its file
        errand.runs.with_name(errand.runs.name + suffix).unlink(missing_ok=True)


def _report(batch: Batch, errand: Errand, *, as_json: bool) -> None:
    """Say what came of it: on stdout, or on stderr where the answers are on stdout."""
    outcomes = [result.selection.outcome for result in batch.results]
    counts = {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
    answered = sum(result.selection.candidate is not None for result in batch.results)
    to_stderr = errand.out is None
    if as_json:
        found = {
            "questions": len(outcomes),
            "answered": answered,
            "outcomes": counts,
            "spent": _amounts(batch.spent),
            "out": None if errand.out is None else str(errand.out),
        }
        typer.echo(json.dumps(found), err=to_stderr)
        return
    ended = ", ".join(f"{outcome} {n}" for outcome, n in counts.items())
    words = f"{answered} of {count(len(outcomes), 'question')} answered ({ended})"
    typer.echo(f"{words}. Spent: {cost(batch.spent)}", err=to_stderr)


class Seen:
    """The latest that was told of a batch."""

    standing: Standing | None = None


@contextmanager
def shown(seen: Seen) -> Iterator[Tell]:
    """Draw a bar of what is spent of the budget, with where the questions stand; or write lines."""
    console = Console(stderr=True)
    drawn = console.is_terminal and not console.is_dumb_terminal
    columns = (BarColumn(), TextColumn("{task.percentage:.0f} %"), TextColumn("{task.description}"))
    bar = Progress(*columns, console=console, transient=True) if drawn else None
    told = 0

    def tell(standing: Standing) -> None:
        nonlocal told
        seen.standing = standing
        share = max(part or 0.0 for _, _, part in against(standing.spent, standing.budget))
        if bar is not None:
            bar.update(bar.task_ids[0], completed=share, description=words(standing))
        elif int(share * LINES) > told:
            told = int(share * LINES)
            say(words(standing))

    with bar or nullcontext():
        if bar is not None:
            bar.add_task("", total=1.0)
        yield tell


def words(standing: Standing) -> str:
    """Say where the questions stand, and what is spent."""
    begun = f"{standing.begun} of {count(standing.questions, 'question')} begun"
    return f"{begun}, {standing.ended} ended; {count(standing.answers, 'answer')}, " + cost(
        standing.spent
    )
