"""The selector for chains of revisions: first within each chain, then between them."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.selection.selector import selector
from verifier_agent.selection.votes import Power, weighted_vote
from verifier_agent.values import Judged, Selection


@selector
def chain_vote(judged: Sequence[Judged], power: Power = 1.0) -> Selection:
    """Hold a `weighted_vote` within each chain, and one between the winners.

    A chain is a draft with all that was made from it, so a long one has no more say than a short
    one. The winner of a chain is the best-scored candidate of its winning answer; its score is its
    weight between the chains (Snell et al. 2024, section 6). Without a verifier use `vote`, which
    pools the answers of all chains: there they found no use in a hierarchy.
    """
    chains: dict[str, list[Judged]] = {}
    for j in judged:
        chains.setdefault(j.candidate.id.split(".")[0], []).append(j)
    by_id = {j.candidate.id: j for j in judged}
    within = weighted_vote(power)
    winners = [by_id[str(within(chain).candidate)] for chain in chains.values()]
    return within(winners)
