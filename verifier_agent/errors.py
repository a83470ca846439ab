"""Everything this package raises on purpose.

VerifierAgentError
├── ConfigurationError      a wrong argument, found before anything is spent (also a ValueError)
│   ├── MissingExtra        an optional package is not installed (also an ImportError)
│   └── BudgetTooSmall      the budget cannot pay for one candidate
│       └── AccountEmpty    nothing is left of an account that the run was to be paid from
├── PolicyError             a policy asked for something impossible (a bug in the policy)
├── GenerationError         a model gave no usable candidate
├── VerificationError       a verifier gave no usable verdict
│   ├── VerifierUnavailable it could not be reached or refused to answer
│   └── UnreadableVerdict   it answered, but not with what was asked for
└── RunBusy                 another worker holds this run

Inside a run, errors of models and verifiers become part of the record (`Candidate.error`,
`Verdict.error`); they are raised only where nothing at all could be done.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable


class VerifierAgentError(Exception):
    """The root of this package's errors."""


class ConfigurationError(VerifierAgentError, ValueError):
    """An argument is wrong. Raised before any money is spent."""


class MissingExtra(ConfigurationError, ImportError):
    """An optional package is missing; the message is the line that installs it."""

    def __init__(self, what: str, extra: str, *packages: str) -> None:
        wanted = " ".join([f"'verifier-agent[{extra}]'", *packages])
        super().__init__(f"{what} needs an extra: pip install {wanted}")
        self.extra = extra


class BudgetTooSmall(ConfigurationError):
    """The budget cannot pay for one candidate, so nothing was started."""


class AccountEmpty(BudgetTooSmall):
    """Nothing is left of an account, so nothing was started."""


class PolicyError(VerifierAgentError):
    """A policy asked for something impossible: an unknown candidate, two kinds of round at once."""


class GenerationError(VerifierAgentError):
    """A model gave no usable candidate."""


class VerificationError(VerifierAgentError):
    """A verifier gave no usable verdict."""


class VerifierUnavailable(VerificationError):
    """The verifier could not be reached or refused to answer."""


class UnreadableVerdict(VerificationError):
    """The verifier answered, but not with what was asked for: a wrong count, NaN, a bad range."""


class RunBusy(VerifierAgentError):
    """Another worker holds this run."""


def takes(function: Callable[..., object], count: int) -> bool:
    """Say whether `function` can be called with `count` arguments by place; True if unknown."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def nearest(name: str, known: Iterable[str], likely: Iterable[str] = ()) -> str:
    """Say what could have been meant: " (did you mean 'vote'? known: best, vote)".

    One of those that are `likely` is preferred.
    """
    names = sorted(known)
    found = (difflib.get_close_matches(name, among, n=1) for among in (sorted(likely), names))
    close = next(filter(None, found), [])
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f" ({meant}known: {', '.join(names)})"
