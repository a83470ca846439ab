"""The arithmetic of accounts, in whole numbers: sums of floats drift, and these must add up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from verifier_agent.budget import UNITS, Budget, Remaining, Spent
from verifier_agent.errors import AccountEmpty, ConfigurationError

Amounts = tuple[int, ...]
"""One whole number for each of `UNITS`."""
Limits = tuple[int | None, ...]
"""The same; None where there is no limit."""

PARTS = (1, 1, 10**9, 10**9, 10**9)
"""What one call, token, dollar, joule and second counts as: the last three in billionths."""
NOTHING: Amounts = (0,) * len(UNITS)
MOST = 2**62
"""What fits into a database's integer, twice."""


def limits(budget: Budget) -> Limits:
    """Return the limits, rounded down; raises ConfigurationError for one that cannot be stored."""
    made: list[int | None] = []
    for unit, part in zip(UNITS, PARTS, strict=True):
        limit = getattr(budget, unit)
        made.append(None if limit is None else math.floor(limit * part + slack(limit * part)))
        if limit is not None and limit * part > MOST:
            raise ConfigurationError(f"budget {unit}={limit!r}: an account holds up to {MOST:.1g}")
    return tuple(made)


def granted(wanted: Budget, account: Limits, charged: Amounts) -> Limits:
    """Return what of `wanted` an account can grant of which `charged` is gone.

    Raises AccountEmpty, and ConfigurationError for a unit that only the account limits: a run
    without a limit would get all of it, and the next one none.
    """
    made: list[int | None] = []
    for unit, want, limit, gone in zip(UNITS, limits(wanted), account, charged, strict=True):
        if limit is None:
            made.append(want)
            continue
        if want is None:
            raise ConfigurationError(
                f"the account is limited in {unit} and the run's budget is not: give the run a "
                f"limit in {unit}, so that it does not hold all that is left"
            )
        if gone >= limit:
            raise AccountEmpty(
                f"nothing is left of the account's {unit}: all are spent, or leased to other runs"
            )
        made.append(min(want, limit - gone))
    return tuple(made)


def spent_amounts(spent: Spent, grant: Limits) -> Amounts:
    """Return what was spent, rounded up; what is unknown counts as all that was granted."""
    made: list[int] = []
    for unit, part, given in zip(UNITS, PARTS, grant, strict=True):
        used = getattr(spent, unit)
        if used is None:
            made.append(given or 0)
        else:
            made.append(min(MOST, max(0, math.ceil(used * part - slack(used * part)))))
    return tuple(made)


def slack(amount: float) -> float:
    """Return what rounding in floats may have added: a thousandth of the smallest part, or more."""
    return max(1e-3, 1e-12 * abs(amount))


def as_budget(grant: Limits) -> Budget:
    """Return the budget of these limits."""
    return Budget(**_by_unit(grant))


def as_remaining(account: Limits, charged: Sequence[int]) -> Remaining:
    """Return what is left; infinite where there is no limit."""
    left = [
        None if limit is None else max(0, limit - gone)
        for limit, gone in zip(account, charged, strict=True)
    ]
    return Remaining(**_by_unit(left))


def _by_unit(amounts: Sequence[int | None]) -> dict[str, Any]:
    return {
        unit: amount if part == 1 else amount / part
        for unit, part, amount in zip(UNITS, PARTS, amounts, strict=True)
        if amount is not None
    }


def minus(left: Amounts, right: Amounts) -> Amounts:
    """Subtract unit by unit."""
    return tuple(a - b for a, b in zip(left, right, strict=True))


def plus(left: Amounts, right: Sequence[int | None]) -> Amounts:
    """Add unit by unit; None adds nothing."""
    return tuple(a + (b or 0) for a, b in zip(left, right, strict=True))
