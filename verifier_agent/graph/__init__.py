"""The only place that assembles LangGraph: state, controller edge, four nodes, build."""

from verifier_agent.graph.agent import Agent
from verifier_agent.graph.build import create_verifier_agent
from verifier_agent.graph.state import Run

__all__ = ["Agent", "Run", "create_verifier_agent"]
