"""The only place that assembles LangGraph: state, controller edge, four nodes, build; batches."""

from verifier_agent.graph.agent import Agent
from verifier_agent.graph.batches.batch import Batch, Solved, Standing
from verifier_agent.graph.batches.questions import Question
from verifier_agent.graph.build import create_verifier_agent
from verifier_agent.graph.state import Run

__all__ = ["Agent", "Batch", "Question", "Run", "Solved", "Standing", "create_verifier_agent"]
