"""The network of the process reward model: a reader, and a judge over what the reader saw.

The reader is a language model like the generator, trained on right lines; it says how likely each
token was. The judge reads, for every token, the reader's state before and at it, its embedding and
its log-probability. It sees a whole line at once, also what comes after a token, which is what
makes checking a sum easier than writing it from left to right; it never sees later lines, so a
score of a line is the same for a partial solution and for the full one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from verifier_agent.embedded.tokenizer import END_ID, IDS, NEWLINE_ID, PAD_ID
from verifier_agent.embedded.transformer import (
    Floats,
    Ints,
    LanguageModel,
    Stack,
    log_softmax,
    normalised,
)
from verifier_agent.embedded.weights import shipped

EQUALS_ID = IDS["="]


class Judge:
    """Gives each part of a line, up to "=" or the line's end, a chance to be right."""

    def __init__(self, arrays: Mapping[str, Floats], about: Mapping[str, int]) -> None:
        self.reader = LanguageModel(arrays, about["heads"], "reader.")
        self.stack = Stack(arrays, "judge.blocks", about["heads"])
        self._mix = arrays["judge.mix.weight"]
        self._head = arrays["judge.head.weight"]
        self.parameters = sum(matrix.size for matrix in arrays.values())

    def scores(self, question: Sequence[int], solutions: Sequence[Sequence[int]]) -> list[Floats]:
        """Return P(right) of each line of each solution, given as closed token ids.

        The question is read once for all of them.
        """
        longest = max(map(len, solutions))
        tokens = np.full((len(solutions), longest), PAD_ID, np.int64)
        for row, solution in enumerate(solutions):
            tokens[row, : len(solution)] = solution
        chances = self._chances(np.array(question, np.int64), tokens)
        return [
            _by_line(row[: len(solution)], chances[at, : len(solution)])
            for at, (row, solution) in enumerate(zip(tokens, solutions, strict=True))
        ]

    def _chances(self, question: Ints, tokens: Ints) -> Floats:
        """Return P(right) at every place of the solutions, (batch, time)."""
        batch, time = tokens.shape
        width, reader = self.stack.width, self.reader
        cache, asked = reader.question(question.tolist())
        states = reader.states(tokens, cache.repeated(batch, len(question) + time))
        before = np.concatenate([np.repeat(asked[:, -1:], batch, axis=0), states[:, :-1]], axis=1)
        logs = log_softmax(reader.logits(before))
        taken = np.take_along_axis(logs, tokens[..., None], axis=-1)
        seen = np.concatenate([taken, taken - logs.max(axis=-1, keepdims=True)], axis=-1)

        nothing = np.zeros((1, 1, width), np.float32)
        asked_before = np.concatenate([nothing, asked[:, :-1]], axis=1)
        unseen = np.zeros((1, len(question), 2), np.float32)
        told = self._mixed(asked_before, asked, question[None], unseen)
        memory = self.stack.cache(1, len(question))
        self.stack.read(told, memory)
        lines = _line_numbers(tokens)
        mask = np.ones((batch, time, len(question) + time), bool)
        mask[:, :, len(question) :] = lines[:, None, :] <= lines[:, :, None]
        judged = self.stack.read(
            self._mixed(before, states, tokens, seen),
            memory.repeated(batch, len(question) + time),
            mask,
        )
        chances: Floats = 1 / (1 + np.exp(-(judged @ self._head)[..., 0]))
        return chances

    def _mixed(self, before: Floats, at: Floats, tokens: Ints, seen: Floats) -> Floats:
        """Put together what the judge reads of each token; (batch, time, width)."""
        told = np.concatenate([before, at, self.reader.embedding[tokens], seen], axis=-1)
        mixed: Floats = normalised(told @ self._mix)
        return mixed


def judge() -> Judge:
    """Return the shipped reward model's network."""
    return shipped("reward_model.npz", Judge)


def closed(ids: Sequence[int], ended: bool) -> list[int]:
    """Close the last line of a solution: by <end> if it `ended`, else by a line break.

    Blank lines are dropped.
    """
    kept: list[int] = []
    for token in ids:
        if token != NEWLINE_ID or (kept and kept[-1] != NEWLINE_ID):
            kept.append(token)
    if kept and kept[-1] == NEWLINE_ID:
        kept.pop()
    return [*kept, END_ID if ended else NEWLINE_ID] if kept else []


def _line_numbers(tokens: Ints) -> Ints:
    """Return the line of each token, (batch, time), its line break included; filler comes last."""
    breaks = (tokens == NEWLINE_ID).astype(np.int64)
    numbers = breaks.cumsum(axis=1) - breaks
    ordered: Ints = np.where(tokens == PAD_ID, tokens.shape[1], numbers)
    return ordered


def _by_line(tokens: Ints, chances: Floats) -> Floats:
    """Multiply the chances of each line's parts; (lines,)."""
    scores, score = [], 1.0
    for token, chance in zip(tokens.tolist(), chances.tolist(), strict=True):
        if token in (EQUALS_ID, NEWLINE_ID, END_ID):
            score *= chance
        if token in (NEWLINE_ID, END_ID):
            scores.append(score)
            score = 1.0
    return np.array(scores, np.float32)
