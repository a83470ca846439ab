"""Which words beside a number change what an equation says. English; data only.

Nothing here is needed to read a right equation. The lists keep a right one that is worded loosely
from being called false: with such a word in the way, a mismatch counts as not readable.
"""

from __future__ import annotations

OPERATIONS = frozenset(
    """
    mod modulo rem remainder div divided by plus minus times multiplied over of squared cubed root
    sqrt cbrt log lg ln exp sin cos tan sec csc cot arcsin arccos arctan max min gcd lcm hcf floor
    ceil ceiling round abs choose twice double triple thrice third quarter square cube sum
    difference product quotient average mean median factorial add subtract multiply divide from to
    with than minimum maximum det rank
    """.split()
)
"""They compute: an expression that one of them stands before or after is not read."""

DOUBTFUL_BEFORE = OPERATIONS | frozenset(
    """
    and or if suppose assume assuming whether unless not does would could on at per negative
    """.split()
)
"""They may join an expression to what stands before it, or take back what it says."""

CONNECTIVES = frozenset(
    "so then thus therefore hence now next first second third finally since because also".split()
)
"""They begin a sentence; another word with a capital may be a label: "Bag 2 - 3 apples"."""

DOUBTFUL_AFTER = frozenset(
    "more less fewer greater and plus or r am pm full whole complete".split()
)
"""They may go on with a number, "8 more than", "1 and a half", "3 r 1", or say how it is meant:
"2 pm", "6 full boxes"."""

DERIVING = frozenset(
    """
    add adding added and answer back becomes both by combine combining distribute distributing
    divide divided dividing each equals equation expand expanding factor factoring first from
    get gets give gives giving have hence is isolate isolating it leaves left like means minus
    multiplied multiply multiplying next now obtain of on out over plus rearrange rearranging
    right side sides simplifies simplify simplifying so solve solving subtract subtracted
    subtracting term terms that the then therefore this thus times to us value variable we which
    with yields
    """.split()
)
"""Words that may stand around an equation that follows from the one before it."""

MULTIPLIERS = frozenset(
    """
    one ten dozen pair score hundred thousand million billion trillion half halve third fourth fifth
    sixth quarter eighth tenth hundredth thousandth percentage point degree k
    """.split()
)
"""They multiply the number before them."""

MEASURES = frozenset(
    """
    sec second min minute hr hour day week fortnight month year decade century
    mm cm dm km meter metre millimeter centimeter kilometer millimetre centimetre kilometre
    inch inche foot feet ft yd yard mi mile
    mg kg gram milligram kilogram ounce oz lb lbs pound ton tonne
    ml cl dl liter litre milliliter millilitre cup pint quart gallon tablespoon teaspoon tbsp tsp
    cent dollar euro penny pennie pence nickel dime buck $ € £
    byte bit kb mb gb
    """.split()
)
"""Units (singular) of which one kind turns into another: a mismatch may be a conversion."""

CONVERSIONS = frozenset((7, 10, 12, 16, 24, 30, 36, 52, 60, 100, 365, 1_000, 3_600, 1_000_000))
"""How many of one measure make another."""

GLUED_UNITS = frozenset(
    "mm cm dm km mg kg ml cl dl lb lbs oz ft hr hrs min sec mph kb mb gb".split()
)
"""Units that are written right behind a number; other letters there are variables."""

ROUNDING = (
    r"(?i)\b(?:round(?:ed|s|ing)?|approx\w*|about|roughly|nearly|almost|estimat\w*|truncat\w*"
    r"|nearest)\b"
)
"""A line with such a word rounds, without always saying where."""

TAKEN_BACK = (
    r"(?i)\b(?:wrong|incorrect\w*|not|never|false|contradict\w*|mistake\w*|error|instead|should"
    r"|claim\w*|wait|actually|oops|cannot|impossible|absurd|suppos\w*|assum\w*|imagin\w*|pretend\w*"
    r"|students?|thought|thinks?|sa(?:id|ys?)|mod|modulo|base|binary|hex|hexadecimal|octal|remainder"
    r"|floor|ceiling|clock|integer division|xor|bitwise)\b|n['’]t\b|[❌✗✘]|~~"
)
"""A line with such a word may show an equation without standing by it, or mean another system."""

OTHER_SYSTEM = (
    r"(?i)\b(?:mod|modulo|modular|binary|hex|hexadecimal|octal|base[- ](?:\d+|two|three|five|eight"
    r"|sixteen)|clock|cipher|cryptarithm|define[ds]?|remainders?)\b|[≡⊕⊗]|\\(?:equiv|pmod|bmod)"
)
"""A question with such a word may give the signs and digits another meaning."""
