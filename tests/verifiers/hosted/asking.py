"""What the tests of hosted reward models share: answers, their rewards, and how wires are asked."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from verifier_agent.testing import RewardServer
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.hosted import WIRES, HostedRewardModel, Wire
from verifier_agent.verifiers.local import PRESETS, Labels, PRMSpec

TASK = Task(question="What is 17 + 25?")
STEPS = Candidate(id="g3", text="First 17 + 25.\n\nThat is [1.5] so far.\n\nSo it is [-0.75].")
ANSWERS = (
    Candidate(id="g0", text="I think [-1.25]."),
    Candidate(id="g1", text="It is 42 [2.5]."),
    Candidate(id="g2", text="Perhaps [0.5]."),
)
REWARDS = {"g0": -1.25, "g1": 2.5, "g2": 0.5}
TEMPLATE = "Q: {question}\nA: {answer}\nEnd."


def rate(text: str) -> float:
    """Return the number in the last brackets of a text; 0.25 if there is none."""
    found = re.findall(r"\[(-?\d+\.\d+)\]", text[-1000:])
    return float(found[-1]) if found else 0.25


def sigmoid(number: float) -> float:
    return 1 / (1 + math.exp(-number))


@dataclass(frozen=True)
class Way:
    """One wire, with a server that speaks it and the settings that it is asked with."""

    wire: Wire
    settings: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    raw: str = "logit"
    """What the rewards are: "logit", or "probability"."""

    @property
    def title(self) -> str:
        name = f"{self.wire.name}-{self.wire.dialect}"
        return f"{name}-{self.raw}" if self.settings.get("scale") or self.server else name

    def expected(self, logit: float) -> float:
        """Return the raw reward that a logit comes as."""
        return logit if self.raw == "logit" else sigmoid(logit)


def _dialect(wire: Wire) -> Any:
    return {"vllm-generative": "vllm"}.get(wire.dialect, wire.dialect)


CHAT_LABELS = PRMSpec(layout="chat", read="end", readout=Labels(label=1))
_LABELLED = {"labels": 2}


def _ways() -> list[Way]:
    found = []
    for wire in WIRES:
        match wire.name, wire.dialect:
            case "pooling" | "classify", "vllm":
                found += [
                    Way(wire, {"scale": "logit"}),
                    Way(wire, {"scale": "logit", "template": TEMPLATE}, raw="logit"),
                    Way(wire, {"spec": CHAT_LABELS}, _LABELLED, "probability"),
                ]
            case "pooling", "sglang":
                found += [
                    Way(wire, {"scale": "logit", "template": TEMPLATE}),
                    Way(
                        wire,
                        {"spec": CHAT_LABELS, "template": TEMPLATE},
                        _LABELLED,
                        "probability",
                    ),
                ]
            case "classify", "sglang":
                settings = {"spec": CHAT_LABELS, "template": TEMPLATE}
                found.append(Way(wire, settings, _LABELLED, "probability"))
            case "classify", "tei":
                found += [
                    Way(wire, {"scale": "logit"}),
                    Way(wire, {"spec": CHAT_LABELS}, _LABELLED, "probability"),
                    Way(
                        wire,
                        {"scale": "probability", "attribute": "LABEL_1"},
                        _LABELLED,
                        "probability",
                    ),
                ]
            case "rerank", "vllm" | "tei":
                found += [
                    Way(wire, {"scale": "logit"}),
                    Way(wire, {"scale": "probability"}, raw="probability"),
                ]
            case "rerank", "llama.cpp":
                found.append(Way(wire, {"scale": "logit"}))
            case "rerank", _:
                found.append(Way(wire, {"scale": "probability"}, raw="probability"))
            case "score", "vllm":
                found += [
                    Way(wire, {"scale": "logit"}),
                    Way(wire, {"scale": "probability"}, raw="probability"),
                ]
            case "score", _:
                settings = {"label_token_ids": (648, 387), "template": TEMPLATE}
                found.append(Way(wire, settings, {"label_ids": (648, 387)}, "probability"))
            case "chat_reward", _:
                found.append(Way(wire, {"scale": "logit"}))
            case "chat_logprob", _:
                found.append(Way(wire, {}, raw="probability"))
    return found


WAYS = _ways()
STEP_SPEC, PAIR_SPEC = PRESETS["qwen2.5-math-prm"], PRESETS["math-shepherd"]


def _step_ways() -> list[Way]:
    pooling, score = (
        w for w in WIRES if (w.name, w.dialect) in (("pooling", "vllm"), ("score", "sglang"))
    )
    ids = {"label_token_ids": (648, 387), "step_token_id": 12902}
    return [
        Way(pooling, {"spec": STEP_SPEC}, {"labels": 2, "mark": "<extra_0>"}, "probability"),
        Way(pooling, {"spec": PAIR_SPEC}, {"labels": 2, "good": 0, "mark": " ки"}, "probability"),
        Way(
            score,
            {"spec": PAIR_SPEC, **ids},
            {"mark": " ки", "mark_id": 12902, "label_ids": (648, 387)},
            "probability",
        ),
    ]


STEP_WAYS = _step_ways()


def serve(way: Way, **more: Any) -> RewardServer:
    """Return a server that speaks the way's wire."""
    return RewardServer(rate, dialect=_dialect(way.wire), **{**way.server, **more})


def verifier(way: Way, server: RewardServer, **more: Any) -> HostedRewardModel:
    """Return the reward model behind it."""
    settings: dict[str, Any] = {
        "wire": way.wire.name,
        "dialect": way.wire.dialect,
        "model": "any",
        "api_key": "a-key",
        **way.settings,
        **more,
    }
    return HostedRewardModel(server.url, **settings)


async def ask(
    one: HostedRewardModel, way: str, candidates: Sequence[Candidate] = ANSWERS, task: Task = TASK
) -> list[Verdict]:
    """Ask with an event loop or without one."""
    if way == "async":
        return await one.verify(task, candidates)
    return await asyncio.to_thread(one.verify_sync, task, candidates)
