"""Examples in task texts, as tests: those that a text states, and none that it does not."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.verifiers.programs.examples import examples_in

IN_CODE = 'def f(x):\n    """Do it.\n\n    {}\n    """\n'


def sources(text: str, name: str | None = "f") -> list[str]:
    return [test.source for test in examples_in(text, name)]


@pytest.mark.parametrize("text", ["{}", "Write f.\n\n{}\n\nThat is all.", IN_CODE])
@pytest.mark.parametrize(
    "example",
    [
        "f(3) == 4",
        "f(3) = 4  # since 3 + 1 is 4",
        "f(3) => 4",
        "f(3) ==> 4",
        "f(3) -> 4",
        "f(3) ➞ 4",
        "f(3)   # returns 4",
        "`f(3)` returns `4`",
        "`f(3) == 4`",
        "For example, f(3) should return 4.",
        "- f(3) gives 4, because it counts.",
        "1. f(3) == 4",
        "(e.g. f(3) == 4)",
        "Example 1: f(3) == 2 + 2 = 4",
        "print(f(3))  # Output: 4",
        "assert f(3) == 4",
        ">>> f(3)\n    4",
        ">>> f(3) == 4\n    True",
    ],
)
def test_an_example_is_found_wherever_it_stands(text: str, example: str) -> None:
    assert sources(text.format(example)) == ["assert f(3) == 4"]


@pytest.mark.parametrize("text", ["{}", IN_CODE])
@pytest.mark.parametrize(
    "example",
    [
        "f(n) = f(n-1) + 1",
        "f(a) => False",
        "Currently f(3) returns 5, but it should return 6.",
        "The bug: f(3) returns 5",
        "Wrong outputs:\n    f(3) == 5",
        "f(3) should not return 4",
        "It is wrong that f(3) == 4.",
        "if f(3) == 4 then stop",
        "f(3) == 4 if it is odd",
        "either f(3) == 4 or f(3) == 5",
        "f(3) returns 5 or 6",
        "f(3) returns 1 and 2",
        "f(3) returns 5 elements",
        "f(3) is 5 more than 2",
        "f(3) == 1, 2",
        "f(3) == [1, 2, ..., 5]",
        "f([1, ..., 9]) == 3",
        "f(3) == f(4)",
        "f(3) == f(4) == 5",
        "2 * f(3) == 8",
        "f(2) + f(3) == 5",
        "g(f(3)) == 5",
        "self.f(3) == 4",
        "not f(3) == 4",
        "f(3) = 4 = 5",
        "f(3) # 1",
        "f(3) == 5!",
        "f(3) -> 1 -> 2",
        "f(3) == [0.333, 0.5]",
        r"f('a\\n') == 3",
        "f() -> None: it does nothing",
        "assert f(x) == 3",
        "assert f(3) == y",
        ">>> f(3)\n    Traceback (most recent call last):\n    ValueError: 3",
        ">>> f(3)\n    5\n    and so on",
        ">>> f(x)\n    5",
        ">>> f(3)\n    [1, ..., 9]",
        "It prints what it found.\n    >>> f(3)\n    5",
        "f(3) == 4\n    f(3) == 5",
        "f(3) == 4 and f(3) == 5",
        "Input: 3 numbers\n    Output: 4",
        "Input: x = 3\n    Output: a number above 4",
        "For x = 5 the output should be 4 lines",
        "For y = 5, z = 6 the output should be 4",
        "Return them in any order: f(3) == [1, 2]",
        ">>> x = 3\n    >>> f(x)\n    [1, 2]\n\n    The order is not important.",
        "Print the next number.\n    Input: x = 3\n    Output: 4",
        "Sort it in-place.\n    f([2, 1]) -> [1, 2]",
        "Do not return anything: f([2, 1]) => [1, 2]",
        "Return any valid number: f(3) == 4",
        "Return a number at random: f(3) == 4",
        "One possible result: f(3) == 4",
        "f(3) == 4 (mod 7)",
        "f(3) == 4  # wrong",
        "f(3) returns 5\n    but it should return 4",
        "I see this.\n    f(3) returns 5\n    f(4) returns 6\n    Both should be 4.",
        ">>> f(3)\n    5\n\n    It should give 4.",
        "Fix f, please.\n    f(3) returns 5",
        "assert f(3) == 5  # fails",
        "Input: x = 3\n    Output: 5\n    Expected output: 4",
        "Wrong:\n    Input: x = 3\n    Output: 5",
        ">>> x = {}\n    >>> x['a'] = 1\n    >>> f(x)\n    1",
        ">>> x = 3\n    >>> x = g(x)\n    >>> f(x)\n    1",
        "f(3) == 0.3\n    f(3) == 0.7",
    ],
)
def test_what_states_no_example_is_none(text: str, example: str) -> None:
    assert sources(text.format(example)) == []


def test_a_comment_behind_an_example_does_not_take_it_back() -> None:
    text = "f([1, 2], 5) ➞ False\n# its sum is less, but it is not balanced\nf([3], 5) ➞ True"
    assert sources(text) == ["assert f([1, 2], 5) == False", "assert f([3], 5) == True"]


def test_a_rounded_number_stands_for_all_that_are_rounded_to_it() -> None:
    (source,) = sources("f(1, 3) == 0.333")
    assert eval(source.removeprefix("assert "), {"f": lambda a, b: a / b})
    assert not eval(source.removeprefix("assert "), {"f": lambda a, b: 0.334})


def test_a_float_may_be_computed_in_another_order() -> None:
    (source,) = sources("f([0.1, 0.2, 0.3, 0.4]) == 1.0")
    assert eval(source.removeprefix("assert "), {"f": lambda given: sum(given) - 1e-15})
    assert not eval(source.removeprefix("assert "), {"f": lambda given: 1.0001})


def test_examples_may_stand_one_behind_another() -> None:
    for text in ("f(2) -> 4, f(3) -> 6", "`f(2)` returns `4`; `f(3)` returns `6`."):
        assert sources(text) == ["assert f(2) == 4", "assert f(3) == 6"]
    assert sources("f(2) -> 4, f(3) -> 6 is wrong") == []


def test_what_was_given_to_a_function_may_be_changed_by_it() -> None:
    text = ">>> x = [1]\n>>> f(x)\n[1]\n>>> f(x)\n[1, 1]\n>>> x = [2]\n>>> f(x)\n[2]"
    assert sources(text) == ["x = [1]\nassert f(x) == [1]", "x = [1]\nx = [2]\nassert f(x) == [2]"]


def test_words_within_an_example_put_nothing_in_doubt() -> None:
    assert sources(">>> f('but')\n'not wrong'") == ["assert f('but') == 'not wrong'"]
    assert sources("assert f(3) == 'not wrong'") == ["assert f(3) == 'not wrong'"]


def test_where_answers_differ_what_is_plain_is_read_all_the_same() -> None:
    assert sources("In any order: f(3) == 4") == ["assert f(3) == 4"]
    assert sources("Return any valid number, or None: f(3) == None") == ["assert f(3) == None"]


def test_of_the_report_of_a_bug_assertions_are_read() -> None:
    assert sources("Fix f: f(3) returns 5.\nassert f(3) == 4") == ["assert f(3) == 4"]


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def f(self, x):\n        '''f(3) == 4'''",
        "class A:\n    @staticmethod\n    def f(x):\n        '''f(3) == 4'''",
        "def g():\n    def f(x):\n        '''f(3) == 4'''",
    ],
)
def test_what_cannot_be_called_by_its_name_alone_has_no_examples(text: str) -> None:
    assert sources(text) == []


def test_a_function_that_is_there_already_is_not_the_one_that_is_asked_for() -> None:
    half = "def half(x):\n    '''half(2) == 1'''\n    return x / 2\n"
    assert sources(f"{half}Write `double(x)`. double(2) == 4", None) == ["assert double(2) == 4"]
    assert sources(f"{half}Write `double(x)`, with the function `half`.", None) == []


def test_what_a_session_sets_up_comes_before_its_example() -> None:
    text = ">>> given = [3, 1]\n>>> f(given)\n[1, 3]\n"
    assert sources(text) == ["given = [3, 1]\nassert f(given) == [1, 3]"]


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ("Input: nums = [2, 7], target = 9\nOutput: [0, 1]", "assert f([2, 7], 9) == [0, 1]"),
        ("Input:\n  target : 9\n  nums : [2]\nOutput: 1", "assert f([2], 9) == 1"),
        ("**Input:** [2, 7], 9\n**Output:** 1", "assert f([2, 7], 9) == 1"),
        ("Input: numbers = [2], target = 9\nOutput: 1", "assert f([2], 9) == 1"),
        ("For nums = [2] and target = 9 the output should be 1", "assert f([2], 9) == 1"),
    ],
)
def test_values_are_given_to_the_parameters_that_are_named(example: str, expected: str) -> None:
    assert sources(f"def f(nums, target):\n    '''\n{example}\n    '''\n") == [expected]


def test_examples_of_a_function_that_was_renamed_are_its_own() -> None:
    text = IN_CODE.format("assert old_name([1]) => 1\n    assert old_name([2]) => 2")
    assert sources(text) == ["assert f([1]) == 1", "assert f([2]) == 2"]
    # not where the text speaks of that function, or what it is given does not fit
    assert sources(IN_CODE.format("Use old_name.\n    old_name([1]) == 1")) == []
    assert sources(IN_CODE.format("old_name([1], 2) == 1")) == []


def test_the_function_is_the_one_that_the_text_names_or_defines() -> None:
    for asked in ("Write a function `double(x)`", "Write double(x)", "a function called 'double'"):
        assert sources(f"{asked}. double(2) == 4", None) == ["assert double(2) == 4"]
    assert sources("def double(x):\n    '''double(2) == 4'''", None) == ["assert double(2) == 4"]
    assert sources("Write double or triple: double(2) == 4", None) == []
    task = "Write a function to double a number. Your code should pass these tests:\n\n{}"
    one = "assert sorted(double([2, 1])) == [2, 4]"
    assert sources(task.format(one), None) == [one]
    assert sources(task.format(f"{one}\nassert triple(2) == 6"), None) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_a_value_is_read_as_it_was_written(given: object, expected: object) -> None:
    text = f"f({given!r}) == {expected!r}"
    if "\\\\" in text or "'''" in text or '"""' in text:
        assert sources(text) == []
        return
    (source,) = sources(text)
    match ast.parse(source).body:
        case [ast.Assert(test=ast.Compare(left=ast.Call(args=[asked]), comparators=[value]))]:
            assert ast.literal_eval(asked) == given
            assert ast.literal_eval(value) == expected
        case _:
            pytest.fail(source)


@given(st.text(st.sampled_from("f(3)=[>'\"\\\n-. 4]{:,}#Input:Output"), max_size=60))
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    for source in sources(f"def f(x):\n{text}"):
        ast.parse(source)


def test_of_a_text_that_is_too_long_nothing_is_read() -> None:
    text = "f(3) == 4\n"
    assert sources(text * 4_999) == ["assert f(3) == 4"]
    assert sources(text * 5_001) == []
    deep = "[" * 20 + "]" * 20
    assert sources(f"f([]) == {deep}") == [f"assert f([]) == {deep}"]
    assert sources(f"f([]) == [{deep}]") == []
