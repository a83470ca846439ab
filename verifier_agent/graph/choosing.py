"""What the node `select` does: the answer of a run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from langchain_core.messages import AIMessage, messages_from_dict

from verifier_agent.calibration import enough
from verifier_agent.graph.settings import Parts
from verifier_agent.models import tool_calls_text
from verifier_agent.selection import SelectorFunction, best
from verifier_agent.tree import Tree
from verifier_agent.values import Judged, Select, Selection, Verdict


def choose(
    selector: SelectorFunction,
    tree: Tree,
    ending: Select,
    sure: Callable[[Selection, Sequence[Judged]], Selection] | None = None,
) -> Selection:
    """Choose among all finished candidates of the tree, and say why the run ended.

    One that ended with proof ("verified") answers with what is proven, whatever others' votes say.
    With none finished the best unfinished one stands in, and the reason says so; with none at all
    the outcome is "failed", and the reason is the last error. `sure` has the last word on an
    answer: how sure it is, and whether that is enough. Where the selector failed, or nothing is
    finished, it is given no candidates to go by. The reason names verifiers that were of no use.
    """
    partial = [tree.judged(c.id) for c in tree if c.error is None]
    if partial:
        finished = tree.finished
        if ending.outcome == "verified":
            finished = tuple(j for j in finished if j.proven) or finished
        selection, failure = _select(selector, finished, partial)
        reason = "; ".join(filter(None, (ending.reason, failure, *_silent(finished))))
        selection = selection.because(ending.outcome, reason)
        return selection if sure is None else sure(selection, () if failure else finished)
    errors = [c.error for c in tree if c.error is not None]
    reason = f"no candidate is usable: {errors[-1]}" if errors else ending.reason
    return Selection().because("failed" if errors else ending.outcome, reason)


def _select(
    selector: SelectorFunction, finished: Sequence[Judged], partial: Sequence[Judged]
) -> tuple[Selection, str]:
    """Ask the selector; where it cannot choose the best candidate is chosen, for all is paid
    already, and the second value says why."""
    if not finished:
        return best()(partial), "no answer is complete, this is the best beginning of one"
    try:
        selection = selector(finished)
        if not isinstance(selection, Selection):
            failure = f"gave {selection!r}, which is no Selection"
        elif selection.candidate not in {j.candidate.id for j in finished}:
            failure = f"chose {selection.candidate!r}, which is no finished candidate"
        else:
            return selection, ""
    except Exception as error:
        failure = f"raised {type(error).__name__}: {error}"
    return best()(finished), f"the selector {failure}, so the best one was chosen"


def _silent(finished: Sequence[Judged]) -> Iterator[str]:
    """Say which verifiers gave no score to any of the answers.

    Of those that cost nothing only where nobody gave a score: one that found nothing to check is
    as it should be beside others. Why they gave none is in their verdicts alone: a reason reaches
    clients of the endpoint, and what a provider said may hold its address or a part of a key.
    """
    said: dict[str, list[Verdict]] = {}
    for judged in finished:
        for verdict in judged.verdicts:
            said.setdefault(verdict.verifier, []).append(verdict)
    nobody = all(judged.score is None for judged in finished)
    for name, verdicts in sorted(said.items()):
        paid = any(verdict.cost.calls for verdict in verdicts)
        if (paid or nobody) and all(verdict.score is None for verdict in verdicts):
            yield f"{name} gave no score"


def sureness(
    parts: Parts, selector: SelectorFunction
) -> Callable[[Selection, Sequence[Judged]], Selection] | None:
    """Return how sure a choice of the selector is, calibrated; None where nothing is known of it.

    With a risk to keep, an answer that is not sure enough is given up, unless it is proven.
    """
    fit, calibration = parts.sureness(selector), parts.calibration
    if fit is None or calibration is None:
        return None
    least = None if parts.risk is None else enough(fit, parts.risk)

    def sure(selection: Selection, judged: Sequence[Judged]) -> Selection:
        found = calibration.selection(selection, judged, fit)
        known = found.confidence if found.basis == "P(correct)" else None
        if least is None or found.outcome == "verified" or (known is not None and known >= least):
            return found
        said = "P(correct) is unknown" if known is None else f"P(correct) is {known:.2f}"
        wanted = f"a risk of {parts.risk:.1%} takes {least:.2f}"
        return found.because("gave_up", f"{found.reason}; {said}, and {wanted}")

    return sure


def answer_message(tree: Tree, selection: Selection) -> AIMessage | None:
    """Return the chosen candidate as a message: the model's own, with the whole text."""
    if selection.candidate is None:
        return None
    candidate = tree[selection.candidate]
    message = messages_from_dict([candidate.message])[0]
    assert isinstance(message, AIMessage)
    said = candidate.text.removesuffix(tool_calls_text(message)).rstrip("\n")
    if message.text.strip() != said.strip():
        # the model wrote the last part only: the beginning came from the candidates above it
        message = message.model_copy(update={"content": said})
    return message
