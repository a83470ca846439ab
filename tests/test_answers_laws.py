"""Laws of answer keys: a number has one key however it is written, and no other number has it."""

from __future__ import annotations

import json
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.answers import (
    ChoiceKey,
    answer_key,
    canonical,
    json_key,
    last_line_key,
    number_key,
)
from verifier_agent.answers.numerals import read_number, write_number

wholes = st.integers(-(10**15), 10**15)
decimals = st.builds(lambda n, places: Fraction(n, 10**places), wholes, st.integers(0, 8))
fractions = st.fractions(max_denominator=500)
numbers = st.one_of(wholes.map(Fraction), decimals, fractions)


def in_decimals(value: Fraction) -> str | None:
    """Write a fraction whose decimals end by long division; None if they do not."""
    rest = abs(value)
    whole, rest = divmod(rest, 1)
    digits = ""
    while rest and len(digits) < 40:
        digit, rest = divmod(rest * 10, 1)
        digits += str(digit)
    if rest:
        return None
    return f"{'-' if value < 0 else ''}{whole}{'.' + digits if digits else ''}"


def spellings(value: Fraction) -> list[str]:
    n, d = value.numerator, value.denominator
    sign = "-" if value < 0 else ""
    found = [f"{n}/{d}", f"{2 * n}/{2 * d}", rf"\frac{{{n}}}{{{d}}}", rf"$\dfrac{{{n}}}{{{d}}}$"]
    whole, rest = divmod(abs(value), 1)
    if whole and rest:
        found.append(f"{sign}{whole} {rest.numerator}/{rest.denominator}")
    plain = in_decimals(value)
    if plain is None:
        return found
    whole_digits, _, part = plain.removeprefix("-").partition(".")
    grouped = f"{int(whole_digits):,}"
    tail = f".{part}" if part else ""
    comma = f",{part}" if part else ""
    found += [plain, f"{plain}%", f"**{plain}**", f"{sign}${grouped}{tail}", f"{grouped}{tail} $"]
    found[-1] = sign + found[-1]
    found += [f"{plain}{'0' if part else '.000'}", f"{sign}{grouped.replace(',', ' ')}{tail}"]
    if len(whole_digits) > 3:
        found.append(f"{sign}{grouped.replace(',', ' ')}{comma}")
    found += [f"{sign}00{whole_digits}{tail}", f"{plain}e0", rf"{plain} \times 10^{{0}}"]
    if part and (len(part) != 3 or len(whole_digits) > 3 or whole_digits == "0"):
        found.append(f"{sign}{whole_digits}{comma}")
    if part and len(whole_digits) > 3:
        found.append(f"{sign}{grouped.replace(',', '.')}{comma}")
    return found


@settings(max_examples=200)
@given(numbers)
def test_however_a_number_is_written_it_has_one_key(value: Fraction) -> None:
    assert {canonical(text) for text in spellings(value)} == {write_number(value)}


@given(numbers, numbers)
def test_different_numbers_have_different_keys(one: Fraction, other: Fraction) -> None:
    assert (write_number(one) == write_number(other)) == (one == other)
    keys = {canonical(text) for text in spellings(one)} & {canonical(t) for t in spellings(other)}
    assert bool(keys) == (one == other)


@given(numbers)
def test_what_is_written_is_read_back(value: Fraction) -> None:
    assert read_number(write_number(value)) == value


@settings(max_examples=300)
@given(st.text(alphabet="0123456789.,'_ /-+e^x\\{}%$°½cm", max_size=14))
def test_reading_what_looks_like_a_number_never_raises_and_settles(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    number_key(text)
    last_line_key(text)


@given(numbers, st.sampled_from(["cm", "m", "km/h", "apples", "kg"]))
def test_a_unit_keeps_its_number(value: Fraction, unit: str) -> None:
    assert {canonical(f"{text} {unit}") for text in (str(value), write_number(value))} == {
        f"{write_number(value)} {unit}"
    }


leaves = st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=5)
plain_json = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
).filter(lambda value: isinstance(value, list | dict))


@given(plain_json)
def test_json_has_one_key_that_means_the_same(value: object) -> None:
    key = json_key(json.dumps(value))
    assert key is not None
    assert json.loads(key) == value
    for text in (json.dumps(value, indent=3), json.dumps(value, ensure_ascii=False), key):
        assert json_key(text) == canonical(text) == answer_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{" * 100_000,
        "[[1]," * 20_000,
        '{"a":' * 20_000,
        "```\n" * 30_000,
        "1," * 50_000,
        "1.000" * 20_000,
        "1 000 " * 20_000,
        "9" * 100_000,
        "(A" * 50_000,
        "- " * 50_000,
        "Answer: " + "1 000 " * 160,
        "Answer: " + "10^" * 300,
        "Answer: " + r"\frac1" * 150,
        "Answer: " + "x 10 " * 190,
        "Answer: " + "- " * 400,
        "Answer: " + "a, " * 300,
        "Answer: " + "(a) " * 240,
    ],
    ids=lambda text: repr(text[:16]),
)
def test_a_long_strange_text_is_read_in_a_moment(text: str) -> None:
    started = time.perf_counter()
    for key in (answer_key, canonical, json_key, number_key, last_line_key, ChoiceKey()):
        key(text)
    assert time.perf_counter() - started < 4.0  # quadratic reading took 28 seconds
