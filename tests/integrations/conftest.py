from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from verifier_agent.integrations.cli.commands import app
from verifier_agent.integrations.cli.main import ONE_THREAD

for name in ONE_THREAD:  # as the command itself does
    os.environ.setdefault(name, "1")

Command = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VERIFIER_AGENT_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def command() -> Command:
    """Call the command line in this process; stdout and stderr are kept apart."""

    def call(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin, prog_name="verifier-agent")

    return call
