"""Several verifiers as one: mean, any, all, a weighted sum, or a cascade from cheap to dear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Verdict, Verifier
from verifier_agent.verifiers.ensembles.combining import COMBINE, RULES, Joint, Rule, last, weighted
from verifier_agent.verifiers.ensembles.several import Several
from verifier_agent.weighting import Weights

DECIDES = {"any": 1.0, "all": 0.0}
"""Proof of which score settles a rule; any proof settles the others."""


class Ensemble(Several):
    """Judges by what several verifiers say together.

    Members that cost nothing are asked first; what is settled by their proof (a false equation, a
    failed test) is not shown to those that are paid. Every member's own verdict is kept in
    `evidence["members"]`, feedback of all is kept, and costs add up. A member that fails is a
    missing score: "mean" and weights go by the others, "any" and "all" do not know then. None of
    the members can be one that comes and goes by itself, as the judge of "auto" does.

    In text: "mean:NAME,NAME", "any:…", "all:…", "weighted:FILE" with a file that
    `verifier-agent weigh` wrote.

    Args:
        members: Two verifiers or more, each with a name of its own; with weights, those it knows.
        how: "mean", "any", "all", or `Weights`, whose score is P(right) by its own reckoning.
        name: In the record. Default: like the text form.

    Raises:
        ConfigurationError: Too few members, two of one name, or not those of the weights.
    """

    def __init__(
        self, members: Sequence[Verifier], how: Rule | Weights = "mean", *, name: str | None = None
    ) -> None:
        if isinstance(how, Weights):
            self.rule, self._combine = "weighted", weighted(how)
        elif how in RULES:
            self.rule, self._combine = how, COMBINE[how]
        else:
            raise ConfigurationError(f"how={how!r}: give one of {', '.join(RULES)}, or Weights")
        named = name or _named(self.rule, members)
        super().__init__(members, named, least=1 if isinstance(how, Weights) else 2)
        if isinstance(how, Weights):
            how.check([member.name for member in members])

    def turns(self) -> Iterable[Sequence[Verifier]]:
        """Return those that cost nothing, then those that do."""
        free = [member for member in self.members if not hasattr(member, "bound")]
        return [free, [member for member in self.members if member not in free]]

    def settles(self, verdict: Verdict) -> bool:
        """Return True of proof that decides by the rule."""
        proven = verdict.score if verdict.hard else None
        return proven is not None and proven == DECIDES.get(self.rule, proven)

    def combine(self, verdicts: Sequence[Verdict]) -> Joint:
        """Return one word of all, by the rule."""
        return self._combine(verdicts)


class Cascade(Several):
    """Asks one verifier after the other, cheap ones first, and stops where one is sure.

    A verifier is sure if its word is proof, or its score is at most `below` or at least `above`.
    The word of the last that was asked counts; if that one failed there is no score, since one
    that was not sure is no answer. In text, "cascade:NAME,NAME", where only proof is sure.

    Args:
        members: In the order in which they are asked.
        below: A score that is low enough; None: none is.
        above: One that is high enough. Scores of different verifiers mean different things, so
            these limits are for one that is calibrated, or known well.
        name: In the record. Default: like the text form.

    Raises:
        ConfigurationError: As for `Ensemble`, or limits that are no scores or cross.
    """

    def __init__(
        self,
        members: Sequence[Verifier],
        *,
        below: float | None = None,
        above: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(members, name or _named("cascade", members), least=2)
        self.below = -1.0 if below is None else below
        self.above = 2.0 if above is None else above
        for limit in (below, above):
            if limit is not None and not 0.0 <= limit <= 1.0:
                raise ConfigurationError(f"a limit of {limit!r}: a score is in [0, 1]")
        if self.below >= self.above:
            raise ConfigurationError(f"below={below!r} must be less than above={above!r}")

    def turns(self) -> Iterable[Sequence[Verifier]]:
        """Return one after the other."""
        return [[member] for member in self.members]

    def settles(self, verdict: Verdict) -> bool:
        """Return True of a word that is sure."""
        if verdict.score is None:
            return False
        return verdict.hard or not self.below < verdict.score < self.above

    def combine(self, verdicts: Sequence[Verdict]) -> Joint:
        """Return the word of the last that was asked."""
        return last(verdicts)


def _named(kind: str, members: Sequence[Verifier]) -> str:
    return f"{kind}:{','.join(member.name for member in members)}"
