"""The command line without a question: usage, an example that works, the version."""

from __future__ import annotations

import shlex
from importlib.metadata import version

import pytest

from tests.integrations.conftest import Command


def the_example(text: str) -> list[str]:
    line = next(line for line in text.splitlines() if "verifier-agent solve '" in line)
    return shlex.split(line)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 0), (("--help",), 0), (("solve",), 2), (("solve", "--help"), 0)],
    ids=str,
)
def test_the_usage_holds_one_example_that_works_offline_as_it_stands(
    command: Command, arguments: tuple[str, ...], code: int
) -> None:
    result = command(*arguments)
    assert result.exit_code == code
    assert "Usage: verifier-agent" in result.output
    program, *rest = the_example(result.output)
    assert program == "verifier-agent"
    worked = command(*rest)
    assert worked.exit_code == 0
    assert "Answer" in worked.stdout


def test_a_missing_question_leaves_stdout_alone(command: Command) -> None:
    result = command("solve", "--json")
    assert result.exit_code == 2
    assert result.stdout == ""


def test_the_version_is_that_of_the_package(command: Command) -> None:
    result = command("--version")
    assert result.exit_code == 0
    assert result.stdout == f"verifier-agent {version('verifier-agent')}\n"


def test_help_names_every_option_and_both_commands(command: Command) -> None:
    top = command("--help").stdout
    assert "solve" in top
    assert "demo" in top
    text = command("solve", "--help").stdout
    for option in (
        "--model", "--base-url", "--verifier", "--policy", "--selector", "--max-calls",
        "--max-tokens", "--max-usd", "--max-seconds", "--price", "--seed", "--json",
    ):  # fmt: skip
        assert f"{option} " in text
