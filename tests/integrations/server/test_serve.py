"""The command `serve` and its file: what they start, and what they refuse to start with."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from openai import OpenAI, RateLimitError

from tests.integrations.conftest import Command
from verifier_agent import Budget, ConfigurationError
from verifier_agent.integrations.server.reading import read_file

SECRET = "a-secret-of-a-client"
FILE = """
[models.small]
model = "embedded"
policy = "best_of(2)"
budget = {{ calls = 4 }}
price = {{ input = 1, output = 2 }}

[keys.team-a]
secret_env = "TEAM_A_KEY"
budget = {{ calls = 4 }}
account = "{account}"

[limits]
concurrency = 4
"""
QUESTION = (
    "Mia has 37 apples. Ann has 6 times as many apples as Mia. How many apples does Ann have?"
)


def written(path: Path) -> Path:
    file = path / "server.toml"
    file.write_text(FILE.format(account=path / "accounts.sqlite"))
    return file


def test_a_file_names_models_keys_and_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_A_KEY", SECRET)
    models, (key,), limits = read_file(written(tmp_path))
    assert models["small"].budget == Budget(calls=4)
    assert (key.name, key.secret, limits.concurrency) == ("team-a", SECRET, 4)
    assert key.account is not None
    assert key.account.remaining().calls == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "models: Field required"),
        ("models = 3", "models"),
        ("[models.small", "Expected"),
        (
            "[models.small]\nmodel = 'embedded'\nverifer = 'judge'",
            "models.small.verifer: there is no such setting",
        ),
        ("[models.small]\nmodel = 'nobody:x'", "unknown provider"),
        ("[models.small]\nmodel = 'embedded'\n[keys.a]\nsecret_env = 'UNSET_X'", "UNSET_X"),
        ("[models.small]\nmodel = 'embedded'\n[limits]\ndoors = 3", "doors"),
        ("[models.small]\nmodel = 'embedded'\n[limits]\nqueue = -1", "queue"),
        ("[models.small]\nmodel = 'embedded'\n[limits]\nconcurrency = 0.5", "whole number"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "server.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_file(file)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "there are no keys"),
        (["--config", "no-such-file.toml"], "No such file"),
        (["--config", "no-such-file.toml", "--max-usd", "1"], "leave out the options"),
        (["--key-env", "UNSET_X"], "UNSET_X is not set"),
        (["--policy", "best_off(2)"], "did you mean 'best_of'"),
    ],
)
def test_a_server_that_should_not_start_does_not(
    command: Command, arguments: list[str], said: str
) -> None:
    result = command("serve", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_port_that_is_taken_is_named_before_anything_is_served(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = command("serve", "--port", str(port))
    assert result.exit_code == 2
    assert f"port {port}: Address already in use; choose another" in result.stderr
    assert "Serving" not in result.stderr


def test_the_command_serves_until_it_is_told_to_stop_and_accounts_outlive_it(
    tmp_path: Path,
) -> None:
    file = written(tmp_path)
    for left in (True, False):
        process = subprocess.Popen(
            [
                sys.executable,
                *("-m", "verifier_agent.integrations.cli.main", "serve", "--port", "0"),
                *("--config", str(file)),
            ],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TEAM_A_KEY": SECRET},
        )
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            url = next(m[1] for line in lines if (m := re.search(r"^Serving small at (\S+)", line)))
            client = OpenAI(base_url=url, api_key=SECRET, max_retries=0)
            ask = client.chat.completions.create
            for _ in range(2 if left else 0):
                got = ask(model="small", messages=[{"role": "user", "content": QUESTION}])
                assert got.choices[0].message.content
            with pytest.raises(RateLimitError):
                ask(model="small", messages=[{"role": "user", "content": QUESTION}])
            process.send_signal(signal.SIGTERM)
            assert "Finished server process" in "".join(lines)
            process.wait(30)
        finally:
            process.kill()
            process.wait()
