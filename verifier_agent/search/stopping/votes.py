"""Stop rules that count votes: they need answer keys, and no verifier."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from verifier_agent.search.policy import Count, Share
from verifier_agent.search.stopping.majority import chance_of_lead, mass_above_half
from verifier_agent.search.stopping.progress import in_order
from verifier_agent.search.stopping.rule import stop_rule
from verifier_agent.tree import Tree

Concentration = Annotated[float, Field(gt=0.0, le=100.0)]


def _votes(tree: Tree) -> str:
    leader, votes = next(iter(tree.answers.items()))
    return f"{votes} of {sum(tree.answers.values())} votes for {leader[:60]!r}"


@stop_rule("agreed", _votes)
def agree(tree: Tree, confidence: Share = 0.95) -> bool:
    """The leading answer is the true majority with at least this probability.

    With v1 votes for the leader and v2 for the next, the posterior of the leader's share between
    the two is Beta(v1 + 1, v2 + 1); the rule asks for the mass above one half (Aggarwal et al.
    2023, adaptive consistency). At 0.95 four votes of four suffice.
    """
    first, second = [*tree.answers.values(), 0, 0][:2]
    return first > 0 and mass_above_half(first, second) >= confidence


@stop_rule("agreed", _votes)
def lead(tree: Tree, confidence: Share = 0.95, *, prior: Concentration = 1.0) -> bool:
    """The leading answer is the most frequent one of all with at least this probability.

    `agree` looks at the top two; this also at the rest, and at one answer not seen yet. Shares of
    answers have a Dirichlet posterior of votes + `prior` each. 1 knows nothing and is a little
    more careful than `agree`; a smaller prior expects a model to repeat itself, and stops sooner:
    at 0.1 two votes of two are 0.98. It is a simple relative of the rule of 2602.05395, which
    learns the prior from recorded questions.
    """
    first, *others = [*tree.answers.values()] or [0]
    return first > 0 and chance_of_lead(first, [*others, 0], prior) >= confidence


@stop_rule("agreed", _votes)
def window(tree: Tree, size: Annotated[Count, Field(ge=2)] = 5) -> bool:
    """A whole window of `size` answers in a row agree: early-stopping self-consistency.

    Windows do not overlap (Li et al. 2024, ESC, 2401.10480, with sizes 4 to 8). An answer without
    a key agrees with nobody. All answers drawn so far are selected from, as in the paper. Draw in
    batches of `size`, or several windows are looked at at once.
    """
    keys = [judged.candidate.answer for judged in in_order(tree)]
    whole = range(0, len(keys) - size + 1, size)
    return any(keys[at] is not None and len({*keys[at : at + size]}) == 1 for at in whole)
