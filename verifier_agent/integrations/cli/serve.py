"""The command `serve`: an OpenAI-compatible server over verifier agents."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier_agent.errors import ConfigurationError
from verifier_agent.integrations.cli.asking import errors_in_words
from verifier_agent.integrations.cli.limits import (
    BaseUrl,
    MaxCalls,
    MaxSeconds,
    MaxTokens,
    MaxUsd,
    PriceText,
    read_budget,
    read_prices,
)
from verifier_agent.models import capabilities, resolve_model

if TYPE_CHECKING:
    from verifier_agent.integrations.server import Key, Limits, Served


def serve_models(
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help='"embedded", "openai:NAME" or "PROVIDER:NAME".',
            show_default="embedded",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What clients call it.", show_default="the model's own name"),
    ] = None,
    base_url: BaseUrl = None,
    verifier: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="As for `solve`.", show_default="auto"),
    ] = None,
    policy: Annotated[str | None, typer.Option(metavar="POLICY", help="As for `solve`.")] = None,
    selector: Annotated[
        str | None, typer.Option(metavar="SELECTOR", help="As for `solve`.")
    ] = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    max_seconds: MaxSeconds = None,
    price: PriceText = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A TOML file with [models], [keys] and [limits], instead of the options above.",
        ),
    ] = None,
    key_env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VARIABLE",
            help="An environment variable that holds a client's key; may be given several times.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; beyond loopback only with keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
) -> None:
    """Serve OpenAI's chat completions and Responses API, until Ctrl-C or SIGTERM."""
    with errors_in_words():
        from verifier_agent.integrations.server import Key, Limits, Served, create_app
        from verifier_agent.integrations.server.listening import listener, opened
        from verifier_agent.integrations.server.reading import read_file

        models: dict[str, Served]
        keys: Sequence[Key]
        limits: Limits
        if config is not None:
            _refuse_beside_a_file(
                model, name, base_url, verifier, policy, selector,
                max_calls, max_tokens, max_usd, max_seconds, price,
            )  # fmt: skip
            models, keys, limits = read_file(config)
        else:
            chat_model = resolve_model(model or "embedded", base_url=base_url)
            budget = read_budget(
                calls=max_calls, tokens=max_tokens, usd=max_usd, seconds=max_seconds
            )
            served = Served(
                model=chat_model,
                verifier=verifier or "auto",
                policy=policy,
                selector=selector,
                budget=budget,
                prices=read_prices(chat_model, price, max_usd),
            )
            models, keys, limits = {name or capabilities(chat_model).name: served}, [], Limits()
        keys = [*keys, *(_key(Key, variable) for variable in key_env or ())]
        server = listener(create_app(models, keys=keys, limits=limits), host, port)
        with opened(host, port) as door:
            named = f"[{host}]" if ":" in host else host
            url = f"http://{named}:{door.getsockname()[1]}/v1"
            typer.echo(f"Serving {', '.join(models)} at {url}", err=True)
            server.run(sockets=[door])


def _refuse_beside_a_file(*options: object) -> None:
    """Raise ConfigurationError if one is given: a limit that is silently left out does not hold."""
    if any(option is not None for option in options):
        raise ConfigurationError(
            "--config names models, strategies, budgets and prices itself: leave out the options "
            "that say the same, or the file"
        )


def _key(kind: type[Key], variable: str) -> Key:
    if variable not in os.environ:
        raise ConfigurationError(f"the environment variable {variable} is not set")
    return kind(name=variable.lower(), secret=os.environ[variable])
