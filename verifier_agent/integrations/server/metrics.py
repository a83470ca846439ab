"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from verifier_agent.graph import Run
from verifier_agent.integrations.server.gate import Gate

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper ends of the buckets of request times."""


class Metrics:
    """Counters of one server, in a registry of its own, so that several can share a process."""

    def __init__(self, gate: Gate) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "verifier_agent_requests",
            "Requests by route, status and key.",
            ("route", "status", "key"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "verifier_agent_request_seconds",
            "Seconds from the first byte to the last.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        names = ("model", "key")
        self._runs = Counter(
            "verifier_agent_runs", "Runs.", (*names, "outcome"), registry=self.registry
        )
        self._calls = Counter(
            "verifier_agent_model_calls", "Requests to models.", names, registry=self.registry
        )
        self._tokens = Counter(
            "verifier_agent_tokens", "Tokens, prompts included.", names, registry=self.registry
        )
        self._usd = Counter(
            "verifier_agent_usd", "Dollars, where prices are known.", names, registry=self.registry
        )
        for name, what, value in (
            ("inside", "Requests that are worked on.", lambda: gate.inside),
            ("waiting", "Requests that wait for a place.", lambda: gate.waiting),
        ):
            gauge = Gauge(f"verifier_agent_requests_{name}", what, registry=self.registry)
            gauge.set_function(value)

    def served(self, route: str, status: int, key: str, seconds: float) -> None:
        """Count a request that is done."""
        self._requests.labels(route, str(status), key).inc()
        self._seconds.labels(route).observe(seconds)

    def ran(self, model: str, key: str, runs: Iterable[Run]) -> None:
        """Count runs that have come to their end; what was cancelled before is not among them."""
        for run in runs:
            self._runs.labels(model, key, run.selection.outcome).inc()
            self._calls.labels(model, key).inc(run.spent.calls)
            self._tokens.labels(model, key).inc(run.spent.tokens)
            self._usd.labels(model, key).inc(run.spent.usd or 0.0)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text form."""
        return generate_latest(self.registry)
