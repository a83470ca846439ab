"""Questions with a right and a wrong answer, to see whether a verifier tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.values import Candidate, Task, Verdict, Verifier


@dataclass(frozen=True, slots=True)
class Trial:
    """A question with an answer that is right and one that is wrong, whatever the model."""

    question: str
    right: str
    wrong: str


TRIALS = (
    Trial(
        "What is 17 + 25?",
        "17 + 25 = 17 + 20 + 5 = 37 + 5.\n\n37 + 5 = 42. The answer is 42.",
        "17 + 25 = 17 + 20 + 5 = 37 + 5.\n\n37 + 5 = 32. The answer is 32.",
    ),
    Trial(
        "Tom has 3 boxes with 4 pens in each. He gives 5 pens away. How many are left?",
        "He has 3 * 4 = 12 pens.\n\n12 - 5 = 7, so 7 pens are left.",
        "He has 3 + 4 = 7 pens.\n\n7 + 5 = 12, so 12 pens are left.",
    ),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a verifier said: of the right and of the wrong answer to each question."""

    questions: tuple[str, ...] = ()
    pairs: tuple[tuple[Verdict, Verdict], ...] = ()
    error: str = ""
    """Why it said nothing, or not of every answer."""

    @property
    def works(self) -> bool:
        """Whether every answer has a score."""
        return bool(self.pairs) and not self.error

    @property
    def scores(self) -> list[tuple[float, float]]:
        """The score of the right and of the wrong answer, where both have one."""
        return [
            (right.score, wrong.score)
            for right, wrong in self.pairs
            if right.score is not None and wrong.score is not None
        ]

    @property
    def in_order(self) -> int:
        """For how many questions the right answer has the higher score."""
        return sum(right > wrong for right, wrong in self.scores)

    @property
    def rewards(self) -> list[float]:
        """The numbers that the scores were made of, of steps or of the whole."""
        verdicts = [verdict for pair in self.pairs for verdict in pair]
        return [number for verdict in verdicts for number in verdict.evidence.get("raw", ())]

    @property
    def doubt(self) -> str:
        """What is odd about the scores; empty if nothing."""
        verdicts = [verdict for pair in self.pairs for verdict in pair]
        if not self.works:
            return ""
        if len({verdict.score for verdict in verdicts}) == 1:
            return "all answers score the same: is it the model's own head, and its own template?"
        logits = any(verdict.evidence.get("scale") == "logit" for verdict in verdicts)
        if logits and all(0 <= number <= 1 for number in self.rewards):
            return 'all rewards are from 0 to 1: if they are probabilities, say scale="probability"'
        if self.in_order < len(self.pairs):
            return "a wrong answer scores as high as the right one"
        return ""


async def tried(verifier: Verifier, trials: Sequence[Trial] = TRIALS) -> Tried:
    """Ask a verifier of each trial's two answers; stop at the first one that it cannot judge."""
    pairs: list[tuple[Verdict, Verdict]] = []
    questions = tuple(trial.question for trial in trials)
    for trial in trials:
        answers = [Candidate(id="g0", text=trial.right), Candidate(id="g1", text=trial.wrong)]
        right, wrong = await verifier.verify(Task(question=trial.question), answers)
        pairs.append((right, wrong))
        if error := right.error or wrong.error:
            return Tried(questions, tuple(pairs), error)
    return Tried(questions, tuple(pairs))
