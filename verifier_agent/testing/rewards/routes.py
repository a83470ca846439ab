"""Which routes each kind of server has, and how it tells what it is. Data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from verifier_agent.testing.rewards.heads import Head, Route
from verifier_agent.testing.rewards.pairs import (
    rerank,
    rerank_of_cohere,
    rerank_of_jina,
    rerank_of_llama,
    rerank_of_voyage,
    score,
)
from verifier_agent.testing.rewards.texts import (
    classify,
    classify_always,
    embed,
    pooling,
    predict,
)
from verifier_agent.testing.rewards.words import (
    generative_scoring,
    label_scores,
    reward_in_chat,
    yes_no,
)

Dialect = Literal["vllm", "sglang", "tei", "llama.cpp", "nim", "cohere", "jina", "voyage", "openai"]
Task = Literal["token_classify", "classify", "generate"]
"""What a vLLM or SGLang server was started for."""
CHAT = "/v1/chat/completions"
HOSTED = ("cohere", "jina", "voyage")
"""Servers that answer nobody without a key."""

_RERANK = ("/rerank", "/v1/rerank", "/v2/rerank")
_LLAMA = ("/rerank", "/reranking", "/v1/rerank", "/v1/reranking")
_BY_TASK: Mapping[tuple[str, str], Mapping[str, Route]] = {
    ("vllm", "token_classify"): {"/pooling": pooling},
    ("vllm", "classify"): {
        "/classify": classify,
        "/score": score,
        "/v1/score": score,
        **dict.fromkeys(_RERANK, rerank("results")),
    },
    ("vllm", "generate"): {"/generative_scoring": generative_scoring, CHAT: yes_no},
    ("sglang", "classify"): {
        "/classify": embed,
        "/v1/classify": classify_always,
        "/v1/rerank": rerank("bare_document"),
    },
    ("sglang", "generate"): {"/v1/score": label_scores, CHAT: yes_no},
}
_BY_DIALECT: Mapping[str, Mapping[str, Route]] = {
    "tei": {"/predict": predict, "/rerank": rerank("texts")},
    "llama.cpp": dict.fromkeys(_LLAMA, rerank_of_llama),
    "cohere": {"/v2/rerank": rerank_of_cohere},
    "jina": {"/v1/rerank": rerank_of_jina},
    "voyage": {"/v1/rerank": rerank_of_voyage},
    "openai": {CHAT: yes_no},
}


def posts(dialect: Dialect, task: Task | None, attributes: Sequence[str]) -> dict[str, Route]:
    """Return the routes of a server that take a body. `task`: None for those of every task."""
    if dialect == "nim":
        return {CHAT: reward_in_chat(attributes)}
    found = dict(_BY_DIALECT.get(dialect, {}))
    for (whose, what), routes in _BY_TASK.items():
        if whose == dialect and task in (None, what):
            found |= routes
    return found


def gets(dialect: Dialect, head: Head) -> dict[str, Any]:
    """Return what a server tells of itself, by route."""
    owner = {"llama.cpp": "llamacpp", "nim": "vllm"}.get(dialect, dialect)
    listed = {"object": "list", "data": [{"id": head.model, "object": "model", "owned_by": owner}]}
    own: Mapping[str, dict[str, Any]] = {
        "vllm": {"/version": {"version": "0.33.0"}},
        "sglang": {"/get_model_info": {"model_path": head.model, "is_generation": False}},
        "tei": {"/info": {"model_id": head.model, "model_type": {"reranker": {}}}},
        "llama.cpp": {"/props": {"total_slots": 1}},
        "nim": {"/v1/metadata": {"version": "1.15.0", "modelInfo": []}},
    }
    models = {} if dialect in ("tei", *HOSTED) else {"/v1/models": listed}
    return {**models, **own.get(dialect, {})}
