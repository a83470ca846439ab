"""The formats that servers of reward models speak, as a table: how to ask, and how to read.

By the documentation and sources of vLLM, SGLang, TEI, llama.cpp, NIM, Cohere, Jina and Voyage of
2025 and 2026. Nothing is guessed: a server that answers in another format gives an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.verifiers.hosted import bodies, replies
from verifier_agent.verifiers.hosted.bodies import Write
from verifier_agent.verifiers.hosted.reading import Reading
from verifier_agent.verifiers.hosted.replies import Reader

WireName = Literal["pooling", "classify", "rerank", "score", "chat_reward", "chat_logprob"]
WIRE_NAMES: tuple[WireName, ...] = get_args(WireName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One format, as one kind of server speaks it."""

    name: WireName
    dialect: str
    """Whose: the server."""
    route: str
    """From the root of the server."""
    write: Write
    read: Reader
    shows: Literal["text", "chat", "either", "pair", "labels"]
    """What is sent. "text": question and answer as one text. "chat": a conversation, one in each
    request, which the server lays out. "either": texts if there is a template or a plain layout.
    "pair": one question, many answers. "labels": a text cut before the answer, and two tokens."""
    steps: bool = False
    """Whether it can give each step a reward."""
    activated: bool | None = None
    """Whether numbers of several labels come as probabilities; None: it does as it is asked."""
    probability: bool = False
    """Whether what it gives is a probability whatever is asked."""
    several: bool | None = None
    """Whether heads with several labels fit; None: they do, and so do those with one number."""
    needs: tuple[str, ...] = ()
    """The settings without which it cannot be asked."""

    @property
    def title(self) -> str:
        """Its name, and whose it is."""
        return f"wire={self.name!r}, dialect={self.dialect!r}"

    def many(self, reading: Reading) -> bool:
        """Whether one request holds several answers."""
        if self.shows == "either":
            return bool(reading.template) or reading.spec.layout == "plain"
        return self.shows != "chat"

    def check(self, reading: Reading) -> None:
        """Raise ConfigurationError unless a model that is read so can be asked on this wire."""
        spec, one_number = reading.spec, reading.spec.readout.kind == "number"
        for setting in self.needs:
            if not getattr(reading, setting):
                raise ConfigurationError(f"{self.title} needs {setting}=…")
        if reading.by_steps and not self.steps:
            raise ConfigurationError(
                f"{self.title} gives no rewards of steps, which this spec reads (read='mark')"
            )
        if self.several is not None and self.several == one_number:
            fits = "several labels" if self.several else "one number"
            raise ConfigurationError(f"{self.title} is for heads with {fits}, not {spec.readout}")
        if self.probability and (spec.scale != "probability" or reading.bounds):
            raise ConfigurationError(
                f"{self.title} gives probabilities: scale={reading.scale!r} cannot be"
            )
        laid_out = reading.template or spec.layout == "plain"
        if self.shows in ("text", "labels") and not laid_out:
            raise ConfigurationError(
                f"{self.title} takes texts, and applies no chat template: give the model's own as "
                'template="…{question}…{answer}…"'
            )
        if reading.template and (reading.by_steps or self.shows in ("chat", "pair")):
            raise ConfigurationError(
                f"template={reading.template!r}: {self.title} has no use for it here"
            )
        if self.shows == "labels" and reading.by_steps and reading.step_token_id is None:
            raise ConfigurationError(f"{self.title} finds steps by number: give step_token_id=…")
        if spec.layout == "turns":
            raise ConfigurationError("layout='turns' is for models on this machine")


_CHAT = "/v1/chat/completions"
_RESULTS = replies.ranked("results", "relevance_score")

WIRES: tuple[Wire, ...] = (
    Wire(
        name="pooling",
        dialect="vllm",
        route="/pooling",
        write=bodies.pooling,
        read=replies.pooled,
        shows="either",
        steps=True,
    ),
    Wire(
        name="pooling",
        dialect="sglang",
        route="/classify",
        write=bodies.plain_texts("text"),
        read=replies.embedded,
        shows="text",
        activated=False,
    ),
    Wire(
        name="classify",
        dialect="vllm",
        route="/classify",
        write=bodies.classify,
        read=replies.classified,
        shows="either",
    ),
    Wire(
        name="classify",
        dialect="sglang",
        route="/v1/classify",
        write=bodies.plain_texts("input"),
        read=replies.classified,
        shows="text",
        # it takes the softmax of one number too, which is 1 whatever the answer
        several=True,
    ),
    Wire(
        name="classify",
        dialect="tei",
        route="/predict",
        write=bodies.predict,
        read=replies.predicted,
        shows="pair",
    ),
    Wire(
        name="rerank",
        dialect="vllm",
        route="/v1/rerank",
        write=bodies.documents_of_vllm,
        read=_RESULTS,
        shows="pair",
        several=False,
    ),
    Wire(
        name="rerank",
        dialect="sglang",
        route="/v1/rerank",
        write=bodies.documents("top_n"),
        read=replies.ranked("", "score"),
        shows="pair",
        several=False,
    ),
    Wire(
        name="rerank",
        dialect="tei",
        route="/rerank",
        write=bodies.texts_of_tei,
        read=replies.ranked("", "score"),
        shows="pair",
        several=False,
    ),
    Wire(
        name="rerank",
        dialect="llama.cpp",
        route="/v1/rerank",
        write=bodies.documents("top_n"),
        read=_RESULTS,
        shows="pair",
        several=False,
    ),
    Wire(
        name="rerank",
        dialect="cohere",
        route="/v2/rerank",
        write=bodies.documents("top_n"),
        read=_RESULTS,
        shows="pair",
        several=False,
        needs=("model",),
    ),
    Wire(
        name="rerank",
        dialect="jina",
        route="/v1/rerank",
        write=bodies.documents("top_n", return_documents=False),
        read=_RESULTS,
        shows="pair",
        several=False,
        needs=("model",),
    ),
    Wire(
        name="rerank",
        dialect="voyage",
        route="/v1/rerank",
        write=bodies.documents("top_k", truncation=False),
        read=replies.ranked("data", "relevance_score"),
        shows="pair",
        several=False,
        needs=("model",),
    ),
    Wire(
        name="score",
        dialect="vllm",
        route="/score",
        write=bodies.pairs,
        read=replies.ranked("data", "score"),
        shows="pair",
        several=False,
    ),
    Wire(
        name="score",
        dialect="vllm-generative",
        route="/generative_scoring",
        write=bodies.labels,
        read=replies.good_share,
        shows="labels",
        probability=True,
        several=True,
        needs=("label_token_ids",),
    ),
    Wire(
        name="score",
        dialect="sglang",
        route="/v1/score",
        write=bodies.labels,
        read=replies.label_scores,
        shows="labels",
        steps=True,
        probability=True,
        several=True,
        needs=("label_token_ids",),
    ),
    Wire(
        name="chat_reward",
        dialect="nim",
        route=_CHAT,
        write=bodies.chat,
        read=replies.attributes,
        shows="chat",
        several=False,
        needs=("model",),
    ),
    Wire(
        name="chat_logprob",
        dialect="openai",
        route=_CHAT,
        write=bodies.yes_no,
        read=replies.yes_no,
        shows="chat",
        probability=True,
        several=False,
        needs=("model",),
    ),
)
"""All of them; for each name the first one is meant if no dialect is named."""


def find_wire(name: str, dialect: str | None) -> Wire:
    """Return the wire of that name and dialect; raises ConfigurationError if there is none."""
    if name not in WIRE_NAMES:
        raise ConfigurationError(f"unknown wire {name!r}{nearest(name, WIRE_NAMES)}")
    dialects = {wire.dialect: wire for wire in WIRES if wire.name == name}
    if dialect is None:
        return next(iter(dialects.values()))
    if dialect not in dialects:
        raise ConfigurationError(
            f"wire {name!r} has no dialect {dialect!r}{nearest(dialect, dialects)}"
        )
    return dialects[dialect]
