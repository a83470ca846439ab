"""The command `eval`: any policy, verifier and selector, on recorded answers or live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from langchain_core.language_models import BaseChatModel

from verifier_agent.calibration import Calibration
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Live, Replay, evaluate, evaluate_live
from verifier_agent.integrations.cli.asking import INTERRUPTED, errors_in_words, say
from verifier_agent.integrations.cli.counting import cores, progress
from verifier_agent.integrations.cli.evaluated import print_figures
from verifier_agent.integrations.cli.limits import (
    BaseUrl,
    CalibrationFile,
    JoulesPerFlop,
    MaxCalls,
    MaxJoules,
    MaxSeconds,
    MaxTokens,
    MaxUsd,
    Parameters,
    PriceText,
    Risk,
    read_budget,
    read_footprints,
    read_prices,
)
from verifier_agent.integrations.cli.options import MODEL, Json, Seeds, chosen_verifiers
from verifier_agent.models import resolve_model

OF_A_POOL = ("in_order", "mean_samples", "calibrate_on")
LIVE = (
    "model", "data", "record", "base_url", "max_calls", "max_tokens", "max_usd", "max_joules",
    "max_seconds", "price", "parameters", "joules_per_flop",
)  # fmt: skip
Plain = dict[str, Any]


def evaluate_policy(
    context: typer.Context,
    pool: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded answers; see docs/pools.md.")
    ] = None,
    model: Annotated[str | None, MODEL] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help='Questions for the model: a file, or "embedded:test:200".'
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help='Where compute goes, for instance "best_of(16)"; or the file that '
            "`verifier-agent tune` wrote.",
            show_default="draw until 95 % sure of the majority",
        ),
    ] = None,
    selector: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="How the answer is chosen: best, vote, weighted_vote.",
            show_default="vote, or weighted_vote with scores",
        ),
    ] = None,
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="agreement, arithmetic, embedded-prm, or none; of a pool also scores:NAME and "
            "tests, live also auto and judge; may be given several times.",
            show_default="agreement of a pool, auto live",
        ),
    ] = None,
    max_samples: Annotated[
        int | None,
        typer.Option(
            help="The most a run may draw.",
            show_default="all there are; live 8, or as the policy says",
        ),
    ] = None,
    seeds: Seeds = 1,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="Of a pool: draw in the order of the file.")
    ] = False,
    mean_samples: Annotated[
        int | None,
        typer.Option(
            help="Of a pool: one budget of so many samples a question on average, spent where it "
            "gains most.",
            show_default="every question by itself",
        ),
    ] = None,
    calibrate_on: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a pool: fit confidence on this labelled pool first."),
    ] = None,
    calibration: CalibrationFile = None,
    risk: Risk = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Live: a pool to keep all answers in, and to go on from."
        ),
    ] = None,
    base_url: BaseUrl = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    max_joules: MaxJoules = None,
    max_seconds: MaxSeconds = None,
    price: PriceText = None,
    parameters: Parameters = None,
    joules_per_flop: JoulesPerFlop = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON line per question and seed.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Of a pool: processes to work in. Live: questions in flight.",
            show_default="one per core; live 8, or 1 if the model runs here",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a policy: on the recorded answers of --pool, or live with --model and --data.

    The limits, --price, --parameters and --joules-per-flop are for live runs, and hold for each.
    """
    with errors_in_words():
        _check(context)
        shared: Plain = {
            "policy": policy,
            "selector": selector,
            "max_samples": max_samples,
            "seeds": seeds,
            "calibration": None if calibration is None else Calibration.read(calibration),
            "risk": risk,
        }
        if verifier:
            shared["verifier"] = chosen_verifiers(verifier)
        if pool is not None:
            settings = Replay(in_order=in_order, mean_samples=mean_samples, **shared)
            with progress() as tell:
                found = evaluate(
                    pool,
                    settings,
                    calibrate_on=calibrate_on,
                    out=out,
                    jobs=cores() if jobs is None else jobs,
                    tell=tell,
                )
        else:
            chat_model = resolve_model(model or "", base_url=base_url)
            limits = {
                "calls": max_calls,
                "tokens": max_tokens,
                "usd": max_usd,
                "joules": max_joules,
                "seconds": max_seconds,
            }
            live = Live(
                budget=read_budget(**limits),
                prices=read_prices(chat_model, price, max_usd),
                footprints=read_footprints(chat_model, parameters, joules_per_flop),
                **shared,
            )
            found = _live(chat_model, str(data), live, record=record, out=out, jobs=jobs)
            if found["outcomes"].keys() == {"failed"}:
                say("No call succeeded; `verifier-agent solve` with this model says why.")
    if as_json:
        typer.echo(json.dumps(found))
    else:
        print_figures(found)


def _check(context: typer.Context) -> None:
    """Raise ConfigurationError for options that do not go together."""
    given = {name for name, value in context.params.items() if value not in (None, False)}
    if "pool" not in given and not {"model", "data"} <= given:
        raise ConfigurationError(
            "what is to be evaluated? recorded answers: --pool FILE; or a model, live: "
            "--model NAME --data FILE (both work offline: --model embedded --data embedded:test)"
        )
    wrong, kind = (LIVE, "--pool") if "pool" in given else (OF_A_POOL, "--model and --data")
    for name in wrong:
        if name in given:
            raise ConfigurationError(f"--{name.replace('_', '-')} does not go with {kind}")


def _live(model: BaseChatModel, data: str, settings: Live, **options: Any) -> Plain:
    """Run the evaluation; Ctrl-C cancels what is under way, and says what is recorded."""
    done = total = 0

    def count(at: int, of: int) -> None:
        nonlocal done, total
        done, total = at, of
        if tell is not None:
            tell(at, of)

    with progress(lines=True) as tell:
        try:
            return evaluate_live(model, data, settings, tell=count, **options)
        except KeyboardInterrupt:
            record = options["record"]
            kept = "" if record is None else f", and recorded in {record}: the same command goes on"
            words = f"Interrupted: {done} of {total} questions are done{kept}."
    say(words)
    raise typer.Exit(INTERRUPTED)
