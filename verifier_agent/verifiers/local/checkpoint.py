"""The runtime `hf`: a checkpoint of transformers, whose own code is never run.

The network is the bare decoder; the head is a few rows of the checkpoint, found by name: a
classification or value head, or two rows of the language model's. So the vocabulary is never
multiplied out, and every kind of checkpoint is read by the same few lines.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.verifiers.local.frames import Frame, frame_of
from verifier_agent.verifiers.local.network import Array, Shape
from verifier_agent.verifiers.local.spec import Labels, PRMSpec, TokenPair
from verifier_agent.verifiers.local.tokens import Tokens

try:
    import torch
    from safetensors import safe_open
    from torch import nn
    from transformers import AutoConfig, AutoModel, AutoTokenizer, DynamicCache
    from transformers.utils import logging
except ImportError as error:
    raise MissingExtra("a reward model from a checkpoint", "hf") from error

KNOWN = ("llama", "mistral", "qwen2", "qwen3")
"""Decoders whose read-outs are tested against a direct computation."""
HEADS = ("score", "v_head.summary", "classifier")
"""What heads that score are called in checkpoints."""
UNREAD = ("lm_head", "score", "v_head", "classifier")
"""What a checkpoint may have beside the decoder."""

OWN: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
"""How transformers reads a folder: left out, it may ask whether to run the code in there."""


class Scored(nn.Module):  # type: ignore[misc]
    """A decoder and a head; arrays in, arrays out, so that it can be exported as it is."""

    def __init__(self, decoder: Any, head: nn.Sequential) -> None:
        super().__init__()
        self.decoder, self.head = decoder, head
        named = inspect.signature(decoder.forward).parameters
        # it was renamed in transformers 5, which warns of the old name
        self.cache = "cache" if "cache" in named else "past_key_values"

    def forward(self, ids: Any, positions: Any, mask: Any, past: Any) -> tuple[Any, Any]:
        """Return rows and the keys and values of what is new; see `Network.run`."""
        cache, known = DynamicCache(), past.shape[4]
        for layer in range(past.shape[0]):
            cache.update(past[layer, 0], past[layer, 1], layer)
        read = self.decoder(
            input_ids=ids,
            position_ids=positions,
            attention_mask=mask,
            use_cache=True,
            **{self.cache: cache},
        )
        made = [
            torch.stack([layer.keys[:, :, known:], layer.values[:, :, known:]])
            for layer in cache.layers
        ]
        return self.head(read.last_hidden_state), torch.stack(made)


class Checkpoint:
    """A checkpoint's network, tokenizer and frame.

    Args:
        path: A folder with config.json, weights and tokenizer; nothing is downloaded.
        spec: How it is read.
        device: Of torch.
        dtype: Of the weights on it; "auto" is what the checkpoint says.

    Raises:
        MissingExtra: torch or transformers is not installed.
        ConfigurationError: It is no such folder, of an architecture that is not known, or lacks
            what the spec reads.
    """

    def __init__(
        self, path: Path | str, spec: PRMSpec, *, device: str = "cpu", dtype: str = "float32"
    ) -> None:
        self.path, self.spec = Path(path), spec
        if not (self.path / "config.json").is_file():
            raise ConfigurationError(f"{self.path}: no checkpoint of transformers (config.json)")
        _check(self.path / "config.json")
        with _in_words(self.path):
            config = AutoConfig.from_pretrained(self.path, **OWN)
            tokenizer = AutoTokenizer.from_pretrained(self.path, **OWN)
            decoder = _decoder(self.path, dtype)
        self.tokens = Tokens(_backend(tokenizer))
        self.frame = _frame(tokenizer, spec)
        head = _head(self.path, spec, self.tokens, decoder)
        self.network = Scored(decoder, head).to(device).eval().requires_grad_(False)
        self.device, self.dtype = torch.device(device), decoder.dtype
        self.shape = _shape(config, self.network)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Return an array on the device."""
        return torch.zeros(shape, dtype=self.dtype, device=self.device)

    def run(self, ids: Any, positions: Any, mask: Any, past: Array) -> tuple[Any, Array]:
        """Compute; see `Network.run`."""
        hidden = torch.from_numpy(mask).to(self.device, self.dtype)
        with torch.inference_mode():
            rows, made = self.network(
                torch.from_numpy(ids).to(self.device),
                torch.from_numpy(positions).to(self.device),
                hidden.clamp(min=torch.finfo(self.dtype).min),
                past,
            )
        return rows.float().cpu().numpy(), made


def _check(file: Path) -> None:
    """Raise ConfigurationError unless a checkpoint's config.json names a known architecture."""
    try:
        kind = json.loads(file.read_text())["model_type"]
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{file}: no configuration with a model_type") from None
    if kind not in KNOWN:
        raise ConfigurationError(
            f"model_type {kind!r}: known are {', '.join(KNOWN)}; serve another one, and ask it "
            "from a verifier function of your own"
        )


def _backend(tokenizer: Any) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ConfigurationError("the checkpoint has no fast tokenizer (tokenizer.json)")
    return backend


def _frame(tokenizer: Any, spec: PRMSpec) -> Frame:
    def render(messages: Sequence[Any]) -> str:
        text = tokenizer.apply_chat_template(list(messages), tokenize=False)
        return str(text)

    return frame_of(spec, render if tokenizer.chat_template else None, tokenizer.bos_token or "")


def _decoder(path: Path, dtype: str) -> Any:
    """Load the decoder; raises ConfigurationError where the checkpoint lacks a weight of it."""
    with _quietly():  # the head that a decoder has no use for is reported there, and read here
        decoder, told = AutoModel.from_pretrained(
            path,
            dtype=dtype,
            attn_implementation="sdpa",
            output_loading_info=True,
            **OWN,
        )
    # transformers draws at random what is missing, and the scores would be those of nobody
    odd = [*told["missing_keys"], *told["mismatched_keys"]]
    odd += [name for name in told["unexpected_keys"] if not name.startswith(UNREAD)]
    odd = sorted(str(name) for name in odd if "rotary_emb.inv_freq" not in str(name))
    if odd:
        raise ConfigurationError(
            f"{path}: {len(odd)} weights do not fit the architecture, such as {odd[0]}"
        )
    return decoder


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what transformers raises of a folder that lacks something into a ConfigurationError."""
    try:
        yield
    except ConfigurationError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {' '.join(str(error).split())}") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep transformers from drawing bars and writing reports on stderr."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()


def _head(path: Path, spec: PRMSpec, tokens: Tokens, decoder: Any) -> nn.Sequential:
    """Return the head that the spec reads; raises ConfigurationError if it is not there."""
    if isinstance(spec.readout, TokenPair):
        pair = [tokens.single(spec.readout.good), tokens.single(spec.readout.bad)]
        table = _weights(path, ("lm_head.",)).get("lm_head.weight")
        if table is None and decoder.config.tie_word_embeddings:
            table = decoder.get_input_embeddings().weight
        if table is None:
            raise ConfigurationError(f"{path}: it has no lm_head, of which {spec.readout} is read")
        return nn.Sequential(_linear(table[pair], None, decoder))
    found = _weights(path, tuple(f"{name}." for name in HEADS))
    names = sorted(name.removesuffix("weight") for name in found if name.endswith("weight"))
    layers = [_linear(found[f"{n}weight"], found.get(f"{n}bias"), decoder) for n in names]
    if not layers:
        raise ConfigurationError(f"{path}: it has no head that scores ({', '.join(HEADS)})")
    outputs, readout = layers[-1].out_features, spec.readout
    fits = readout.label < outputs > 1 if isinstance(readout, Labels) else outputs == 1
    if not fits:
        raise ConfigurationError(
            f"{path}: its head has {outputs} outputs, which do not fit {readout}"
        )
    # where there are two layers, as in Qwen2.5-Math-PRM, they have a ReLU between them
    parts = [part for layer in layers for part in (layer, nn.ReLU())][:-1]
    return nn.Sequential(*parts)


def _linear(weight: Any, bias: Any, decoder: Any) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return layer.to(decoder.dtype)


def _weights(path: Path, beginnings: tuple[str, ...]) -> dict[str, Any]:
    """Return the weights of a checkpoint whose names begin so."""
    found: dict[str, Any] = {}
    for file in _files(path, beginnings):
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt") as held:
                names = [name for name in held.keys() if name.startswith(beginnings)]  # noqa: SIM118
                found |= {name: held.get_tensor(name) for name in names}
        else:
            loaded = torch.load(file, map_location="cpu", weights_only=True)
            found |= {name: loaded[name] for name in loaded if name.startswith(beginnings)}
    return found


def _files(path: Path, beginnings: tuple[str, ...]) -> list[Path]:
    """Return the files that hold the weights whose names begin so."""
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (path / name).is_file():
            return [path / name]
        index = path / f"{name}.index.json"
        if index.is_file():
            places = json.loads(index.read_text())["weight_map"]
            return sorted({path / places[key] for key in places if key.startswith(beginnings)})
    raise ConfigurationError(f"{path}: no weights (model.safetensors or pytorch_model.bin)")


def _shape(config: Any, network: Scored) -> Shape:
    slides = getattr(config, "sliding_window", None)
    if "sliding_attention" not in (getattr(config, "layer_types", None) or ["sliding_attention"]):
        slides = None
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    weights = sum(parameter.numel() for parameter in network.parameters())
    return Shape(
        layers=config.num_hidden_layers,
        heads=config.num_key_value_heads,
        head=head,
        outputs=network.head[-1].out_features,
        # beyond a window that slides, older keys would have to be hidden again
        window=min(config.max_position_embeddings, slides or config.max_position_embeddings),
        parameters=weights - network.decoder.get_input_embeddings().weight.numel(),
    )
