from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.embedded.family import split_of
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.recordings.data import read_data

Plain = dict[str, Any]


def a_file(path: Path, *lines: Plain) -> Path:
    file = path / "questions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_a_file_gives_its_questions_and_passes_over_what_else_is_there(tmp_path: Path) -> None:
    lines: list[Plain] = [
        {"id": "a", "question": "2 + 2?", "gold": "2 + 2 = 4\n#### 4", "level": 1, "own": [1]},
        {"id": "b", "question": "?", "level": "hard", "context": {"tests": ["f(1) == 1"]}},
    ]
    first, second = read_data(a_file(tmp_path, *lines))
    assert (first.id, first.question, first.level, first.right) == ("a", "2 + 2?", 1, "4")
    assert (second.gold, second.right, second.context) == (None, None, lines[1]["context"])


@pytest.mark.parametrize(
    ("gold", "right"),
    [("1,200", "1200"), ("$0.50", "0.5"), (r"\boxed{x + 1}", "x + 1"), ("Paris.", "paris")],
)
def test_gold_is_read_as_answers_are(tmp_path: Path, gold: str, right: str) -> None:
    (entry,) = read_data(a_file(tmp_path, {"id": "a", "question": "?", "gold": gold}))
    assert entry.right == right


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"id": "a"}, "line 1: question: Field required"),
        ({"id": "", "question": "?"}, "line 1: id"),
        ({"id": "a", "question": " "}, "line 1: question: it is empty"),
        ({"id": "a", "question": "?", "gold": ""}, "line 1: gold: it states no answer"),
        ({"id": "a", "question": "?", "gold": 4}, "line 1: gold: Input should be a valid string"),
        ({"id": "a", "question": "?", "level": 1.5}, "line 1: level: "),
        ({"id": "a", "question": "?", "level": True}, "line 1: level: "),
    ],
)
def test_a_fault_is_named_by_file_line_and_field(tmp_path: Path, line: Plain, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"questions.jsonl, {said}"):
        read_data(a_file(tmp_path, line))


def test_an_id_given_twice_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    one = {"id": "a", "question": "?"}
    with pytest.raises(ConfigurationError, match="line 2: id: 'a' is the id of line 1"):
        read_data(a_file(tmp_path, one, one))
    with pytest.raises(ConfigurationError, match="is empty"):
        read_data(a_file(tmp_path))


@settings(max_examples=15)
@given(count=st.integers(1, 30), split=st.sampled_from(["test", "validation"]))
def test_the_built_in_set_takes_levels_in_turn_and_grows_at_its_end(count: int, split: str) -> None:
    entries = read_data(f"embedded:{split}:{count}")
    assert len({entry.id for entry in entries}) == len(entries) == count
    levels = Counter(entry.level for entry in entries)
    assert max(levels.values()) - min(levels.values()) <= 1
    assert set(levels) == set(range(1, min(count, 5) + 1))
    assert {split_of(entry.question) for entry in entries} == {split}
    assert read_data(f"embedded:{split}:{count + 3}")[:count] == entries


def test_the_gold_of_the_built_in_set_solves_its_questions() -> None:
    entries = read_data("embedded:test")
    assert len(entries) == 100
    for entry in entries:
        people: dict[str, int] = {}
        for sentence in entry.question.split(". ")[:-1]:
            words = sentence.split()
            name, other = words[0], words[-1]
            if "half" in words:
                people[name] = people[other] // 2
            elif "times" in words:
                people[name] = int(words[2]) * people[other]
            elif "more" in words:
                people[name] = people[other] + int(words[2])
            elif "fewer" in words:
                people[name] = people[other] - int(words[2])
            else:
                people[name] = int(words[2])
        assert entry.right == str(people[entry.question.split()[-2]])


@pytest.mark.parametrize(
    "data",
    ["embedded:train", "embedded:", "embedded:test:0", "embedded:test:x", "embedded:test:5:1"],
)
def test_other_names_of_built_in_sets_are_refused(data: str) -> None:
    with pytest.raises(ConfigurationError, match="give embedded:test, embedded:validation"):
        read_data(data)
