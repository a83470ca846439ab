"""A verifier around another one: it changes what that is shown or says, and is it in all else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from verifier_agent.values import Candidate, Task, Verdict, Verifier


class Around(ABC):
    """Judges through `verifier`; it has a sync form if that has one."""

    def __init__(self, verifier: Verifier, name: str) -> None:
        self.verifier = verifier
        self.name = name
        if hasattr(verifier, "verify_sync"):
            self.verify_sync: Callable[..., Sequence[Verdict]] = self._verify_sync

    def __getattr__(self, name: str) -> Any:
        # what else a verifier may have, such as `hard`, `bound` or `footprint`, is the inner one's
        if name.startswith("__") or name in ("verifier", "verify_sync"):
            raise AttributeError(name)
        return getattr(self.verifier, name)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge each candidate."""
        shown = self.shown(candidates)
        return self.said(candidates, await self.verifier.verify(task, shown) if shown else [])

    def _verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        shown, judge = self.shown(candidates), getattr(self.verifier, "verify_sync")  # noqa: B009
        return self.said(candidates, judge(task, shown) if shown else [])

    def shown(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return the candidates that the inner verifier is asked about."""
        return candidates

    @abstractmethod
    def said(self, candidates: Sequence[Candidate], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return a verdict on each candidate, from those of the inner one on what it was shown."""
