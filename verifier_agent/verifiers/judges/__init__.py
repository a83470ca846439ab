"""Judges: chat models that grade an answer, compare two, or check one step by step."""

from __future__ import annotations

from verifier_agent.verifiers.judges.judge import Fallback, Judge
from verifier_agent.verifiers.judges.pairwise import PairwiseJudge
from verifier_agent.verifiers.judges.prompts import ENGLISH, GERMAN, Wording
from verifier_agent.verifiers.judges.stepwise import StepJudge

__all__ = [
    "ENGLISH",
    "GERMAN",
    "Fallback",
    "Judge",
    "PairwiseJudge",
    "StepJudge",
    "Wording",
]
