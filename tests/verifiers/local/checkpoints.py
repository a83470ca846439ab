"""Small checkpoints of real architectures, with tokenizers of their kinds; made, not downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

QUESTION = "Mia has 37 apples. Ann has 6 times as many. How many do they have?"
STEPS = (
    "Ann has 6 * 37 = 222 apples.",
    "Together they have 222 + 37 = 259 apples.",
    "So the answer is 259.",
)
CORPUS = [QUESTION, *STEPS, "Step 1: it is so. Step 2: the sum + the rest - 1", "0123456789 " * 4]
VOCABULARY = 400
WIDTH, LAYERS = 64, 2

QWEN_CHAT = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}"
    "<|im_start|>system\nYou are helpful.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
LLAMA_CHAT = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
)


def byte_level(specials: list[str]) -> Tokenizer:
    """Return a tokenizer of Qwen's and Llama 3's kind."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY - len(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in specials])
    return tokenizer


def sentence_piece(specials: list[str]) -> Tokenizer:
    """Return a tokenizer of Llama 2's and Mistral's kind: spaces are letters, a first one added."""
    tokenizer = Tokenizer(BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    told = [text.replace(" ", "▁") for text in [*CORPUS, *[" ки", " +", " -"] * 9]]
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<unk>", *specials, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.normalizer, own = normalizers.Sequence([]), tokenizer.normalizer
    tokenizer.train_from_iterator(told, trainer)
    tokenizer.normalizer = own
    first = specials[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A", special_tokens=[(first, tokenizer.token_to_id(first))]
    )
    return tokenizer


def tokenizer_of(kind: str, bos: bool = False) -> Any:
    """Return a tokenizer of transformers: "qwen", "llama" or "mistral"."""
    from transformers import PreTrainedTokenizerFast

    if kind == "qwen":
        specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<extra_0>"]
        given = {"chat_template": QWEN_CHAT, "pad_token": specials[0], "eos_token": specials[2]}
        given |= {"bos_token": specials[0]} if bos else {}
        return PreTrainedTokenizerFast(tokenizer_object=byte_level(specials), **given)
    if kind == "llama":
        specials = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
        built = byte_level(specials)
        built.post_processor = processors.TemplateProcessing(
            single=f"{specials[0]} $A",
            special_tokens=[(specials[0], built.token_to_id(specials[0]))],
        )
        return PreTrainedTokenizerFast(
            tokenizer_object=built,
            bos_token=specials[0],
            eos_token=specials[3],
            pad_token=specials[3],
            chat_template=LLAMA_CHAT,
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=sentence_piece(["<s>", "</s>"]),
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        unk_token="<unk>",
    )


def config_of(kind: str, **more: Any) -> Any:
    """Return a small configuration of an architecture: llama, mistral, qwen2, qwen3."""
    import transformers

    named = {
        "llama": "LlamaConfig",
        "mistral": "MistralConfig",
        "qwen2": "Qwen2Config",
        "qwen3": "Qwen3Config",
    }
    return getattr(transformers, named[kind])(
        vocab_size=VOCABULARY + 300,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        intermediate_size=96,
        max_position_embeddings=2048,
        initializer_range=0.3,  # else a random model says the same of everything
        pad_token_id=0,
        **more,
    )


def saved(path: Path, model: Any, kind: str, **more: Any) -> Any:
    """Write a checkpoint; return its tokenizer as transformers reads it."""
    from transformers import AutoTokenizer

    model.eval().save_pretrained(path)
    tokenizer_of(kind, **more).save_pretrained(path)
    return AutoTokenizer.from_pretrained(path)
