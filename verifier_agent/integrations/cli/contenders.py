"""The two models of a comparison as the command line names them: pools, or models to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Live, evaluate_live, read_data
from verifier_agent.evaluation.comparing.pairing import NEEDED
from verifier_agent.evaluation.live import Runner
from verifier_agent.evaluation.recordings.rates import Rates, Unit
from verifier_agent.evaluation.recordings.writing import Tell
from verifier_agent.graph.tables import Answerer, callers, footprint_table, price_table
from verifier_agent.integrations.cli.limits import read_footprint, read_price
from verifier_agent.models import resolve_model
from verifier_agent.verifiers import resolve_verifiers

ENDINGS = (".jsonl", ".gz")
"""Of a name that can only mean a file."""
CALLS = 8
"""Requests that a run may send per sample: the answer, its judging, and retries of both."""


def read_rates(price: str | None, parameters: float | None, energy: str | None) -> Rates:
    """Return what is given; `energy` is in joules per FLOP. ConfigurationError for a wrong form."""
    return Rates(
        price=None if price is None else read_price(price),
        footprint=None if parameters is None else read_footprint(parameters, energy),
    )


def as_pool(given: str) -> Path | None:
    """Return the file that is meant; None if it is a model's name."""
    path = Path(given)
    return path if path.is_file() or path.suffix in ENDINGS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A model, what it is asked, and how its runs are set up."""

    role: str
    """"small" or "large", for the words of an error."""
    model: str
    base_url: str | None
    data: str
    policy: str
    selector: str | None
    verifiers: Sequence[str]
    samples: int
    """The most of a run."""
    rates: Rates
    verifier_rates: Rates
    """Of a verifier that is another model."""


class Recorder:
    """Asks one model and keeps every answer. Raises ConfigurationError before it asks anything."""

    def __init__(self, asking: Asking, unit: Unit) -> None:
        self._data = asking.data
        unlabelled = next((entry.id for entry in read_data(asking.data) if not entry.gold), None)
        if unlabelled is not None:
            raise ConfigurationError(
                f"data={asking.data!r}: question {unlabelled!r} has no `gold`: accuracies need it"
            )
        self._model = resolve_model(asking.model, base_url=asking.base_url)
        verifiers = resolve_verifiers(list(asking.verifiers), model=self._model)
        first, *others = paid = callers([Answerer.of(self._model)], verifiers)
        rates = {one.name: asking.verifier_rates for one in others} | {first.name: asking.rates}
        prices = price_table({name: r.price for name, r in rates.items() if r.price}, paid)
        sizes = {name: r.footprint for name, r in rates.items() if r.footprint}
        footprints = footprint_table(sizes, paid)
        for one in paid:
            known = Rates(price=prices.get(one.name), footprint=footprints.get(one.name))
            if not known.gives(unit):
                owner = f"{asking.role} model" if one.name == first.name else "verifier"
                raise ConfigurationError(
                    f"what {one.name!r} costs in {unit} is unknown; "
                    f"give the {owner}'s {NEEDED[unit]}"
                )
        self._settings = Live(
            policy=asking.policy,
            selector=asking.selector,
            verifier=verifiers,
            max_samples=asking.samples,
            budget=Budget(calls=CALLS * asking.samples),
            prices=prices,
            footprints=footprints,
        )
        Runner(self._model, self._settings)

    def record(self, pool: Path, tell: Tell | None) -> Path:
        """Ask what `pool` does not hold yet, and return it."""
        evaluate_live(self._model, self._data, self._settings, record=pool, tell=tell)
        return pool
