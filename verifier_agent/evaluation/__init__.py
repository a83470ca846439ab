"""Measure policies, verifiers and selectors on recorded answers, without calling a model."""

from verifier_agent.evaluation.evaluating import evaluate
from verifier_agent.evaluation.pools import Question, Sample, read_pool
from verifier_agent.evaluation.replay import Replay

__all__ = ["Question", "Replay", "Sample", "evaluate", "read_pool"]
