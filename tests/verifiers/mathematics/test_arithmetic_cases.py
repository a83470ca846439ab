"""The arithmetic checker on texts as models write them: no false alarm, and slips are found."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.embedded import examples
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import ArithmeticSteps

TASK = Task(question="How many are there in all?")


def judged(text: str, question: str = TASK.question) -> Verdict:
    (verdict,) = ArithmeticSteps().verify_sync(
        Task(question=question), [Candidate(id="g0", text=text)]
    )
    return verdict


# ---- expression trees, written in several ways

Tree = int | Fraction | tuple["Tree", str, "Tree"]


def value_of(tree: Tree) -> Fraction:
    if not isinstance(tree, tuple):
        return Fraction(tree)
    left, right = value_of(tree[0]), value_of(tree[2])
    if tree[1] == "+":
        return left + right
    if tree[1] == "-":
        return left - right
    if tree[1] == "*":
        return left * right
    return left / right


def plain(tree: Tree) -> str:
    return _infix(tree, {"*": " * ", "/": " / ", "+": " + ", "-": " - "})


def tight(tree: Tree) -> str:
    return _infix(tree, {"*": "*", "/": "/", "+": "+", "-": "-"}).replace("--", "- -")


def typeset(tree: Tree) -> str:
    return _infix(tree, {"*": " × ", "/": " ÷ ", "+": " + ", "-": " − "})


def _infix(tree: Tree, signs: dict[str, str]) -> str:
    if isinstance(tree, int):
        return str(tree) if tree >= 0 else f"({tree})"
    if isinstance(tree, Fraction):
        return f"({tree.numerator}/{tree.denominator})"
    left, sign, right = (_infix(part, signs) if i != 1 else part for i, part in enumerate(tree))  # type: ignore[arg-type]
    return f"({left}{signs[str(sign)]}{right})"


def latex(tree: Tree) -> str:
    if isinstance(tree, int):
        return str(tree) if tree >= 0 else rf"\left({tree}\right)"
    if isinstance(tree, Fraction):
        sign = "-" if tree < 0 else ""
        return rf"\left({sign}\frac{{{abs(tree.numerator)}}}{{{tree.denominator}}}\right)"
    left, sign, right = tree
    if sign == "/":
        return rf"\frac{{{latex(left)}}}{{{latex(right)}}}"
    shown = r" \times " if sign == "*" else f" {sign} "
    return rf"\left({latex(left)}{shown}{latex(right)}\right)"


LEAVES = st.one_of(
    st.integers(-999, 9999),
    st.fractions(min_value=-9, max_value=9, max_denominator=12).filter(lambda f: f.denominator > 1),
)


def divides(tree: tuple[Tree, str, Tree]) -> bool:
    return tree[1] != "/" or value_of(tree[2]) != 0


TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES,
    lambda part: st.tuples(part, st.sampled_from("+-*/"), part).filter(divides),
    max_leaves=6,
).filter(lambda tree: isinstance(tree, tuple))
NOTATIONS: list[Callable[[Tree], str]] = [plain, tight, typeset, latex]


@pytest.mark.parametrize("notation", NOTATIONS)
@given(tree=TREES, turned=st.booleans())
def test_any_expression_equals_its_value(
    notation: Callable[[Tree], str], tree: Tree, turned: bool
) -> None:
    value = value_of(tree)
    shown = notation(value if value.denominator > 1 else int(value))
    sides = (shown, notation(tree)) if turned else (notation(tree), shown)
    verdict = judged(" = ".join(sides))
    assert verdict.steps == (1.0,)
    assert not verdict.hard


@pytest.mark.parametrize("notation", NOTATIONS)
@given(tree=TREES, off=st.integers(-99, 99).filter(bool))
def test_no_expression_equals_another_value(
    notation: Callable[[Tree], str], tree: Tree, off: int
) -> None:
    value = value_of(tree)
    if value.denominator > 1:
        return  # a fraction without an end may stand for a rounded one: see the table below
    verdict = judged(f"{notation(tree)} = {notation(int(value) + off)}")
    if notation is tight and verdict.error:
        return  # "3-5" may mean "3 to 5"
    assert (verdict.score, verdict.hard, verdict.steps) == (0.0, True, (0.0,))
    assert "step 1" in verdict.feedback


# ---- texts that are right

RIGHT = r"""
Each box holds 12 eggs, so 5 boxes hold 5 × 12 = 60 eggs.
He earns $15/hour × 8 hours = $120 per day.
Tom is 3/4 of 20 = 15 years old.
Total cost: $3.50 + $2.25 = $5.75.
So the discount is 20% of $80 = $16, leaving $80 - $16 = $64.
That is 45/60 = 0.75 = 75% of the class.
The ratio is 3:4 = 0.75.
So 25 / 200 × 100 = 12.5%.
The average is (3 + 4 + 5) / 3 = 4.
\[ \frac{3 + 5}{2} = 4 \]
\begin{align*} 2 + 3 &= 5 \\ \end{align*}
$2 \times 10^3 = 2000$ and $5 \cdot 4 = 20$
$\$1{,}200 \times 2 = \$2{,}400$
$$x = \frac{-6 + 10}{2} = 2$$
The area is $\pi r^2 = \pi \cdot 3^2 = 9\pi$.
2 hours 30 minutes = 2.5 hours = 150 minutes
90 minutes / 60 = 1.5 hours
3 weeks × 7 days = 21 days
5 feet = 5 × 12 inches = 60 inches
1.5 km = 1.5 × 1000 m = 1500 m
2.5 dollars = 250 cents
$5 - 75 cents = $4.25
3 dozen eggs = 3 × 12 = 36 eggs
Half of 24 = 12, and half of 12 = 6.
7 ÷ 2 = 3 remainder 1
7 ÷ 2 = 3 R1
7 ÷ 2 = 3 r. 1
7 / 2 = 3 with 1 left over
22 / 7 ≈ 3.14
22/7 ~ 3.1
10 / 3 = 3.33... ≈ 3.3
100 / 7 = 14.29 (rounded)
1000 / 3 = 333.33
2/3 = 0.667 = 66.7%
Rounded to the nearest ten, 43 + 28 = 70.
About 19.99 × 3 = 60 dollars.
It is not true that 2 + 2 = 5.
2 + 2 = 5 would be wrong.
One might think 0.1 + 0.2 = 0.30000000000000004, but it isn't.
If 3 + 4 = 8, we would have a contradiction.
Can it be that 3 + 4 = 8?
We don't get 3 + 4 = 8.
Instead of 3 + 4 = 8 we get 3 + 4 = 7.
3 + 4 = 8 ✗
3 + 4 ≠ 8, 3 + 4 < 8, 3 + 4 <= 8, 3 + 4 >= 6
pages 12-15 = 4 pages
On 2024-01-31 = day 31
from 9:30 to 11:00 = 1.5 hours
9:30 + 1:30 = 11:00
11 am + 3 hours = 2 pm
11 + 3 = 2 o'clock
10 + 4 = 2 pm
version 1.2.3 = newest
Python 3.11 - 3.13 = supported
f(3) = 2(3) + 1 = 7
f(2 + 1) = 10
g(x) = x^2 + 1 = 5
x = 2y + 3 = 7
2x + 3x = 5x
3a = 12
x₁ + 2 = 5
a1 + 2 = 5
5! = 120 and 3! + 1 = 7
C(5, 2) = 10
5 choose 2 = 10
\binom{5}{2} = 10
\sqrt{16} + 2 = 6
√9 + 1 = 4
log2 8 = 3
sin 30 = 1/2
|3 - 8| = 5
⌊7/2⌋ = 3
7 // 2 = 3
7 % 2 = 1
17 mod 5 = 2
gcd(12, 18) = 6
101₂ + 11₂ = 1000₂
0b101 + 1 = 6
3 1/2 + 1/2 = 4
3½ + ½ = 4
50% + 25% = 75%
0.5 + 25% = 75%
100 + 10% = 110
100 - 25% = 75
$50 × (1 - 20%) = $40
1,5 + 1,5 = 3
1.000,50 + 1 = 1.001,50
1 000 + 1 = 1 001
4 million + 500 thousand = 4.5 million
3k + 2k = 5k
2^3^2 = 512
-3^2 = -9
(-3)^2 = 9
6/2(1+2) = 9
6/2(1+2) = 1
8 - 3 = 5 - 2 = 3
5 + 3 = 8 / 2 = 4
1 + 2 + 3 + … + 10 = 55
1 + 2 + ... + 10 = 55
2, 4, 8 = powers of two
(1, 2) + (3, 4) = (4, 6)
[1, 2] + [3] = [1, 2, 3]
{1, 2} - {2} = {1}
1/2 + 1/2 = 2/2 = 1
12 ÷ 4 = 3 groups of 4
10 - 4 = 6 more than Bob
5 × 4 = twice 10
Speed = 60 / 1.5 = 40 mph
3 m × 4 m = 12 m²
3 m * 4 m = 12 m^2
2 L + 500 mL = 2.5 L
20°C + 5 = 25°C
90° + 90° = 180°
A - 3 + 4 = B
Q3 - Q1 = 10 - 4 = 6
Room 12 - 3 = storage
COVID-19 + 1 = 20
Ann: 3, Bob: 4, 3 + 4 = 7
| 3 | + | 4 | = | 7 |
x == 3 + 4 == 7
total += 3 + 4
for i in 1..3 = loop
"3" + "4" = "34"
Profit = 120 - 80 = $40 = 50% of 80
Speed: 120 km / 2 h = 60 km/h
45 min + 30 min = 1 h 15 min
45 + 30 = 75 min = 1 h 15 min
7:45 + 0:30 = 8:15
4! / 2! = 24 / 2 = 12
P(A) = 1/6 + 1/6 = 1/3 ≈ 33%
\sum_{i=1}^3 i = 1+2+3 = 6
(3+4i)(3-4i) = 25
2^{1/2} = 1.414
0.333... × 3 = 1
7 + 8 = 15 ≡ 3 (mod 12)
6 and -4+(5+6)=7
5 or - 4 + 11 = 7
that gives 6 but -4 + 11 = 7
1 + 1 = 10 in binary
10 + 10 = 20, + 5 = 25
80 + 10% of 80 = 88
$50 - 30% = $35
1-1/2 cups + 1/2 cup = 2 cups
2020-2024 = 4 years
12 : 3 + 1 = 5
x = 5 ± 3 = 8, 2
3 + 4 &= 7 \\ 5 + 6 &= 11
$3+4=7$ and $5+6=11$
6*2=12-4=8*3=24
10 dollars - 3.5 dollars = 6 dollars 50 cents
2 tens + 3 ones = 23
3 quarters + 2 dimes = 95 cents
5 sets of 10 + 2 = 52
Exercise 2 - 3 + 4 = 7
2.500 + 500 = 3.000
7 ^ 3 = 4 (XOR)
5 % 3 + 1 = 3
$1\frac{1}{2} + \frac{1}{2} = 2$
3 + 4 \not= 8
3 + 4 =/= 8
~~3 + 4 = 8~~ 3 + 4 = 7
Suppose that 3 + 4 = 8.
A student wrote 3 + 4 = 8.
3 + 4 = 8 is impossible.
3 + 4 = 7 or 8
sqrt(3^2 + 4^2) = sqrt(25) = 5
max(3, 4 + 1) = 5
\lfloor 7/2 \rfloor = 3
7/2 = 3 (integer division)
25 / 4 = 6 full boxes
n(n+1)/2 = 3(4)/2 = 6
3·4n = 12n
x(3 + 4) = 14
y = 2 - x - 3 = 0
4 out of 5 = 80%
2/3 = 66 2/3%
3 * 25¢ = $0.75
£3 + 50p = £3.50
1,2,3 + 4 = 7
2 + 3=5,000 - 4,995
100 + 50 = 150 - 20 = 130 + 5 = 135
−5 − 3 = −8
costs -3 + 4 = 1
negative 3 + 4 = 1
-$3 + $4 = $1
"""


@pytest.mark.parametrize("line", RIGHT.strip().split("\n"))
def test_a_right_text_is_never_called_false(line: str) -> None:
    verdict = judged(f"Let us see.\n{line}\nThat is it.")
    assert not verdict.hard, verdict.feedback
    assert verdict.feedback == ""
    assert 0.0 not in verdict.steps


def test_a_solution_in_several_notations_is_read_from_end_to_end() -> None:
    text = r"""**Step 1.** Boxes: 4 × 12 = 48 eggs.

1. Broken: $\frac{48}{6} = 8$
2. Left: `48 - 8 = 40`
- Sold at \$0.25 each: 40 \times \$0.25 = \$10.00
So the share is 8/48 = 0.1667, about 16.67%.

\[ \boxed{40} \]"""
    verdict = judged(text)
    assert verdict.steps == (1.0, 1.0, 1.0, 1.0, 1.0, None)
    assert verdict.error is None
    assert 0 < (verdict.score or 0.0) < 1


# ---- slips

SLIPS = r"""
Each box holds 12 eggs, so 5 boxes hold 5 × 12 = 62 eggs.
Total cost: $3.50 + $2.25 = $5.85.
So the discount is 20% of $80 = $18.
The average is (3 + 4 + 5) / 3 = 5.
\[ \frac{3 + 5}{2} = 5 \]
$\$1{,}200 \times 2 = \$2{,}500$
1000 / 4 = 240
Ann = Bob + 17 = 25 + 17 = 43
2**10 = 1000
(2 + 3) × 4 = 14
So 7 - 12 = 5.
12 = 3 * 5
The total is 3 + 4 = 8 apples.
-\frac{1}{2} + 1 = 1
"""


@pytest.mark.parametrize("line", SLIPS.strip().split("\n"))
def test_a_slip_is_found_and_its_step_is_named(line: str) -> None:
    verdict = judged(f"Let us see: 1 + 1 = 2.\n\n{line}\nThat is it.")
    assert (verdict.score, verdict.hard, verdict.steps) == (0.0, True, (1.0, 0.0, None))
    assert "step 2" in verdict.feedback


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5, 6])
def test_no_worked_solution_of_the_embedded_family_is_called_false(level: int) -> None:
    dice = random.Random(level)
    for problem in examples(level, 40):
        right = judged(problem.solution, problem.question)
        *lines, last = problem.solution.split("\n")
        assert right.steps == (*[1.0] * len(lines), None)
        assert right.feedback == ""
        place = dice.randrange(len(lines))
        before, value = lines[place].rsplit(" ", 1)
        computed = before.split("=")[-2]
        lines[place] = f"{before} {int(value) + dice.choice([-100, -10, -1, 1, 10, 100])}"
        wrong = judged("\n".join([*lines, last]), problem.question)
        assert [i for i, score in enumerate(wrong.steps) if score == 0.0] == [place]
        assert f"step {place + 1}" in wrong.feedback
        # a step that works out the same again, and right, sets it right
        set_right = any(f"={computed}=" in line for line in lines[place + 1 :])
        assert wrong.hard is not set_right
        assert (wrong.score == 0.0) is wrong.hard
