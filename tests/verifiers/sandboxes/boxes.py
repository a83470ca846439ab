"""Which sandboxes are there: tests of one that is missing are skipped, and say so."""

from __future__ import annotations

import importlib.util

import pytest

from verifier_agent.errors import VerifierUnavailable
from verifier_agent.verifiers.sandboxes.bubblewrap import require_bubblewrap


def _why_no_bubblewrap() -> str:
    try:
        require_bubblewrap()
    except VerifierUnavailable as error:
        return str(error)
    return ""


HAS_MONTY = importlib.util.find_spec("pydantic_monty") is not None
NO_BUBBLEWRAP = _why_no_bubblewrap()

MONTY = pytest.mark.skipif(not HAS_MONTY, reason="the extra 'sandbox' is not installed")
BUBBLEWRAP = pytest.mark.skipif(bool(NO_BUBBLEWRAP), reason=NO_BUBBLEWRAP or "it is there")
