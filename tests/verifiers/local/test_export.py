"""Exported models: they rank as the checkpoint does, or are not written; int8 without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from tests.verifiers.local import checkpoints as made  # noqa: E402
from tests.verifiers.local import test_checkpoints as presets  # noqa: E402
from verifier_agent.embedded.family import LEVELS, examples  # noqa: E402
from verifier_agent.errors import ConfigurationError  # noqa: E402
from verifier_agent.testing import check_verifier  # noqa: E402
from verifier_agent.training import export_onnx  # noqa: E402
from verifier_agent.values import Task  # noqa: E402
from verifier_agent.verifiers.local import LocalRewardModel  # noqa: E402
from verifier_agent.verifiers.local.ranks import rank_agreement  # noqa: E402

KINDS = ("math-shepherd", "qwen2.5-math-prm", "skywork-reward-v2")
"""A language model's read-out, a head of two layers and one of one output; three architectures."""


@pytest.fixture(scope="module", params=KINDS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[str, Path, Path]:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("checkpoint")
    checkpoint, _ = presets.MAKERS[request.param](path)
    out = path.parent / f"{path.name}-onnx"
    done = export_onnx.export(checkpoint, out, request.param)
    assert done.agreement >= 0.98
    assert done.scores >= export_onnx.TEXTS / 2
    return request.param, checkpoint, out


def test_an_export_ranks_new_texts_as_the_checkpoint_does(
    exported: tuple[str, Path, Path],
) -> None:
    name, checkpoint, out = exported
    full, small = (
        LocalRewardModel.from_checkpoint(checkpoint, name),
        LocalRewardModel.from_onnx(out),
    )
    assert small.spec == full.spec
    raw: list[list[float]] = [[], []]
    for problem in (examples(1 + seed % max(LEVELS), 1, seed=seed)[0] for seed in range(100, 140)):
        told = problem.solution.split("\n")
        shown = [presets.candidate(0, *told), presets.candidate(1, *told[:-1], "So it is 7.")]
        for numbers, verifier in zip(raw, (full, small), strict=True):
            for verdict in verifier.verify_sync(Task(question=problem.question), shown):
                numbers += verdict.evidence["raw"]
    assert rank_agreement(*raw) >= 0.98


def test_weights_too_large_for_a_protobuf_stand_in_a_file_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, _ = presets.trl(tmp_path / "checkpoint")
    monkeypatch.setattr(export_onnx, "LARGEST", 1000)
    export_onnx.export(checkpoint, tmp_path / "out", "trl-prm", precision="float32")
    graph, all_files = tmp_path / "out" / "model.onnx", list((tmp_path / "out").iterdir())
    assert len(all_files) == 4
    assert graph.stat().st_size < sum(file.stat().st_size for file in all_files) / 2
    shown = [presets.candidate(0, *made.STEPS)]
    verifiers = (
        LocalRewardModel.from_checkpoint(checkpoint, "trl-prm"),
        LocalRewardModel.from_onnx(tmp_path / "out"),
    )
    one, other = (verifier.verify_sync(presets.TASK, shown)[0] for verifier in verifiers)
    assert other.evidence["raw"] == pytest.approx(one.evidence["raw"], abs=1e-4)


def test_an_export_keeps_the_laws_of_verifiers(exported: tuple[str, Path, Path]) -> None:
    _, _, out = exported
    shown = [
        presets.candidate(0, *made.STEPS),
        presets.candidate(1, *made.STEPS[:2]),
        presets.candidate(2, "So <extra_0> 221 <|im_end|> ки + \ud800"),
        presets.candidate(3, ""),
    ]
    check_verifier(LocalRewardModel.from_onnx(out), presets.TASK, shown)


def test_eight_bit_scores_hardly_depend_on_what_is_computed_beside(
    exported: tuple[str, Path, Path],
) -> None:
    _, _, out = exported
    shown = [presets.candidate(n, *made.STEPS[: n % 3 + 1], f"So {n * 7}.") for n in range(8)]
    together = LocalRewardModel.from_onnx(out).verify_sync(presets.TASK, shown)
    for candidate, verdict in zip(shown, together, strict=True):
        (alone,) = LocalRewardModel.from_onnx(out).verify_sync(presets.TASK, [candidate])
        # one rounding of an activation that falls the other way is all that may differ
        assert alone.evidence["raw"] == pytest.approx(verdict.evidence["raw"], abs=0.02)


def test_an_export_runs_without_torch(exported: tuple[str, Path, Path]) -> None:
    _, _, out = exported
    code = (
        "import sys; from verifier_agent.values import Candidate, Task\n"
        "from verifier_agent.verifiers.local import LocalRewardModel\n"
        f"v = LocalRewardModel.from_onnx({str(out)!r})\n"
        "print(v.verify_sync(Task(question='a'), [Candidate(id='g0', text='b')])[0].error)\n"
        "print({'torch', 'transformers', 'onnx'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[:2] == ["None", "set()"]


def test_scores_that_are_others_on_this_machine_are_refused(
    exported: tuple[str, Path, Path], tmp_path: Path
) -> None:
    _, _, out = exported
    for file in out.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((tmp_path / "verifier.json").read_text())
    probe = manifest["probes"][0]
    probe["raw"] = [number + 1 for number in probe["raw"]]
    (tmp_path / "verifier.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationError, match="on this machine its scores are off by"):
        LocalRewardModel.from_onnx(tmp_path)


def test_an_export_that_ranks_otherwise_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, _ = presets.trl(tmp_path / "checkpoint")

    def spoiled(model: Any) -> Any:
        from onnx import numpy_helper

        for one in model.graph.initializer:
            if len(one.dims) == 2:
                array = numpy_helper.to_array(one)
                one.CopyFrom(numpy_helper.from_array(array[:, ::-1].copy(), one.name))
        return model

    monkeypatch.setattr(export_onnx, "quantized", spoiled)
    with pytest.raises(ConfigurationError, match="nothing was written"):
        export_onnx.export(checkpoint, tmp_path / "out", "trl-prm")
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]


def test_a_wrong_argument_is_refused_before_any_work(tmp_path: Path) -> None:
    for wrong in ({"precision": "int4"}, {"least": 0.5}):
        with pytest.raises(ConfigurationError):
            export_onnx.export(tmp_path, tmp_path / "out", "trl-prm", **wrong)
    with pytest.raises(ConfigurationError, match="is there already"):
        export_onnx.export(tmp_path, tmp_path, "trl-prm")
    with pytest.raises(ConfigurationError, match="no checkpoint"):
        export_onnx.export(tmp_path, tmp_path / "out", "trl-prm")
