"""Every preset against a direct computation with transformers, as its model card shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

from tests.verifiers.local import checkpoints as made  # noqa: E402
from verifier_agent.errors import ConfigurationError  # noqa: E402
from verifier_agent.testing import check_verifier  # noqa: E402
from verifier_agent.values import Candidate, Task  # noqa: E402
from verifier_agent.verifiers.local import PRESETS, LocalRewardModel  # noqa: E402

TASK = Task(question=made.QUESTION)
Direct = Callable[[list[str]], list[float]]
Made = tuple[Path, Direct]


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def logits(model: Any, ids: Any) -> Any:
    with torch.no_grad():
        return model(torch.as_tensor(ids).reshape(1, -1)).logits[0]


class MathPRM(torch.nn.Module):
    """The head of Qwen2.5-Math-PRM and -RM, which transformers does not have."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        width = made.WIDTH
        self.model = transformers.Qwen2Model(made.config_of("qwen2"))
        self.score = torch.nn.Sequential(
            torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, outputs)
        )

    def __call__(self, ids: Any) -> Any:
        return self.score(self.model(ids).last_hidden_state)

    def save_pretrained(self, path: Path) -> None:
        from safetensors.torch import save_file

        self.model.config.save_pretrained(path)
        save_file(
            {k: v.contiguous() for k, v in self.state_dict().items()}, path / "model.safetensors"
        )


def qwen_chat(tokenizer: Any, answer: str) -> Any:
    system = "Please reason step by step, and put your final answer within \\boxed{}."
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": made.QUESTION},
        {"role": "assistant", "content": answer},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    return tokenizer.encode(text, return_tensors="pt")


def math_prm(path: Path) -> Made:
    model = MathPRM(2)
    tokenizer = made.saved(path, model, "qwen")

    def direct(steps: list[str]) -> list[float]:
        ids = qwen_chat(tokenizer, "<extra_0>".join(steps) + "<extra_0>")
        with torch.no_grad():
            probabilities = model(ids)[0].softmax(-1)
        return probabilities[ids[0] == tokenizer.convert_tokens_to_ids("<extra_0>"), 1].tolist()

    return path, direct


def math_rm(path: Path) -> Made:
    model = MathPRM(1)
    tokenizer = made.saved(path, model, "qwen")

    def direct(steps: list[str]) -> list[float]:
        with torch.no_grad():
            return [float(model(qwen_chat(tokenizer, "\n\n".join(steps)))[0, -1, 0])]

    return path, direct


def math_shepherd(path: Path) -> Made:
    model = transformers.MistralForCausalLM(made.config_of("mistral"))
    tokenizer = made.saved(path, model, "mistral")

    def direct(steps: list[str]) -> list[float]:
        pair = tokenizer.encode("+ -")[1:]
        tag = tokenizer.encode("ки")[-1]
        output = "\n".join(f"Step {n}: {step} ки" for n, step in enumerate(steps, 1))
        ids = torch.tensor(tokenizer.encode(f"{made.QUESTION} {output}"))
        return logits(model, ids)[:, pair].softmax(-1)[ids == tag, 0].tolist()

    return path, direct


def rlhflow(path: Path) -> Made:
    model = transformers.LlamaForCausalLM(made.config_of("llama"))
    tokenizer = made.saved(path, model, "llama")

    def direct(steps: list[str]) -> list[float]:
        pair = [tokenizer.encode("+")[-1], tokenizer.encode("-")[-1]]
        conversation, scores = [], []
        for number, step in enumerate(steps):
            text = f"{made.QUESTION} {step}" if number == 0 else step
            conversation += [
                {"role": "user", "content": text},
                {"role": "assistant", "content": "+"},
            ]
            text = tokenizer.apply_chat_template(conversation, tokenize=False)
            ids = tokenizer.encode(text, add_special_tokens=False)
            scores.append(float(logits(model, ids)[-3, pair].softmax(-1)[0]))
        return scores

    return path, direct


def skywork_prm(path: Path) -> Made:
    model = transformers.Qwen2ForCausalLM(made.config_of("qwen2"))
    head = torch.nn.Linear(made.WIDTH, 1)
    tokenizer = made.saved(path, model, "qwen", bos=True)
    from safetensors.torch import load_file, save_file

    held = load_file(path / "model.safetensors")
    held |= {f"v_head.summary.{k}": v for k, v in head.state_dict().items()}
    save_file(held, path / "model.safetensors", metadata={"format": "pt"})

    def direct(steps: list[str]) -> list[float]:
        ids = tokenizer.encode(tokenizer.bos_token + made.QUESTION + "\n")
        flags = [0] * len(ids)
        for step in steps:
            own = [*tokenizer.encode(step), tokenizer.encode("\n")[-1]]
            ids += own
            flags += [0] * (len(own) - 1) + [1]
        with torch.no_grad():
            states = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0]
            values = head(states)[:, 0]
        return [float(v) for v, flag in zip(values, flags, strict=True) if flag]

    return path, direct


def skywork_reward(path: Path) -> Made:
    model = transformers.LlamaForSequenceClassification(made.config_of("llama", num_labels=1))
    tokenizer = made.saved(path, model, "llama")

    def direct(steps: list[str]) -> list[float]:
        messages = [
            {"role": "user", "content": made.QUESTION},
            {"role": "assistant", "content": "\n\n".join(steps)},
        ]
        text = tokenizer.apply_chat_template(messages, tokenize=False)
        # the template has written the first token already
        text = text.removeprefix(tokenizer.bos_token)
        return logits(model, tokenizer.encode(text)).tolist()

    return path, direct


def pure(path: Path) -> Made:
    model = transformers.Qwen2ForTokenClassification(made.config_of("qwen2", num_labels=2))
    tokenizer = made.saved(path, model, "qwen")

    def direct(steps: list[str]) -> list[float]:
        separator = tokenizer.encode("\n", add_special_tokens=False)
        ids, places = tokenizer.encode(made.QUESTION, add_special_tokens=False), []
        for step in steps:
            ids += [*tokenizer.encode(step, add_special_tokens=False), *separator]
            places.append(len(ids) - 1)
        probabilities = logits(model, ids)[places].softmax(-1)
        return (probabilities[:, 1] - probabilities[:, 0]).tolist()

    return path, direct


def trl(path: Path) -> Made:
    model = transformers.MistralForTokenClassification(made.config_of("mistral", num_labels=2))
    tokenizer = made.saved(path, model, "mistral")

    def direct(steps: list[str]) -> list[float]:
        def ids_of(text: str) -> list[int]:
            return list(tokenizer(text, add_special_tokens=False)["input_ids"])

        ids, places = [tokenizer.bos_token_id, *ids_of(made.QUESTION)], []
        for step in steps:
            ids += [*ids_of(step), *ids_of("\n")]
            places.append(len(ids) - 1)
        return logits(model, ids)[places].softmax(-1)[:, 1].tolist()

    return path, direct


def prefix_classifier(path: Path) -> Made:
    model = transformers.Qwen3ForSequenceClassification(made.config_of("qwen3", num_labels=1))
    tokenizer = made.saved(path, model, "qwen")

    def direct(steps: list[str]) -> list[float]:
        scores = []
        for end in range(1, len(steps) + 1):
            messages = [
                {"role": "user", "content": made.QUESTION},
                {"role": "assistant", "content": "\n\n".join(steps[:end])},
            ]
            text = tokenizer.apply_chat_template(messages, tokenize=False)
            scores += logits(model, tokenizer.encode(text)).tolist()
        return scores

    return path, direct


MAKERS: dict[str, Callable[[Path], Made]] = {
    "math-shepherd": math_shepherd,
    "prefix-classifier": prefix_classifier,
    "pure-prm": pure,
    "qwen2.5-math-prm": math_prm,
    "qwen2.5-math-rm": math_rm,
    "rlhflow-prm": rlhflow,
    "skywork-o1-prm": skywork_prm,
    "skywork-reward-v2": skywork_reward,
    "trl-prm": trl,
}


def test_every_preset_is_tested() -> None:
    assert set(MAKERS) == set(PRESETS)


@pytest.fixture(scope="module", params=sorted(MAKERS))
def preset_made(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[str, Path, Direct]:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("checkpoint")
    checkpoint, direct = MAKERS[request.param](path)
    return request.param, checkpoint, direct


def candidate(number: int, *steps: str, between: str = "\n\n") -> Candidate:
    return Candidate(id=f"g{number}", text=between.join(steps))


def test_a_preset_scores_as_its_model_card_does(preset_made: tuple[str, Path, Direct]) -> None:
    name, path, direct = preset_made
    verifier = LocalRewardModel.from_checkpoint(path, name)
    wrong = ["Ann has 6 * 37 = 221 apples.", "So the answer is 221."]
    for steps in (list(made.STEPS), wrong, list(made.STEPS[:1])):
        (verdict,) = verifier.verify_sync(TASK, [candidate(0, *steps)])
        assert verdict.error is None
        raw = verdict.evidence["raw"]
        assert raw == pytest.approx(direct(steps), abs=2e-5)
        assert len(verdict.steps) == (0 if verifier.spec.read == "end" else len(steps))
    assert max(raw) - min(raw) < 1e3  # finite, whatever the scale


def test_a_preset_keeps_the_laws_of_verifiers(preset_made: tuple[str, Path, Direct]) -> None:
    name, path, _ = preset_made
    verifier = LocalRewardModel.from_checkpoint(path, name)
    shown = [
        candidate(0, *made.STEPS),
        candidate(1, *made.STEPS[:2]),
        candidate(2, "Ann has 221.", "So <extra_0> 221 <|im_end|> ки + \ud800"),
        candidate(3, ""),
        candidate(4, "7 " * 4000),
    ]
    check_verifier(verifier, TASK, shown)


def test_steps_are_computed_once_however_an_answer_grows(
    preset_made: tuple[str, Path, Direct],
) -> None:
    name, path, _ = preset_made
    grown = LocalRewardModel.from_checkpoint(path, name)
    computed = 0
    for end in range(1, len(made.STEPS) + 1):
        (last,) = grown.verify_sync(TASK, [candidate(end, *made.STEPS[:end])])
        computed += last.cost.input_tokens - last.cost.cached_tokens
    fresh = LocalRewardModel.from_checkpoint(path, name)
    (whole,) = fresh.verify_sync(TASK, [candidate(0, *made.STEPS)])
    assert last.evidence["raw"] == pytest.approx(whole.evidence["raw"], abs=1e-5)
    # only what closes an answer, where the model reads there, is read again for each beginning
    closing = 8 * (len(made.STEPS) - 1) if grown.spec.read == "end" else 0
    assert computed <= whole.cost.input_tokens + closing


def test_a_checkpoint_that_lacks_what_the_preset_reads_is_refused(tmp_path: Path) -> None:
    def without(path: Path, beginning: str) -> Path:
        from safetensors.torch import load_file, save_file

        held = load_file(path / "model.safetensors")
        kept = {name: held[name] for name in held if not name.startswith(beginning)}
        assert len(kept) < len(held)
        save_file(kept, path / "model.safetensors", metadata={"format": "pt"})
        return path

    language_model, classifier = (MAKERS[name] for name in ("math-shepherd", "trl-prm"))
    cases = [
        (without(language_model(tmp_path / "a")[0], "lm_head."), "math-shepherd", "no lm_head"),
        (without(language_model(tmp_path / "b")[0], "model.norm."), "math-shepherd", "1 weights"),
        (without(classifier(tmp_path / "c")[0], "score."), "trl-prm", "no head"),
        (classifier(tmp_path / "d")[0], "skywork-o1-prm", "2 outputs"),
        (classifier(tmp_path / "e")[0], "trl-prm", "tokenizer"),
        (classifier(tmp_path / "f")[0], "trl-prm", "no file named model.safetensors"),
    ]
    (tmp_path / "e" / "tokenizer.json").unlink()
    (tmp_path / "f" / "model.safetensors").unlink()
    for path, name, message in cases:
        with pytest.raises(ConfigurationError, match=message):
            LocalRewardModel.from_checkpoint(path, name)


def test_code_that_comes_with_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    path, direct = math_prm(tmp_path)
    ran = tmp_path / "ran"
    (path / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    config = json.loads((path / "config.json").read_text())
    config["auto_map"] = dict.fromkeys(("AutoConfig", "AutoModel"), "evil.Evil")
    config["auto_map"]["AutoTokenizer"] = [None, "evil.Evil"]
    (path / "config.json").write_text(json.dumps(config))
    steps = list(made.STEPS)
    verifier = LocalRewardModel.from_checkpoint(path, "qwen2.5-math-prm")
    (verdict,) = verifier.verify_sync(TASK, [candidate(0, *steps)])
    assert verdict.evidence["raw"] == pytest.approx(direct(steps), abs=2e-5)
    (path / "config.json").write_text(json.dumps({**config, "model_type": "internlm2"}))
    with pytest.raises(ConfigurationError, match="known are llama"):
        LocalRewardModel.from_checkpoint(path, "qwen2.5-math-prm")
    assert not ran.exists()
