"""Two pools made ready to be compared: the questions that both have, every answer with its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.recordings.pools import RecordedCost, Sample, read_pool
from verifier_agent.evaluation.recordings.rates import Rates, Unit, answering, judging

NEEDED = {
    "flops": "parameters",
    "usd": "price",
    "joules": "parameters and joules per FLOP",
}
"""What has to be given where the cost in a unit was not recorded."""
Level = int | str | None


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a question before anything is replayed."""

    text: str
    level: Level
    share: float
    """Of its samples that are right: of those held out, if some are."""


def read_heads(pool: Path | str, held_out: int = 0) -> dict[str, Head]:
    """Return the questions of a pool by id.

    Raises ConfigurationError for one without labels, and for one that has no more samples than
    are held out.
    """
    heads: dict[str, Head] = {}
    for question in read_pool(pool):
        if not question.labelled:
            raise ConfigurationError(
                f"{pool}: question {question.id!r} has samples without `correct`: accuracies need "
                "labels"
            )
        drawable = [sample.correct or 0 for sample in question.samples if sample.drawable]
        if len(drawable) <= held_out:
            raise ConfigurationError(
                f"{pool}: question {question.id!r} has {len(drawable)} samples to draw: with "
                f"held_out={held_out} none is left"
            )
        told = drawable[-held_out:]  # all of them, if none is held out
        text = " ".join(question.question.split())
        heads[question.id] = Head(text, question.level, sum(told) / len(told))
    return heads


def match(
    small: Mapping[str, Head], large: Mapping[str, Head], pools: tuple[Path | str, Path | str]
) -> dict[str, Level]:
    """Return the ids that both have, with their levels, in the order of the small one's pool.

    Raises ConfigurationError where one id means two questions or has two levels, and where no
    question is in both.
    """
    levels: dict[str, Level] = {}
    for name, head in small.items():
        other = large.get(name)
        if other is None:
            continue
        if head.text != other.text:
            raise ConfigurationError(
                f"question {name!r} of {pools[0]} is another one than in {pools[1]}: these pools "
                "cannot be compared by id"
            )
        levels[name] = other.level if head.level is None else head.level
        if other.level not in (None, levels[name]):
            raise ConfigurationError(
                f"question {name!r} has level {head.level!r} in {pools[0]}, {other.level!r} in "
                f"{pools[1]}"
            )
    if not levels:
        raise ConfigurationError(f"no question of {pools[0]} is in {pools[1]}: ids have to match")
    return levels


@dataclass(frozen=True, slots=True)
class Pricing:
    """Fills in the cost of every answer of one model."""

    unit: Unit
    owner: str
    """Whose rates these are, for the words of an error: "small model"."""
    rates: Rates
    verifier: Rates | None
    """None: nothing that was recorded of judging is used, so it is not paid for."""
    held_out: int = 0
    """Samples at the end of each question that are left away."""

    def copy(self, pool: Path | str, out: Path, levels: Mapping[str, Level]) -> bool:
        """Write the questions in `levels`, with these levels, and with the cost of every answer.

        Returns False if prompts were left out of it because the pool does not tell their tokens.
        Raises ConfigurationError for an unknown cost, naming the answer and what to give.
        """
        prompts = True
        with out.open("w", encoding="utf-8") as file:
            for question in read_pool(pool):
                if question.id not in levels:
                    continue
                where = f"{pool}: question {question.id!r}, samples"
                samples = [
                    self._priced(sample, f"{where}.{place}") if sample.drawable else sample
                    for place, sample in enumerate(self._kept(question.samples))
                ]
                prompts = prompts and all(map(self._counts_prompt, samples))
                update = {"samples": samples, "level": levels[question.id]}
                file.write(question.model_copy(update=update).model_dump_json() + "\n")
        return prompts

    def _kept(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        places = [place for place, sample in enumerate(samples) if sample.drawable]
        return samples[: places[-self.held_out]] if self.held_out else samples

    def _counts_prompt(self, sample: Sample) -> bool:
        return not self.rates.gives(self.unit) or answering(sample).input_tokens is not None

    def _priced(self, sample: Sample, where: str) -> Sample:
        update = {"cost": self._filled(answering(sample), self.rates, f"{where}.cost", self.owner)}
        if self.verifier is not None:
            cost, where = judging(sample), f"{where}.verifier_cost"
            update["verifier_cost"] = self._filled(cost, self.verifier, where, "verifier")
        return sample.model_copy(update=update)

    def _filled(self, cost: RecordedCost, rates: Rates, where: str, owner: str) -> RecordedCost:
        found = rates.of(cost, self.unit)
        if found is None:
            needed = [] if rates.gives(self.unit) else [f"give the {owner}'s {NEEDED[self.unit]}"]
            needed += ["record `tokens`"] if cost.output_tokens is None else []
            raise ConfigurationError(f"{where}.{self.unit} is unknown; {' and '.join(needed)}")
        return cost.model_copy(update={self.unit: found})
