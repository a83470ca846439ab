"""`verifier-agent solve`: the object, the readable answer, progress, and what goes wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.integrations.conftest import Command
from verifier_agent import Run, create_verifier_agent
from verifier_agent.embedded import example
from verifier_agent.testing import Fault, ModelServer, always, by_seed

QUESTION = example(level=2, seed=4).question
KEYS = [
    "answer", "confidence", "outcome", "reason", "spent", "rounds", "candidates", "seed", "ledger",
]  # fmt: skip
CANDIDATE_KEYS = ["id", "parent", "via", "answer", "score", "text", "error"]


def solved(command: Command, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
    result = command("solve", *arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_json_is_one_line_with_the_keys_in_the_order_promised_and_no_progress(
    command: Command,
) -> None:
    result = command("solve", QUESTION, "--json", "--seed", "1")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    assert result.stdout.endswith("}\n")
    told = json.loads(result.stdout)
    assert list(told) == KEYS
    assert list(told["spent"]) == ["calls", "tokens", "usd", "joules", "seconds"]
    assert [list(candidate) for candidate in told["candidates"]] == [CANDIDATE_KEYS] * len(
        told["candidates"]
    )
    assert told["seed"] == 1


def test_the_object_says_what_the_same_agent_says_without_the_command_line(
    command: Command,
) -> None:
    options = {"verifier": "embedded-prm", "policy": "beam(2, 2)", "selector": "best"}
    told = solved(
        command, QUESTION, "--seed", "9", *(f"--{name}={value}" for name, value in options.items())
    )
    agent = create_verifier_agent("embedded", seed=9, **options)  # type: ignore[arg-type]
    run = Run.of(agent.invoke({"messages": [("user", QUESTION)]}))
    assert told["answer"] == run.selection.answer
    assert told["confidence"] == run.selection.confidence
    assert told["outcome"] == run.selection.outcome
    assert told["spent"]["calls"] == run.spent.calls
    assert told["spent"]["tokens"] == run.spent.tokens
    assert [(c["id"], c["parent"], c["text"]) for c in told["candidates"]] == [
        (c.id, c.parent, c.text) for c in run.candidates
    ]
    assert any(c["parent"] is not None for c in told["candidates"])
    worked = [d for d in run.decisions if d["actions"][0]["action"]["kind"] != "select"]
    assert told["rounds"] == len(worked)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--verifier", "embedded-prm", "--policy", "revise(2, n=2)"),
        ("--verifier", "agreement", "--verifier", "arithmetic", "--policy", "best_of(3)"),
    ],
    ids=str,
)
def test_the_same_seed_gives_the_same_object_but_for_the_seconds(
    command: Command, options: tuple[str, ...]
) -> None:
    first, second = (solved(command, QUESTION, "--seed", "5", *options) for _ in range(2))
    for told in (first, second):
        assert told["spent"].pop("seconds") >= 0
    assert json.dumps(first) == json.dumps(second)


def test_a_run_without_a_seed_tells_the_seed_that_repeats_it(command: Command) -> None:
    first = solved(command, QUESTION, "--max-calls", "4")
    again = solved(command, QUESTION, "--max-calls", "4", "--seed", str(first["seed"]))
    assert [c["text"] for c in first["candidates"]] == [c["text"] for c in again["candidates"]]


def test_a_dash_reads_the_question_from_standard_input(command: Command) -> None:
    given = solved(command, QUESTION, "--seed", "2")
    read = solved(command, "-", "--seed", "2", stdin=f"{QUESTION}\n")
    assert [c["text"] for c in given["candidates"]] == [c["text"] for c in read["candidates"]]


def test_the_readable_answer_says_why_it_stopped_and_what_it_cost(command: Command) -> None:
    result = command("solve", QUESTION, "--seed", "1")
    told = solved(command, QUESTION, "--seed", "1")
    assert result.exit_code == 0
    lines = dict(re.findall(r"^(\w+) {2,}(.+)$", result.stdout, re.MULTILINE))
    assert lines["Answer"] == told["answer"]
    assert lines["Confidence"].startswith(f"{told['confidence']:.2f}, its share of the votes")
    assert lines["Stopped"].startswith(f"{told['outcome']}: ")
    spent = told["spent"]
    assert lines["Spent"].startswith(f"{spent['calls']} call")
    assert f"{spent['tokens']:,} tokens" in lines["Spent"]
    assert "$" not in lines["Spent"]
    assert "dollars" not in lines["Spent"]
    assert lines["Tried"].startswith(f"{len(told['candidates'])} candidates in {told['rounds']} ")
    assert lines["Seed"] == "1"
    chosen = [c["text"] for c in told["candidates"] if c["answer"] == told["answer"]]
    assert any(text in result.stdout for text in chosen)


def test_without_a_terminal_progress_is_short_plain_lines_on_stderr(command: Command) -> None:
    result = command("solve", QUESTION, "--seed", "1", "--policy", "sample(4, batch=2)")
    begun = re.findall(r"^round (\d+): (.+)$", result.stderr, re.MULTILINE)
    assert [number for number, _ in begun] == ["1", "2", "3"]
    assert begun[0][1] == "generate 2 (0 of at most 4 drawn)"
    assert begun[2][1] == "select (all 4 answers drawn)"
    assert "\x1b" not in result.stderr
    assert "round" not in result.stdout.replace("rounds", "")
    for name in ("g0", "g1", "g2", "g3"):
        assert f"{name} " in result.stderr


def test_a_loopback_model_is_asked_and_its_own_count_is_what_was_spent(command: Command) -> None:
    with ModelServer(by_seed(["Answer: 4", "Answer: 4", "Answer: 5"])) as server:
        model = ("--model", "openai:any", "--base-url", server.url, "--verifier", "agreement")
        told = solved(command, "2 + 2?", *model, "--seed", "3", "--max-calls", "20")
        assert told["spent"]["calls"] == server.calls
        assert told["spent"]["tokens"] == server.input_tokens + server.output_tokens
        assert told["spent"]["usd"] is None
        again = solved(command, "2 + 2?", *model, "--seed", "3", "--max-calls", "20")
    assert told["candidates"] == again["candidates"]


def test_a_limit_in_dollars_holds_at_the_price_given(command: Command) -> None:
    with ModelServer(always("Answer: 4")) as server:
        limits = ("--max-usd", "0.002", "--price", "1/10")
        model = ("--model", "any", "--base-url", server.url, "--verifier", "agreement")
        told = solved(command, "2 + 2?", *model, *limits, "--policy", "sample(64)")
        usd = (server.input_tokens * 1 + server.output_tokens * 10) / 1e6
        shown = command("solve", "2 + 2?", *model, *limits, "--policy", "sample(2)")
    assert told["outcome"] == "budget"
    assert told["spent"]["usd"] == pytest.approx(usd)
    assert 0 < usd <= 0.002
    assert re.search(r"^Spent .*\$0\.0", shown.stdout, re.MULTILINE)


def test_text_of_a_model_cannot_steer_the_terminal_and_reaches_json_whole(
    command: Command,
) -> None:
    said = "[red]é\x1b[2J\x07\nAnswer: [bold]x"
    with ModelServer(always(said)) as server:
        model = ("--model", "any", "--base-url", server.url, "--verifier", "agreement")
        shown = command("solve", "?", *model, "--policy", "best_of(1)")
        told = solved(command, "?", *model, "--policy", "best_of(1)")
    assert "[red]é[2J\n" in shown.stdout
    assert "\x1b" not in shown.stdout + shown.stderr
    assert "\x07" not in shown.stdout + shown.stderr
    assert told["candidates"][0]["text"] == said


def test_half_a_surrogate_pair_does_not_break_the_object(command: Command) -> None:
    with ModelServer(always("Answer: \ud83d")) as server:
        model = ("--model", "any", "--base-url", server.url, "--verifier", "agreement")
        result = command("solve", "?", *model, "--policy", "best_of(1)", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout_bytes)["outcome"] == "completed"


def test_a_model_that_only_fails_ends_with_code_1_the_reason_and_the_spend(
    command: Command,
) -> None:
    with ModelServer(lambda request: Fault("status", 400)) as server:
        model = ("--model", "any", "--base-url", server.url, "--verifier", "agreement")
        options = (*model, "--policy", "best_of(2)", "--seed", "1")
        shown = command("solve", "2 + 2?", *options)
        as_json = command("solve", "2 + 2?", *options, "--json")
    assert shown.exit_code == as_json.exit_code == 1
    assert shown.stdout == ""
    last = shown.stderr.splitlines()[-1]
    assert last.startswith("Error: no candidate is usable: ")
    assert "400" in last
    assert "Spent: 2 calls" in last
    told = json.loads(as_json.stdout)
    assert list(told) == KEYS
    assert (told["answer"], told["outcome"], len(told["candidates"])) == (None, "failed", 2)
    assert as_json.stderr.count("\n") == 1


def test_a_question_that_the_embedded_model_cannot_read_says_what_it_reads(
    command: Command,
) -> None:
    result = command("solve", "What is love?")
    assert result.exit_code == 1
    assert "How many" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("",), "the question is empty"),
        (("  \n",), "the question is empty"),
        ((QUESTION, "--max-calls", "0"), "calls=0"),
        ((QUESTION, "--max-usd", "-1"), "usd=-1"),
        ((QUESTION, "--max-seconds", "nan"), "seconds=nan"),
        ((QUESTION, "--max-tokens", "3"), "budget cannot pay for one answer"),
        ((QUESTION, "--model", "embeded"), "did you mean 'embedded'?"),
        ((QUESTION, "--base-url", "http://127.0.0.1:1/v1"), "base_url"),
        ((QUESTION, "--model", "openai:gpt-5-mini"), "OPENAI_API_KEY"),
        ((QUESTION, "--verifier", "jugde"), "did you mean 'judge'?"),
        ((QUESTION, "--policy", "samples(3)"), "did you mean 'sample'?"),
        ((QUESTION, "--policy", "sample(3"), "never closed"),
        ((QUESTION, "--policy", "sample(0)"), "n=0"),
        ((QUESTION, "--selector", "bset"), "did you mean 'best'?"),
        ((QUESTION, "--price", "1"), "price '1'"),
        ((QUESTION, "--price", "-1/2"), "price input=-1.0"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_one_line_on_stderr_and_code_2(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    result = command("solve", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_a_limit_in_dollars_without_a_price_is_refused_before_any_request(
    command: Command,
) -> None:
    with ModelServer(always("4")) as server:
        model = ("--model", "any", "--base-url", server.url)
        result = command("solve", "2 + 2?", *model, "--max-usd", "1")
        assert server.calls == 0
    assert result.exit_code == 2
    assert "'any': --price INPUT/OUTPUT" in result.stderr


def test_standard_input_that_is_no_text_is_refused(command: Command) -> None:
    result = command("solve", "-", stdin=b"\xff\xfe\x00")
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


def test_a_judge_that_cannot_be_read_is_named_where_the_run_says_why_it_ended(
    command: Command,
) -> None:
    with ModelServer(always("Answer: 4")) as server:
        options = ("--model", "any", "--base-url", server.url, "--policy", "best_of(2)")
        shown = command("solve", "2 + 2?", *options, "--verifier", "judge")
        told = json.loads(
            command("solve", "2 + 2?", *options, "--verifier", "judge", "--json").stdout
        )
    assert "(all 2 answers drawn; judge gave no score)" in shown.stdout
    assert "No score    judge: the judge gave no readable report" in shown.stdout
    assert "judge gave no score" in told["reason"]
    assert all(c["error"].startswith("judge: ") for c in told["candidates"])


def test_only_who_was_asked_is_said_to_have_judged(command: Command) -> None:
    with ModelServer(always("Answer: 4")) as server:
        options = ("--model", "any", "--base-url", server.url, "--policy", "best_of(2)")
        shown = command("solve", "2 + 2?", *options)
    assert "judged by agreement\n" in shown.stdout
