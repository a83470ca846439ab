"""The forms that answers come in: a table, each row one answer in several spellings."""

from __future__ import annotations

import json
import pickle
from itertools import combinations

import pytest

from verifier_agent.answers import (
    ChoiceKey,
    answer_key,
    canonical,
    json_key,
    last_line_key,
    number_key,
    tool_calls_key,
)
from verifier_agent.errors import ConfigurationError

SAME: list[tuple[str, list[str]]] = [
    ("18", ["18", "18.", "18.0", "+18", "018", "$18", "18 $", "18$", "18 dollars", "18 USD"]),
    ("18.5", ["18.5", "18,5", "18.50", "18,50", "€18,50", "18,50 €", "18.5 euros", "18,5%"]),
    ("-18", ["-18", "−18", "-$18", "$-18", "- 18", "-18.00"]),
    ("1234567", ["1,234,567", "1.234.567", "1 234 567", "1'234'567", "1’234’567", "1_234_567"]),
    ("1234.5", ["1,234.5", "1.234,5", "1 234,5", "1 234.50", "1'234.5", "1234,5", "1234.5"]),
    ("1234", ["1,234", "1 234", "1\u202f234", "1\u00a0234", r"1{,}234", r"1\,234", r"1,\!234"]),
    ("1.234", ["1.234", "1.2340"]),
    ("0.125", ["0.125", "0,125", ".125", "1/8", r"\frac18", "⅛", "12.5e-2"]),
    ("0.5", ["1/2", r"\frac{1}{2}", r"\dfrac{1}{2}", r"\tfrac12", "½", "0,5", "2/4", r"$\frac12$"]),
    ("-0.5", ["-1/2", r"-\frac{1}{2}", r"\frac{-1}{2}", "-½", "−0.5"]),
    ("1/3", ["1/3", "2/6", r"\frac{1}{3}", "⅓", r"\frac{ 2 }6", r"\frac1{3}", "1 / 3"]),
    ("1.5", ["1 1/2", "1½", r"1\frac{1}{2}", r"1 \frac{1}{2}", "3/2", "1.50", "1,5", "6/4"]),
    ("-7/3", ["-7/3", r"-\frac{7}{3}", "-2 1/3", "-14/6"]),
    ("100000", ["1e5", "1E5", "100,000", "10^5", "10^{5}", r"1 \times 10^5", "1·10^{5}"]),
    ("0.0015", ["1.5e-3", r"1.5\times10^{-3}", "0.0015", "1,5 × 10^-3"]),
    ("12", ["12%", r"12\%", "12 %", "12 percent", "12 per cent", "12"]),
    ("90", ["90°", r"90^\circ", r"90^{\circ}", "90 degrees", r"$90^\circ$"]),
    ("5 cm", ["5 cm", "5cm", r"5\text{ cm}", r"5 \mathrm{cm}", "5 centimeters", "**5.0 cm.**"]),
    ("2.5 km/h", ["2.5 km/h", "2,5 km/h", "2.5 kph", "5/2 km/h"]),
    ("12 m^2", ["12 m^2", "12 m²", "12 square meters", r"12 \text{ m}^2", "12 sq. metres"]),
    ("3 h", ["3 hours", "3 hrs", "3h", "3 h", "3 hr."]),
    ("7 apples", ["7 apples", "7.0 Apples", "07 apples."]),
    ("b", ["B", "b", "(B)", "B)", "B.", "option B", "Choice (b)", "**B**", "(B) Paris"]),
    ("paris", ["Paris", "paris.", "PARIS", "*Paris*", "`Paris`", r"\text{Paris}"]),
    ("1, 2, 3", ["1,2,3", "1, 2, 3", "1 , 2 , 3", "1.0, 2, 3.00"]),
    ("(1, 2)", ["(1,2)", "(1, 2)", r"\left(1, 2\right)", "$(1,2)$"]),
    ('{"a": 1, "b": [2, 0.5]}', ['{"b": [2.0, 5e-1], "a": 1}', '{ "a":1,"b":[2,0.50] }']),
    ("[1, 2]", ["[1,2]", "[1.0, 2]", "`[1, 2]`", "[ 1,2 ]"]),
]  # fmt: skip
CASES = [(key, text) for key, texts in SAME for text in texts]


def test_the_table_is_long_enough() -> None:
    assert len(CASES) > 120


@pytest.mark.parametrize(("key", "text"), CASES)
def test_spellings_of_one_answer_share_its_key(key: str, text: str) -> None:
    assert canonical(text) == key
    assert canonical(key) == key


def test_no_two_rows_share_a_key() -> None:
    assert len({key for key, _ in SAME}) == len(SAME)


APART = [
    ("1.234", "1234"),
    ("3,5", "35"),
    ("3,5", "3, 5"),
    ("11/2", "1 1/2"),
    ("1/3", "0.333"),
    ("5 cm", "5 m"),
    ("5 cm", "5"),
    ("50 cents", "$50"),
    ("5 m", "5 m^2"),
    ("1:2", "1/2"),
    ("10^5", "105"),
    ("1e400", "1e401"),
    ("24/0", "24"),
    ("(a) and (b)", "(a)"),
    ("00ff", "0ff"),
    ("1.2.3", "1.23"),
    ("1,23,456", "123456"),
    ("12,3456", "123456"),
    ("2024-01-02", "2024-1-2"),
    ("x^2", "x^3"),
    ('{"a": "Paris"}', '{"a": "paris"}'),
    ('{"a": 1}', '{"a": "1"}'),
    ("[1, 2]", "[2, 1]"),
    ("--5", "-5"),
    ("-+5", "-5"),
    ("-$-5", "5"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_answers_that_differ_have_keys_that_differ(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_a_text_that_is_json_states_itself() -> None:
    assert answer_key(' {"b": 1, "a": 2.0}\n') == '{"a": 2, "b": 1}'
    assert answer_key('```json\n{"b": 1,\n "a": 2}\n```') == '{"a": 2, "b": 1}'
    assert answer_key('Here it is: {"b": 1}') is None
    assert answer_key("{not json}") is None
    assert answer_key('{"a": NaN}') is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('Here: {"b": 1, "a": 2} and done', '{"a": 2, "b": 1}'),
        ('First {"a": 1}, then {"a": 2}.', '{"a": 2}'),
        ('```json\n{"a": 1}\n```\nor {"a": 2}', '{"a": 1}'),
        ("```\n[1, 2.50]\n```", "[1, 2.5]"),
        ('{"é": "ß", "n": null, "t": true}', '{"n": null, "t": true, "é": "ß"}'),
        ('{"a": "\\ud800"}', '{"a": "\\ud800"}'),
        ("{}", "{}"),
        ("no json {here", None),
        ("", None),
    ],
)
def test_json_is_found_and_written_in_one_way(text: str, key: str | None) -> None:
    assert json_key(text) == key


def test_json_keeps_every_digit() -> None:
    long = "1234567890123456789012345678901234567890"
    assert json_key(f'{{"a": {long}, "b": 0.{long}1}}') == f'{{"a": {long}, "b": 0.{long}1}}'


def test_tools_are_called_alike_whatever_the_order_and_the_ids() -> None:
    one = {"name": "search", "args": {"q": "x", "n": 1.0}, "id": "1", "type": "tool_call"}
    same = {"name": "search", "args": {"n": 1, "q": "x"}, "id": "2", "type": "tool_call"}
    other = {"name": "open", "args": {}, "id": "3"}
    assert tool_calls_key([one]) == tool_calls_key([same]) == '[["search", {"n": 1, "q": "x"}]]'
    assert tool_calls_key([one, other]) == tool_calls_key([other, same])
    keys = [tool_calls_key(calls) for calls in ([one], [other], [one, other], [one, one])]
    assert all(a != b for a, b in combinations(keys, 2))
    assert tool_calls_key([]) is None
    assert json.loads(str(tool_calls_key([one])))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Answer: 5 cm", "5"),
        ("Answer: x = 5 cm", "5"),
        ("The answer is about $1,234.50 in all", "1234.5"),
        (r"so \boxed{x = \frac{1}{2}}", "0.5"),
        ("I had 3 and got 4, so 7", "7"),
        ("It costs 12,50 €", "12.5"),
        ("It is -3.", "-3"),
        ("It was in 2024-05", "5"),
        ("three", None),
        ("", None),
    ],
)
def test_a_number_key_leaves_out_everything_else(text: str, key: str | None) -> None:
    assert number_key(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Answer: B", "b"),
        ("The answer is (C).", "c"),
        ("Answer: B) Paris", "b"),
        ("Answer: D. Because it is", "d"),
        ("Answer: Paris", None),
        ("Answer: E", None),
        ("(A) is wrong, so (B)", "b"),
        ("It must be option C here", "c"),
        ("B", "b"),
        ("A. It rains\nD. It snows", "d"),
        ("A cat is no dog", None),
        ("", None),
    ],
)
def test_a_choice_is_one_of_the_letters(text: str, key: str | None) -> None:
    assert ChoiceKey()(text) == key


def test_the_letters_of_a_choice_can_be_others() -> None:
    assert ChoiceKey("XY")("so (Y)") == "y"
    assert ChoiceKey("XY")("so (A)") is None
    assert pickle.loads(pickle.dumps(ChoiceKey("XY"))) == ChoiceKey("XY")
    with pytest.raises(ConfigurationError, match="letters"):
        ChoiceKey("A-D")


def test_the_last_line_stands_in_where_nothing_is_stated() -> None:
    assert last_line_key("work\n\n**42**\n\n") == "42"
    assert last_line_key("Answer: 5\nThat is all") == "5"
    assert last_line_key("work\n$$\n") == "work"
    assert last_line_key(" \n") is None
