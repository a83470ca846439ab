"""How much the words of several verifiers count together, fitted with or without labels. Pure,
without numpy."""

from verifier_agent.weighting.fitting import SHARE, Scored, best_right, fit_weights
from verifier_agent.weighting.weights import (
    METHODS,
    Dropped,
    Method,
    Weight,
    Weights,
    check_method,
)

__all__ = [
    "METHODS",
    "SHARE",
    "Dropped",
    "Method",
    "Scored",
    "Weight",
    "Weights",
    "best_right",
    "check_method",
    "fit_weights",
]
