"""The command `export`: a checkpoint as a folder that runs with onnxruntime alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verifier_agent.evaluation.recordings.pools import read_pool
from verifier_agent.integrations.cli.asking import errors_in_words
from verifier_agent.verifiers.local import preset


def export_reward_model(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A folder of transformers.")
    ],
    preset_name: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="How the model is read.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="To be made.")],
    precision: Annotated[str, typer.Option(metavar="PRECISION", help="int8 or float32.")] = "int8",
    texts: Annotated[
        Path | None,
        typer.Option(
            metavar="POOL",
            help="Answers of the kind that will be judged, to check the export with.",
            show_default="short arithmetic stories",
        ),
    ] = None,
    least: Annotated[
        float, typer.Option(help="The rank agreement with full precision that is asked for.")
    ] = 0.98,
) -> None:
    """Write a reward model for onnxruntime, if it ranks texts as full precision does."""
    with errors_in_words():
        spec = preset(preset_name)
        pairs = None
        if texts is not None:
            pairs = [(q.question, sample.text) for q in read_pool(texts) for sample in q.samples]
        # torch is loaded only once all else is known to be right
        from verifier_agent.training.export_onnx import export, precision_of

        done = export(
            checkpoint, out, spec, precision=precision_of(precision), texts=pairs, least=least
        )
        typer.echo(
            f"{done.path}: {done.bytes / 2**20:.1f} MiB; ranks {done.scores} scores as full "
            f"precision does by {done.agreement:.4f} (Spearman)\n"
            f"Use it as --verifier prm:onnx:{done.path}"
        )
