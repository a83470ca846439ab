"""A server's settings from a TOML file: models, keys, limits."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from verifier_agent.accounts import Account, MemoryAccount, SQLiteAccount
from verifier_agent.budget import Budget, Price
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.build import DEFAULT_BUDGET
from verifier_agent.integrations.server.app import Limits
from verifier_agent.integrations.server.keys import Key
from verifier_agent.integrations.server.served import Served
from verifier_agent.integrations.server.wire import Asked, Limit
from verifier_agent.models import capabilities, resolve_model
from verifier_agent.plain import faults


class PriceEntry(Asked):
    """Dollars per million tokens."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    cached: Annotated[float, Field(ge=0)] | None = None


class ModelEntry(Asked):
    """One model; see `create_verifier_agent`."""

    model: str
    base_url: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the model's class, for instance `temperature`."""
    verifier: str | list[str] = "auto"
    policy: str | None = None
    selector: str | None = None
    budget: Limit | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    price: PriceEntry | None = None


class KeyEntry(Asked):
    """One key."""

    secret_env: str
    """The environment variable that holds its secret."""
    budget: Limit | None = None
    """Of all its requests together."""
    account: str | None = None
    """The file that this budget is kept in, beyond a restart; left out, it is kept in memory."""


class ServerFile(Asked):
    """The whole file."""

    models: dict[str, ModelEntry]
    keys: dict[str, KeyEntry] = Field(default_factory=dict)
    limits: dict[str, int | float] = Field(default_factory=dict)


def read_file(path: Path) -> tuple[dict[str, Served], list[Key], Limits]:
    """Return models, keys and limits of a file.

    Raises ConfigurationError, with the place in the file, for whatever is wrong with it.
    """
    try:
        text = ServerFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        limits = Limits(**text.limits)  # type: ignore[arg-type]  # an unknown name is a TypeError
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {faults(error)}") from None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    models = {name: _served(entry) for name, entry in text.models.items()}
    return models, read_keys(text.keys, os.environ), limits


def read_keys(entries: Mapping[str, KeyEntry], variables: Mapping[str, str]) -> list[Key]:
    """Return the keys; raises ConfigurationError for a variable that is not set."""
    for name, entry in entries.items():
        if entry.secret_env not in variables:
            raise ConfigurationError(
                f"key {name!r}: the environment variable {entry.secret_env} is not set"
            )
    return [
        Key(name=name, secret=variables[entry.secret_env], account=_account(name, entry))
        for name, entry in entries.items()
    ]


def _account(name: str, entry: KeyEntry) -> Account | None:
    if entry.budget is None:
        if entry.account is not None:
            raise ConfigurationError(f"key {name!r}: an account needs a budget")
        return None
    budget = Budget(**entry.budget.model_dump())
    return (
        MemoryAccount(budget)
        if entry.account is None
        else SQLiteAccount(entry.account, budget, name=name)
    )


def _served(entry: ModelEntry) -> Served:
    model = resolve_model(entry.model, base_url=entry.base_url, **entry.options)
    price = None if entry.price is None else Price(**entry.price.model_dump())
    return Served(
        model=model,
        verifier=entry.verifier,
        policy=entry.policy,
        selector=entry.selector,
        budget=Budget(**entry.budget.model_dump()) if entry.budget else DEFAULT_BUDGET,
        max_tokens=entry.max_tokens,
        prices=None if price is None else {capabilities(model).name: price},
    )
