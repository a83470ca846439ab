"""A verifier whose step scores are put together in another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from verifier_agent.aggregation import Aggregation, check_aggregation, rescored
from verifier_agent.values import Candidate, Task, Verdict, Verifier


class Aggregated:
    """Judges as `verifier` does; the score of its step scores is made by `how`.

    Policy, stop rules and selector all see that score. It asks nothing more of the verifier and
    costs the same. In text it is `NAME@HOW`, for instance "embedded-prm@min", and so it is called
    in the record. A verdict without step scores, and a hard one, stay as they are.
    """

    def __init__(self, verifier: Verifier, how: Aggregation) -> None:
        check_aggregation(how)
        self.verifier = verifier
        self.how = how
        self.name = f"{verifier.name}@{how}"
        if hasattr(verifier, "verify_sync"):
            self.verify_sync: Callable[..., Sequence[Verdict]] = self._verify_sync

    def __getattr__(self, name: str) -> Any:
        # what else a verifier may have, such as `hard`, `bound` or `footprint`, is the inner one's
        if name.startswith("__") or name in ("verifier", "verify_sync"):
            raise AttributeError(name)
        return getattr(self.verifier, name)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge each candidate."""
        return self._read(await self.verifier.verify(task, candidates))

    def _verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        return self._read(getattr(self.verifier, "verify_sync")(task, candidates))  # noqa: B009

    def _read(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        return [replace(rescored(verdict, self.how), verifier=self.name) for verdict in verdicts]
