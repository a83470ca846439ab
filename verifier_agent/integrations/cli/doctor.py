"""The command `doctor`: what a server of a reward model speaks, and how to use it."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verifier_agent.errors import ConfigurationError
from verifier_agent.integrations.cli.asking import NO_ANSWER, errors_in_words
from verifier_agent.models.background import wait_for

if TYPE_CHECKING:  # every start of the command line would pay for them
    from verifier_agent.verifiers.hosted.probing import Kind, Probe
    from verifier_agent.verifiers.hosted.trials import Tried


def examine_server(
    verifier: Annotated[
        str, typer.Option(metavar="URL", help='A server, or "hosted:WIRE:URL?…" to try just that.')
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME", show_default="the first that it lists")
    ] = "",
    spec: Annotated[
        str, typer.Option(metavar="PRESET", show_default="what its name suggests")
    ] = "",
    template: Annotated[
        str, typer.Option(metavar="TEXT", help="With {question} and {answer}.")
    ] = "",
    attribute: Annotated[str, typer.Option(metavar="NAME", help="Of several named rewards.")] = "",
    label_token_ids: Annotated[
        str, typer.Option(metavar="GOOD,BAD", help="Tokens, for the wire score.")
    ] = "",
    key_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="Which environment variable holds the key.")
    ] = "",
    seconds: Annotated[float, typer.Option(help="For each request.")] = 20.0,
) -> None:
    """Say what a reward model's server speaks, and whether it tells right from wrong answers.

    It is asked about two right and two wrong answers on each wire that it may have. Exit code 0:
    a wire works and has each right answer above the wrong one.
    """
    from verifier_agent.verifiers.hosted.names import FAMILY, KEY, named_reward_model
    from verifier_agent.verifiers.hosted.probing import probe
    from verifier_agent.verifiers.hosted.trials import tried

    with errors_in_words():
        if verifier.startswith(f"{FAMILY}:"):
            one = named_reward_model(verifier.removeprefix(f"{FAMILY}:"))
            said = wait_for(tried(one))
            typer.echo("\n".join(_scores(f"{one.wire.name} ({one.wire.dialect})", said)))
            good = said.works and not said.doubt
        else:
            given = {"model": model, "spec": spec, "template": template, "attribute": attribute}
            told: dict[str, Any] = {**given, "label_token_ids": _ids(label_token_ids)}
            if key_env:
                told[KEY] = key_env
            kind, probes = wait_for(probe(verifier, api_key=_key(key_env), seconds=seconds, **told))
            typer.echo("\n".join(_report(verifier, kind, probes)))
            good = any(one.tried.works and not one.tried.doubt for one in probes)
        if not good:
            raise typer.Exit(NO_ANSWER)


def _key(variable: str) -> str | None:
    if not variable:
        return None
    if not os.environ.get(variable):
        raise ConfigurationError(f"--key-env {variable}: the variable is not set, or empty")
    return os.environ[variable]


def _ids(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise ConfigurationError(f"--label-token-ids {text}: two numbers, GOOD,BAD") from None


def _report(url: str, kind: Kind, probes: list[Probe]) -> list[str]:
    """Return what to print: the server, the wires that work with how to use them, and the rest."""
    told = " ".join([kind.dialect or "a server that does not tell its kind", kind.version]).strip()
    lines = [f"{url}: {told}, model {kind.model or 'unknown'}"]
    working = [one for one in probes if one.tried.works]
    for one in sorted(working, key=lambda one: bool(one.tried.doubt)):
        lines += ["", *_scores(_title(one), one.tried)]
        lines += [f"  Python: {one.python}", f"  CLI:    --verifier {shlex.quote(one.text)}"]
    if not working:
        lines += ["", "No wire works."]
    others = [one for one in probes if not one.tried.works]
    absent = [one for one in others if "NotFoundError" in one.tried.error]
    lines += [""] if others else []
    lines += [f"{_title(one)}: {one.tried.error}" for one in others if one not in absent]
    if absent:
        lines.append(f"Not there: {', '.join(map(_title, absent))}")
    return lines


def _title(one: Probe) -> str:
    return f"{one.wire.name} ({one.wire.dialect})"


def _scores(title: str, said: Tried) -> list[str]:
    if not said.works:
        return [f"{title}: {said.error}"]
    lines = [f"{title}: {said.in_order} of {len(said.scores)} pairs in order"]
    for question, (right, wrong) in zip(said.questions, said.scores, strict=True):
        sign = ">" if right > wrong else "<" if right < wrong else "="
        lines.append(f"  right {right:.4f} {sign} wrong {wrong:.4f}   {question}")
    return [*lines, *([f"  Doubtful: {said.doubt}"] if said.doubt else [])]
