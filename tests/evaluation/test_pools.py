from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.making import a_question, a_sample, write
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.recordings import lines
from verifier_agent.evaluation.recordings.pools import Survey, read_pool

Plain = dict[str, Any]


def a_pool() -> list[Plain]:
    scored = a_sample("4", 1, tokens=12, model="m", logprob=-2.0, scores={"a": 1, "b": [0.5, 2]})
    tested = a_sample(None, 0, tests="01", scores={"a": 0.25})
    tests = [{"weight": 2, "text": "assert f(1) == 1"}, {"weight": 1.5, "text": "assert f(2)"}]
    return [
        a_question("one", [scored, a_sample("5")]),
        a_question("two", [tested], kind="code", tests=tests, gold="6", somebodys_own=[1]),
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_a_pool_is_read_plain_or_gzip_whatever_its_name(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path / "pool", a_pool(), packed=packed)
    first, second = read_pool(path)
    assert first.samples[0].scores == {"a": 1.0, "b": [0.5, 2.0]}
    assert (first.samples[0].tokens, first.samples[0].model) == (12, "m")
    assert (first.samples[1].correct, first.labelled) == (None, False)
    assert (second.kind, second.gold, second.labelled) == ("code", "6", True)
    assert second.samples[0].answer is None


def test_blank_lines_and_a_byte_order_mark_are_passed_over(tmp_path: Path) -> None:
    line = json.dumps(a_question("one", [a_sample("4")])).encode()
    path = tmp_path / "pool.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\n  \n" + line.replace(b'"one"', b'"two"'))
    assert [question.id for question in read_pool(path)] == ["one", "two"]


def without(name: str) -> Callable[[Plain], Any]:
    return lambda question: question.pop(name)


def sample(**fields: Any) -> Callable[[Plain], Any]:
    return lambda question: question["samples"][0].update(fields)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("id"), "id: Field required"),
        (without("question"), "question: Field required"),
        (without("samples"), "samples: Field required"),
        (lambda q: q.update(samples=[]), "samples: List should have at least 1"),
        (lambda q: q.update(id=7), "id: Input should be a valid string"),
        (lambda q: q.update(question=" "), "question: it is empty"),
        (lambda q: q.update(kind="image"), "kind: Input should be 'text' or 'code'"),
        (lambda q: q["samples"][0].pop("answer"), "samples.0.answer: Field required"),
        (lambda q: q["samples"][0].pop("text"), "samples.0.text: Field required"),
        (sample(answer=4), "samples.0.answer: Input should be a valid string"),
        (sample(correct=2), "samples.0.correct: Input should be 0 or 1"),
        (sample(correct="1"), "samples.0.correct: Input should be 0 or 1"),
        (sample(tokens=-1), "samples.0.tokens: "),
        (sample(tokens=1.5), "samples.0.tokens: "),
        (sample(logprob=float("-inf")), "samples.0.logprob: Input should be a finite number"),
        (sample(scores={"prm": float("nan")}), "samples.0.scores.prm: Input should be a finite"),
        (sample(scores={"prm": float("inf")}), "samples.0.scores.prm: Input should be a finite"),
        (sample(scores={"prm": [0.5, float("nan")]}), "samples.0.scores.prm.1: Input should be"),
        (sample(scores={"prm": None}), "samples.0.scores.prm: "),
        (sample(scores={"prm": "0.5"}), "samples.0.scores.prm: "),
        (sample(scores=[0.5]), "samples.0.scores: "),
        (sample(tests="0110"), "samples.0.tests: it has 4 results, the question has 0 tests"),
        (sample(tests="0x"), "samples.0.tests: "),
        (lambda q: q.update(tests=[{"weight": -1, "text": "t"}]), "tests.0.weight: "),
    ],
)
def test_a_bad_line_is_named_with_file_line_and_field(
    tmp_path: Path, spoil: Callable[[Plain], Any], said: str
) -> None:
    good, bad = a_question("good", [a_sample("1")]), a_question("bad", [a_sample("1")])
    spoil(bad)
    path = write(tmp_path / "pool.jsonl", [good, bad])
    with pytest.raises(ConfigurationError) as raised:
        list(read_pool(path))
    assert str(raised.value).startswith(f"{path}, line 2: {said}")


def test_tests_of_unequal_length_are_named(tmp_path: Path) -> None:
    tests = [{"weight": 1, "text": "a"}, {"weight": 1, "text": "b"}]
    samples = [a_sample("1", tests="01"), a_sample("1", tests="011")]
    path = write(tmp_path / "pool.jsonl", [a_question("q", samples, tests=tests)])
    with pytest.raises(ConfigurationError, match=r"line 1: samples\.1\.tests: it has 3 results"):
        list(read_pool(path))


def test_several_faults_of_a_line_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "pool.jsonl", [a_question("q", [a_sample("1", tokens="x"), {}])])
    with pytest.raises(ConfigurationError, match=r"tokens: .* \(and 1 more on this line\)"):
        list(read_pool(path))


def test_an_id_that_comes_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "pool.jsonl", [a_question(n, [a_sample("1")]) for n in "aba"])
    with pytest.raises(ConfigurationError, match="line 3: id: 'a' is the id of line 1 already"):
        list(read_pool(path))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b'{"id": "a"', "line 1: Invalid JSON"),
        (b"[]\n", "line 1: Input should be an object"),
        (b'{"id": "\xff"}', "line 1: Invalid JSON"),
        (b"\x1f\x8bnonsense", "line 1: the gzip stream is damaged"),
    ],
)
def test_what_is_no_pool_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "pool"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=said):
        list(read_pool(path))


def test_a_truncated_gzip_stream_is_said_to_be_one(tmp_path: Path) -> None:
    path = write(tmp_path / "pool.gz", [a_question(f"q{i}", [a_sample(f"{i}")]) for i in range(50)])
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[:-20])
    with pytest.raises(ConfigurationError, match=r"line \d+: the gzip stream ends here.*truncated"):
        list(read_pool(path))


def test_a_damaged_checksum_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "pool.gz", a_pool(), packed=True)
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="the gzip stream is damaged"):
        list(read_pool(path))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere: No such file"):
        list(read_pool(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="a file is needed"):
        list(read_pool(tmp_path))


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_without_end_is_refused_before_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 2**20)
    path = tmp_path / "pool"
    data = b'{"id": "' + b"a" * 2**24
    path.write_bytes(gzip.compress(data) if packed else data)
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError, match="line 1: longer than 1 MiB"):
            list(read_pool(path))
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_pool_is_never_held_in_memory(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "pool"
    with gzip.open(path, "wt") if packed else path.open("wt") as file:
        for i in range(2000):  # 20 MB
            samples = [{"text": "x" * 10_000, "answer": "1"}]
            file.write(json.dumps(a_question(f"q{i}", samples)) + "\n")
    tracemalloc.start()
    try:
        assert Survey.of(path).questions == 2000
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_a_survey_counts_what_there_is(tmp_path: Path) -> None:
    survey = Survey.of(write(tmp_path / "pool", a_pool()))
    assert (survey.questions, survey.labelled, survey.samples, survey.most_samples) == (2, 1, 3, 2)
    assert survey.models == {"m"}
    assert survey.tests
    assert survey.scores == {"a": (0.25, 1.0), "b": (0.5, 2.0)}
