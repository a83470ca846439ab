from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verifier_agent.answers import answer_key, canonical

MARKUP = [*"$*_`.,;:!=()[]{}%+-0123456789 \n", "\\", "\\text{", "\\boxed{", "\\,", "\\(", "\\)"]
WORDS = [
    "no ",
    "not ",
    "is ",
    " (ten)",
    " because ",
    ". A",
    "\\[",
    "\\]",
    "answer",
    "the answer is",
    "Answer:",
    "####",
    "½",
    "ß",
    "İ",
    "٣",
    "−",
    "€",
    "\\$",
]
answerish = st.lists(st.sampled_from(MARKUP + WORDS), max_size=20).map("".join)


@settings(max_examples=1000)
@given(st.text() | answerish)
@example("\\\n;")
@example(".`.")
@example("\\te\\,xt{5}")
@example("1" * 5000)
def test_normalising_twice_changes_nothing_and_nothing_raises(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    key = answer_key(text)
    assert key is None or (key and canonical(key) == key)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (r"so \boxed{12}.", "12"),
        (r"\boxed{1} and then \boxed{\frac{1}{2}}", "0.5"),
        (r"\boxed{\{1, 2}", r"\{1, 2"),
        (r"\boxed{a \boxed{b}}", "b"),
        (r"\fbox {7}", "7"),
        (r"\boxed{5", None),
        (r"first \boxed{3}, then an unfinished \boxed{4", "3"),
        ("#### 1,234", "1234"),
        ("work\n  #### 8", "8"),
        ("The answer is 5.", "5"),
        ("the answer is: **5**", "5"),
        ("**Final Answer:** $7$", "7"),
        ("Answer = 3", "3"),
        ("So the answer is clear: the answer is 6", "6"),
        ("Answer: 4\nWait. Answer: 5", "5"),
        ("Answer: 4\nAnswer: ", "4"),
        ("Answer: the answer is \\boxed{9}", "9"),
        ("The answer isn't 5", None),
        ("unanswerable: 3", None),
        ("it is 5", None),
        ("", None),
    ],
)
def test_the_last_stated_answer_is_found(text: str, key: str | None) -> None:
    assert answer_key(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("The answer is 10. Let me know if you need more.", "10"),
        ("**The answer is 10.** Let me know.", "10"),
        ("The answer is **10**. Éric agrees.", "10"),
        ("The answer is $3.50. That is all.", "3.5"),
        ("The answer is 3.5", "3.5"),
        ("The answer is 10 because 2+8=10", "10"),
        ("The answer is 10, since 2+8=10.", "10"),
        ("The answer is 10 (because 2+8=10)", "10"),
        ("The answer is 10, which is even.", "10"),
        ("The answer is because it rains", "because it rains"),
        ("Answer: St. Louis", "st. louis"),
        ("Answer: Dr. Who. That was easy.", "dr. who"),
        ("Answer: J. R. R. Tolkien. He wrote it.", "j. r. r. tolkien"),
        ("Answer: B. The others are wrong.", "b"),
        ("Answer: **10** (ten)", "10"),
        ("**Answer:** **Paris** (in France)", "paris"),
        ("Answer: 10 (ten).", "10"),
        ("Answer: 2 (x + 1)", "2 (x + 1)"),
        ("Answer: 3 (mod 7)", "3 (mod 7)"),
        ("Answer: Paris (Texas)", "paris (texas)"),
    ],
)
def test_what_follows_the_answer_is_no_part_of_it(text: str, key: str) -> None:
    assert answer_key(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Answer:\n10", "10"),
        ("Answer:\n\n  10  \nThat is all", "10"),
        ("**Answer:**\n\n**10**", "10"),
        ("The final answer is:\n$$\n10\n$$", "10"),
        ("The answer is\n\\[\n10\n\\]", "10"),
        ("Answer: \\[ 10 \\]", "10"),
        ("Answer:\n```\n10\n```", "10"),
        ("Answer:\n[1, 2]", "[1, 2]"),
        ("Answer: 4\nAnswer:\n", "4"),
        ("Answer:\n**\n", None),
        ("##### A heading", None),
    ],
)
def test_a_marker_at_the_end_of_its_line_states_the_next(text: str, key: str | None) -> None:
    assert answer_key(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("There is no answer: I cannot", None),
        ("There is no final answer: it has no solution", None),
        ("5 isn't the answer: it is odd", None),
        ("5 isn’t the right answer: it is odd", None),
        ("5 is not the answer: it is odd", None),
        ("The answer is not 5", None),
        ("I cannot answer: it is unclear", None),
        ("Answer: 4\n5 is not the answer: it is odd", "4"),
        ("The answer is 4. Let me know if the answer is wrong.", "4"),
        ("No, the answer is 4", "4"),
        ("Yes or no answer: yes", "yes"),
        ("Answer: not enough information", "not enough information"),
        ("Answer: no", "no"),
    ],
)
def test_a_marker_that_is_denied_or_supposed_states_nothing(text: str, key: str | None) -> None:
    assert answer_key(text) == key


@pytest.mark.parametrize(
    "same",
    [
        [
            "12",
            "12.0",
            "+12",
            "012",
            "$12",
            "12%",
            r"12\%",
            "12.",
            "**12**",
            "`12`",
            "$12$",
            r"\[12\]",
            " 12 ",
        ],
        ["-5", "−5", "-5.00", "$-5"],
        ["0", "-0", "0.000", "00"],
        ["1234567", "1,234,567", "1234567.0", r"1\,234\,567", "١٢٣٤٥٦٧"],
        ["0.5", ".5", "0.50"],
        ["5 cm", r"5\text{ cm}", "5  CM"],
        ["paris", "Paris.", "PARIS", "*Paris*", r"\text{Paris}"],
    ],
)
def test_spellings_of_one_answer_have_one_key(same: list[str]) -> None:
    assert {canonical(text) for text in same} == {canonical(same[0])}


def test_different_answers_have_different_keys() -> None:
    apart = [
        "5",
        "-5",
        "0.5",
        "50",
        "5 cm",
        "x = 5",
        r"\frac{1}{3}",
        "1,00",
        "1e5",
        "1e6",
        "a b",
    ]
    assert len({canonical(text) for text in apart}) == len(apart)


@given(st.integers(), st.integers())
def test_whole_numbers_of_any_length_are_told_apart(one: int, two: int) -> None:
    one, two = one**5, two**5
    assert (canonical(f"{one:,}") == canonical(f"${two}.0")) == (one == two)


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{" * 20_000,
        "answer " * 20_000,
        "answer" + " " * 100_000 + "x",
        "answer is" + "\t" * 100_000,
        "answer:x " * 20_000,
        "answer ** " * 20_000,
        "\n" * 100_000,
        " " * 100_000,
        "\\boxed{" + "{" * 100_000,
        "\\boxed{" + "\\te\\,xt{a}" * 5000 + "}",
        "Answer: " + "$" * 100_000,
        "Answer:" + "\n" * 100_000 + "x",
        "Answer:\n" * 20_000,
        "not the " * 20_000,
        "no" + " the" * 50_000,
        "Answer: " + "a. " * 50_000,
        "Answer: " + "a.**" * 50_000,
        "Answer: " + "." * 100_000,
        "Answer: x" + " (because" * 20_000,
        "Answer: 1 (" + "ab " * 50_000,
        "Answer: " + "**a" * 50_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_long_strange_text_is_read_in_a_moment(text: str) -> None:
    started = time.perf_counter()
    answer_key(text)
    canonical(text)
    assert time.perf_counter() - started < 2.0  # quadratic reading took 3 to 110 seconds
