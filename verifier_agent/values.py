"""The nouns: task, candidate, verdict, action, selection; and the plug points.

Values are frozen and have a plain JSON form: graph state, `Send` payloads and files hold the plain
form only, typed objects live inside a node.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from verifier_agent.cost import Cost as Cost
from verifier_agent.errors import UnreadableVerdict
from verifier_agent.plain import Value

Outcome = Literal[
    "verified",
    "agreed",
    "completed",
    "plateau",
    "budget",
    "steps",
    "gave_up",
    "cancelled",
    "failed",
]
"""Why a run ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Value):
    """The question, and what a verifier may need to judge an answer to it."""

    question: str
    """The text of the last human message."""
    messages: tuple[dict[str, Any], ...] = ()
    """The whole conversation in langchain's plain form (`message_to_dict`), images included."""
    context: dict[str, Any] = field(default_factory=dict)
    """For verifiers: tests, a schema, a reference; whatever the caller passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Value):
    """One immutable node of the tree: a draft, a step (`done=False`) or a revision."""

    id: str
    """`parent.via.ordinal`, for instance "g0", "g0.g2" or "g1.r0"; sort with `order`."""
    parent: str | None = None
    """The candidate this one continues or revises; None for a draft from the question."""
    via: Literal["generate", "revise"] = "generate"
    text: str = ""
    """The whole answer up to here, for a step too, so that it can be judged by itself."""
    done: bool = True
    """False for a step that can be continued."""
    answer: str | None = None
    """The canonical key of a finished candidate, used for voting; None if there is none."""
    message: dict[str, Any] = field(default_factory=dict)
    """The model's whole message in langchain's plain form, tool calls and reasoning included."""
    model: str = ""
    mark: str = ""
    """The mark of the action that asked for it."""
    logprob: float | None = None
    """Sum of the token log-probabilities of this candidate's own tokens, where reported."""
    cost: Cost = Cost()
    error: str | None = None
    """Why the call gave nothing usable; such a candidate is kept, and never judged or chosen."""

    @property
    def depth(self) -> int:
        """How many candidates lie above this one: 0 for a draft."""
        return self.id.count(".")


@lru_cache(maxsize=4096)
def order(candidate_id: str) -> tuple[tuple[str, int], ...]:
    """Return the sort key of a candidate id: "g10" comes after "g9", children after parents."""
    return tuple((part[0], int(part[1:])) for part in candidate_id.split("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Value):
    """What one verifier said of one candidate. A missing score is None with an error, never 0."""

    candidate: str
    verifier: str
    score: float | None = None
    """In [0, 1]; P(correct) only once calibrated."""
    raw: float | None = None
    """The verifier's own unit: a logit, a grade from 1 to 10."""
    steps: tuple[float | None, ...] = ()
    """One score in [0, 1] per step of the text, in order; None for a step it cannot judge."""
    feedback: str = ""
    """What is wrong, in words that help a revision; empty if nothing is."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """What the score rests on, as plain JSON; for the record."""
    hard: bool = False
    """True if this word is proof: tests that ran, an exact check."""
    version: int = 0
    """Which state of the evidence was judged; a later version replaces an earlier one."""
    cost: Cost = Cost()
    error: str | None = None

    def __post_init__(self) -> None:
        for score in (self.score, *self.steps):
            if score is not None and not (math.isfinite(score) and 0.0 <= score <= 1.0):
                raise UnreadableVerdict(
                    f"verifier {self.verifier!r} scored candidate {self.candidate!r} {score!r}; "
                    "a score is in [0, 1] or None with an error"
                )
        if self.raw is not None and not math.isfinite(self.raw):
            raise UnreadableVerdict(
                f"verifier {self.verifier!r} gave the raw score {self.raw!r}, which is not finite"
            )

    @property
    def refutes(self) -> bool:
        """True if it only ever refutes: its 0 counts, a high score says nothing for the answer."""
        return bool(self.evidence.get("refutes"))

    @property
    def key(self) -> str:
        """Where the tree keeps it: one verdict per candidate, verifier and evidence version."""
        return f"{self.candidate}|{self.verifier}|{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate with the latest verdict of each verifier, in the order of their names."""

    candidate: Candidate
    verdicts: tuple[Verdict, ...] = ()

    @property
    def score(self) -> float | None:
        """The score that counts: a hard verdict's if there is one, else the mean of all given.

        Those that only refute count where they do, or where there is no other.
        """
        given = [(v, v.score) for v in self.verdicts if v.score is not None]
        hard = [score for v, score in given if v.hard]
        if hard or self.refuted:
            return min(hard, default=0.0)
        said = [score for v, score in given if not v.refutes] or [score for _, score in given]
        return sum(said) / len(said) if said else None

    @property
    def refuted(self) -> bool:
        """True if a verifier that is hard, or only refutes, found that this cannot be right."""
        return any(v.score == 0.0 and (v.hard or v.refutes) for v in self.verdicts)

    @property
    def proven(self) -> bool:
        """True if hard verifiers gave it 1, all of those that gave a score: no soft 1 is proof."""
        hard = [v.score for v in self.verdicts if v.hard and v.score is not None]
        return bool(hard) and min(hard) == 1.0

    @property
    def complaints(self) -> tuple[str, ...]:
        """Why verifiers gave no score, each with its name."""
        failed = [(v.verifier, v.error) for v in self.verdicts if v.error is not None]
        return tuple(e if e.startswith(f"{name}: ") else f"{name}: {e}" for name, e in failed)


Basis = Literal["P(correct)", "posterior", "vote share", "score", "none"]
"""What a confidence is: only a calibrated one is called P(correct)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Value):
    """The answer a run ends with, and how sure it is of it."""

    candidate: str | None = None
    """Id of the chosen candidate; None if there was none to choose."""
    answer: str | None = None
    """Its answer key, or its text where there is no key."""
    confidence: float | None = None
    """In [0, 1]; `basis` says what kind of number it is."""
    basis: Basis = "none"
    support: dict[str, float] = field(default_factory=dict)
    """Answer to weight, for every answer that stood for election; weights add up to 1."""
    outcome: Outcome = "completed"
    reason: str = ""
    """Why the run ended, in words."""

    def because(self, outcome: Outcome, reason: str) -> Selection:
        """Return the same selection with the reason the run ended."""
        return replace(self, outcome=outcome, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate(Value):
    """Ask a model for `n` new candidates below `parent` (None: from the question)."""

    node: ClassVar[str] = "generate"
    kind: Literal["generate"] = "generate"
    parent: str | None = None
    n: int = 1
    until: Literal["end", "step"] = "end"
    """"step" stops after one step, "end" goes on to the end of the answer."""
    model: str | None = None
    """Which of the agent's models is asked; None: its first."""
    temperature: float | None = None
    """None: the model's own."""
    append: str = ""
    """Put below the parent's text for the model to go on from; with it a complete answer can be
    continued too. With a draft it says only that the model will be asked to continue it."""
    mark: str = ""
    """A word of the policy's own, kept on the candidates, by which it tells them from others."""
    judge: bool = True
    """False: the new candidates are not shown to the verifier this round."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revise(Value):
    """Ask a model for `n` revisions of `target`, with what the verifier said of it."""

    node: ClassVar[str] = "revise"
    kind: Literal["revise"] = "revise"
    target: str
    n: int = 1
    shown: tuple[str, ...] = ()
    """Other attempts that the model reads before the target, with what was said of them."""
    model: str | None = None
    temperature: float | None = None
    mark: str = ""
    judge: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Value):
    """Show `candidates` to the verifier."""

    node: ClassVar[str] = "verify"
    kind: Literal["verify"] = "verify"
    candidates: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Value):
    """End the run with what it has."""

    node: ClassVar[str] = "select"
    kind: Literal["select"] = "select"
    outcome: Outcome = "completed"
    reason: str = ""


Action = Generate | Revise | Verify | Select
"""What a policy may ask for. The class's name is the node's name."""


@runtime_checkable
class Verifier(Protocol):
    """Judges candidates: a batch in, one verdict each out, in the same order.

    Optional attributes, read where present: `hard` (bool: its word is proof), `relational` (bool:
    a score depends on the other candidates, so all are judged anew when some arrive), `refutes`
    (bool: a high score says nothing for an answer, as its verdicts' evidence says too), `bound`
    (a method `task, candidate bytes -> Cost`: the most that one judging can cost), `per_candidate`
    (bool: asked for one at a time, so that each paid verdict is recorded alone), `applies` (a
    method `finished candidates -> bool`: False if it adds nothing), `members` (the verifiers that
    it is made of, whose plain verdicts are its `evidence["members"]`: each is priced by itself) and
    `verify_sync` (as `verify`, for callers without an event loop).
    """

    @property
    def name(self) -> str:
        """A short stable name, for the record."""
        ...

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        """Judge each candidate. Failures are verdicts with `error`, or raise."""
        ...
