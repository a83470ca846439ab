"""The reward model in torch, for training; `embedded.judge` says how it works."""

from __future__ import annotations

from typing import NamedTuple

from verifier_agent.embedded.tokenizer import NEWLINE_ID, PAD_ID
from verifier_agent.errors import MissingExtra
from verifier_agent.training.generator import SIZE
from verifier_agent.training.network import Block, LanguageModel, Size, rotary

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtra("training the embedded models", "train") from error

JUDGE_SIZE = Size(layers=3, width=SIZE.width, heads=SIZE.heads)


class Output(NamedTuple):
    """What the reward model says at every place; (batch, time) but for the last."""

    parts: Tensor
    """Logit that the part which ends here is right."""
    tokens: Tensor
    """Logit that the token here is right; only for training."""
    next_tokens: Tensor
    """The reader's logits, (batch, time, vocabulary)."""


def line_numbers(tokens: Tensor, question: Tensor) -> Tensor:
    """Return the line of each token, (batch, time): 0 in the question, then from 1; filler last."""
    solution = torch.arange(tokens.shape[1]) >= question[:, None]
    breaks = (tokens == NEWLINE_ID).long()
    numbers = (breaks.cumsum(1) - breaks + 1) * solution
    return numbers.masked_fill(tokens == PAD_ID, tokens.shape[1])


class Judge(nn.Module):  # type: ignore[misc]
    """Blocks over what the reader saw, and one number per place."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.mix = nn.Linear(3 * size.width + 2, size.width, bias=False)
        self.blocks = nn.ModuleList(Block(size.width, size.heads) for _ in range(size.layers))
        self.head = nn.Linear(size.width, 1, bias=False)
        self.digits = nn.Linear(size.width, 1, bias=False)

    def forward(self, told: Tensor, lines: Tensor) -> Tensor:
        """Map what is told of each token to states, (batch, time, width)."""
        width = self.size.width
        mask = (lines[:, None, :] <= lines[:, :, None])[:, None]
        turn = rotary(told.shape[1], width // self.size.heads)
        x = F.rms_norm(self.mix(told), (width,))
        for block in self.blocks:
            x = block(x, mask, turn)
        return F.rms_norm(x, (width,))


class RewardModel(nn.Module):  # type: ignore[misc]
    """Reader and judge."""

    def __init__(self, vocabulary: int, reader: Size = SIZE, judge: Size = JUDGE_SIZE) -> None:
        super().__init__()
        self.reader = LanguageModel(vocabulary, reader)
        self.judge = Judge(judge)

    def forward(self, tokens: Tensor, question: Tensor) -> Output:
        """Judge (batch, time) tokens whose first `question` (batch,) are the question."""
        reader = self.reader
        states = reader.states(tokens, question)
        logits = reader.head(states)
        before = F.pad(states[:, :-1], (0, 0, 1, 0))
        logs = F.pad(logits[:, :-1].log_softmax(-1), (0, 0, 1, 0))
        taken = logs.gather(-1, tokens[..., None])
        seen = torch.cat([taken, taken - logs.amax(-1, keepdim=True)], dim=-1)
        seen = seen * (torch.arange(tokens.shape[1]) >= question[:, None])[..., None]
        width = (reader.size.width,)
        told = torch.cat([before, states, F.rms_norm(reader.embedding(tokens), width), seen], -1)
        judged = self.judge(told, line_numbers(tokens, question))
        parts, inside = self.judge.head(judged)[..., 0], self.judge.digits(judged)[..., 0]
        return Output(parts, inside, logits)
