"""The command `distill`: a small verifier, taught by the recorded scores of a dear one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from verifier_agent.evaluation.recordings.writing import check_out, write_text
from verifier_agent.integrations.cli.asking import errors_in_words
from verifier_agent.integrations.cli.counting import progress
from verifier_agent.integrations.cli.evaluated import percent
from verifier_agent.integrations.cli.options import Out, ScoredPool
from verifier_agent.training.distillation import distill
from verifier_agent.verifiers.distilled import written


def distill_verifier(
    pool: ScoredPool,
    teacher: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Who teaches: scores:NAME, weighted:FILE, embedded-prm, …"
        ),
    ],
    out: Out = Path("distilled.json"),
    held_out: Annotated[
        float, typer.Option(help="The share of questions that it is measured on.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(help="Of which questions these are.")] = 0,
) -> None:
    """Teach a small verifier that runs anywhere what a dear one says, and measure what it keeps."""
    with errors_in_words():
        check_out(out, [pool])
        with progress() as tell:
            student = distill(pool, teacher, held_out=held_out, seed=seed, tell=tell)
        write_text(out, written(student))
    for line in told(student.sheet):
        typer.echo(line)
    typer.echo(f"\nWritten to {out}; use it as --verifier distilled:{out}")


def told(sheet: dict[str, Any]) -> list[str]:
    """Return what the student keeps, in words."""
    lines = [
        f"Taught by {sheet['teacher']} on {sheet['taught_on']} questions; measured on "
        f"{sheet['measured_on']} others:",
        f"  would choose as the teacher does on {percent(sheet['same_choice'])}",
    ]
    if "kept" in sheet:
        low, high = (100 * (sheet[f"difference_{end}"] or 0.0) for end in ("low", "high"))
        lines += [
            f"  right: student {percent(sheet['student_accuracy'])}, teacher "
            f"{percent(sheet['teacher_accuracy'])}, one at random "
            f"{percent(sheet['first_accuracy'])}, any of them {percent(sheet['any_accuracy'])}",
            f"  keeps {percent(sheet['kept'])} of the teacher's accuracy "
            f"({100 * sheet['difference']:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f})",
        ]
    if sheet["cost_share"] is not None:
        lines.append(
            f"  {sheet['student_flops']:,.0f} operations an answer, "
            f"{100 * sheet['cost_share']:.2g} % of the teacher's {sheet['teacher_flops']:,.0f}"
        )
    return lines
