"""The commands `solve` and `demo`: their options, and the parts they name."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from verifier_agent.embedded.family import example
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph import Run, create_verifier_agent
from verifier_agent.integrations.cli.asking import BAD_INPUT, NO_ANSWER, ask, errors_in_words, say
from verifier_agent.integrations.cli.batch import Errand, run_batch
from verifier_agent.integrations.cli.calibrate import calibrate_pool
from verifier_agent.integrations.cli.compare import compare_models
from verifier_agent.integrations.cli.demo import SEED, demonstrate
from verifier_agent.integrations.cli.distill import distill_verifier
from verifier_agent.integrations.cli.doctor import examine_server
from verifier_agent.integrations.cli.evaluate import evaluate_policy
from verifier_agent.integrations.cli.export import export_reward_model
from verifier_agent.integrations.cli.label import label_answers
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
from verifier_agent.integrations.cli.live import progress
from verifier_agent.integrations.cli.options import MODEL, Json
from verifier_agent.integrations.cli.plot import plot_results
from verifier_agent.integrations.cli.serve import serve_models
from verifier_agent.integrations.cli.shown import as_object, cost, printable, report
from verifier_agent.integrations.cli.tune import tune_on_pool
from verifier_agent.integrations.cli.watching import Silence, Watched
from verifier_agent.integrations.cli.weigh import weigh_pool
from verifier_agent.models import resolve_model

EXAMPLE = f"verifier-agent solve {shlex.quote(example(level=1, seed=0).question)}"
"""Works offline, on the embedded models, without a key."""

EXPLAINED = f"""There is no question.

Usage: verifier-agent solve QUESTION [OPTIONS]; QUESTION "-" reads standard input.

This works offline, without a key:

  {EXAMPLE}

With a model of your own:

  verifier-agent solve "…" --model openai:gpt-5-mini --max-calls 16
  verifier-agent solve "…" --model qwen3:8b --base-url http://localhost:11434/v1

All options: verifier-agent solve --help
"""


def _unwrapped(words: str, command: str) -> str:
    # \b keeps the help from breaking a command over lines, where it could not be copied
    return f"\b\n{words}\n  {command}"


app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=_unwrapped("Try it offline, without a key:", EXAMPLE),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"verifier-agent {version('verifier-agent')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Spend test-time compute where it pays: generate, verify, revise, select, on a budget."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog=_unwrapped("This works offline, without a key:", EXAMPLE))
def solve(
    question: Annotated[
        str | None, typer.Argument(metavar="QUESTION", help='The text; "-" reads standard input.')
    ] = None,
    model: Annotated[str, MODEL] = "embedded",
    base_url: BaseUrl = None,
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="auto, agreement, judge, embedded-prm, hosted:WIRE:URL and others; repeatable.",
            show_default="auto",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help='Where compute goes, for instance "until(sample(32), agree(0.95))"; or the file '
            "that `verifier-agent tune` wrote.",
            show_default="up to 16 answers, as many as votes need; with a judge up to 8",
        ),
    ] = None,
    selector: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="How the answer is chosen: best, vote, weighted_vote.",
            show_default="vote where the verifiers only compare answers, else weighted_vote",
        ),
    ] = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    max_joules: MaxJoules = None,
    max_seconds: MaxSeconds = None,
    calibration: CalibrationFile = None,
    risk: Risk = None,
    price: PriceText = None,
    parameters: Parameters = None,
    joules_per_flop: JoulesPerFlop = None,
    seed: Annotated[
        int | None, typer.Option(help="Makes the run repeatable.", show_default="another each run")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Many questions, a text or a JSON object on each line, instead of QUESTION; the "
            "limits hold for all together, and are spent where they gain most.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of a batch: a JSON line for each question, in their order. If it is broken off, "
            "the same command goes on.",
            show_default="standard output",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Of a batch: questions in flight.", show_default="8, or 1 if the model runs here"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer QUESTION, with as much compute as it deserves; or many with --batch."""
    with errors_in_words():
        if (question is None) == (batch is None):
            if batch is not None:
                raise ConfigurationError("give QUESTION or --batch FILE, not both")
            typer.echo(EXPLAINED, err=True, nl=False)
            raise typer.Exit(BAD_INPUT)
        limits = {
            "calls": max_calls, "tokens": max_tokens, "usd": max_usd, "joules": max_joules,
            "seconds": max_seconds,
        }  # fmt: skip
        if batch is not None and not any(limits.values()):
            raise ConfigurationError("a batch needs a limit for all its questions: --max-calls …")
        budget = read_budget(**limits)
        if batch is None and (out is not None or jobs is not None):
            raise ConfigurationError("--out and --jobs go with --batch FILE")
        text = None if question is None else read_question(question)
        chat_model = resolve_model(model, base_url=base_url)
        prices = read_prices(chat_model, price, max_usd)
        agent = create_verifier_agent(
            chat_model,
            verifier=verifier or "auto",
            policy=policy,
            budget=budget,
            selector=selector,
            prices=prices,
            footprints=read_footprints(chat_model, parameters, joules_per_flop),
            calibration=calibration,
            risk=risk,
            seed=seed,
        )
        if text is None:
            setup = {"model": model, "base_url": base_url, "verifier": verifier, "seed": seed}
            setup |= {"selector": selector, "policy": policy}
            errand = Errand(
                source=str(batch), out=out, budget=budget, policy=policy, jobs=jobs, setup=setup
            )
            run_batch(agent, errand, as_json=as_json)
            return
        run = ask(agent, text, Watched(budget), Silence() if as_json else progress())
    tell(run, as_json=as_json)


@app.command(short_help="Solve three questions offline, and show where compute went.")
def demo(
    seed: Annotated[int, typer.Option(help="Another seed, other questions.")] = SEED,
) -> None:
    """Solve an easy, a hard and a hopeless question offline, and show where compute went."""
    with errors_in_words():
        demonstrate(seed)


app.command("eval")(evaluate_policy)
app.command("calibrate")(calibrate_pool)
app.command("tune")(tune_on_pool)
app.command("plot")(plot_results)
app.command("compare")(compare_models)
app.command("doctor")(examine_server)
app.command("export")(export_reward_model)
app.command("label")(label_answers)
app.command("distill")(distill_verifier)
app.command("weigh")(weigh_pool)
app.command("serve")(serve_models)


def read_question(question: str) -> str:
    """Return the question, from standard input for "-"; raises ConfigurationError if empty."""
    if question == "-":
        try:
            question = typer.get_binary_stream("stdin").read().decode()
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"standard input is no UTF-8 text: {error}") from None
    if not question.strip():
        raise ConfigurationError("the question is empty")
    return question.strip()


def tell(run: Run, *, as_json: bool) -> None:
    """Print the run, and end with exit code 1 if it gave no answer."""
    failed = run.selection.candidate is None
    if as_json:
        # a model may have written half a surrogate pair, which UTF-8 cannot hold
        object_ = json.dumps(as_object(run), ensure_ascii=False)
        typer.echo(object_.encode("utf-8", "replace"))
    elif not failed:
        _print_report(run)
    if failed:
        say(f"Error: {run.selection.reason}. Spent: {cost(run.spent)}")
        raise typer.Exit(NO_ANSWER)


def _print_report(run: Run) -> None:
    console = Console(soft_wrap=True, highlight=False)
    chosen = run.selection.candidate
    text = "" if chosen is None else printable(run.tree[chosen].text).strip()
    lines: list[Any] = [Text(f"{text}\n")] if text and text != run.selection.answer else []
    for label, words in report(run):
        lines.append(Text.assemble((f"{label:<12}", "bold"), words))
    for line in lines:
        console.print(line)
