"""`doctor` names the server, the wires that work and how to use them, and what is odd."""

from __future__ import annotations

import asyncio
import re
import shlex

import pytest

from tests.integrations.conftest import Command
from tests.test_docs import ROOT
from verifier_agent.testing import Fault, RewardServer
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import HostedRewardModel, resolve_verifiers

GOOD = ("= 42", "12 - 5 = 7", "3 * 4 = 12", "= 37 + 5")
BAD = ("= 32", "7 + 5 = 12", "3 + 4 = 7")
MARK = "<extra_0>"


def rate(text: str) -> float:
    """Return the reward of the last step that was read."""
    last = text.removesuffix(MARK).replace(MARK, "\n\n").split("\n\n")[-1]
    return 2.0 if any(x in last for x in GOOD) and not any(x in last for x in BAD) else -1.0


def lines_of(output: str) -> list[tuple[str, str]]:
    """Return the Python line and the text of each wire that works."""
    python = re.findall(r"  Python: (.*)", output)
    texts = [shlex.split(line)[1] for line in re.findall(r"  CLI:    (.*)", output)]
    return list(zip(python, texts, strict=True))


def test_a_process_reward_model_is_recognized_and_what_is_printed_works(command: Command) -> None:
    name = "Qwen/Qwen2.5-Math-PRM-7B"
    with RewardServer(rate, task="token_classify", labels=2, mark=MARK, model=name) as server:
        result = command("doctor", "--verifier", server.url)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith(f"{server.url}: vllm 0.33.0, model {name}\n")
        assert "pooling (vllm): 2 of 2 pairs in order" in result.stdout
        page = (ROOT / "docs" / "hosted-reward-models.md").read_text()
        assert result.stdout.replace(server.url, "http://localhost:8000") in page
        assert "Not there: classify (vllm), rerank (vllm), score (vllm)" in result.stdout
        ((python, text),) = lines_of(result.stdout)
        assert python.endswith(f"dialect='vllm', model={name!r}, spec='qwen2.5-math-prm')")
        answers = [Candidate(id="g0", text="1 + 1 = 2.\n\nSo 37 + 5 = 42.")]
        (named,) = resolve_verifiers(text, model=None)  # type: ignore[arg-type]
        made = eval(python, {"HostedRewardModel": HostedRewardModel})
        said = [asyncio.run(one.verify(Task(question="?"), answers))[0] for one in (named, made)]
    assert said[0].steps == said[1].steps
    assert len(said[0].steps) == 2


@pytest.mark.parametrize(
    ("settings", "kind", "wires"),
    [
        ({"task": "classify"}, "vllm 0.33.0", ["classify (vllm)", "rerank (vllm)", "score (vllm)"]),
        ({"task": "classify", "labels": 2}, "vllm 0.33.0", ["classify (vllm)"]),
        (
            {"dialect": "sglang", "task": "classify"},
            "sglang",
            ["pooling (sglang)", "rerank (sglang)"],
        ),
        ({"dialect": "tei"}, "tei", ["classify (tei)", "rerank (tei)"]),
        ({"dialect": "llama.cpp"}, "llama.cpp", ["rerank (llama.cpp)"]),
        ({"dialect": "nim"}, "nim 1.15.0", ["chat_reward (nim)"]),
        ({"dialect": "openai"}, "a server that does not tell its kind", ["chat_logprob (openai)"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_kind_of_server_is_told_and_the_wires_that_answer(
    command: Command, settings: dict[str, object], kind: str, wires: list[str]
) -> None:
    with RewardServer(rate, **settings) as server:  # type: ignore[arg-type]
        result = command("doctor", "--verifier", server.url)
        assert f"{server.url}: {kind}, model loopback" in result.stdout
        for wire in wires:
            assert f"{wire}: 2 of 2 pairs in order" in result.stdout
        for _, text in lines_of(result.stdout):
            again = command("doctor", "--verifier", text)
            assert "2 of 2 pairs in order" in again.stdout
            assert again.exit_code == 0
    assert result.exit_code == 0, result.stderr


def test_what_is_told_is_used(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REWARD_KEY", "right")
    with RewardServer(rate, task="generate", label_ids=(648, 387), key="right") as server:
        words = ["--label-token-ids", "648,387", "--template", "{question} {answer}"]
        result = command("doctor", "--verifier", server.url, *words, "--key-env", "REWARD_KEY")
        assert "score (vllm-generative): 2 of 2 pairs in order" in result.stdout
        assert "key_env=os.environ" not in result.stdout
        assert 'api_key=os.environ["REWARD_KEY"]' in result.stdout
        ((_, text),) = [pair for pair in lines_of(result.stdout) if "generative" in pair[1]]
        assert "key_env=REWARD_KEY" in text
        assert command("doctor", "--verifier", text).exit_code == 0
        assert "right" not in text


def test_a_model_that_scores_everything_alike_is_doubtful(command: Command) -> None:
    with RewardServer(lambda text: 0.0, dialect="tei") as server:
        result = command("doctor", "--verifier", server.url)
    assert result.exit_code == 1
    assert "Doubtful: all answers score the same" in result.stdout


def test_a_model_that_prefers_wrong_answers_is_doubtful(command: Command) -> None:
    with RewardServer(lambda text: -rate(text), dialect="tei") as server:
        result = command("doctor", "--verifier", server.url)
    assert result.exit_code == 1
    assert "0 of 2 pairs in order" in result.stdout
    assert "Doubtful: a wrong answer scores as high" in result.stdout


def test_probabilities_that_are_taken_for_logits_are_doubtful(command: Command) -> None:
    with RewardServer(lambda text: (rate(text) + 2) / 5, dialect="llama.cpp") as server:
        result = command("doctor", "--verifier", server.url)
    assert result.exit_code == 1
    assert "Doubtful: all rewards are from 0 to 1" in result.stdout


def test_a_server_on_which_nothing_works_ends_with_code_1(command: Command) -> None:
    with RewardServer(rate, dialect="tei", fault=Fault("html")) as server:
        result = command("doctor", "--verifier", server.url)
    assert result.exit_code == 1
    assert "No wire works." in result.stdout
    assert "not JSON" in result.stdout


def test_where_nobody_answers_the_command_says_so(command: Command) -> None:
    with RewardServer(rate) as server:
        url = server.url
    result = command("doctor", "--verifier", url)
    assert result.exit_code == 1
    assert "nobody answers there" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--verifier", "localhost"],
        ["--verifier", "hosted:nothing:http://localhost"],
        ["--verifier", "http://localhost:1", "--label-token-ids", "a,b"],
        ["--verifier", "http://localhost:1", "--spec", "qwen2.5-math-prn"],
        ["--verifier", "http://localhost:1", "--key-env", "NO_SUCH_KEY"],
    ],
)
def test_a_wrong_argument_ends_with_code_2(command: Command, words: list[str]) -> None:
    result = command("doctor", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
