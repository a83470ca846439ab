"""`compare`: at equal cost, a small model that draws and chooses, or a large one once?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.evaluation.comparing.equal_cost import Pair, Track, contrast
from verifier_agent.evaluation.comparing.pairing import Level, Pricing, match, read_heads
from verifier_agent.evaluation.figures import difficulties
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.recordings.rates import UNITS, Rates, Unit
from verifier_agent.evaluation.recordings.writing import Tell
from verifier_agent.evaluation.replaying.recorded_scores import PREFIX, TESTS
from verifier_agent.evaluation.replaying.repeating import recorded_settings
from verifier_agent.evaluation.replaying.replay import Replay, Replayer
from verifier_agent.evaluation.replaying.workers import replay_all
from verifier_agent.evaluation.scoring import Scored
from verifier_agent.evaluation.settings import check_count

Plain = dict[str, Any]
Pool = Path | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How two pools are compared."""

    unit: Unit = "flops"
    """What is to be equal; of joules, which are a range, the upper end."""
    replay: Replay | None = None
    """What the small model does with its samples; without a policy it draws all that it may. The
    seeds hold for both models. None: as `recorded_settings` says."""
    large_samples: int | None = None
    """The most of the large model's samples to look at. None: all there are."""
    held_out: int = 0
    """Samples of the small model, the last of each question, that are not drawn: the share of them
    that is right says how hard the question is. 0: levels, or else the samples that are drawn."""
    in_order: bool = False
    """Draw the samples of both models in the order of their files."""
    small: Rates = field(default_factory=Rates)
    large: Rates = field(default_factory=Rates)
    verifier: Rates = field(default_factory=Rates)
    """Of the verifier whose scores were recorded."""


def compare(
    small: Pool,
    large: Pool,
    settings: Comparison | None = None,
    *,
    jobs: int = 1,
    tell: Tell | None = None,
) -> Plain:
    """Compare what a small model reaches by drawing more with what a large one does once.

    Both pools are replayed through the real graph. The small model may draw 1, 2, 3, … samples,
    and chooses as `settings` say; the large one draws once, and where its pool has more samples,
    the majority of 2, 3, … is looked at too. The object's keys are explained in `docs/compare.md`.

    Args:
        small: A pool of the small model, with labels.
        large: One of the large model on the same questions, known by their ids.
        settings: The unit of cost, and what the pools do not say.
        jobs: Processes to replay in, as for `evaluate`.
        tell: Called with how many questions are done, and how many there are, of both pools.

    Raises:
        ConfigurationError: A bad pool, wrong settings, or a cost that is unknown or 0.
    """
    settings = settings or Comparison()
    check_count("jobs", jobs)
    check_count("held_out", settings.held_out, least=0)
    if settings.unit not in UNITS:
        known = nearest(settings.unit, UNITS)
        raise ConfigurationError(f"unit={settings.unit!r} is not known{known}")
    heads = read_heads(small, settings.held_out), read_heads(large)
    levels = match(*heads, (small, large))
    with TemporaryDirectory() as folder:
        sides = _sides((small, large), Path(folder), settings, levels)
        pairs = _follow(sides, settings.unit, jobs, tell)
    questions = [
        Compared(name, None if settings.held_out else levels[name], heads[0][name].share, pair)
        for name, pair in pairs.items()
    ]
    overall = contrast([question.pair for question in questions])
    if not overall["large"][0]["cost"]:
        raise ConfigurationError(
            f"the large model costs nothing in {settings.unit}: compare in another unit"
        )
    groups = difficulties(questions)
    return {
        "unit": settings.unit,
        "small": sides[0].plain(),
        "large": sides[1].plain(),
        "questions": len(levels),
        "left_out": {"small": len(heads[0]) - len(levels), "large": len(heads[1]) - len(levels)},
        "bins": _bins(settings, levels),
        "overall": overall,
        "by_difficulty": [
            {"difficulty": name, **contrast([question.pair for question in group])}
            for name, group in groups.items()
        ],
    }


@dataclass(frozen=True, slots=True)
class Compared:
    """What both models do with one question."""

    id: str
    level: Level
    share: float
    """Of the small model's samples that are right."""
    pair: Pair


class Side:
    """One of the two pools, with all costs filled in, and how it is replayed."""

    def __init__(self, pool: Pool, priced: Path, replay: Replay, *, prompts: bool) -> None:
        self._pool, self._priced, self._prompts = pool, priced, prompts
        self._survey = Survey.of(priced)
        recorded = self._survey.most_samples
        self._most = min(replay.max_samples or recorded, recorded)
        self._settings = replace(
            replay,
            policy=replay.policy or f"best_of({self._most})",
            max_samples=self._most,
            seeds=1 if replay.in_order else replay.seeds,
        )
        self._replayer = Replayer.of(self._settings, self._survey)

    @property
    def questions(self) -> int:
        """How many there are."""
        return self._survey.questions

    def follow(self, unit: Unit, jobs: int, tell: Callable[[], None]) -> dict[str, Track]:
        """Replay all questions; the runs are looked at after each sample."""
        found: dict[str, Track] = {}
        limits = range(1, self._most)
        for scored in replay_all(self._priced, self._settings, self._survey, limits, jobs):
            found[scored.id] = _track(scored, unit)
            tell()
        return found

    def plain(self) -> Plain:
        """Say what was replayed, and how."""
        return {
            "pool": str(self._pool),
            "models": sorted(self._survey.models),
            "policy": repr(self._replayer.policy),
            "selector": repr(self._replayer.selector),
            "verifiers": [verifier.name for verifier in self._replayer.verifiers],
            "max_samples": self._most,
            "seeds": self._settings.seeds,
            "in_order": self._settings.in_order,
            "prompts": self._prompts,
        }


def _bins(settings: Comparison, levels: Mapping[str, Level]) -> str:
    """Say what the questions are put into bins by."""
    if settings.held_out:
        return "held-out share"
    return "share" if None in levels.values() else "level"


def _sides(
    pools: tuple[Pool, Pool], folder: Path, settings: Comparison, levels: Mapping[str, Level]
) -> tuple[Side, Side]:
    """Fill in what everything cost, and settle how both pools are replayed."""
    replay = settings.replay or recorded_settings(pools[0])
    if settings.held_out and (replay.in_order or settings.in_order):
        raise ConfigurationError(
            f"held_out={settings.held_out}: samples that are drawn in the order of the file, as "
            "where a policy ended early, cannot stand for others; hold out 0"
        )
    once = Replay(
        selector="vote",
        verifier=[],
        max_samples=settings.large_samples,
        seeds=replay.seeds,
        in_order=recorded_settings(pools[1]).in_order,
    )
    judged = any(one == TESTS or str(one).startswith(PREFIX) for one in replay.verifiers)
    verifier = settings.verifier if judged else None
    pricings = (
        Pricing(settings.unit, "small model", settings.small, verifier, settings.held_out),
        Pricing(settings.unit, "large model", settings.large, None),
    )

    def side(place: int, how: Replay) -> Side:
        copy = folder / f"{place}.jsonl"
        prompts = pricings[place].copy(pools[place], copy, levels)
        how = replace(how, in_order=how.in_order or settings.in_order)
        return Side(pools[place], copy, how, prompts=prompts)

    return side(0, replay), side(1, once)


def _follow(sides: tuple[Side, Side], unit: Unit, jobs: int, tell: Tell | None) -> dict[str, Pair]:
    """Replay both pools, and pair the questions, in the order of the small model's."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if tell is not None:
            tell(done, total)

    total = sum(side.questions for side in sides)
    small, large = (side.follow(unit, jobs, count) for side in sides)
    return {name: Pair(track, large[name]) for name, track in small.items()}


def _track(scored: Scored, unit: Unit) -> Track:
    points = [*scored.curve, scored.end]
    costs = [None if point.usage is None else point.usage[unit] for point in points]
    if None in costs:
        raise ConfigurationError(
            f"what a verifier of the small model takes in {unit} is unknown: use scores that were "
            "recorded with their cost (scores:NAME)"
        )
    return Track(
        accuracy=[point.accuracy or 0.0 for point in points],
        cost=[cost or 0.0 for cost in costs],
        samples=[point.samples or 0.0 for point in points],
    )
