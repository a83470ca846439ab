"""Reads one arithmetic expression from tokens, exactly, by recursive descent; nothing is evaluated
by Python itself.

Powers, depth and the size of values are limited, so that no text can cost much time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from verifier_agent.verifiers.mathematics.lexing import Token
from verifier_agent.verifiers.mathematics.words import DOUBTFUL_AFTER, GLUED_UNITS, OPERATIONS

MOST_BITS = 4_096
MOST_DEPTH = 24
UNIT_WORDS = 3
"""How many words may stand between a number and the next sign: "boxes of eggs" is read."""


class Unreadable(Exception):
    """These tokens are no expression that can be read with certainty."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One side of an equation."""

    value: Fraction
    end: int
    """The place after its last token."""
    compound: bool
    """True if something is computed, False for a bare number."""
    first: Fraction
    """The value of its first operand."""
    ulp: Fraction
    """Of a bare number, the worth of its last decimal place; 0 where no decimals are shown."""
    cut: bool
    """True for a bare number that goes on: "0.333..."."""
    units: frozenset[str]
    decimals: bool
    """True if one of its numbers shows decimals, so that it may have been rounded."""
    percent: bool
    doubtful: bool
    """True if it can be read in more than one way."""


@dataclass(slots=True)
class Reader:
    """A position in the tokens, and what was noticed on the way."""

    tokens: Sequence[Token]
    position: int
    hundredth: Fraction = Fraction(1, 100)
    """What a percent sign is worth: 1/100, or 1 where "75%" is meant as the number 75."""
    after_word: bool = False
    """True if a word stands before the first token, where "-" is more likely a dash."""
    depth: int = 0
    operations: int = 0
    sums: int = 0
    decimals: bool = False
    percent: bool = False
    doubtful: bool = False
    units: set[str] = field(default_factory=set)
    first: Fraction | None = None
    last: Token | None = None
    """The last number that was read."""
    last_percent: bool = False

    def read(self) -> Expression:
        """Read the longest expression from here; raises Unreadable."""
        value = self._sum()
        number = self.last
        bare = self.operations == 0 and number is not None
        if number is not None and number.cut and not bare:
            raise Unreadable
        ulp = Fraction(0)
        if bare and number is not None and (number.places or self.last_percent):
            ulp = Fraction(1, 10**number.places) * (self.hundredth if self.last_percent else 1)
        return Expression(
            value=value,
            end=self.position,
            compound=self.operations > 0,
            first=value if self.first is None else self.first,
            ulp=ulp,
            cut=bare and number is not None and number.cut,
            units=frozenset(self.units),
            decimals=self.decimals,
            percent=self.percent,
            # "50 + 20%" means 70 to some, 60 to others
            doubtful=self.doubtful or (self.percent and self.sums > 0),
        )

    def _peek(self) -> Token | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def _take(self, kind: str, text: str = "") -> Token | None:
        token = self._peek()
        if token is None or token.kind != kind or (text and token.text not in text):
            return None
        self.position += 1
        return token

    def _sum(self) -> Fraction:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Unreadable
        value = self._product()
        while sign := self._take("sign", "+-"):
            self._notice_dash(sign)
            right = self._product()
            value = _bounded(value + right if sign.text == "+" else value - right)
            self.operations += 1
            self.sums += 1
        self.depth -= 1
        return value

    def _notice_dash(self, sign: Token) -> None:
        """Doubt a dash without spaces: "pages 3-5" means "to", "1-1/2 cups" means "and".

        Also one behind a word and right before what it may be the sign of: "6 gives -4".
        """
        following, before = self._peek(), self.last
        behind = self.tokens[self.position - 2]
        if sign.text == "-" and behind.kind == "word" and following and following.glued:
            self.doubtful = True
        if following is None or before is None or following.kind != "number":
            return
        if sign.text == "-" and sign.glued and following.glued:
            divided = self.tokens[self.position + 1 : self.position + 2]
            mixed = divided and divided[0].text == "/" and divided[0].glued
            self.doubtful = self.doubtful or bool(mixed) or before.value < following.value

    def _product(self) -> Fraction:
        value = self._factor()
        divided: Token | None = None
        while True:
            token = self._peek()
            if token is None:
                return value
            if self._take("sign", "*"):
                value = _bounded(value * self._factor())
            elif self._take("sign", "/÷"):
                value = _bounded(_divided(value, self._factor()))
                # 30 ÷ 1/2 is 60 to most, 15 to others
                if divided is not None:
                    alike = (divided.text, divided.glued) == (token.text, token.glued)
                    self.doubtful = self.doubtful or not alike
                divided = token
            elif token.kind == "open" and token.glued and token.text == "(" and self._closed():
                # 6/2(1+2) is read in two ways
                self.doubtful = self.doubtful or divided is not None
                value = _bounded(value * self._factor())
            elif token.text.lower() == "of" and self._takes_of(divided is not None):
                self.position += 1
                value = _bounded(value * self._factor())
            else:
                return value
            self.operations += 1

    def _closed(self) -> bool:
        """Return True if the token before is a number or a closing bracket."""
        return self.tokens[self.position - 1].kind in ("number", "close")

    def _takes_of(self, divided: bool) -> bool:
        """Return True if "of" multiplies: right behind "20%" or "2/3", not behind "20% off"."""
        before = self.tokens[self.position - 1]
        return before.kind == "percent" or before.text == "}" or (divided and self._closed())

    def _factor(self) -> Fraction:
        sign = self._peek()
        following = self.tokens[self.position + 1 : self.position + 2]
        minus = sign is not None and sign.kind == "sign" and sign.text == "-"
        if not (minus and following and following[0].glued):
            return self._power()
        opening = self.first is None and self.depth <= 1
        if self.after_word and opening:
            raise Unreadable
        self.position += 1
        before = self.operations
        value = -self._power()
        if following[0].kind not in ("open", "frac") and self.operations > before:
            self.doubtful = True  # -2^2 is 4 to some, -4 to others
        if opening:
            self.first = value
        return value

    def _power(self) -> Fraction:
        value = self._operand()
        if self._take("sign", "^"):
            minus = self._take("sign", "-")
            exponent = self._operand()
            value = _power(value, -exponent if minus else exponent)
            self.operations += 1
            over = self._peek()
            if over is not None and over.text == "/" and over.glued:
                self.doubtful = True  # 27^1/3 is meant as a root
            if self._peek_text() == "^":
                raise Unreadable
        return value

    def _peek_text(self) -> str:
        token = self._peek()
        return "" if token is None else token.text

    def _operand(self) -> Fraction:
        self._money()
        self.last_percent = False
        if self._take("frac"):
            value = _divided(self._group("{"), self._group("{"))
            self.operations += 1
        elif number := self._take("number"):
            if self.last is not None and self.last.cut:
                raise Unreadable
            self.last = number
            self.decimals = self.decimals or number.places > 0
            value = number.value
        else:
            value = self._group("([{")
        if self._take("percent"):
            value *= self.hundredth
            self.percent = self.last_percent = True
        self._money()
        self._skip_units()
        if self.first is None and self.depth <= 1:
            self.first = value
        return value

    def _group(self, brackets: str) -> Fraction:
        if not self._take("open", brackets):
            raise Unreadable
        value = self._sum()
        if not self._take("close"):
            raise Unreadable
        return value

    def _money(self) -> None:
        while money := self._take("money"):
            self.units.add(money.text)

    def _skip_units(self) -> None:
        for count in range(UNIT_WORDS):
            token = self._peek()
            if token is None or not is_unit(token) or (count and token.glued):
                return
            self.units.add(singular(token.text))
            # "6 and - 4": what follows may be another expression
            self.doubtful = self.doubtful or token.text.lower() in DOUBTFUL_AFTER
            self.position += 1


def is_unit(token: Token) -> bool:
    """Return True for a word that may follow a number without changing it."""
    if token.kind != "word":
        return False
    word = token.text.lower()
    if word.startswith("/"):  # "$5/box"
        return True
    if not word.replace("/", "").isalpha() or word in OPERATIONS:
        return False
    return word in GLUED_UNITS if token.glued else len(word) > 1


def singular(word: str) -> str:
    """Return a unit's name without its plural ending."""
    word = word.lower().lstrip("/")
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _divided(value: Fraction, by: Fraction) -> Fraction:
    if not by:
        raise Unreadable
    return value / by


def _power(value: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or (not value and exponent <= 0):
        raise Unreadable
    if abs(exponent) * max(_bits(value), 1) > MOST_BITS:
        raise Unreadable
    return _bounded(value ** int(exponent))


def _bounded(value: Fraction) -> Fraction:
    if _bits(value) > MOST_BITS:
        raise Unreadable
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())
