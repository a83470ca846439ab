"""A reward model on this machine as a verifier: a score for each step, each token computed once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from verifier_agent.aggregation import aggregate
from verifier_agent.budget import Footprint
from verifier_agent.errors import UnreadableVerdict
from verifier_agent.models import text_bound
from verifier_agent.values import Candidate, Cost, Task, Verdict
from verifier_agent.verifiers.local.frames import Frame
from verifier_agent.verifiers.local.network import Network, Row
from verifier_agent.verifiers.local.presets import preset
from verifier_agent.verifiers.local.readings import Reader, Reading
from verifier_agent.verifiers.local.readout import first_doubt, raw_score, unit_score
from verifier_agent.verifiers.local.scoring import KEPT_BYTES, Read, Scoring
from verifier_agent.verifiers.local.spec import PRMSpec
from verifier_agent.verifiers.local.tokens import Tokens


class Runtime(Network, Protocol):
    """A network with the tokenizer, the spec and the frame that belong to it."""

    spec: PRMSpec
    frame: Frame
    tokens: Tokens


class LocalRewardModel:
    """Judge answers with a process or outcome reward model that runs on this machine.

    steps: one score in [0, 1] for each step of the text as the spec splits it; None for a step
    that was cut off because the text is too long. score: what the spec's `aggregate` makes of
    them; a probability only where the spec's scale is one. raw, and `evidence["raw"]` step by
    step: the model's own unit, always kept. An answer that cannot be read, and a score that is not
    finite, is a verdict with an error.

    Steps that were judged before are not computed again, be it for another call, another candidate
    or another run; `cost.cached_tokens` are those. Calls from several threads share batches.
    """

    hard = False
    relational = False
    per_candidate = False

    def __init__(
        self, runtime: Runtime, *, name: str = "prm", kept_bytes: int = KEPT_BYTES
    ) -> None:
        self.name = name
        self.spec = runtime.spec
        self.footprint = Footprint(parameters=runtime.shape.parameters)
        self._frame, self._shape = runtime.frame, runtime.shape
        self._reader = Reader(runtime.spec, runtime.frame, runtime.tokens)
        self.scoring = Scoring(runtime, kept_bytes)

    @classmethod
    def from_checkpoint(
        cls,
        path: Path | str,
        spec: PRMSpec | str,
        *,
        device: str = "cpu",
        dtype: str = "float32",
        name: str = "prm",
    ) -> LocalRewardModel:
        """Load a checkpoint of transformers; `spec` may name a preset. Needs the extra `hf`."""
        spec = preset(spec) if isinstance(spec, str) else spec
        from verifier_agent.verifiers.local.checkpoint import Checkpoint

        return cls(Checkpoint(path, spec, device=device, dtype=dtype), name=name)

    @classmethod
    def from_onnx(
        cls, path: Path | str, *, threads: int | None = None, name: str = "prm"
    ) -> LocalRewardModel:
        """Load what `verifier-agent export` wrote. Needs the extra `onnx`, and no torch."""
        from verifier_agent.verifiers.local.exported import Exported

        return cls(Exported(path, threads=threads), name=name)

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that judging one candidate of so many bytes can cost.

        No token is shorter than a byte, and no text longer than the model reads is scored.
        """
        frame, spec = self._frame, self.spec
        steps = 1 if spec.read == "end" else candidate_bytes // 2 + 1
        around = frame.opening + frame.begin + frame.closing
        per_step = spec.step + frame.answer + frame.joint + spec.mark + " " * 20  # and its number
        if spec.read == "each_prefix":
            per_step += frame.closing
        most = text_bound(task.question) + candidate_bytes + len(around.encode()) + 8
        most += steps * len(per_step.encode())
        readings = steps if spec.read == "each_prefix" else 1
        return Cost(calls=1, input_tokens=min(most, readings * self._shape.window))

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge candidates in a worker thread; see `verify_sync`."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge candidates; one verdict each, in the same order."""
        asked: list[tuple[list[Reading], range] | str] = []
        for candidate in candidates:
            steps = self.spec.steps(candidate.text)
            try:
                asked.append(self._reader.read(task.question, steps, self._shape.window))
            except UnreadableVerdict as error:
                asked.append(str(error))
        readings = [one for given in asked if not isinstance(given, str) for one in given[0]]
        found = iter(self.scoring.read(readings) if readings else ())
        verdicts = []
        for candidate, given in zip(candidates, asked, strict=True):
            if isinstance(given, str):
                verdicts.append(Verdict(candidate=candidate.id, verifier=self.name, error=given))
            else:
                own = [next(found) for _ in given[0]]
                verdicts.append(self._verdict(candidate, given, own))
        return verdicts

    def _verdict(
        self, candidate: Candidate, asked: tuple[list[Reading], range], found: Sequence[Read]
    ) -> Verdict:
        readings, kept = asked
        distinct = {
            reading.segments[:end]
            for reading in readings
            for end in range(1, len(reading.segments) + 1)
        }
        tokens = sum(len(path[-1]) for path in distinct)
        cost = Cost(
            calls=1,
            input_tokens=tokens,
            cached_tokens=tokens - sum(read.computed for read in found),
        )
        try:
            raw = self._raw([row for read in found for row in read.rows], len(kept))
            scores = [unit_score(number, self.spec.scale) for number in raw]
        except UnreadableVerdict as error:
            return Verdict(candidate=candidate.id, verifier=self.name, error=str(error), cost=cost)
        texts = self.spec.steps(candidate.text)
        whole = self.spec.read == "end"
        steps: list[float | None] = [None] * len(texts)
        steps[kept.start : kept.stop] = scores
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=scores[0] if whole else aggregate(scores, self.spec.aggregate),
            raw=raw[0] if len(raw) == 1 else None,
            steps=() if whole else tuple(steps),
            feedback="" if whole else first_doubt(self.spec, candidate.text, steps),
            evidence={"raw": raw, "scale": self.spec.scale, "dropped": len(texts) - len(kept)},
            cost=cost,
        )

    def _raw(self, rows: Sequence[Row], count: int) -> list[float]:
        """Return the raw score of each step; raises UnreadableVerdict if they do not match."""
        if len(rows) != count:
            raise UnreadableVerdict(f"the model gave {len(rows)} scores for {count} steps")
        return [raw_score(self.spec, row) for row in rows]
