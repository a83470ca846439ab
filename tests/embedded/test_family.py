from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.embedded.family import (
    LEVELS,
    Shape,
    draw,
    draw_shape,
    example,
    examples,
    split_of,
)
from verifier_agent.embedded.tokenizer import (
    END_ID,
    VOCABULARY,
    OutsideVocabulary,
    decode,
    encode,
)
from verifier_agent.errors import ConfigurationError

levels = st.sampled_from(sorted(LEVELS))
seeds = st.integers(0, 10**6)


def retold(question: str) -> int:
    """Work a question out from its text, by another path than the family's own."""
    counts: dict[str, int] = {}
    for sentence in question.split(". ")[:-1]:
        words = sentence.split()
        person, before = words[0], words[-1]
        if "half" in words:
            counts[person] = counts[before] // 2
        elif "times" in words:
            counts[person] = counts[before] * int(words[2])
        elif "more" in words:
            counts[person] = counts[before] + int(words[2])
        elif "fewer" in words:
            counts[person] = counts[before] - int(words[2])
        else:
            counts[person] = int(words[2])
    asked = re.search(r"does (\w+) have\?$", question)
    assert asked is not None
    return counts[asked[1]]


@given(levels, seeds)
def test_the_answer_follows_from_the_text_of_the_question(level: int, seed: int) -> None:
    problem = example(level, seed)
    assert str(retold(problem.question)) == problem.answer
    assert problem.solution.endswith(f"Answer: {problem.answer}")


@given(levels, seeds)
def test_counts_stay_below_the_limit_of_the_level(level: int, seed: int) -> None:
    problem = example(level, seed)
    values = [int(line.rsplit(" ", 1)[-1]) for line in problem.solution.split("\n")]
    assert len(values) == LEVELS[level].steps + 1
    assert all(0 < value < LEVELS[level].limit for value in values)


@given(levels, seeds)
def test_the_same_seed_gives_the_same_example(level: int, seed: int) -> None:
    assert example(level, seed) == example(level, seed)
    assert example(level, seed).level == level


@given(levels, seeds, st.sampled_from(["train", "validation", "test"]))
def test_a_problem_is_drawn_from_the_split_asked_for(level: int, seed: int, split: str) -> None:
    assert split_of(draw(Random(seed), level, split).question) == split  # type: ignore[arg-type]


def test_names_and_things_do_not_change_the_split() -> None:
    question = example(3, 5).question
    person, thing = question.split()[0], question.split()[3].rstrip(".")
    other = question.replace(person, "Somebody").replace(thing, "widgets")
    assert other != question
    assert split_of(other) == split_of(question) == "test"


def test_examples_differ_in_their_numbers_and_relations() -> None:
    numbers = [re.findall(r"\d+|more|fewer|times|half", p.question) for p in examples(1, 300)]
    assert len({tuple(n) for n in numbers}) == 300


@settings(deadline=None)
@given(levels, seeds)
def test_text_survives_the_tokenizer(level: int, seed: int) -> None:
    problem = example(level, seed)
    for text in (problem.question, problem.solution):
        assert decode(encode(text)) == text


@given(st.lists(st.integers(END_ID + 2, len(VOCABULARY) - 1), max_size=20))
def test_any_reply_the_model_could_draw_can_be_read_again(ids: list[int]) -> None:
    assert encode(decode(ids)) == ids


def test_blanks_are_flexible_but_not_inside_a_number() -> None:
    assert encode("Mia  has 37\tapples .") == encode("Mia has 37 apples.")
    with pytest.raises(OutsideVocabulary, match="3 7"):
        encode("Mia has 3 7 apples.")


def test_the_first_unknown_word_is_named_with_an_example() -> None:
    with pytest.raises(OutsideVocabulary, match=r"'bananas'.*How many.*another model") as caught:
        encode("Mia has 3 bananas and Zed has 2.")
    assert caught.value.word == "bananas"
    assert isinstance(caught.value, ValueError)


def test_impossible_requests_are_configuration_errors() -> None:
    with pytest.raises(ConfigurationError, match="level 7"):
        example(7, 0)
    with pytest.raises(ConfigurationError, match="steps 0"):
        draw_shape(Random(0), Shape(0, 100), "train")
    with pytest.raises(ConfigurationError, match="split 'dev'"):
        draw(Random(0), 1, "dev")  # type: ignore[arg-type]
