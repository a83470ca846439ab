"""Lets the host's own exceptions by: an interrupt inside a verifier belongs to LangGraph."""

from __future__ import annotations


def let_by(error: Exception) -> Exception:
    """Return `error`, to be reported; but raise it again if it is one of the host's."""
    from langgraph.errors import GraphBubbleUp

    if isinstance(error, GraphBubbleUp):
        raise error
    return error
