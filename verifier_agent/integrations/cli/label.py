"""The command `label`: step labels of a model's answers, to train a reward model on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError
from verifier_agent.integrations.cli.asking import INTERRUPTED, errors_in_words, say
from verifier_agent.integrations.cli.counting import progress
from verifier_agent.integrations.cli.limits import BaseUrl, MaxCalls, MaxTokens
from verifier_agent.integrations.cli.options import MODEL
from verifier_agent.models import resolve_model
from verifier_agent.training.labelling import Labelling, find_of, label_steps


def label_answers(
    model: Annotated[str, MODEL],
    data: Annotated[
        str, typer.Option(metavar="FILE", help='Questions with gold, or "embedded:validation:50".')
    ],
    record: Annotated[
        Path, typer.Option(metavar="FILE", help="A pool to keep all in, and to go on from.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Labels, a JSON line per answer.")],
    rollouts: Annotated[int, typer.Option(help="Completions of a step.")] = 4,
    find: Annotated[
        str,
        typer.Option(metavar="WHAT", help="values of all steps, or first_error by binary search."),
    ] = "values",
    answers: Annotated[int, typer.Option(help="Answers that are labelled, per question.")] = 1,
    depth: Annotated[int, typer.Option(help="The most steps of an answer.")] = 24,
    base_url: BaseUrl = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    jobs: Annotated[int | None, typer.Option(help="Questions in flight.")] = None,
) -> None:
    """Label the steps of answers by what they lead to, in the stepwise form of TRL.

    --max-calls and --max-tokens hold for each answer with its completions.
    """
    with errors_in_words():
        limits = {"calls": max_calls, "tokens": max_tokens}
        given = {unit: limit for unit, limit in limits.items() if limit is not None}
        settings = Labelling(
            answers=answers,
            rollouts=rollouts,
            find=find_of(find),
            depth=depth,
            budget=Budget(**given) if given else None,
        )
        try:
            with progress(lines=True) as tell:
                found = label_steps(
                    resolve_model(model, base_url=base_url),
                    data,
                    record,
                    out,
                    settings,
                    jobs=jobs,
                    tell=tell,
                )
        except KeyboardInterrupt:
            say(f"Interrupted. {record} holds what was done; the same command goes on.")
            raise typer.Exit(INTERRUPTED) from None
        if not found["labelled"]:
            raise ConfigurationError("no step could be labelled: no answer was completed")
        typer.echo(
            f"{out}: {found['labelled']} of {found['answers']} answers, "
            f"{found['right_steps']} of {found['steps']} labelled steps right"
        )
