"""The command `compare`: at equal cost, a small model that draws more, or a large one once?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, cast

import typer

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.evaluation import Comparison, Replay, compare, recorded_settings
from verifier_agent.evaluation.recordings.rates import UNITS, Rates, Unit
from verifier_agent.evaluation.recordings.writing import check_out
from verifier_agent.evaluation.settings import check_count
from verifier_agent.integrations.cli.asking import errors_in_words
from verifier_agent.integrations.cli.compared import print_comparison
from verifier_agent.integrations.cli.contenders import Asking, Recorder, as_pool, read_rates
from verifier_agent.integrations.cli.counting import cores, progress
from verifier_agent.integrations.cli.limits import BaseUrl, JoulesPerFlop, Parameters, PriceText
from verifier_agent.integrations.cli.options import Json, Processes, chosen_verifiers

ROLES = ("small", "large")
MOST = 8
"""Samples of a small model that is asked now, for each question, unless it is said."""
OF_MODELS = {
    "small": ("small_base_url",),
    "large": ("large_base_url", "large_temperature"),
    "either": ("data", "record"),
}
"""Options that are for models, not for pools."""
COUNTS = ("jobs", "seeds")
Plain = dict[str, Any]


def compare_models(
    context: typer.Context,
    small: Annotated[
        str,
        typer.Option(
            metavar="POOL|MODEL", help="Recorded answers of the small model, or its name."
        ),
    ],
    large: Annotated[str, typer.Option(metavar="POOL|MODEL", help="The same of the large model.")],
    unit: Annotated[
        str, typer.Option(metavar="UNIT", help="What is to be equal: flops, usd or joules.")
    ] = "flops",
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help='What the small model does, for instance "until(sample(32), agree(0.95))".',
            show_default="as recorded, or all samples",
        ),
    ] = None,
    selector: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="How its answer is chosen: best, vote, weighted_vote.",
            show_default="as recorded; vote, or weighted_vote with scores",
        ),
    ] = None,
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Of a pool: agreement, arithmetic, embedded-prm, scores:NAME, tests, or none; of "
            "a model as for solve; may be given several times.",
            show_default="as recorded; agreement of a pool, auto of a model",
        ),
    ] = None,
    max_samples: Annotated[
        int | None,
        typer.Option(
            help="The most that the small model may draw for a question.",
            show_default=f"all there are; {MOST} of a model",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Orders in which samples are drawn.", show_default="5"),
    ] = None,
    held_out: Annotated[
        int,
        typer.Option(
            help="Samples of the small model, for each question, that are not drawn: they say how "
            "hard it is."
        ),
    ] = 0,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="Draw samples in the order of the file.")
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(metavar="FILE", help='Questions for a model: a file, or "embedded:test:200".'),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep the answers of models in small.jsonl.gz and large.jsonl.gz there, and go "
            "on from them.",
        ),
    ] = None,
    large_samples: Annotated[
        int | None,
        typer.Option(
            help="The most of the large model for a question.",
            show_default="all there are; 1 of a model",
        ),
    ] = None,
    large_temperature: Annotated[
        float | None,
        typer.Option(help="Of a large model; 0: greedy.", show_default="the model's own"),
    ] = None,
    small_base_url: BaseUrl = None,
    large_base_url: BaseUrl = None,
    small_parameters: Parameters = None,
    large_parameters: Parameters = None,
    verifier_parameters: Parameters = None,
    small_price: PriceText = None,
    large_price: PriceText = None,
    verifier_price: PriceText = None,
    joules_per_flop: JoulesPerFlop = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: ends in .html or .svg.")
    ] = None,
    jobs: Processes = None,
    as_json: Json = False,
) -> None:
    """Compare a small model with test-time compute to a large one asked once, at equal cost.

    Works on two pools of recorded answers to the same questions (see docs/compare.md), or asks one
    or both of the models the questions of --data first.
    """
    options = context.params
    with errors_in_words():
        _check(options)
        if out is not None:
            # nothing may be spent for a picture that cannot be drawn
            from verifier_agent.evaluation import plots

            plots.check_ending(out)
            check_out(out, [small, large, data])
        rates = {role: _rates(options, role) for role in (*ROLES, "verifier")}
        recorders = _recorders(options, rates)
        with _folder(record) as folder:
            pools = _pools(options, recorders, folder)
            settings = Comparison(
                unit=cast(Unit, unit),
                replay=_replay(pools["small"], options, live="small" in recorders),
                large_samples=large_samples,
                held_out=held_out,
                in_order=in_order,
                **rates,
            )
            with progress() as tell:
                found = compare(
                    pools["small"],
                    pools["large"],
                    settings,
                    jobs=cores() if jobs is None else jobs,
                    tell=tell,
                )
    for role in recorders:
        if record is None:  # its file is gone
            found[role]["pool"] = None
    if as_json:
        typer.echo(json.dumps(found))
    else:
        print_comparison(found)
    if out is not None:
        with errors_in_words():
            plots.write_chart(plots.draw_comparison(found), out)


def _check(options: Plain) -> None:
    """Raise ConfigurationError for options that are wrong or do not go together."""
    if options["unit"] not in UNITS:
        known = nearest(options["unit"], UNITS)
        raise ConfigurationError(f"unit={options['unit']!r} is not known{known}")
    for name in COUNTS:
        if options[name] is not None:
            check_count(name, options[name])
    models = [role for role in ROLES if as_pool(options[role]) is None]
    if options["held_out"] and "small" in models:
        raise ConfigurationError(
            "--held-out is for a pool: --record the answers first, then compare the recording"
        )
    for role in models:
        if options["data"] is None:
            raise ConfigurationError(
                f"{role}={options[role]!r} is no file: a model is asked the questions of --data "
                'FILE, for instance "embedded:test"'
            )
    idle = [name for role in ROLES if role not in models for name in OF_MODELS[role]]
    idle += [] if models else OF_MODELS["either"]
    for name in idle:
        if options[name] is not None:
            raise ConfigurationError(
                f"--{name.replace('_', '-')} is for a model that is asked, not for a pool"
            )


def _rates(options: Plain, role: str) -> Rates:
    price, parameters = options[f"{role}_price"], options[f"{role}_parameters"]
    return read_rates(price, parameters, options["joules_per_flop"])


def _recorders(options: Plain, rates: dict[str, Rates]) -> dict[str, Recorder]:
    """Return what asks each model that is not a pool, checked."""
    chosen: dict[str, Plain] = {}
    if as_pool(options["small"]) is None:
        most = MOST if options["max_samples"] is None else options["max_samples"]
        chosen["small"] = {
            "policy": options["policy"] or f"best_of({most})",
            "selector": options["selector"],
            "verifiers": chosen_verifiers(options["verifier"] or ["auto"]),
            "samples": most,
        }
    if as_pool(options["large"]) is None:
        most, heat = options["large_samples"], options["large_temperature"]
        most = 1 if most is None else most
        greedy = "" if heat is None else f", temperature={heat}"
        chosen["large"] = {
            "policy": f"best_of({most}{greedy})",
            "selector": "vote",
            "verifiers": [],
            "samples": most,
        }
    asking = [
        Asking(
            role=role,
            model=options[role],
            base_url=options[f"{role}_base_url"],
            data=options["data"],
            rates=rates[role],
            verifier_rates=rates["verifier"],
            **how,
        )
        for role, how in chosen.items()
    ]
    return {one.role: Recorder(one, options["unit"]) for one in asking}


def _pools(options: Plain, recorders: dict[str, Recorder], folder: Path) -> dict[str, Path]:
    """Return the pool of each role; models are asked now."""
    pools: dict[str, Path] = {}
    for role in ROLES:
        if role in recorders:
            with progress(lines=True) as tell:
                pools[role] = recorders[role].record(folder / f"{role}.jsonl.gz", tell)
        else:
            pools[role] = Path(options[role])
    return pools


def _replay(pool: Path, options: Plain, *, live: bool) -> Replay:
    """Return what the small model does: as recorded, but for what is said otherwise."""
    names = ("seeds",) if live else ("seeds", "policy", "selector", "max_samples")
    said = {name: options[name] for name in names if options[name] is not None}
    if options["verifier"] and not live:
        said["verifier"] = chosen_verifiers(options["verifier"])
    return replace(recorded_settings(pool), **said)


@contextmanager
def _folder(record: Path | None) -> Iterator[Path]:
    """Give the folder to record in; one that is thrown away where none is named."""
    if record is None:
        with TemporaryDirectory() as folder:
            yield Path(folder)
        return
    try:
        record.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"record={str(record)!r}: {error.strerror or error}") from None
    yield record
