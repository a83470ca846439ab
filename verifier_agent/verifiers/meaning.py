"""Agreement between answers in words, by a function that compares two or embeds all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from verifier_agent.errors import ConfigurationError, VerificationError
from verifier_agent.values import Candidate, Task, Verdict

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Texts to vectors, in the same order; the shape of LangChain's `Embeddings.embed_documents`."""
Same = Callable[[str, str], bool]
"""Whether two texts say the same."""


class MeaningAgreement:
    """Score each candidate by the share of all finished candidates that mean the same.

    Candidates are taken in the order of their ids; each joins the first meaning whose first
    candidate it matches, or begins one (semantic clusters: Kuhn et al. 2023, 2302.09664). Give
    one of the two functions:

    - `embed`: texts to vectors; two match if the cosine of their angle is at least `threshold`.
      Which threshold is right depends on the embedding: try it on labelled pairs.
    - `same`: (text, text) -> bool, for instance an entailment model or a rule. It is asked about
      each candidate and each meaning: n x m calls.

    `evidence["same_as"]` names the first candidate of the meaning, for the selector `by_meaning`.
    As in `Agreement` a score is a vote share and no proof, and a single candidate has none. What
    the function costs is not counted. If it raises, nobody is scored.
    """

    hard = False
    relational = True
    per_candidate = False

    def __init__(
        self,
        *,
        embed: Embed | None = None,
        same: Same | None = None,
        threshold: float = 0.9,
        name: str = "meaning",
    ) -> None:
        if (embed is None) == (same is None):
            raise ConfigurationError("MeaningAgreement: give either embed=… or same=…")
        if not 0.0 < threshold <= 1.0:
            raise ConfigurationError(f"threshold={threshold!r}: a cosine in (0, 1] is needed")
        self.name = name
        self.embed = embed
        self.same = same
        self.threshold = threshold

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Compare the meanings in a worker thread."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Compare the meanings."""
        said = [c for c in candidates if c.done and c.error is None and c.text.strip()]
        firsts = self._firsts([c.text for c in said])
        first = {c.id: said[at].id for c, at in zip(said, firsts, strict=True)}
        return [self._verdict(c, first) for c in candidates]

    def _firsts(self, texts: Sequence[str]) -> list[int]:
        """Return for each text the place of the first one of its meaning."""
        matches = self._matcher(texts)
        meanings: list[int] = []
        found: list[int] = []
        for at in range(len(texts)):
            first = next((one for one in meanings if matches(one, at)), at)
            if first == at:
                meanings.append(at)
            found.append(first)
        return found

    def _matcher(self, texts: Sequence[str]) -> Callable[[int, int], bool]:
        if self.same is not None:
            same = self.same
            return lambda one, other: same(texts[one], texts[other])
        assert self.embed is not None
        vectors = [_unit(vector) for vector in self.embed(texts)] if texts else []
        if len(vectors) != len(texts):
            raise VerificationError(f"embed gave {len(vectors)} vectors for {len(texts)} texts")
        return lambda one, other: (
            sum(x * y for x, y in zip(vectors[one], vectors[other], strict=True))
            >= self.threshold - 1e-9
        )

    def _verdict(self, candidate: Candidate, first: dict[str, str]) -> Verdict:
        total = len(first)
        if candidate.id not in first or total < 2:
            return Verdict(
                candidate=candidate.id,
                verifier=self.name,
                error="nothing to compare" if total < 2 else "no finished text to compare",
                version=total,
            )
        votes = sum(1 for one in first.values() if one == first[candidate.id])
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=votes / total,
            raw=float(votes),
            evidence={"votes": votes, "answered": total, "same_as": first[candidate.id]},
            version=total,
        )


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.hypot(*vector)
    return [x / length for x in vector] if length else [0.0 for _ in vector]
