"""Routes that score a question with answers: `/score`, and `/rerank` in its many forms. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from verifier_agent.testing.rewards.heads import (
    Answered,
    Head,
    Json,
    Refusal,
    Route,
    activation,
    answered,
    listing,
    sigmoid,
    within,
)


def pairs_of(body: dict[str, Any], queries: str, documents: str) -> list[tuple[str, str]]:
    """Return question and answer of each pair, one question for all or one for each."""
    asked, given = body.get(queries), body.get(documents)
    answers = [given] if isinstance(given, str) else given
    if not asked or not isinstance(answers, list) or not all(isinstance(a, str) for a in answers):
        raise Refusal(422, f"{queries} and {documents}: texts are needed")
    questions = [asked] * len(answers) if isinstance(asked, str) else asked
    return list(zip(questions, answers, strict=True))


def score(head: Head, body: dict[str, Any]) -> Answered:
    """Answer vLLM's `/score`."""
    pairs, activate = pairs_of(body, "queries", "documents"), activation(body)
    tokens = within(head, [f"{q} {a}" for q, a in pairs])
    rows = [
        {"index": index, "object": "score", "score": _made(head.pair(*pair), activate)}
        for index, pair in enumerate(pairs)
    ]
    return listing(head, rows, tokens)


def _made(logit: float, activate: bool) -> float:
    return sigmoid(logit) if activate else logit


Form = Literal["results", "data", "bare", "bare_document", "texts"]


def rerank(form: Form, top: str = "top_n", *, raw: bool = False) -> Route:
    """Return a route that answers `/rerank`, sorted by score, in one of the forms."""

    def route(head: Head, body: dict[str, Any]) -> Answered:
        tei = form == "texts"
        pairs = pairs_of(body, "query", "texts" if tei else "documents")
        tokens = within(head, [f"{q} {a}" for q, a in pairs], 413 if tei else 400)
        activate = not raw and body.get("raw_scores") is not True
        activate = activate and (body.get("use_activation") is not False)
        name = "relevance_score" if form in ("results", "data") else "score"
        rows: list[dict[str, Any]] = [
            {"index": index, name: _made(head.pair(*pair), activate)}
            | ({"document": pair[1]} if form == "bare_document" else {})
            | ({"document": {"text": pair[1]}} if form == "results" and not raw else {})
            for index, pair in enumerate(pairs)
        ]
        rows.sort(key=lambda row: -row[name])
        rows = rows[: body.get(top) or len(rows)]
        if form == "bare_document":
            rows = [{**row, "meta_info": {"prompt_tokens": 0}} for row in rows]
            rows[0]["meta_info"] = {"prompt_tokens": tokens}
        if form in ("bare_document", "texts"):
            return answered(rows, tokens, **({"x-compute-tokens": str(tokens)} if tei else {}))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return answered({"model": head.model, form: rows, "usage": usage}, tokens)

    return route


def rerank_of_llama(head: Head, body: dict[str, Any]) -> Answered:
    """Answer llama.cpp's `/rerank`: unbounded scores; TEI's form for a body like TEI's."""
    form: Form = "texts" if "texts" in body else "results"
    return rerank(form, raw=True)(head, body)


def rerank_of_cohere(head: Head, body: dict[str, Any]) -> Answered:
    """Answer Cohere's `/v2/rerank`; what is too long is cut, and a warning says so."""
    pairs = pairs_of(body, "query", "documents")
    cut = any(head.count(answer) > head.window for _, answer in pairs)
    found = rerank("results")(_endless(head), body)
    results = [{key: row[key] for key in ("index", "relevance_score")} for row in _results(found)]
    meta: dict[str, Json] = {
        "api_version": {"version": "2"},
        "billed_units": {"search_units": 1},
        "tokens": {"input_tokens": float(found.tokens)},
    }
    if cut:
        meta["warnings"] = ["a document was truncated to the most tokens per document"]
    return answered({"id": "loopback", "results": results, "meta": meta}, found.tokens)


def rerank_of_jina(head: Head, body: dict[str, Any]) -> Answered:
    """Answer Jina's `/v1/rerank`."""
    found = rerank("results")(_endless(head), body)
    results = [{key: row[key] for key in ("index", "relevance_score")} for row in _results(found)]
    usage = {"total_tokens": found.tokens}
    return answered({"model": head.model, "results": results, "usage": usage}, found.tokens)


def rerank_of_voyage(head: Head, body: dict[str, Any]) -> Answered:
    """Answer Voyage's `/v1/rerank`."""
    reads = head if body.get("truncation") is False else _endless(head)
    found = rerank("data", "top_k")(reads, body)
    usage = {"total_tokens": found.tokens}
    whole = {"object": "list", "data": found.body["data"], "model": head.model, "usage": usage}
    return answered(whole, found.tokens)


def _results(found: Answered) -> list[dict[str, Json]]:
    rows: list[dict[str, Json]] = found.body["results"]
    return rows


def _endless(head: Head) -> Head:
    return replace(head, window=1 << 30)
