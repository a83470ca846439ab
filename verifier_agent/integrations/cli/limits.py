"""Options that say what may be used and what it costs; from their text to budgets and prices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from langchain_core.language_models import BaseChatModel

from verifier_agent.budget import Budget, Footprint, Price
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.build import DEFAULT_BUDGET
from verifier_agent.models import capabilities
from verifier_agent.models.prices import known_price
from verifier_agent.models.providers import provider_of

MaxCalls = Annotated[
    int | None,
    typer.Option(help="Limit in requests.", show_default="32 if there is no other limit"),
]
MaxTokens = Annotated[int | None, typer.Option(help="Limit in tokens, prompts included.")]
MaxUsd = Annotated[float | None, typer.Option(help="Limit in dollars; see --price.")]
MaxJoules = Annotated[
    float | None, typer.Option(help="Limit in joules, estimated; see --parameters.")
]
MaxSeconds = Annotated[float | None, typer.Option(help="Limit in seconds.")]
PriceText = Annotated[
    str | None,
    typer.Option(metavar="INPUT/OUTPUT", help='Dollars per million tokens: "0.25/2".'),
]
Parameters = Annotated[
    float | None, typer.Option(help="Weights of the model that are used per token: 8e9.")
]
JoulesPerFlop = Annotated[
    str | None, typer.Option(metavar="LOW/HIGH", help="Of the machine it runs on: 2e-12/1e-11.")
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        metavar="FILE",
        help="What scores are worth, as `verifier-agent calibrate` wrote it.",
    ),
]
Risk = Annotated[
    float | None,
    typer.Option(
        help="How often an answer may be wrong, for instance 0.05: less sure ones are given up. "
        "Needs a calibration."
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Of a server that speaks OpenAI's chat API, with /v1."),
]


def read_budget(**limits: Any) -> Budget:
    """Return the limits given, or the agent's own default if there is none."""
    given = {unit: limit for unit, limit in limits.items() if limit is not None}
    return Budget(**given) if given else DEFAULT_BUDGET


def read_prices(model: BaseChatModel, text: str | None, max_usd: float | None) -> dict[str, Price]:
    """Return the price of `model`, read from "INPUT/OUTPUT" in dollars per million tokens.

    Raises ConfigurationError for another form, and for a limit in dollars where no price is known.
    """
    able = capabilities(model)
    if text is None:
        known = able.free or known_price(able.name, provider_of(model)) is not None
        if max_usd is not None and not known:
            raise ConfigurationError(
                f"a limit in dollars needs the price of {able.name!r}: "
                "--price INPUT/OUTPUT, in dollars per million tokens"
            )
        return {}
    return {able.name: read_price(text)}


def read_price(text: str) -> Price:
    """Read "INPUT/OUTPUT" in dollars per million tokens; ConfigurationError for another form."""
    given, _, made = text.partition("/")
    try:
        return Price(input=float(given), output=float(made))
    except ValueError as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(
            f"price {text!r}: give dollars per million tokens of input and output, as in 0.25/2"
        ) from None


def read_footprints(
    model: BaseChatModel, parameters: float | None, joules_per_flop: str | None
) -> dict[str, Footprint]:
    """Return the footprint of `model`, as far as it is given; "LOW/HIGH" joules per FLOP.

    Raises ConfigurationError for another form.
    """
    if parameters is None and joules_per_flop is None:
        return {}
    return {capabilities(model).name: read_footprint(parameters, joules_per_flop)}


def read_footprint(parameters: float | None, joules_per_flop: str | None) -> Footprint:
    """Return what is given; raises ConfigurationError for another form than "LOW/HIGH"."""
    low, _, high = (joules_per_flop or "").partition("/")
    try:
        energy = None if joules_per_flop is None else (float(low), float(high or low))
    except ValueError:
        raise ConfigurationError(
            f"joules per FLOP {joules_per_flop!r}: give a range of numbers, as in 2e-12/1e-11"
        ) from None
    return Footprint(parameters=parameters, joules_per_flop=energy)
