"""`tune`: a table of policies by difficulty and budget, learned on labelled recorded answers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from verifier_agent.calibration import named
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.calibrating import pool_source
from verifier_agent.evaluation.metrics import standard_error
from verifier_agent.evaluation.recordings.pools import Question, Survey, read_pool
from verifier_agent.evaluation.recordings.writing import Tell
from verifier_agent.evaluation.replaying.replay import Replay
from verifier_agent.evaluation.replaying.simulating import Simulator
from verifier_agent.evaluation.tuning.gains import gain
from verifier_agent.evaluation.tuning.menus import Menu, menu_of_many, menu_of_one
from verifier_agent.evaluation.tuning.trials import Trial, Trials, Tried
from verifier_agent.search import Policy, Tuned, resolve_policy, table
from verifier_agent.search.tuned import Unit
from verifier_agent.selection import Selector

PRICE = 0.002
"""In right answers per answer drawn: 500 answers are worth one more that is right."""
BUDGETS = (4, 8, 16, 32, 64, 128)
"""Calls of a run that a table has a column for, as far as the pool has so many answers."""
FEWEST = 20
"""With fewer questions in a row nothing is learned for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What is learned, and how. Raises ConfigurationError for a wrong number."""

    policies: tuple[str | Policy, ...] = ()
    """What a cell may be. Default: a menu of stop rules and prices; for several models, of how
    many of them may be asked and when to end."""
    budgets: tuple[int, ...] = ()
    """Calls that a run may take, rising: a column for each. Default: 4, 8, 16 and
    so on, as far as the pool has so many answers; or all that it has."""
    price: float | None = None
    """What one unit costs, in right answers. Default for samples: 0.002."""
    unit: Unit = "samples"
    folds: int = 5
    """Parts of the questions of which each is measured with what was learned on the others."""
    arms: bool = True
    """Of a pool that names several models, learn which of them to ask; else they are taken for
    one."""

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ConfigurationError(f"folds={self.folds!r}: at least 2 are needed")
        if self.price is None and self.unit != "samples":
            raise ConfigurationError(
                f"unit={self.unit!r}: say what one of them costs, in right answers; price=1e-5 "
                "says that 100,000 are worth one"
            )
        if self.price is not None and not (self.price >= 0 and math.isfinite(self.price)):
            raise ConfigurationError(f"price={self.price!r}: a number of at least 0 is needed")
        if list(self.budgets) != sorted({b for b in self.budgets if b >= 1}):
            raise ConfigurationError(
                f"budgets={self.budgets!r}: whole numbers of at least 1 are needed, rising"
            )

    @property
    def unit_price(self) -> float:
        """What one unit costs, in right answers."""
        return PRICE if self.price is None else self.price


def tune(
    pool: Path | str,
    settings: Replay | None = None,
    tuning: Tuning | None = None,
    *,
    tell: Tell | None = None,
) -> Tuned:
    """Return the policy that was worth most on a labelled pool, and what it was worth on questions
    it was not learned on.

    Each policy of the menu is run on each question, at each budget, after each way to tell how hard
    the question looks; all that is read for that is part of the run, and counted. A cell gets
    another policy than the menu's first only if that is worth more by at least one standard error.

    Args:
        pool: A file in the pool format, with `correct`.
        settings: What runs are like: verifiers, selector, seeds. Its policy does not count.
        tuning: What is learned.
        tell: Called after each question with how many are done, of how many.

    Raises:
        ConfigurationError: A bad pool, one without labels, or wrong settings.
    """
    survey, tuning = Survey.of(pool), tuning or Tuning()
    if survey.labelled < survey.questions:
        raise ConfigurationError(
            f"{pool}: {survey.questions - survey.labelled} questions have answers without "
            "`correct`; a policy is tuned on labelled ones"
        )
    settings = replace(settings or Replay(), policy=None, calibration=None, risk=None)
    tuner = _Tuner(settings, tuning, survey, list(read_pool(pool)))
    learned = tuner.learn(tell)
    return replace(learned, source=pool_source(pool, survey))


@dataclass(frozen=True, slots=True)
class Plan:
    """What was learned: a probe, and by row and column the place of a policy in the menu."""

    probe: int
    cells: tuple[tuple[int, ...], ...]


Outcomes = dict[str, Tried]
"""By question."""


class _Tuner:
    def __init__(
        self, settings: Replay, tuning: Tuning, survey: Survey, questions: Sequence[Question]
    ) -> None:
        self.settings, self.tuning, self.survey = settings, tuning, survey
        self.questions = {question.id: question for question in questions}
        most = settings.max_samples or survey.most_samples
        self.budgets = tuning.budgets or tuple(b for b in BUDGETS if b <= most) or (most,)
        self.many = tuning.arms and len(survey.models) > 1 and not tuning.policies

    def learn(self, tell: Tell | None) -> Tuned:
        """Learn on all questions, and measure on those of each fold what the others taught."""
        ids = sorted(self.questions, key=lambda name: random.Random(f"fold:{name}").random())
        folds = [ids[at :: self.tuning.folds] for at in range(self.tuning.folds)]
        done, total = 0, len(ids) * (1 + (len(folds) if self.many else 0))

        def told() -> None:
            nonlocal done
            done += 1
            if tell is not None:
                tell(done, total)

        whole = self._menu(ids)
        outcomes = self._try(whole, ids, told)
        held_out: dict[str, list[tuple[Trial, Trial]]] = {}
        for fold in folds:
            others = [name for name in ids if name not in set(fold)]
            menu, found = whole, outcomes
            if self.many:  # how reliable a model is must not be known from the fold
                menu = self._menu(others)
                found = self._try(menu, ids, told)
            plan = self._plan(menu, found, others)
            for name in fold:
                held_out[name] = [
                    pair
                    for column in range(len(self.budgets))
                    for pair in self._compare(plan, found[name], column)
                ]
        plan = self._plan(whole, outcomes, ids)
        return self._tuned(whole, plan, [held_out[name] for name in sorted(ids)])

    def _menu(self, ids: Sequence[str]) -> Menu:
        most = self.settings.max_samples or self.survey.most_samples
        if self.many:
            return menu_of_many([self.questions[name] for name in ids], self._costs())
        simulator = Simulator(self.settings, self.survey)
        judged = any(not getattr(v, "relational", False) for v in simulator.verifiers)
        menu = menu_of_one(most, judged=judged)
        given = [resolve_policy(policy) for policy in self.tuning.policies]
        strange = next((policy for policy in given if not isinstance(policy, Policy)), None)
        if strange is not None:
            raise ConfigurationError(f"policies={strange!r}: a plain function cannot be written")
        return replace(menu, policies=cast(tuple[Policy, ...], tuple(given))) if given else menu

    def _costs(self) -> dict[str, float]:
        """Return what an answer of each model costs on average; nothing where all cost the same."""
        if self.tuning.unit == "samples":
            return {}
        tokens: dict[str, list[int]] = {}
        for question in self.questions.values():
            for one in question.samples:
                if one.model is not None and one.tokens is not None:
                    tokens.setdefault(one.model, []).append(one.tokens)
        if set(tokens) != self.survey.models:
            raise ConfigurationError("unit='tokens': the pool does not say what each model took")
        return {model: max(1.0, math.fsum(n) / len(n)) for model, n in tokens.items()}

    def _try(self, menu: Menu, ids: Sequence[str], told: Callable[[], None]) -> Outcomes:
        trials = Trials(menu, self.settings, self.survey, self.budgets, self.tuning.unit)
        found: Outcomes = {}
        for name in ids:
            found[name] = trials.of(self.questions[name])
            told()
        return found

    def _worth(self, trial: Trial) -> float:
        return trial.worth(self.tuning.unit_price)

    def _plan(self, menu: Menu, found: Outcomes, ids: Sequence[str]) -> Plan:
        """Return the probe and the cells that were worth most on these questions."""
        plans = [Plan(at, self._cells(menu, found, ids, at)) for at in range(len(menu.probes))]
        worth = [[self._total(plan, found[name]) for name in ids] for plan in plans]
        # the first reads nothing, and any other has to be worth more for sure
        return plans[_better([list(values) for values in worth])]

    def _total(self, plan: Plan, outcomes: Tried) -> float:
        columns = range(len(self.budgets))
        pairs = [one for at in columns for one, _ in self._compare(plan, outcomes, at)]
        return math.fsum(map(self._worth, pairs)) / len(pairs)

    def _cells(
        self, menu: Menu, found: Outcomes, ids: Sequence[str], probe: int
    ) -> tuple[tuple[int, ...], ...]:
        rows = range(len(menu.probes[probe].above) + 1)
        return tuple(
            tuple(
                _better(self._by_policy(found, ids, probe, (row, column)))
                for column in range(len(self.budgets))
            )
            for row in rows
        )

    def _by_policy(
        self, found: Outcomes, ids: Sequence[str], probe: int, cell: tuple[int, int]
    ) -> list[list[float]]:
        """Return what each policy was worth on each question that is in the row with some seed."""
        row, column = cell
        worth: list[list[float]] = []
        for name in ids:
            by_policy = found[name][probe][column]
            seeds = [at for at, trial in enumerate(by_policy[0]) if trial.row == row]
            if seeds:
                worth.append(
                    [
                        math.fsum(self._worth(trials[at]) for at in seeds) / len(seeds)
                        for trials in by_policy
                    ]
                )
        return [list(values) for values in zip(*worth, strict=True)]

    def _compare(self, plan: Plan, outcomes: Tried, column: int) -> Iterator[tuple[Trial, Trial]]:
        """Yield, for each seed, the run of the plan and that of the menu's first policy."""
        for seed, plain in enumerate(outcomes[0][column][0]):
            by_policy = outcomes[plan.probe][column]
            chosen = plan.cells[by_policy[0][seed].row][column]
            yield by_policy[chosen][seed], plain

    def _tuned(
        self, menu: Menu, plan: Plan, held_out: Sequence[Sequence[tuple[Trial, Trial]]]
    ) -> Tuned:
        trials = Trials(menu, self.settings, self.survey, self.budgets, self.tuning.unit)
        selector = trials.simulator.selector
        if not isinstance(selector, Selector):
            raise ConfigurationError(f"selector={selector!r}: a plain function cannot be written")
        seeds, price = self.settings.seeds, self.tuning.unit_price
        return Tuned(
            policy=_table(menu, plan, self.budgets),
            selector=selector,
            models=tuple(sorted(self.survey.models)),
            verifiers=tuple(named(one.name) for one in trials.simulator.verifiers),
            unit=self.tuning.unit,
            price=price,
            gains=tuple(
                gain(budget, [pairs[at * seeds : (at + 1) * seeds] for pairs in held_out], price)
                for at, budget in enumerate(self.budgets)
            ),
        )


def _better(worth: Sequence[Sequence[float]]) -> int:
    """Return which of several is worth most on the same questions; the first where that is not
    more by a standard error of the difference."""
    if not worth or len(worth[0]) < FEWEST:
        return 0
    best = max(range(len(worth)), key=lambda at: math.fsum(worth[at]))
    differences = [a - b for a, b in zip(worth[best], worth[0], strict=True)]
    error = standard_error(differences)
    more = math.fsum(differences) / len(differences)
    return best if error is not None and more > error else 0


def _table(menu: Menu, plan: Plan, budgets: Sequence[int]) -> Policy:
    """Return the table as a policy; where all cells are the same, that policy."""
    probe = menu.probes[plan.probe]
    if probe.difficulty is None and len(set(plan.cells[0])) == 1:
        return menu.policies[plan.cells[0][0]]
    return table(
        tuple(tuple(menu.policies[at] for at in row) for row in plan.cells),
        difficulty=probe.difficulty,
        above=probe.above,
        budgets=tuple(budgets),
    )
