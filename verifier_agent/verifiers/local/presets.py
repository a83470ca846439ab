"""Presets: how well-known reward models are read, as their model cards and papers say. Data."""

from __future__ import annotations

from types import MappingProxyType

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.verifiers.local.spec import Labels, Number, PRMSpec, TokenPair

_QWEN_SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."

PRESETS = MappingProxyType(
    {
        # Qwen2.5-Math-PRM-7B and -72B: model card; 2501.07301
        "qwen2.5-math-prm": PRMSpec(
            layout="chat",
            system=_QWEN_SYSTEM,
            mark="<extra_0>",
            read="mark",
            readout=Labels(label=1),
            aggregate="product",
        ),
        # Qwen2.5-Math-RM-72B: model card; 2409.12122
        "qwen2.5-math-rm": PRMSpec(
            layout="chat", system=_QWEN_SYSTEM, read="end", readout=Number(), scale="logit"
        ),
        # math-shepherd-mistral-7b-prm: model card; 2312.08935
        "math-shepherd": PRMSpec(
            layout="plain",
            question="{question} ",
            step="Step {number}: {step}",
            mark=" ки",
            joint="\n",
            read="mark",
            readout=TokenPair(good="+", bad="-"),
            split=r"\n+",
        ),
        # Llama3.1-8B-PRM-Deepseek-Data and -Mistral-Data: RLHFlow/RLHF-Reward-Modeling, math-rm
        "rlhflow-prm": PRMSpec(
            layout="turns",
            question="{question} ",
            mark="+",
            read="before_mark",
            readout=TokenPair(good="+", bad="-"),
            aggregate="last",
        ),
        # Skywork-o1-Open-PRM-Qwen-2.5-1.5B and -7B: SkyworkAI/skywork-o1-prm-inference
        "skywork-o1-prm": PRMSpec(
            layout="plain",
            question="{bos}{question}\n",
            mark="\n",
            encoding="pieces",
            read="mark",
            readout=Number(),
            scale="logit",
            split=r"\n+",
            aggregate="mean",
        ),
        # Skywork-Reward-V2 (Qwen3 and Llama, 0.6B to 8B): model card; 2507.01352
        "skywork-reward-v2": PRMSpec(layout="chat", read="end", readout=Number(), scale="logit"),
        # PURE-PRM-7B: model card; 2504.15275
        "pure-prm": PRMSpec(
            layout="plain",
            mark="\n",
            encoding="pieces",
            read="mark",
            readout=Labels(label=1),
            scale="signed",
        ),
        # what trl.PRMTrainer trains, with its default separator
        "trl-prm": PRMSpec(
            layout="plain",
            question="{bos}{question}",
            mark="\n",
            encoding="pieces",
            read="mark",
            readout=Labels(label=1),
            split=r"\n+",
        ),
        # a sequence classifier over a chat that is shown each beginning of an answer: ProRAG
        "prefix-classifier": PRMSpec(
            layout="chat",
            joint="\n\n",
            read="each_prefix",
            readout=Number(),
            scale="logit",
            aggregate="last",
        ),
    }
)
"""By name."""


def preset(name: str) -> PRMSpec:
    """Return the preset of that name; ConfigurationError if there is none."""
    if name not in PRESETS:
        raise ConfigurationError(f"unknown preset {name!r}{nearest(name, PRESETS)}")
    return PRESETS[name]
