"""The network of the process reward model: a reader, and a judge over what the reader saw.

The reader is a language model like the generator, trained on right lines; it says how likely each
token was. The judge reads, for every token, the reader's state before and at it, its embedding and
its log-probability. It sees a whole line at once, also what comes after a token, which is what
makes checking a sum easier than writing it from left to right; it never sees later lines, so a
score of a line is the same for a partial solution and for the full one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

import numpy as np

from verifier_agent.embedded.passages import KEPT_BYTES, Passage, Passages
from verifier_agent.embedded.tokenizer import END_ID, IDS, NEWLINE_ID
from verifier_agent.embedded.transformer import (
    Cache,
    Floats,
    Ints,
    LanguageModel,
    Stack,
    log_softmax,
    normalised,
)
from verifier_agent.embedded.weights import shipped

EQUALS_ID = IDS["="]
PART_ENDS = (EQUALS_ID, NEWLINE_ID, END_ID)
NOWHERE = np.array([], np.int64)


class Judge:
    """Gives each part of a line, up to "=" or the line's end, a chance to be right.

    What it read of the questions and lines judged last is kept, so that of a solution only the
    lines behind the longest known beginning are computed, be that from another call or from
    another solution of the same one.
    """

    def __init__(
        self, arrays: Mapping[str, Floats], about: Mapping[str, int], kept_bytes: int = KEPT_BYTES
    ) -> None:
        self.reader = LanguageModel(arrays, about["heads"], "reader.")
        self.stack = Stack(arrays, "judge.blocks", about["heads"])
        self._mix = arrays["judge.mix.weight"]
        self._head = arrays["judge.head.weight"]
        self.passages: Passages[Passage] = Passages(kept_bytes)
        self.parameters = sum(matrix.size for matrix in arrays.values())

    def scores(self, question: Sequence[int], solutions: Sequence[Sequence[int]]) -> list[Floats]:
        """Return P(right) of each line of each solution, given as closed token ids.

        One after another: beginnings that they share are read once, and a matrix of one solution's
        lines is large enough. What was judged before changes scores by no more than rounding.
        """
        return [self._scores([question, *lines(solution)]) for solution in solutions]

    def _scores(self, path: Sequence[Sequence[int]]) -> Floats:
        """Return P(right) of each line behind the question."""
        passages = self.passages.known(path)
        if len(passages) < len(path):
            room = sum(map(len, path))
            reader, judge = self.reader.stack.cache(1, room), self.stack.cache(1, room)
            for passage in passages:
                reader.extend(passage.reader)
                judge.extend(passage.judge)
            if not passages:
                passages.append(self._question(path[0], reader, judge))
            if fresh := path[len(passages) :]:
                passages += self._lines(fresh, passages[-1].state, reader, judge)
        self.passages.keep(path, passages)
        return np.array([passage.score for passage in passages[1:]], np.float32)

    def _question(self, ids: Sequence[int], reader: Cache, judge: Cache) -> Passage:
        """Read a question; all of it is seen at once."""
        tokens = np.array([ids])
        states = self.reader.stack.read(self.reader.embedding[tokens], reader)
        before = np.pad(states[:, :-1], ((0, 0), (1, 0), (0, 0)))
        unseen = np.zeros((1, len(ids), 2), np.float32)
        self.stack.read(self._mixed(before, states, tokens, unseen), judge, wanted=NOWHERE)
        return Passage(reader.part(0, len(ids)), judge.part(0, len(ids)), states[:, -1:].copy())

    def _lines(
        self, fresh: Sequence[Sequence[int]], state: Floats, reader: Cache, judge: Cache
    ) -> list[Passage]:
        """Read fresh lines behind what the caches hold, which left the reader in `state`."""
        start, tokens = reader.length, np.array([[*chain.from_iterable(fresh)]])
        states = self.reader.states(tokens, reader)
        before = np.concatenate([state, states[:, :-1]], axis=1)
        logs = log_softmax(self.reader.logits(before))
        taken = np.take_along_axis(logs, tokens[..., None], axis=-1)
        seen = np.concatenate([taken, taken - logs.max(axis=-1, keepdims=True)], axis=-1)

        line = np.repeat(np.arange(len(fresh)), [len(ids) for ids in fresh])
        mask = (line <= line[:, None]).astype(np.float32)
        ends = np.flatnonzero(np.isin(tokens[0], PART_ENDS))
        judged = self.stack.read(self._mixed(before, states, tokens, seen), judge, mask, ends)
        chances = 1 / (1 + np.exp(-(judged[0] @ self._head)[:, 0]))

        places = pairwise(np.cumsum([0, *map(len, fresh)]).tolist())
        return [
            Passage(
                reader.part(start + first, start + end),
                judge.part(start + first, start + end),
                states[:, end - 1 : end].copy(),
                float(chances[line[ends] == at].prod()),
            )
            for at, (first, end) in enumerate(places)
        ]

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


def lines(solution: Sequence[int]) -> list[Sequence[int]]:
    """Cut a closed solution into lines, each with the token that closes it."""
    ends = [at + 1 for at, token in enumerate(solution) if token in (NEWLINE_ID, END_ID)]
    return [solution[start:end] for start, end in pairwise([0, *ends])]
